//! The url of a connection: text, and secrets that are kept elsewhere.
//!
//! `${KIND:ARGUMENT}` is a secret, and ends at the first `}`. `$${` stands for `${`. Nothing else is special.

use std::borrow::Cow;
use std::fmt;

use super::connection::PasswordIn;
use crate::database_name::DatabaseName;

/// A url with holes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Secret(SecretRef),
}

/// Where a secret is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretRef {
    /// By what means.
    pub kind: SecretKind,
    /// Which one: a variable, a path, a command, an entry.
    pub argument: String,
}

/// The means to keep a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretKind {
    /// A variable of the environment, or of the `.env` beside the file.
    Env,
    /// A file that holds it.
    File,
    /// A command that prints it.
    Cmd,
    /// The keyring of the user's desktop.
    Keyring,
}

impl SecretKind {
    const ALL: [SecretKind; 4] = [SecretKind::Env, SecretKind::File, SecretKind::Cmd, SecretKind::Keyring];

    /// Its name in a url.
    pub fn name(self) -> &'static str {
        match self {
            SecretKind::Env => "env",
            SecretKind::File => "file",
            SecretKind::Cmd => "cmd",
            SecretKind::Keyring => "keyring",
        }
    }

    /// Whether a program is run for it.
    pub(super) fn runs(self) -> bool {
        matches!(self, SecretKind::Cmd | SecretKind::Keyring)
    }
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "${{{}:{}}}", self.kind.name(), self.argument)
    }
}

impl Template {
    /// Understands a url, or says why it cannot be.
    pub(super) fn parse(url: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut text = String::new();
        let mut rest = url;
        while let Some(at) = rest.find("${") {
            if let Some(before) = rest[..at].strip_suffix('$') {
                text.push_str(before);
                text.push_str("${");
                rest = &rest[at + 2..];
                continue;
            }
            text.push_str(&rest[..at]);
            let (inside, after) = rest[at + 2..].split_once('}').ok_or("a ${ is not closed by a }")?;
            if !text.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut text)));
            }
            parts.push(Part::Secret(SecretRef::parse(inside)?));
            rest = after;
        }
        text.push_str(rest);
        if !text.is_empty() {
            parts.push(Part::Text(text));
        }
        let template = Self(parts);
        match template {
            _ if url.is_empty() => Err("it is empty".to_owned()),
            _ if url.contains('\0') => Err("it holds a NUL character".to_owned()),
            _ if url.chars().any(is_token) => Err("it holds a character of no meaning".to_owned()),
            template => Ok(template),
        }
    }

    pub(super) fn secrets(&self) -> impl Iterator<Item = &SecretRef> {
        self.0.iter().filter_map(|part| match part {
            Part::Text(_) => None,
            Part::Secret(secret) => Some(secret),
        })
    }

    /// The url itself, if it has no secrets.
    pub(super) fn literal(&self) -> Option<&str> {
        match &self.0[..] {
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// The url with these in the places of its secrets. What begins the url stays as it is, for it may be all of it. What stands
    /// in a URL is encoded, so that it means itself whatever characters it has; what stands in a path is not.
    pub(super) fn filled(&self, secrets: &[String]) -> String {
        let mut url = String::new();
        let mut secrets = secrets.iter();
        for part in &self.0 {
            match part {
                Part::Text(text) => url.push_str(text),
                Part::Secret(_) => {
                    let secret = secrets.next().map(String::as_str).unwrap_or_default();
                    let encoded = DatabaseName::encoded_part(&url, secret);
                    url.push_str(&encoded);
                }
            }
        }
        url
    }

    /// The url without a password, secrets as they are asked for.
    pub(super) fn shown(&self) -> String {
        let masked = self.masked();
        if self.password_in() != PasswordIn::File {
            return self.unmasked(&masked);
        }
        let probe = probe(&masked);
        let shown = DatabaseName::without_password(&probe);
        self.unmasked(shown.strip_prefix(PROBE).unwrap_or(&shown))
    }

    pub(super) fn password_in(&self) -> PasswordIn {
        let masked = self.masked();
        let probe = probe(&masked);
        let pieces = DatabaseName::passwords(&probe);
        match pieces.is_empty() {
            true => PasswordIn::Nowhere,
            false if pieces.iter().all(|piece| piece.chars().all(is_token)) => PasswordIn::Secret,
            false => PasswordIn::File,
        }
    }

    /// The url with one character in the place of each secret, so that it can be taken apart.
    fn masked(&self) -> String {
        let mut masked = String::new();
        for (at, part) in self.0.iter().enumerate() {
            match part {
                Part::Text(text) => masked.push_str(text),
                Part::Secret(_) => masked.extend(token(at)),
            }
        }
        masked
    }

    fn unmasked(&self, masked: &str) -> String {
        let mut shown = masked.replace("${", "$${");
        for (at, part) in self.0.iter().enumerate() {
            if let (Part::Secret(secret), Some(token)) = (part, token(at)) {
                shown = shown.replace(token, &secret.to_string());
            }
        }
        shown
    }
}

impl SecretRef {
    fn parse(inside: &str) -> Result<Self, String> {
        let (name, argument) = inside.split_once(':').unwrap_or((inside, ""));
        let kind = SecretKind::ALL.into_iter().find(|kind| kind.name() == name);
        // Not repeated: a password may hold ${ by chance.
        let kind = kind.ok_or("behind ${ stands none of env:, file:, cmd: and keyring:; write $${ for ${ itself")?;
        let why = match kind {
            _ if argument.trim().is_empty() => "names nothing".to_owned(),
            _ if argument.chars().any(char::is_control) => "holds a control character".to_owned(),
            SecretKind::Env if argument.contains('=') || argument.contains(char::is_whitespace) => {
                "is no name of a variable".to_owned()
            }
            _ => return Ok(Self { kind, argument: argument.to_owned() }),
        };
        Err(format!("${{{name}:…}} {why}"))
    }
}

/// What makes a url of a text that begins with a secret, which may be the scheme and more.
const PROBE: &str = "x://";

fn probe(masked: &str) -> Cow<'_, str> {
    if masked.starts_with(is_token) { Cow::Owned(format!("{PROBE}{masked}")) } else { Cow::Borrowed(masked) }
}

