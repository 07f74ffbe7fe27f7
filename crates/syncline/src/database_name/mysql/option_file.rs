//! The user's file of options, `~/.my.cnf`, in the format of the servers' own clients: groups in brackets, and in them lines of
//! `option=value` or `option`. `#` and `;` begin comments. Dashes and underscores in the names of options are the same.

use std::path::PathBuf;

use super::super::private_file;
use crate::database_name::server::url::Typed;

/// The groups that all clients heed, of either maker.
const GROUPS: [&str; 4] = ["client", "client-server", "client-mariadb", "client-mysql"];

/// What is taken from them.
const OPTIONS: [&str; 7] = ["host", "port", "socket", "user", "password", "ssl-ca", "ssl-mode"];

/// What the file says, and what should be said about the file.
pub(super) fn read(lookup: &dyn Fn(&str) -> Option<String>) -> (Typed, Option<String>) {
    let home = lookup("HOME").filter(|home| !home.is_empty());
    let Some(path) = home.map(|home| PathBuf::from(home).join(".my.cnf")) else { return (Typed::new(), None) };
    match private_file::read(&path) {
        Ok(text) => (options(&text), None),
        Err(private_file::Unread::Missing) => (Typed::new(), None),
        Err(private_file::Unread::Unusable(why)) => {
            (Typed::new(), Some(format!("{} was not used: {why}", path.display())))
        }
    }
}

/// The options of the groups; of one that is given twice the last counts.
fn options(text: &str) -> Typed {
    let (mut options, mut is_ours) = (Typed::new(), false);
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';', '!'])) {
        if let Some(group) = line.strip_prefix('[') {
            let name = group.split(']').next().unwrap_or_default().trim();
            is_ours = GROUPS.contains(&name);
            continue;
        }
        let (name, value) = line.split_once('=').unwrap_or((line, ""));
        let name = name.trim().replace('_', "-");
        let known = OPTIONS.into_iter().find(|known| *known == name);
        if let Some(known) = known.filter(|_| is_ours)
            && let Some(value) = value_of(value.trim())
        {
            options.insert(known, value);
        }
    }
    options
}

/// A value without its quotes, the characters behind a backslash for what they stand for, and without a comment. An empty one
/// says nothing.
fn value_of(text: &str) -> Option<String> {
    let quote = text.chars().next().filter(|first| matches!(first, '\'' | '"'));
    let inside = quote.map_or(text, |_| &text[1..]);
    let (mut value, mut characters) = (String::new(), inside.chars().peekable());
    while let Some(c) = characters.next() {
        match c {
            c if Some(c) == quote => break,
            '#' if quote.is_none() && value.ends_with([' ', '\t']) => break,
            '\\' => match characters.next() {
                Some('n') => value.push('\n'),
                Some('t') => value.push('\t'),
                Some('r') => value.push('\r'),
                Some('b') => value.push('\u{8}'),
                Some('s') => value.push(' '),
                Some(next @ ('\\' | '\'' | '"')) => value.push(next),
                Some(next) => value.extend(['\\', next]),
                None => value.push('\\'),
            },
            c => value.push(c),
        }
    }
    if quote.is_none() {
        value.truncate(value.trim_end().len());
    }
    (!value.is_empty()).then_some(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(text: &str) -> Vec<(&'static str, String)> {
        options(text).into_iter().collect()
    }

    #[test]
    fn only_the_groups_of_clients_are_read() {
        let text = "user=nobody\n[mysqld]\nuser=mysql\n[client]\n# user=x\nuser = me \nport=3307\n[mysqldump]\nuser=y\n\
                    [client-mariadb]\nssl_ca = '/a b/ca.pem' # trusted\nquick\n";
        let expected = [("port", "3307"), ("ssl-ca", "/a b/ca.pem"), ("user", "me")];
        assert_eq!(found(text), expected.map(|(name, value)| (name, value.to_owned())));
    }

    #[test]
    fn values_are_read_as_the_clients_do() {
        let of = |value: &str| found(&format!("[client]\npassword={value}")).pop().map(|(_, value)| value);
        assert_eq!(of("\"a#b\"").as_deref(), Some("a#b"));
        assert_eq!(of("a#b").as_deref(), Some("a#b"));
        assert_eq!(of("a #b").as_deref(), Some("a"));
        assert_eq!(of("a\\sb\\\\c\\q").as_deref(), Some("a b\\c\\q"));
        assert_eq!(of(""), None);
        assert_eq!(of("''"), None);
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd(text: String) {
            let _ = options(&format!("[client]\n{text}"));
        }

        #[test]
        fn a_password_in_quotes_is_read_as_it_was_written(password in "[^\r\n\\\\\"]{1,20}") {
            let text = format!("[client]\npassword=\"{password}\"");
            prop_assert_eq!(found(&text), [("password", password)]);
        }
    }
}
