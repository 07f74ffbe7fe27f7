//! The ways to name a database, as a person types them.
//!
//! | form | means |
//! |---|---|
//! | `sqlite:PATH`, `sqlite://PATH` | the file PATH, literally: no character is special, save a query at the end |
//! | `file:PATH`, `file:///PATH` | a URI: `%41` is `A`, `?` begins the query, `#` is refused unless written `%23` |
//! | `PATH` | a path that ends in `.db`, `.sqlite` or `.sqlite3`, or at which something exists; literally |
//! | `postgres://…`, `postgresql://…` | a database of a PostgreSQL server, see [`postgres`] |
//! | `mysql://…`, `mariadb://…` | a database of a MySQL or MariaDB server, see [`mysql`] |
//! | `env:NAME` | what the variable NAME holds, in one of the forms above |
//! | `NAME`, `connection:NAME` | a connection of the configuration, see [`crate::config`] |
//!
//! The query of a file is a list of options after a `?`: `mode=ro` (never write), `mode=rw` (never create), `mode=rwc`, and
//! `cache=private` or `cache=shared`, which change nothing here. Any other option is refused, because SQLite has some
//! that switch off locking or assume that nobody writes. In `sqlite:` what follows the *last* `?` is a query only if
//! it has the form of one, `name=value` joined by `&`; so `sqlite:what?.db` is a file, and a file whose name ends like
//! a query is named with a query behind it: `sqlite:odd?a=b?mode=rwc`, or as `file:odd%3Fa=b`.

mod mysql;
mod password;
mod percent;
mod postgres;
mod private_file;
mod server;
mod sqlite;

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use syncline_core::error::{Code, Error, Result};

pub use self::mysql::MysqlName;
pub use self::postgres::PostgresName;

/// A database, named and not yet opened.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum DatabaseName {
    /// A SQLite file.
    Sqlite {
        /// Where it is; relative to the working directory unless absolute. To be opened as a path, never as a URI.
        path: PathBuf,
        /// The name forbids to write (`mode=ro`).
        read_only: bool,
        /// The name forbids to create it (`mode=ro`, `mode=rw`).
        must_exist: bool,
    },
    /// A database of a PostgreSQL server. Boxed, because it is much larger than a path.
    Postgres(Box<PostgresName>),
    /// A database of a MySQL or MariaDB server.
    Mysql(Box<MysqlName>),
}

