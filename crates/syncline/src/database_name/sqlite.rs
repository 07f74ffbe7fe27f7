//! The name of a SQLite file.

use std::ffi::OsString;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use syncline_core::error::{Code, Error, Result};

use super::{DatabaseName, invalid, percent};

/// The file names that a bare path may end in, without regard to case.
const EXTENSIONS: [&str; 3] = ["db", "sqlite", "sqlite3"];

/// The options of a query and their values.
const OPTIONS: [(&str, &[&str]); 2] = [("mode", &["ro", "rw", "rwc"]), ("cache", &["private", "shared"])];

/// The mode of a name that says none: read, write, and create where a verb creates missing databases.
pub(super) const CREATE: &str = "rwc";

/// What follows `sqlite:`.
pub(super) fn parse_literal(rest: &str) -> Result<DatabaseName> {
    let (path, query) = split_query(rest).unwrap_or((rest, ""));
    let path = path.strip_prefix("//").unwrap_or(path);
    named(PathBuf::from(path), mode(query)?)
}

/// What follows `file:`.
pub(super) fn parse_uri(rest: &str) -> Result<DatabaseName> {
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
    let path = percent::decode(path)
        .and_then(path_of)
        .ok_or_else(|| invalid("`%` is followed by no character code; if it belongs to the name, write %25"))?;
    named(path, mode(query)?)
}

/// The file at this path, taken literally.
pub(super) fn named(path: PathBuf, mode: &str) -> Result<DatabaseName> {
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
    Ok(DatabaseName::Sqlite { path, read_only: mode == "ro", must_exist: mode != CREATE })
}

/// The text that means this file and mode, from any directory. The path is absolute.
pub(super) fn write(path: &Path, read_only: bool, must_exist: bool) -> String {
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
        None => format!(
            "file://{}{}",
            percent::encode(path.as_os_str().as_encoded_bytes(), b"/"),
            query.unwrap_or_default()
        ),
    }
}

/// Whether a text without a scheme means a file.
pub(super) fn is_bare_path(text: &str) -> bool {
    ends_like_file(text) || exists(text)
}

/// Whether a text ends as files of databases do.
pub(super) fn ends_like_file(text: &str) -> bool {
    let extension = text.rsplit_once('.').map(|(_, extension)| extension);
    extension.is_some_and(|found| EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(found)))
}

/// Whether two paths lead to one file, or would if it were there.
pub(super) fn is_same_file(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| {
        std::fs::canonicalize(path).ok().or_else(|| {
            let directory = std::fs::canonicalize(path.parent()?).ok()?;
            Some(directory.join(path.file_name()?))
        })
    };
    let are_linked = match (one.metadata(), other.metadata()) {
        (Ok(one), Ok(other)) => is_one_inode(&one, &other),
        _ => false,
    };
    are_linked || real(one).is_some_and(|found| real(other) == Some(found))
}

#[cfg(unix)]
fn is_one_inode(one: &std::fs::Metadata, other: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

#[cfg(not(unix))]
fn is_one_inode(_: &std::fs::Metadata, _: &std::fs::Metadata) -> bool {
    false
}

/// Whether anything is there: the store says what is wrong with a directory or a broken link better than a parser.
pub(super) fn exists(text: &str) -> bool {
    !text.is_empty() && Path::new(text).symlink_metadata().is_ok()
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

fn refused(why: String) -> Error {
    let mut allowed = String::from("allowed are");
    for (position, (name, values)) in OPTIONS.iter().enumerate() {
        let separator = if position == 0 { "" } else { " and" };
        // Writing to a string cannot fail.
        let _ = write!(allowed, "{separator} {name}={}", values.join("|"));
    }
    Error::new(Code::UrlOption, why).because(allowed)
}

#[cfg(unix)]
pub(super) fn path_of(bytes: Vec<u8>) -> Option<PathBuf> {
    Some(<OsString as std::os::unix::ffi::OsStringExt>::from_vec(bytes).into())
}

#[cfg(not(unix))]
pub(super) fn path_of(bytes: Vec<u8>) -> Option<PathBuf> {
    String::from_utf8(bytes).ok().map(|text| OsString::from(text).into())
}
