//! A file held against what it may hold: everything that is wrong with it, each with its place, and its connections.

use std::ops::Range;
use std::path::Path;

use syncline_core::limits;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::connection::{ConnectionName, Parsed};
use super::describe::{FILE, Key, Kind, Table};
use super::nearest::nearest;
use super::position::Position;
use super::template::Template;
use super::validate::{Problem, Severity};
use crate::database_name::DatabaseName;

/// What a file says.
pub(super) struct Checked {
    /// In the order of their places.
    pub(super) problems: Vec<Problem>,
    /// Those that nothing is wrong with, in their order.
    pub(super) connections: Vec<Parsed>,
}

/// Understands a file in a directory. Nothing of it is looked up, fetched or run.
pub(super) fn check(bytes: &[u8], base: &Path) -> Checked {
    let mut check = Check { bytes, base, problems: Vec::new(), connections: Vec::new() };
    match std::str::from_utf8(bytes) {
        Ok(text) => check.document(text),
        Err(error) => check.report(
            error.valid_up_to()..error.valid_up_to(),
            "a byte is no UTF-8 text",
            "TOML is UTF-8",
            "save the file as UTF-8",
        ),
    }
    let Check { mut problems, mut connections, .. } = check;
    problems.sort_by_key(|problem| (problem.line, problem.column));
    problems.truncate(limits::CONFIG_PROBLEMS_MAX);
    connections.sort_by_key(|connection| connection.line);
    Checked { problems, connections }
}

struct Check<'a> {
    bytes: &'a [u8],
    base: &'a Path,
    problems: Vec<Problem>,
    connections: Vec<Parsed>,
}

