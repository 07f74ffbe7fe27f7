//! The name of a server's database without its password.

use std::borrow::Cow;

/// The name without what stands between the user and the last `@`, and without options that hold a password.
///
/// Characters of a password that should have been encoded split a name elsewhere than its author means, so all up to the last
/// `@` may belong to it.
pub(super) fn removed(name: &str) -> Cow<'_, str> {
    let (login, place, query) = parts(name);
    let user = login.map(user);
    let is_whole = user == login && query.is_none_or(|query| query.split('&').all(is_shown));
    if is_whole {
        return Cow::Borrowed(name);
    }
    let mut shown = user.map(|user| format!("{user}@")).unwrap_or_default();
    shown.push_str(place);
    let options: Vec<&str> = query.into_iter().flat_map(|query| query.split('&')).filter(|it| is_shown(it)).collect();
    if !options.is_empty() {
        shown.push('?');
        shown.push_str(&options.join("&"));
    }
    Cow::Owned(shown)
}

/// What [`removed`] takes away, piece by piece.
pub(super) fn pieces(name: &str) -> Vec<&str> {
    let (login, _, query) = parts(name);
    let behind_user = login.map(|login| &login[user(login).len()..]);
    let behind_user = behind_user.map(|behind| behind.strip_prefix(':').unwrap_or(behind));
    let options = query.into_iter().flat_map(|query| query.split('&')).filter(|option| !is_shown(option));
    let options = options.map(|option| option.split_once('=').map_or(option, |(_, value)| value));
    behind_user.into_iter().chain(options).filter(|piece| !piece.is_empty()).collect()
}

/// What stands before the last `@`, what stands behind it, and the options.
fn parts(name: &str) -> (Option<&str>, &str, Option<&str>) {
    let (login, place) = match name.rsplit_once('@') {
        Some((login, place)) => (Some(login), place),
        None => (None, name),
    };
    match place.split_once('?') {
        Some((place, query)) => (login, place, Some(query)),
        None => (login, place, None),
    }
}

fn is_shown(option: &str) -> bool {
    !option.to_ascii_lowercase().contains("pass")
}

/// The scheme and the user of `postgres://user:password`.
fn user(login: &str) -> &str {
    let begin = login.find("//").map_or(0, |at| at + 2);
    let begin = begin.max(login.find(':').map_or(0, |at| at + 1));
    let end = login[begin..].find([':', '/', '?', '@']).map_or(login.len(), |at| begin + at);
    &login[..end]
}

#[cfg(test)]
mod tests {
    use super::super::DatabaseName;

    #[test]
    fn no_part_of_a_password_is_left() {
        for (name, shown) in [
            ("postgres://u:secret@h:1/db?sslmode=require", "postgres://u@h:1/db?sslmode=require"),
            ("postgres://u:se%3Acret@h/db", "postgres://u@h/db"),
            ("postgres://u:secr@et@h/db", "postgres://u@h/db"),
            ("postgres://u:sec/r@et?x=secret@h/db", "postgres://u@h/db"),
            ("postgres://u:secret", "postgres://u:secret"),
            ("postgres://:secret@h/db", "postgres://@h/db"),
            ("postgresql://u@h/db?password=secret&schema=s", "postgresql://u@h/db?schema=s"),
            ("postgres://h/db?PASSWORD=secret", "postgres://h/db"),
            ("mysql://u:secret@h/db", "mysql://u@h/db"),
            ("postgres:u:secret@h", "postgres:u@h"),
            ("postgres://u@h/db?schema=a", "postgres://u@h/db?schema=a"),
            ("sqlite:a:b@c.db?password=x", "sqlite:a:b@c.db?password=x"),
            ("http://u:secret@h/a.db", "http://u@h/a.db"),
            ("file://a:b@c.db", "file://a:b@c.db"),
            ("a:b@c.db", "a:b@c.db"),
            ("./a@b.db", "./a@b.db"),
        ] {
            assert_eq!(DatabaseName::without_password(name), shown);
        }
    }
}
