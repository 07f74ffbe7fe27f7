//! What the two databases are called in output: short where that is clear.

use std::borrow::Cow;

use syncline::{DatabaseName, Mapping, MappingRequest};

use super::text::{escape, quote};

/// The names of source and target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Labels {
    /// The source, harmless to a terminal.
    pub(crate) source: String,
    /// The target.
    pub(crate) target: String,
    typed: String,
}

impl Labels {
    /// File names where they tell the two apart, else what was typed; never a password.
    pub(crate) fn new(source: &str, target: &str) -> Self {
        let (source, target) = (DatabaseName::without_password(source), DatabaseName::without_password(target));
        let (source, target) = (&*source, &*target);
        let typed = format!("{} {}", quote(source), quote(target));
        let (short_source, short_target) = (short(source), short(target));
        let (source, target) = if short_source.eq_ignore_ascii_case(&short_target) {
            (source, target)
        } else {
            (&*short_source, &*short_target)
        };
        Self { source: escape(source).into_owned(), target: escape(target).into_owned(), typed }
    }

    /// `hq.db -> branch.db`.
    pub(crate) fn arrow(&self) -> String {
        format!("{} -> {}", self.source, self.target)
    }

    /// Both as they would be typed again.
    pub(crate) fn typed(&self) -> &str {
        &self.typed
    }
}

/// The mapping in a few words behind a verb: `copy  (masked: customers.email)`.
pub(crate) fn title(verb: &str, request: &MappingRequest) -> String {
    match Mapping::parse(request).map(|mapping| mapping.brief()) {
        Ok(brief) if !brief.is_empty() => format!("{verb}  ({brief})"),
        _ => verb.to_owned(),
    }
}

/// A connection's name, or the last part of a path.
fn short(name: &str) -> Cow<'_, str> {
    match name.strip_prefix("connection:") {
        Some(reference) => Cow::Borrowed(reference.split('@').next().unwrap_or(reference)),
        None => file_name(name),
    }
}

/// In a url it is encoded, and shown as what it means: so it stands in the state.
fn file_name(name: &str) -> Cow<'_, str> {
    let is_server = DatabaseName::is_server_url(name);
    let (path, is_url, is_encoded) = match (name.strip_prefix("sqlite:"), name.strip_prefix("file:")) {
        (Some(path), _) => (path, true, false),
        (_, Some(path)) => (path, true, true),
        _ => (name, is_server, is_server),
    };
    // Only a URL has options behind a question mark; a file's name may hold one.
    let path = if is_url { path.split('?').next().unwrap_or(path) } else { path };
    match path.trim_end_matches(['/', '\\']).rsplit(['/', '\\']).next() {
        Some(short) if !short.is_empty() && is_encoded => DatabaseName::decoded_part(short),
        Some(short) if !short.is_empty() => Cow::Borrowed(short),
        _ => Cow::Borrowed(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_where_they_differ() {
        assert_eq!(Labels::new("shop/hq.db", "sqlite:/a/branch.db?mode=ro").arrow(), "hq.db -> branch.db");
        assert_eq!(Labels::new("a/shop.db", "b/shop.db").arrow(), "a/shop.db -> b/shop.db");
        assert_eq!(Labels::new("env:HQ", "x\x1b.db").arrow(), "env:HQ -> x\\x1b.db");
        assert_eq!(Labels::new("a b.db", "c.db").typed(), "'a b.db' c.db");
        assert_eq!(Labels::new("postgres://u@h/shop?schema=a", "c.db").arrow(), "shop -> c.db");
        assert_eq!(
            Labels::new("mysql://u@h/l%C3%A4den%201?ssl-mode=disabled", "file:a%20b.db").arrow(),
            "läden 1 -> a b.db"
        );
        assert_eq!(Labels::new("sqlite:a%20b.db", "h/100%.db").arrow(), "a%20b.db -> 100%.db");
        assert_eq!(Labels::new("hq", "connection:branch@/a/syncline.toml").arrow(), "hq -> branch");
    }

    #[test]
    fn no_password_is_shown() {
        let labels = Labels::new("postgres://u:secret@a/shop?sslmode=require", "postgres://h/shop?password=secret");
        assert_eq!(labels.arrow(), "postgres://u@a/shop?sslmode=require -> postgres://h/shop");
        assert_eq!(labels.typed(), "'postgres://u@a/shop?sslmode=require' postgres://h/shop");
    }
}
