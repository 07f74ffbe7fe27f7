//! What a run, a diff and a verification report, in the shape of the command line's contract.

use serde::{Deserialize, Serialize};
use syncline_core::schema::Difference;

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It works, or its process died and no later run has taken note of that yet.
    Running,
    /// Everything asked for is done.
    Succeeded,
    /// Some tables or rows could not be carried, the rest is done.
    Partial,
    /// Done, and some rows wait for a person.
    Conflicts,
    /// It ended with an error before all tables were gone through.
    Failed,
    /// It was interrupted and kept what it had committed.
    Cancelled,
    /// Its process died; what it had committed is kept.
    Interrupted,
}

/// What reading both sides again has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verified {
    /// All carried tables are equal; for a copy, every row of the source is in the target.
    Equal,
    /// Equal except for rows that are counted as conflicts or held, tables that could not be carried, and what a column by which a
    /// table goes cannot tell.
    EqualExcept,
    /// They differ.
    Different,
    /// They differ, and others wrote to one of them meanwhile, so that says nothing yet.
    InFlight,
    /// Nothing was read again.
    Skipped,
}

/// What became of one table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableSummary {
    /// The table's name in the source.
    pub table: String,
    /// `source->target`.
    pub direction: String,
    /// Rows added.
    pub inserted: u64,
    /// Rows changed.
    pub updated: u64,
    /// Rows deleted.
    pub deleted: u64,
    /// Rows that were equal already.
    pub unchanged: u64,
    /// Rows left as they are because someone else changed them in the target while the run worked. The ledger has them.
    pub conflicts: u64,
    /// Rows held: the target refused them, or what they reference is not there. The ledger has them.
    pub held: u64,
    /// Rows that differ and were kept as the target has them, as asked.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub kept: u64,
    /// Rows with values that did not fit and were bent, as chosen. The ledger has them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub bent: u64,
    /// Columns that the run has added to the target's table. They stay when it is undone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub added_columns: Vec<String>,
    /// How the table was carried, and why so.
    pub strategy: String,
    /// Why the table could not be carried, or not to its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorReport>,
}

pub(crate) fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// An error as data; the same object in every surface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorReport {
    /// The stable code.
    pub code: String,
    /// What failed.
    pub what: String,
    /// Where.
    #[serde(rename = "where", skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The state left behind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// What to do next.
    pub next: Vec<NextReport>,
}

/// One next step as data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextReport {
    /// The command or advice.
    pub action: String,
    /// What it does.
    pub effect: String,
}

/// The summary of a run; the last line of every run's output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Version of this object.
    pub format: u32,
    /// `summary`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The run's identifier.
    pub run: String,
    /// How it ended.
    pub status: Status,
    /// What verification has shown.
    pub verified: Verified,
    /// One entry a table, in the order they were carried.
    pub tables: Vec<TableSummary>,
    /// Wall time.
    pub duration_ms: u64,
    /// The run that was cut off and that this one went on from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub continues: Option<String>,
    /// The backup that was taken of the target before anything was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup: Option<String>,
    /// Remarks: tables only in the target, views not carried, and the like.
    pub notes: Vec<String>,
}

/// How two databases differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiffReport {
    /// Version of this object.
    pub format: u32,
    /// `diff`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether every table is there on both sides, comparable and equal.
    pub equal: bool,
    /// One entry a table.
    pub tables: Vec<TableDiff>,
    /// How the definitions of the tables differ, whether that keeps their rows from being carried or not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub schema: Vec<Difference>,
    /// Remarks.
    pub notes: Vec<String>,
}

/// How two tables differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableDiff {
    /// The table's name.
    pub table: String,
    /// Rows that are equal.
    pub same: u64,
    /// Rows only the source has.
    pub only_source: u64,
    /// Rows only the target has.
    pub only_target: u64,
    /// Rows both have, with different values.
    pub changed: u64,
    /// Whether the rows could be compared at all; if not, the numbers are 0 and `note` says why.
    pub comparable: bool,
    /// What a person should know about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl From<&syncline_core::error::Error> for ErrorReport {
    fn from(error: &syncline_core::error::Error) -> Self {
        Self {
            code: error.code().name().to_owned(),
            what: error.what().to_owned(),
            place: error.place().map(str::to_owned),
            why: error.why_or_usual().map(str::to_owned),
            state: error.state().map(str::to_owned),
            next: error
                .next_steps()
                .iter()
                .map(|step| NextReport { action: step.action.clone(), effect: step.effect.clone() })
                .collect(),
        }
    }
}

impl TableDiff {
    /// Whether the tables hold the same rows, as far as could be compared.
    pub fn is_equal(&self) -> bool {
        self.comparable && self.only_source + self.only_target + self.changed == 0
    }
}