impl Check<'_> {
    fn document(&mut self, text: &str) {
        let (document, errors) = DeTable::parse_recoverable(text);
        for error in errors.iter().take(limits::CONFIG_PROBLEMS_MAX) {
            // Of the parser's words only: its report would repeat the line, and a password with it.
            let why = "the file is no TOML here";
            let next = "write KEY = VALUE, with text in double quotes, and each key once";
            self.report(error.span().unwrap_or(0..0), error.message(), why, next);
        }
        let broken: Vec<usize> = self.problems.iter().map(|problem| problem.line).collect();
        self.table(document.get_ref(), &FILE, "", 0..0);
        if !broken.is_empty() {
            // What the parser has made of broken lines is its guess, and what is missing may stand in one of them.
            self.problems.retain(|problem| broken.contains(&problem.line) || !problem.what.ends_with(MISSING));
            let mut seen = Vec::new();
            self.problems.retain(|problem| !broken.contains(&problem.line) || is_new(&mut seen, problem.line));
        }
    }

    /// A table that may hold these keys. `at` is where it is named.
    fn table(&mut self, table: &DeTable<'_>, described: &'static Table, path: &str, at: Range<usize>) {
        for (name, value) in table {
            match described.keys.iter().find(|key| key.name == name.get_ref()) {
                Some(key) => self.value(key, value, &joined(path, key.name), name.span()),
                None => self.unknown(name, described, path),
            }
        }
        for key in described.keys.iter().filter(|key| key.is_required) {
            if !table.keys().any(|name| name.get_ref() == key.name) {
                let what = format!("{}{MISSING}", joined(path, key.name));
                self.report(at.clone(), what, key.says, key.kind.example(key.name));
            }
        }
    }

    fn unknown(&mut self, name: &Spanned<std::borrow::Cow<'_, str>>, described: &'static Table, path: &str) {
        let known = || described.keys.iter().map(|key| key.name);
        let what = format!("{:?} is no key that is known", joined(path, &clipped(name.get_ref())));
        let all: Vec<&str> = known().collect();
        let next = match nearest(name.get_ref(), known()) {
            Some(near) => format!("write {near}, if that is meant"),
            None => "take it out".to_owned(),
        };
        self.report(name.span(), what, format!("known are {}", all.join(", ")), next);
    }

    fn value(&mut self, key: &'static Key, value: &Spanned<DeValue<'_>>, path: &str, name_at: Range<usize>) {
        match (&key.kind, value.get_ref()) {
            (Kind::Version(number), DeValue::Integer(found)) if found.as_str() == number.to_string() => {}
            (Kind::Version(number), DeValue::Integer(_)) => self.report(
                value.span(),
                format!("{path} is not {number}"),
                "this program reads no other version of the format",
                format!("write {path} = {number}"),
            ),
            (Kind::Boolean { .. }, DeValue::Boolean(_)) => {}
            // Looked at with its connection.
            (Kind::Url, DeValue::String(_)) => {}
            (Kind::Connections(described), DeValue::Table(table)) => {
                for (name, connection) in table {
                    self.connection(name, connection, described, path);
                }
            }
            (kind, _) => self.report(
                // A table has no place of its own where its parts stand apart.
                if value.span().is_empty() { name_at } else { value.span() },
                format!("{path} is not {}", kind.called()),
                key.says,
                format!("write {}", kind.example(key.name)),
            ),
        }
    }

    fn connection(
        &mut self,
        name: &Spanned<std::borrow::Cow<'_, str>>,
        value: &Spanned<DeValue<'_>>,
        described: &'static Table,
        path: &str,
    ) {
        let parsed = ConnectionName::parse(name.get_ref());
        if let Err(error) = &parsed {
            self.report(name.span(), error.what(), error.why().unwrap_or_default(), "give it another name");
        }
        let path = joined(path, &clipped(name.get_ref()));
        let DeValue::Table(table) = value.get_ref() else {
            let next = format!("write [{path}] and its keys beneath");
            return self.report(value.span(), format!("{path} is not a table"), described.says, next);
        };
        self.table(table, described, &path, name.span());
        let find = |wanted: &str| table.iter().find(|(name, _)| name.get_ref() == wanted).map(|(_, value)| value);
        let Some((at, DeValue::String(url))) = find("url").map(|url| (url.span(), url.get_ref())) else { return };
        let is_protected = matches!(find("protected").map(Spanned::get_ref), Some(DeValue::Boolean(true)));
        match (parsed, understood(url, self.base)) {
            (Ok(name_parsed), Ok(url)) => self.connections.push(Parsed {
                name: name_parsed,
                line: Position::of(self.bytes, name.span().start).line,
                url,
                url_at: at.start,
                is_protected,
            }),
            (_, Err(why)) => {
                let next = "syncline explain CONNECTION_INVALID says what a url may be";
                self.report(at, format!("{path}.url names no database"), why, next);
            }
            (Err(_), Ok(_)) => {}
        }
    }

    fn report(&mut self, at: Range<usize>, what: impl Into<String>, why: impl Into<String>, next: impl Into<String>) {
        let Position { line, column } = Position::of(self.bytes, at.start);
        let (what, why, next) = (what.into(), why.into(), next.into());
        self.problems.push(Problem { severity: Severity::Error, line, column, what, why, next });
    }
}

/// How the report of a key ends that is not there.
const MISSING: &str = " is missing";

/// A url, if it can be one, or why it cannot.
pub(super) fn understood(url: &str, base: &Path) -> Result<Template, String> {
    if url.len() > limits::CONNECTION_URL_BYTES_MAX {
        return Err(format!("it is longer than {} bytes", limits::CONNECTION_URL_BYTES_MAX));
    }
    let template = Template::parse(url)?;
    if let Some(literal) = template.literal() {
        // What it leaves open is filled in when it is opened.
        let anybody = |variable: &str| (variable == "USER").then(|| "user".to_owned());
        DatabaseName::parse_url(literal, base, &anybody).map_err(|error| match error.why() {
            Some(why) if error.what().starts_with("no ") => why.to_owned(),
            Some(why) => format!("{}: {why}", error.what()),
            None => error.what().to_owned(),
        })?;
    }
    Ok(template)
}

fn joined(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// The beginning of a name, however long somebody has made it.
fn clipped(name: &str) -> String {
    name.chars().take(limits::CONNECTION_NAME_CHARS_MAX).collect()
}

fn is_new(seen: &mut Vec<usize>, line: usize) -> bool {
    let is_new = !seen.contains(&line);
    seen.push(line);
    is_new
}

#[cfg(test)]
mod tests;
