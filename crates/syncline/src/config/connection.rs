//! A connection: what it is called, where it leads, what guards it.

use std::borrow::Borrow;
use std::fmt;
use std::path::{Path, PathBuf};

use syncline_core::error::{Code, Error, Result};
use syncline_core::limits;

use super::files::{Origin, Raw};
use super::standing::Standing;
use super::template::{SecretRef, Template};
use crate::database_name::DatabaseName;

/// A connection of a file.
#[derive(Clone, Debug)]
pub struct Connection {
    /// What it is called.
    pub name: ConnectionName,
    /// Whether it takes plans only.
    pub is_protected: bool,
    /// The file it is in, as it was found.
    pub file: PathBuf,
    /// The line of that file that names it.
    pub line: usize,
    /// How the file came to be read.
    pub origin: Origin,
    pub(super) url: Template,
    /// The same file once links are followed.
    pub(super) real: PathBuf,
    pub(super) standing: Standing,
}

/// What a connection may be called: nothing that a shell, a path or a URL would take for something else.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConnectionName(String);

/// A connection as a file says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Parsed {
    pub(super) name: ConnectionName,
    pub(super) line: usize,
    pub(super) url: Template,
    /// Where the url stands, as bytes of the file.
    pub(super) url_at: usize,
    pub(super) is_protected: bool,
}

/// Where the password of a connection is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordIn {
    /// It has none, or the whole url is kept elsewhere.
    Nowhere,
    /// Elsewhere, and the file says where.
    Secret,
    /// In the file itself.
    File,
}

impl PasswordIn {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            PasswordIn::Nowhere => "none",
            PasswordIn::Secret => "secret",
            PasswordIn::File => "file",
        }
    }
}

impl Connection {
    pub(super) fn new(parsed: Parsed, file: &Path, raw: &Raw, origin: Origin) -> Self {
        Self {
            name: parsed.name,
            is_protected: parsed.is_protected,
            file: file.to_owned(),
            line: parsed.line,
            origin,
            url: parsed.url,
            real: raw.real.clone(),
            standing: raw.standing,
        }
    }

    /// The url as the file says it, without a password. Secrets are shown as they are asked for.
    pub fn shown_url(&self) -> String {
        self.url.shown()
    }

    /// Where its password is kept.
    pub fn password_in(&self) -> PasswordIn {
        self.url.password_in()
    }

    /// What it asks for when it is opened.
    pub fn secrets(&self) -> impl Iterator<Item = &SecretRef> {
        self.url.secrets()
    }

    /// A name that means it from any directory, and that may be kept.
    pub fn reference(&self) -> String {
        format!("{SCHEME}:{}@{}", self.name, DatabaseName::encoded_path(&self.real))
    }

    /// `syncline.toml, line 3`.
    pub(super) fn place(&self) -> String {
        format!("{}, line {}", self.file.display(), self.line)
    }

    pub(super) fn base(&self) -> &Path {
        self.real.parent().unwrap_or(&self.real)
    }
}

/// What precedes the name of a connection where a name alone could mean a file.
pub(super) const SCHEME: &str = "connection";

impl ConnectionName {
    /// What names match, as a regular expression of the JSON Schema.
    pub(super) const PATTERN: &str = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$";

    /// # Errors
    /// `CONNECTION_INVALID`.
    pub fn parse(text: &str) -> Result<Self> {
        let why = match text.bytes().next() {
            None => "it is empty".to_owned(),
            Some(first) if !first.is_ascii_alphanumeric() => "it begins with no letter or digit of ASCII".to_owned(),
            _ if text.chars().count() > limits::CONNECTION_NAME_CHARS_MAX => {
                format!("it is longer than {} characters", limits::CONNECTION_NAME_CHARS_MAX)
            }
            _ if !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte)) => {
                "it holds something else than letters and digits of ASCII, '-', '_' and '.'".to_owned()
            }
            _ if DatabaseName::ends_like_file(text) => "it ends as the name of a file does".to_owned(),
            _ => return Ok(Self(text.to_owned())),
        };
        let shown: String = text.chars().take(limits::CONNECTION_NAME_CHARS_MAX).collect();
        Err(Error::new(Code::ConnectionInvalid, format!("{shown:?} cannot be the name of a connection"))
            .because(why)
            .leaving("nothing was changed"))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ConnectionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Borrow<str> for ConnectionName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_mean_nothing_else() {
        for name in ["hq", "HQ-2", "a", "0", "eu.shop_1", "run", "a.dbx", &"x".repeat(64)] {
            assert_eq!(ConnectionName::parse(name).unwrap().as_str(), name);
        }
        let long = "x".repeat(65);
        for name in [
            "",
            "-x",
            ".x",
            "_x",
            "a b",
            "a/b",
            "a\\b",
            "a:b",
            "a@b",
            "é",
            "a\n",
            "a\0",
            "a.db",
            "a.SQLITE",
            "x.sqlite3",
            "a'b",
            "$x",
            "*",
            "\u{202e}a",
            "a\u{200b}",
            "~",
            "!x",
            &long,
        ] {
            let error = ConnectionName::parse(name).unwrap_err();
            assert_eq!(error.code(), Code::ConnectionInvalid, "{name:?}");
            assert!(!error.what().contains(['\n', '\0']), "{error}");
        }
    }
}