impl DatabaseName {
    /// Understands what a person typed. `lookup` answers for the environment.
    ///
    /// # Errors
    /// `URL_INVALID` when it names no database, one of an engine this version does not carry, or a database in memory,
    /// which no other process could see; `URL_OPTION` when its query asks for what is not allowed. What might hold a
    /// password is not repeated. What a PostgreSQL name leaves open is taken from the variables that its own clients
    /// look at.
    pub fn parse(text: &str, lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self> {
        let Some(variable) = strip_scheme(text, "env") else { return Self::parse_direct(text, lookup) };
        if variable.is_empty() {
            return Err(Error::new(Code::UrlInvalid, "no database is named")
                .because("behind env: stands no name of a variable")
                .next("env:NAME", "names the database that the variable NAME holds"));
        }
        let value = lookup(variable).filter(|value| !value.is_empty());
        let value = value.ok_or_else(|| {
            Error::new(Code::UrlInvalid, format!("the variable {variable:?} is unset or empty"))
                .because("env: takes the name of the database from it")
                .next(format!("export {variable}=sqlite:path"), "names the database for env:")
        })?;
        let place = || format!("the value of the variable {variable:?}");
        if strip_scheme(&value, "env").is_some() {
            let why = "a variable cannot refer to another one";
            return Err(Error::new(Code::UrlInvalid, "no database is named").because(why).at(place()));
        }
        let named = Self::parse_direct(&value, lookup).map_err(|error| error.at_if_unsaid(place()))?;
        Ok(named.taken_from(variable))
    }

    /// Understands what the url of a connection comes to. `base`, an absolute path, is what relative paths in it are relative to.
    ///
    /// # Errors
    /// As [`DatabaseName::parse`]; a name that refers to another one is refused.
    pub(crate) fn parse_url(text: &str, base: &Path, lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self> {
        if let Some(scheme) = ["env", "connection"].into_iter().find(|scheme| strip_scheme(text, scheme).is_some()) {
            let why = format!("a connection says itself where it leads, and {scheme}: leads on to another name");
            let error = Error::new(Code::UrlInvalid, "no database is named").because(why);
            return Err(if scheme == "env" { error.next("${env:NAME}", "takes the variable NAME") } else { error });
        }
        let is_path = scheme(text).is_none() && !text.is_empty() && base.join(text).symlink_metadata().is_ok();
        let mut named = if is_path {
            sqlite::named(PathBuf::from(text), sqlite::CREATE)?
        } else {
            Self::parse_direct(text, lookup)?
        };
        match &mut named {
            Self::Sqlite { path, .. } => *path = base.join(&path),
            Self::Postgres(name) => name.keep_in_connection(base),
            Self::Mysql(name) => name.keep_in_connection(base),
        }
        Ok(named)
    }

    /// Whether two names lead to one place, as far as that shows in the names and in the files there are.
    pub(crate) fn leads_where(&self, other: &Self, cwd: &Path) -> bool {
        match (self, other) {
            (Self::Sqlite { path, .. }, Self::Sqlite { path: other, .. }) => {
                sqlite::is_same_file(&cwd.join(path), &cwd.join(other))
            }
            (Self::Postgres(name), Self::Postgres(other)) => name.leads_where(other),
            (Self::Mysql(name), Self::Mysql(other)) => name.leads_where(other),
            (Self::Sqlite { .. } | Self::Postgres(_) | Self::Mysql(_), _) => false,
        }
    }

    /// Whether a bare name would be taken for a file by its end, whatever is there.
    pub(crate) fn ends_like_file(text: &str) -> bool {
        sqlite::ends_like_file(text)
    }

    /// Whether a url is that of a database of a server.
    pub fn is_server_url(text: &str) -> bool {
        scheme(text).is_some_and(is_server)
    }

    /// A text as a part of a url that begins like this. The beginning of a url is not encoded, nor is a path.
    pub(crate) fn encoded_part<'t>(beginning: &str, text: &'t str) -> Cow<'t, str> {
        let is = |wanted: &str| strip_scheme(beginning, wanted).is_some();
        match scheme(beginning) {
            None => Cow::Borrowed(text),
            Some(_) if is("sqlite") => Cow::Borrowed(text),
            Some(_) if is("file") => Cow::Owned(percent::encode(text.as_bytes(), b"/")),
            Some(_) => Cow::Owned(percent::encode(text.as_bytes(), b"")),
        }
    }

    /// A path as text that [`DatabaseName::decoded_path`] takes back, whatever it holds.
    pub(crate) fn encoded_path(path: &Path) -> String {
        percent::encode(path.as_os_str().as_encoded_bytes(), b"/")
    }

