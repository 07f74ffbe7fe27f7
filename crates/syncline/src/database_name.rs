//! The ways to name a database, as a person types them.
//!
//! | form | means |
//! |---|---|
//! | `sqlite:PATH`, `sqlite://PATH` | the file PATH, literally: no character is special, save a query at the end |
//! | `file:PATH`, `file:///PATH` | a URI: `%41` is `A`, `?` begins the query, `#` is refused unless written `%23` |
//! | `PATH` | a path that ends in `.db`, `.sqlite` or `.sqlite3`, or at which something exists; literally |
//! | `env:NAME` | what the variable NAME holds, in one of the forms above |
//!
//! A query is a list of options after a `?`: `mode=ro` (never write), `mode=rw` (never create), `mode=rwc`, and
//! `cache=private` or `cache=shared`, which change nothing here. Any other option is refused, because SQLite has some
//! that switch off locking or assume that nobody writes. In `sqlite:` what follows the *last* `?` is a query only if
//! it has the form of one, `name=value` joined by `&`; so `sqlite:what?.db` is a file, and a file whose name ends like
//! a query is named with a query behind it: `sqlite:odd?a=b?mode=rwc`, or as `file:odd%3Fa=b`.

use std::ffi::OsString;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use syncline_core::error::{Code, Error, Result};

/// The file names that a bare path may end in, without regard to case.
const EXTENSIONS: [&str; 3] = ["db", "sqlite", "sqlite3"];

/// The options of a query and their values.
const OPTIONS: [(&str, &[&str]); 2] = [("mode", &["ro", "rw", "rwc"]), ("cache", &["private", "shared"])];

/// The mode of a name that says none: read, write, and create where a verb creates missing databases.
const CREATE: &str = "rwc";

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
}

