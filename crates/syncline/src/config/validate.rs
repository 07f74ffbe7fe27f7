//! A file gone through for its author.

use std::path::{Path, PathBuf};

use syncline_core::error::{Code, Error, Result};

use super::check::{Checked, check};
use super::connection::PasswordIn;
use super::files::{Origin, Raw};
use super::position::Position;

/// How grave something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The file cannot be used.
    Error,
    /// It can, and should be otherwise.
    Warning,
}

impl Severity {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        }
    }
}

/// Something wrong with a file. Never holds a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// How grave it is.
    pub severity: Severity,
    /// The line, from 1.
    pub line: usize,
    /// The character of the line, from 1.
    pub column: usize,
    /// What is wrong.
    pub what: String,
    /// Why.
    pub why: String,
    /// What to do.
    pub next: String,
}

/// A file and all that is wrong with it.
#[derive(Clone, Debug)]
pub struct Validation {
    /// The file.
    pub path: PathBuf,
    /// How it came to be read.
    pub origin: Origin,
    /// In the order of their places.
    pub problems: Vec<Problem>,
    /// How many connections nothing is wrong with.
    pub connections: usize,
}

impl Problem {
    /// Whether the file cannot be used because of it.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// The error that a command ends with which needs the file; `others` are wrong with it besides.
    pub(super) fn error(&self, path: &Path, others: usize) -> Error {
        let more = match others {
            0 => String::new(),
            1 => "; one thing more is wrong with it".to_owned(),
            others => format!("; {others} things more are wrong with it"),
        };
        Error::new(Code::ConfigInvalid, format!("{} cannot be used: {}", path.display(), self.what))
            .at(format!("{}:{}:{}", path.display(), self.line, self.column))
            .because(format!("{}{more}", self.why))
            .leaving("nothing was changed")
            .next(self.next.clone(), "")
            .next("syncline config validate", "see everything that is wrong, and where")
    }
}

impl Validation {
    /// Whether the file can be used.
    pub fn is_valid(&self) -> bool {
        !self.problems.iter().any(Problem::is_error)
    }
}

/// Goes through a file. `is_tracked` says whether it is kept by a program that keeps versions, and goes wherever they go.
///
/// # Errors
/// `CONFIG_FAILED` when it cannot be read.
pub fn validate(path: &Path, origin: Origin, is_tracked: bool) -> Result<Validation> {
    let raw = Raw::read(path)?;
    let Checked { mut problems, connections } = check(&raw.bytes, raw.base());
    if let Err(error) = raw.check_origin(path, origin) {
        problems.insert(0, untrusted(&error));
    }
    let seen_by = match (is_tracked, raw.standing.is_read_by_others()) {
        (true, _) => Some("git tracks the file, and the password goes wherever it goes"),
        (false, true) => Some("others on this machine may read the file"),
        (false, false) => None,
    };
    for connection in &connections {
        let Some(why) = seen_by.filter(|_| connection.url.password_in() == PasswordIn::File) else { continue };
        let Position { line, column } = Position::of(&raw.bytes, connection.url_at);
        problems.push(Problem {
            severity: Severity::Warning,
            line,
            column,
            what: format!("the url of {} holds a password", connection.name),
            why: why.to_owned(),
            next:
                "keep it elsewhere, and write ${env:NAME}, ${file:PATH}, ${cmd:COMMAND} or ${keyring:NAME} in its place"
                    .to_owned(),
        });
    }
    problems.sort_by_key(|problem| (problem.line, problem.column));
    Ok(Validation { path: path.to_owned(), origin, problems, connections: connections.len() })
}

fn untrusted(error: &Error) -> Problem {
    Problem {
        severity: Severity::Error,
        line: 1,
        column: 1,
        what: error.what().to_owned(),
        why: error.why().unwrap_or_default().to_owned(),
        next: error.next_steps().first().map(|step| step.action.clone()).unwrap_or_default(),
    }
}
