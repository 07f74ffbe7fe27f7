//! One execution of a verb, as it is remembered.

use rusqlite::Row;
use rusqlite::types::Type;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::request::{RunRequest, Verb};
use crate::summary::{ErrorReport, Status, Summary, Verified};

/// What a run set out to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunVerb {
    /// Add and update.
    Copy,
    /// Make the target equal.
    Mirror,
    /// Take another run back.
    Undo,
    /// Try held rows again.
    Retry,
    /// Make the target what a backup holds.
    Restore,
}

/// One run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RunRecord {
    /// `r_` and eight hexadecimal digits.
    pub id: String,
    /// What it set out to do.
    pub verb: RunVerb,
    /// The source's label.
    pub source: String,
    /// The target's label.
    pub target: String,
    /// The source's identity, as its engine gives it; an undo has none, nor has a run from before it was kept.
    pub source_identity: Option<String>,
    /// The target's identity, likewise.
    pub target_identity: String,
    /// Where it stands. [`Status::Running`] is also what a run whose process died says, until
    /// [`super::State::mark_interrupted`] takes note; [`super::RunLock::is_held`] tells the two apart.
    pub status: Status,
    /// What verification has shown; [`Verified::Skipped`] before the run has ended.
    pub verified: Verified,
    /// When it began, in milliseconds since 1970.
    pub started_ms: i64,
    /// When it ended.
    pub ended_ms: Option<i64>,
    /// What was asked for; an undo and a restore have none.
    pub request: Option<RunRequest>,
    /// The run that this one takes back.
    pub undoes: Option<String>,
    /// The run that has taken this one back and was not taken back itself.
    pub undone_by: Option<String>,
    /// The run that was cut off and that this one went on from.
    pub continues: Option<String>,
    /// Its before-images were wanted and have not expired.
    pub keeps_images: bool,
    /// Rows inserted, updated and deleted: by its summary, or where its process died by its evidence, once a later run has
    /// taken note of that; 0 before, and where it kept none.
    pub written_rows: u64,
    /// What it reported at its end.
    pub summary: Option<Summary>,
    /// The error it ended with.
    pub error: Option<ErrorReport>,
    /// The target's incarnation that it wrote in; for a restore, the one it began.
    pub incarnation: u64,
    /// The newest restore that has put other content into the target since, or may have.
    pub superseded_by: Option<String>,
    /// The backup that was taken of the target before the run wrote to it.
    pub backup: Option<String>,
}

/// A run about to begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRun {
    /// What it sets out to do.
    pub verb: RunVerb,
    /// The source's label.
    pub source: String,
    /// The target's label.
    pub target: String,
    /// The source's identity, as its engine gives it; an undo has none, because it reads no source.
    pub source_identity: Option<String>,
    /// The target's identity, likewise.
    pub target_identity: String,
    /// What was asked for; an undo has none.
    pub request: Option<RunRequest>,
    /// The run that this one takes back.
    pub undoes: Option<String>,
    /// The run that was cut off and that this one goes on from.
    pub continues: Option<String>,
    /// Before-images are wanted.
    pub keeps_images: bool,
    /// Now, in milliseconds since 1970.
    pub started_ms: i64,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunEnd {
    /// Where it stands; anything but [`Status::Running`].
    pub status: Status,
    /// What verification has shown.
    pub verified: Verified,
    /// What it reports.
    pub summary: Option<Summary>,
    /// The error it ended with.
    pub error: Option<ErrorReport>,
    /// Now, in milliseconds since 1970.
    pub ended_ms: i64,
    /// For an undo: it has taken its run back, so that run is no longer offered for undo.
    pub mark_undone: bool,
}

/// The columns [`RunRecord::read`] reads, in its order.
pub(super) const COLUMNS: &str = "id, verb, source, target, target_identity, status, verified, started_ms, ended_ms, \
     request, undoes, undone_by, continues, keeps_images, written_rows, summary, error, source_identity, \
     incarnation, (SELECT later.begun_by FROM incarnation AS later WHERE later.target_identity = run.target_identity \
     AND later.number > run.incarnation ORDER BY later.number DESC LIMIT 1), backup";

impl RunRecord {
    /// Reads a row of [`COLUMNS`].
    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            verb: read_word(row, 1)?,
            source: row.get(2)?,
            target: row.get(3)?,
            target_identity: row.get(4)?,
            status: read_word(row, 5)?,
            verified: read_word(row, 6)?,
            started_ms: row.get(7)?,
            ended_ms: row.get(8)?,
            request: read_json(row, 9)?,
            undoes: row.get(10)?,
            undone_by: row.get(11)?,
            continues: row.get(12)?,
            keeps_images: row.get(13)?,
            written_rows: to_count(row.get(14)?),
            summary: read_json(row, 15)?,
            error: read_json(row, 16)?,
            source_identity: row.get(17)?,
            incarnation: to_count(row.get(18)?),
            superseded_by: row.get(19)?,
            backup: row.get(20)?,
        })
    }
}

impl RunVerb {
    /// Whether it carries rows from a source: a copy or a mirror.
    pub fn has_source(self) -> bool {
        matches!(self, RunVerb::Copy | RunVerb::Mirror)
    }
}

impl From<Verb> for RunVerb {
    fn from(verb: Verb) -> Self {
        match verb {
            Verb::Copy => RunVerb::Copy,
            Verb::Mirror => RunVerb::Mirror,
        }
    }
}

/// The word an enumeration is kept as.
pub(super) fn to_word<T: Serialize>(value: &T) -> rusqlite::Result<String> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => Ok(word),
        Ok(other) => Err(rusqlite::Error::ToSqlConversionFailure(format!("{other} is no word").into())),
        Err(error) => Err(rusqlite::Error::ToSqlConversionFailure(error.into())),
    }
}

/// An enumeration kept as a word.
pub(super) fn read_word<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let word = serde_json::Value::String(row.get(column)?);
    serde_json::from_value(word).map_err(|error| unreadable(column, error))
}

/// What a structure is kept as.
pub(super) fn to_json<T: Serialize>(value: &T) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

/// A structure kept as JSON, or NULL.
pub(super) fn read_json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<T>> {
    let text: Option<String> = row.get(column)?;
    text.map(|text| serde_json::from_str(&text).map_err(|error| unreadable(column, error))).transpose()
}

/// A count as SQLite's integer. No count comes near the bound, and a limit may well be cut off there.
pub(super) fn to_sql(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A count from SQLite's integer; only counts were stored.
pub(super) fn to_count(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

fn unreadable(column: usize, error: serde_json::Error) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, error.into())
}