impl DatabaseName {
    /// Understands what a person typed. `lookup` answers for the environment.
    ///
    /// # Errors
    /// `URL_INVALID` when it names no database, one of an engine this version does not carry, or a database in memory,
    /// which no other process could see; `URL_OPTION` when its query asks for what is not allowed. What might hold a
    /// password is not repeated.
    pub fn parse(text: &str, lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self> {
        let Some(variable) = strip_scheme(text, "env") else { return Self::parse_direct(text) };
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
        Self::parse_direct(&value).map_err(|error| error.at(place()))
    }

    /// The name for people: the path, with control characters made visible. Never a password.
    pub fn label(&self) -> String {
        let Self::Sqlite { path, .. } = self;
        let mut label = String::new();
        for c in path.to_string_lossy().chars() {
            if c.is_control() { label.extend(c.escape_default()) } else { label.push(c) }
        }
        label
    }

    /// The name as text that means the same database from any working directory, and that [`DatabaseName::parse`]
    /// turns into the same absolute path and mode whatever the path holds. `cwd`, an absolute path, is what a
    /// relative path is relative to now. Links are not followed.
    pub fn absolute(&self, cwd: &Path) -> String {
        let Self::Sqlite { path, read_only, must_exist } = self;
        let path = cwd.join(path);
        let query = match (read_only, must_exist) {
            (true, _) => Some("?mode=ro"),
            (false, true) => Some("?mode=rw"),
            (false, false) => None,
        };
        match path.to_str() {
            Some(text) => {
                // Two slashes at the beginning would be read as those of `sqlite://`.
                let text = text.strip_prefix('/').map_or(text, |rest| rest.trim_start_matches('/'));
                let query = query.or_else(|| split_query(text).map(|_| "?mode=rwc"));
                format!("sqlite:/{text}{}", query.unwrap_or_default())
            }
            None => format!("file://{}{}", percent_encode(&path), query.unwrap_or_default()),
        }
    }

    fn parse_direct(text: &str) -> Result<Self> {
        if let Some(rest) = strip_scheme(text, "sqlite") {
            let (path, query) = split_query(rest).unwrap_or((rest, ""));
            let path = path.strip_prefix("//").unwrap_or(path);
            return Self::sqlite(PathBuf::from(path), mode(query)?);
        }
        if let Some(rest) = strip_scheme(text, "file") {
            return Self::parse_uri(rest);
        }
        match scheme(text) {
            Some(scheme) if is_server(scheme) => Err(Error::new(Code::UrlInvalid, "no SQLite database is named")
                .because(format!("{scheme} databases are not supported by this version, which carries SQLite only"))),
            Some(scheme) if !exists(text) => Err(invalid(format!("the scheme {scheme:?} is not known"))),
            _ if is_bare_path(text) => Self::sqlite(PathBuf::from(text), CREATE),
            _ => Err(invalid(format!("{} is no path to a SQLite file", shown(text)))),
        }
    }

    /// What follows `file:`.
    fn parse_uri(rest: &str) -> Result<Self> {
        if rest.contains('#') {
            let why = "`#` begins a fragment in a URI, and a file has none; if it belongs to the name, write %23";
            return Err(invalid(why));
        }
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let path = match path.strip_prefix("//") {
            Some(after) => {
                let (host, _) = after.split_once('/').unwrap_or((after, ""));
                if !host.is_empty() && !host.eq_ignore_ascii_case("localhost") {
                    return Err(invalid("a file: URI with two slashes names a host first; write file:///path"));
                }
                &after[host.len()..]
            }
            None => path,
        };
        let path = percent_decode(path)
            .ok_or_else(|| invalid("`%` is followed by no character code; if it belongs to the name, write %25"))?;
        Self::sqlite(path, mode(query)?)
    }

    fn sqlite(path: PathBuf, mode: &str) -> Result<Self> {
        let bytes = path.as_os_str().as_encoded_bytes();
        if bytes.is_empty() {
            return Err(invalid("the path is empty"));
        }
        if bytes.contains(&0) {
            return Err(invalid("a path cannot contain a NUL character"));
        }
        if bytes == b":memory:" {
            return Err(invalid("a database in memory cannot be shared between programs; if it is a file, write ./"));
        }
        Ok(Self::Sqlite { path, read_only: mode == "ro", must_exist: mode != CREATE })
    }
}

/// The mode that a query asks for.
fn mode(query: &str) -> Result<&str> {
    let mut mode = CREATE;
    let mut seen = Vec::new();
    for option in query.split('&').filter(|option| !option.is_empty()) {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        let is_allowed = OPTIONS.iter().any(|(known, values)| *known == name && values.contains(&value));
        if !is_allowed {
            return Err(refused(format!("the option {option:?} is not allowed")));
        }
        if seen.contains(&name) {
            return Err(refused(format!("the option {name:?} is given twice")));
        }
        seen.push(name);
        if name == "mode" {
            mode = value;
        }
    }
    Ok(mode)
}

/// Splits at the last `?`, if what follows has the form of a query.
fn split_query(text: &str) -> Option<(&str, &str)> {
    let (path, query) = text.rsplit_once('?')?;
    let is_option = |option: &str| {
        let name = option.split_once('=').map(|(name, _)| name);
        name.is_some_and(|name| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_'))
    };
    query.split('&').all(is_option).then_some((path, query))
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

fn is_bare_path(text: &str) -> bool {
    let extension = text.rsplit_once('.').map(|(_, extension)| extension);
    extension.is_some_and(|found| EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(found))) || exists(text)
}

/// Whether anything is there: the store says what is wrong with a directory or a broken link better than a parser.
fn exists(text: &str) -> bool {
    !text.is_empty() && Path::new(text).symlink_metadata().is_ok()
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

fn refused(why: String) -> Error {
    let mut allowed = String::from("allowed are");
    for (position, (name, values)) in OPTIONS.iter().enumerate() {
        let separator = if position == 0 { "" } else { " and" };
        // Writing to a string cannot fail.
        let _ = write!(allowed, "{separator} {name}={}", values.join("|"));
    }
    Error::new(Code::UrlOption, why).because(allowed)
}

/// The path that a percent-encoded text stands for; `None` when a `%` is not followed by two hexadecimal digits, or
/// when the system has no path of these bytes.
fn percent_decode(text: &str) -> Option<PathBuf> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let (digits, after) = rest.split_at_checked(2)?;
        let digit = |byte: u8| char::from(byte).to_digit(16);
        bytes.push(u8::try_from(digit(digits[0])? * 16 + digit(digits[1])?).ok()?);
        rest = after;
    }
    path_of(bytes)
}

/// The text that [`percent_decode`] turns into this path.
fn percent_encode(path: &Path) -> String {
    let mut text = String::new();
    for byte in path.as_os_str().as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.~".contains(byte) {
            text.push(char::from(*byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

#[cfg(unix)]
fn path_of(bytes: Vec<u8>) -> Option<PathBuf> {
    Some(<OsString as std::os::unix::ffi::OsStringExt>::from_vec(bytes).into())
}

#[cfg(not(unix))]
fn path_of(bytes: Vec<u8>) -> Option<PathBuf> {
    String::from_utf8(bytes).ok().map(|text| OsString::from(text).into())
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
        for server in ["postgres", "postgresql", "mysql", "mariadb", "MySQL"] {
            fails(&format!("{server}://user:secret@host/db"), Code::UrlInvalid, "SQLite only");
        }
        fails("mssql://user:secret@host/db.db", Code::UrlInvalid, "\"mssql\"");
        fails("http://secret/a.db", Code::UrlInvalid, "\"http\"");
    }

    #[test]
    fn a_variable_holds_a_name() {
        let lookup = |name: &str| match name {
            "HQ" => Some("sqlite:hq.db?mode=ro".to_owned()),
            "EMPTY" => Some(String::new()),
            "NESTED" => Some("env:HQ".to_owned()),
            "SERVER" => Some("postgres://user:secret@host/db".to_owned()),
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
        percent_decode("a%FF%3F%23%25b.db").filter(|path| path.to_str().is_none())
    }
}