    /// What a part of the url of a server or of `file:` is the notation of, where that is text.
    pub fn decoded_part(part: &str) -> Cow<'_, str> {
        let text = percent::decode(part).and_then(|bytes| String::from_utf8(bytes).ok());
        text.map_or(Cow::Borrowed(part), Cow::Owned)
    }

    /// The path that [`DatabaseName::encoded_path`] has written.
    pub(crate) fn decoded_path(text: &str) -> Option<PathBuf> {
        percent::decode(text).and_then(sqlite::path_of)
    }

    /// The name for people, with control characters made visible. Never a password.
    pub fn label(&self) -> String {
        match self {
            Self::Sqlite { path, .. } => visible(&path.to_string_lossy()),
            Self::Postgres(name) => visible(&name.label()),
            Self::Mysql(name) => visible(&name.label()),
        }
    }

    /// The name as text that means the same database from any working directory, and that [`DatabaseName::parse`]
    /// turns into the same absolute path and mode whatever the path holds. `cwd`, an absolute path, is what a
    /// relative path is relative to now. Links are not followed. The text may be kept: it never holds a password, which is
    /// looked for anew when it is read again.
    pub fn absolute(&self, cwd: &Path) -> String {
        match self {
            Self::Sqlite { path, read_only, must_exist } => sqlite::write(&cwd.join(path), *read_only, *must_exist),
            Self::Postgres(name) => name.write(cwd),
            Self::Mysql(name) => name.write(cwd),
        }
    }

    /// What was typed, without a password: to be shown, also where it names nothing. More may be missing than the
    /// password where characters in it were not encoded.
    pub fn without_password(text: &str) -> Cow<'_, str> {
        if can_hold_password(text) { password::removed(text) } else { Cow::Borrowed(text) }
    }

    /// The passwords in a text, in pieces: what [`DatabaseName::without_password`] takes away.
    pub(crate) fn passwords(text: &str) -> Vec<&str> {
        if can_hold_password(text) { password::pieces(text) } else { Vec::new() }
    }

    /// What should be said to the person who typed this name on a command line, if anything.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Postgres(name) if name.shows_password() => Some(
                "a password on the command line is seen by every user of this machine; \
                 put it into PGPASSWORD, ~/.pgpass or a variable for env:NAME",
            ),
            Self::Mysql(name) if name.shows_password() => Some(
                "a password on the command line is seen by every user of this machine; \
                 put it into MYSQL_PWD, ~/.my.cnf or a variable for env:NAME",
            ),
            _ => None,
        }
    }

    fn parse_direct(text: &str, lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self> {
        if let Some(rest) = strip_scheme(text, "sqlite") {
            return sqlite::parse_literal(rest);
        }
        if let Some(rest) = strip_scheme(text, "file") {
            return sqlite::parse_uri(rest);
        }
        if let Some(rest) = strip_scheme(text, "postgres").or_else(|| strip_scheme(text, "postgresql")) {
            return Ok(Self::Postgres(Box::new(PostgresName::parse(rest, lookup)?)));
        }
        if let Some(rest) = strip_scheme(text, "mysql").or_else(|| strip_scheme(text, "mariadb")) {
            return Ok(Self::Mysql(Box::new(MysqlName::parse(rest, lookup)?)));
        }
        match scheme(text) {
            Some(scheme) if !sqlite::exists(text) => Err(invalid(format!("the scheme {scheme:?} is not known"))),
            _ if sqlite::is_bare_path(text) => sqlite::named(PathBuf::from(text), sqlite::CREATE),
            _ => Err(invalid(format!("{} is no path to a SQLite file", shown(text)))),
        }
    }

    /// The same, as it came from a variable rather than from what was typed.
    fn taken_from(mut self, variable: &str) -> Self {
        match &mut self {
            Self::Sqlite { .. } => {}
            Self::Postgres(name) => name.take_from(variable),
            Self::Mysql(name) => name.take_from(variable),
        }
        self
    }
}

/// Whether a text has the form of a URL, in which a password could be.
fn can_hold_password(text: &str) -> bool {
    let is_file = |scheme: &str| ["sqlite", "file", "connection"].iter().any(|file| scheme.eq_ignore_ascii_case(file));
    let is_url = |scheme: &str| text[scheme.len()..].starts_with("://") && !is_file(scheme);
    scheme(text).is_some_and(|scheme| is_server(scheme) || is_url(scheme))
}

/// What precedes the first colon, if it has the form of a URL's scheme.
fn scheme(text: &str) -> Option<&str> {
    let (scheme, _) = text.split_once(':')?;
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    is_scheme.then_some(scheme)
}

fn strip_scheme<'a>(text: &'a str, wanted: &str) -> Option<&'a str> {
    let scheme = scheme(text)?;
    scheme.eq_ignore_ascii_case(wanted).then(|| &text[scheme.len() + 1..])
}

fn is_server(scheme: &str) -> bool {
    ["postgres", "postgresql", "mysql", "mariadb"].iter().any(|server| server.eq_ignore_ascii_case(scheme))
}

/// The text on one line, with control characters made visible.
fn visible(text: &str) -> String {
    let mut label = String::new();
    for c in text.chars() {
        if c.is_control() { label.extend(c.escape_default()) } else { label.push(c) }
    }
    label
}

/// The text, unless it looks as if a password could be in it.
fn shown(text: &str) -> String {
    if text.contains([':', '@', '=']) { "the name".to_owned() } else { format!("{text:?}") }
}