/// The first of the characters that stand for secrets. They are for private use, and no url has them.
const FIRST_TOKEN: u32 = 0xF_0000;

fn token(at: usize) -> Option<char> {
    // A url of the greatest length has fewer parts than there are such characters.
    char::from_u32(FIRST_TOKEN.checked_add(u32::try_from(at).ok()?)?)
}

fn is_token(c: char) -> bool {
    u32::from(c) >= FIRST_TOKEN
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn filled(url: &str, secrets: &[&str]) -> String {
        let secrets: Vec<String> = secrets.iter().map(|secret| (*secret).to_owned()).collect();
        Template::parse(url).unwrap().filled(&secrets)
    }

    #[test]
    fn secrets_stand_anywhere() {
        assert_eq!(filled("${env:A}", &["postgres://u:p@h/d"]), "postgres://u:p@h/d");
        assert_eq!(filled("postgres://u:${env:A}@h/d", &["p@/:%"]), "postgres://u:p%40%2F%3A%25@h/d");
        assert_eq!(filled("${env:A}?schema=${env:B}", &["postgres://u@h/d", "a&b"]), "postgres://u@h/d?schema=a%26b");
        assert_eq!(filled("sqlite:${file:p}/x.db", &["/a b%"]), "sqlite:/a b%/x.db");
        assert_eq!(filled("file:${file:p}/x.db", &["/a b%"]), "file:/a%20b%25/x.db");
        assert_eq!(filled("./${env:A}.db", &["a@b"]), "./a@b.db");
        assert_eq!(filled("sqlite:$${env:A}.db", &[]), "sqlite:${env:A}.db");
        assert_eq!(filled("sqlite:$$${env:A}", &[]), "sqlite:$${env:A}");
        assert_eq!(filled("mysql://u:${cmd:pass show x}@h/d", &["ä"]), "mysql://u:%C3%A4@h/d");
        assert_eq!(filled("sqlite:a$b{c}.db", &[]), "sqlite:a$b{c}.db");
    }

    #[test]
    fn what_is_no_secret_is_refused() {
        for (url, word) in [
            ("", "empty"),
            ("${env:A", "not closed"),
            ("${x}", "none of"),
            ("${ENV:A}", "none of"),
            ("${env:}", "names nothing"),
            ("${cmd: }", "names nothing"),
            ("${env:A B}", "no name of a variable"),
            ("${file:a\nb}", "control"),
            ("a\0b", "NUL"),
            ("sqlite:\u{F0001}", "no meaning"),
        ] {
            let why = Template::parse(url).unwrap_err();
            assert!(why.contains(word), "{url:?}: {why}");
        }
        let why = Template::parse("postgres://u:a${secret}@h/d").unwrap_err();
        assert!(!why.contains("secret}"), "{why}");
    }

    #[test]
    fn a_password_is_never_shown() {
        use PasswordIn::{File, Nowhere, Secret};
        for (url, shown, password) in [
            ("postgres://u@h/d", "postgres://u@h/d", Nowhere),
            ("postgres://u:hunter2@h/d", "postgres://u@h/d", File),
            ("postgres://u:hun@ter2@h/d", "postgres://u@h/d", File),
            ("postgres://u@h/d?password=hunter2&schema=s", "postgres://u@h/d?schema=s", File),
            ("postgres://u:${env:PW}@h/d", "postgres://u:${env:PW}@h/d", Secret),
            ("postgres://u:${env:PW}hunter2@h/d", "postgres://u@h/d", File),
            ("postgres://u:${env:PW}@h/d?password=hunter2", "postgres://u@h/d", File),
            ("postgres://${env:U}:${env:PW}@${env:H}/d", "postgres://${env:U}:${env:PW}@${env:H}/d", Secret),
            ("${env:URL}", "${env:URL}", Nowhere),
            ("${env:START}:hunter2@h/d", "${env:START}@h/d", File),
            ("mysql://u:hunter2@h/d", "mysql://u@h/d", File),
            ("sqlite:a:hunter2@b.db", "sqlite:a:hunter2@b.db", Nowhere),
            ("./a@b.db", "./a@b.db", Nowhere),
            ("sqlite:$${env:A}.db", "sqlite:$${env:A}.db", Nowhere),
        ] {
            let template = Template::parse(url).unwrap();
            assert_eq!((template.shown().as_str(), template.password_in()), (shown, password), "{url}");
        }
    }

    proptest! {
        #[test]
        fn text_without_holes_is_itself(url in "[^\0$\u{F0000}-\u{10FFFF}]{1,40}") {
            prop_assert_eq!(filled(&url, &[]), url);
        }

        #[test]
        fn no_text_is_too_odd(url: String) {
            if let Ok(template) = Template::parse(&url) {
                let _ = template.shown();
                let _ = template.filled(&[]);
            }
        }

        #[test]
        fn a_secret_in_a_url_means_itself(secret in "[^\0]{1,20}") {
            let url = filled("postgres://u:${env:A}@h:1/d", &[&secret]);
            prop_assert!(url.is_ascii());
            let named = DatabaseName::parse(&url, &|_| None).unwrap();
            let DatabaseName::Postgres(name) = named else { unreachable!("BUG: it is a server's") };
            let options = name.options(std::path::Path::new("/"));
            prop_assert_eq!((options.user.as_str(), options.port), ("u", 1));
            prop_assert_eq!(options.password, Some(syncline_stores::server::Password::new(&secret)));
        }
    }
}