fn invalid(why: impl Into<String>) -> Error {
    Error::new(Code::UrlInvalid, "no database is named")
        .because(why)
        .next("sqlite:PATH", "names a SQLite file, whatever its name and whether it exists or not")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn no_variables(_: &str) -> Option<String> {
        None
    }

    fn parse(text: &str) -> Result<DatabaseName> {
        DatabaseName::parse(text, &no_variables)
    }

    fn sqlite(path: impl Into<PathBuf>, mode: &str) -> DatabaseName {
        DatabaseName::Sqlite { path: path.into(), read_only: mode == "ro", must_exist: mode != "rwc" }
    }

    #[track_caller]
    fn names(text: &str, path: &str, mode: &str) {
        assert_eq!(parse(text).unwrap(), sqlite(path, mode), "{text:?}");
    }

    #[track_caller]
    fn fails(text: &str, code: Code, word: &str) {
        let error = parse(text).unwrap_err();
        let said = format!("{error} {:?} {:?}", error.place(), error.next_steps());
        assert_eq!(error.code(), code, "{text:?}: {said}");
        assert!(said.contains(word), "{text:?}: {said}");
        assert!(!said.contains("secret"), "{text:?}: {said}");
    }

    #[test]
    fn sqlite_takes_the_path_literally() {
        for path in [
            "a.db",
            "a",
            "/a/b",
            "a b",
            "%41.db",
            "a#b",
            "a?b.db",
            "a?",
            "a\nb",
            "file:x.db",
            "./:memory:",
            "é",
            "a?=b",
        ] {
            names(&format!("sqlite:{path}"), path, "rwc");
            names(&format!("sqlite://{path}"), path, "rwc");
        }
        names("SQLite:a.db", "a.db", "rwc");
        names("sqlite:///abs.db", "/abs.db", "rwc");
        names("sqlite:a.db?mode=ro", "a.db", "ro");
        names("sqlite:a.db?mode=rw&cache=shared", "a.db", "rw");
        names("sqlite:a?mode=ro?mode=rwc", "a?mode=ro", "rwc");
        fails("sqlite:a.db?vfs=unix-none", Code::UrlOption, "mode=ro|rw|rwc and cache=private|shared");
        fails("sqlite:a.db?immutable=1&mode=ro", Code::UrlOption, "immutable=1");
    }

    #[test]
    fn file_is_a_uri() {
        names("file:a.db", "a.db", "rwc");
        names("file:a%20b%3f%23%25.db", "a b?#%.db", "rwc");
        names("file:/a.db?mode=ro", "/a.db", "ro");
        names("file:///a/b.db?cache=private&mode=rwc", "/a/b.db", "rwc");
        names("file://localhost/a.db?", "/a.db", "rwc");
        names("file:%41", "A", "rwc");
        names("file:file:x.db", "file:x.db", "rwc");
        for option in [
            "vfs=unix-none",
            "immutable=1",
            "Mode=ro",
            "nolock=1",
            "psow=0",
            "mode=memory",
            "mode",
            "mode=RO",
            "mode=%72o",
        ] {
            fails(&format!("file:a.db?{option}"), Code::UrlOption, "mode=ro|rw|rwc");
        }
        fails("file:a.db?mode=ro&mode=rw", Code::UrlOption, "twice");
        fails("file:a.db?a=b?mode=ro", Code::UrlOption, "a=b");
        fails("file://server/a.db", Code::UrlInvalid, "file:///path");
        fails("file:a#b.db", Code::UrlInvalid, "%23");
        fails("file:a%4", Code::UrlInvalid, "%25");
        fails("file:a%+4.db", Code::UrlInvalid, "%25");
        fails("file:a%é.db", Code::UrlInvalid, "%25");
        fails("file:a%00.db", Code::UrlInvalid, "NUL");
    }

    #[test]
    fn a_bare_path_ends_like_one_or_exists() {
        for path in
            ["a.db", "/a/b.sqlite", "a b.sqlite3", "A.DB", "a?b#%41\n.db", "./file:x.db", "12:30.db", "a?mode=ro.db"]
        {
            names(path, path, "rwc");
        }
        fails("hq", Code::UrlInvalid, "\"hq\"");
        fails("a.db?mode=ro", Code::UrlInvalid, "the name");
        fails("user:secret@host/a.db", Code::UrlInvalid, "\"user\"");
        fails("12:secret@host", Code::UrlInvalid, "the name");

        let dir = tempfile::tempdir().unwrap();
        for name in ["plain", "with:colon"] {
            let path = dir.path().join(name);
            fails(path.to_str().unwrap(), Code::UrlInvalid, "");
            std::fs::write(&path, "").unwrap();
            names(path.to_str().unwrap(), path.to_str().unwrap(), "rwc");
        }
    }

    #[test]
    fn what_is_no_file_is_refused() {
        fails("", Code::UrlInvalid, "");
        for empty in ["sqlite:", "sqlite://", "sqlite:?mode=ro", "file:", "file://", "file:?mode=ro"] {
            fails(empty, Code::UrlInvalid, "empty");
        }
        for memory in ["sqlite::memory:", "file::memory:", "file:%3Amemory:?cache=shared"] {
            fails(memory, Code::UrlInvalid, "memory");
        }
        fails(":memory:", Code::UrlInvalid, "");
        fails("a\0.db", Code::UrlInvalid, "NUL");
        fails("sqlite:a\0", Code::UrlInvalid, "NUL");
        fails("mssql://user:secret@host/db.db", Code::UrlInvalid, "\"mssql\"");
        fails("http://secret/a.db", Code::UrlInvalid, "\"http\"");
    }

    #[test]
    fn a_variable_holds_a_name() {
        let lookup = |name: &str| match name {
            "HQ" => Some("sqlite:hq.db?mode=ro".to_owned()),
            "EMPTY" => Some(String::new()),
            "NESTED" => Some("env:HQ".to_owned()),
            "SERVER" => Some("mssql://user:secret@host/db".to_owned()),
            _ => None,
        };
        let parse = |text: &str| DatabaseName::parse(text, &lookup);
        assert_eq!(parse("env:HQ").unwrap(), sqlite("hq.db", "ro"));
        for wrong in ["EMPTY", "NESTED", "SERVER", "UNSET", ""] {
            let error = parse(&format!("env:{wrong}")).unwrap_err();
            let said = format!("{error} {:?}", error.place());
            assert_eq!(error.code(), Code::UrlInvalid, "{said}");
            assert!(said.contains(&format!("{wrong:?}").replace('"', "")) && !said.contains("secret"), "{said}");
        }
    }

    #[test]
    fn the_label_is_one_line() {
        assert_eq!(parse("sqlite:a b\n\u{1b}[2J.db?mode=ro").unwrap().label(), "a b\\n\\u{1b}[2J.db");
    }

    #[test]
    fn an_absolute_name_means_the_same_from_anywhere() {
        let cwd = Path::new("/c w/d");
        let absolute = |text: &str| parse(text).unwrap().absolute(cwd);
        assert_eq!(absolute("a.db"), "sqlite:/c w/d/a.db");
        assert_eq!(absolute("file:a%3F.db?mode=ro"), "sqlite:/c w/d/a?.db?mode=ro");
        assert_eq!(absolute("sqlite:////a.db?mode=rw"), "sqlite:/a.db?mode=rw");
        assert_eq!(absolute("file:a%3Fb=c"), "sqlite:/c w/d/a?b=c?mode=rwc");

        let paths = [
            "a",
            " ",
            "a b",
            "a?b",
            "?",
            "a#b",
            "%41",
            "a\nb",
            "a?mode=ro",
            "x?a=b&c=d",
            "file:x.db",
            ":memory:",
            "é",
            "a?",
        ];
        for path in paths.iter().map(PathBuf::from).chain(odd_bytes()) {
            for mode in ["ro", "rw", "rwc"] {
                let text = sqlite(&path, mode).absolute(cwd);
                assert_eq!(parse(&text).unwrap(), sqlite(cwd.join(&path), mode), "{text}");
                assert_eq!(parse(&text).unwrap().absolute(Path::new("/elsewhere")), text);
            }
        }
    }

    /// A path that is no text.
    fn odd_bytes() -> Option<PathBuf> {
        match parse("file:a%FF%3F%23%25b.db") {
            Ok(DatabaseName::Sqlite { path, .. }) => Some(path).filter(|path| path.to_str().is_none()),
            _ => None,
        }
    }
}
