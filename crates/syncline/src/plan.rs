//! Plans: what a run would do, row by row, to be looked at, kept in a file and carried out once.
//!
//! A plan is a file of JSON lines: the plan itself, a line for each row, range or load, and an end that seals what stands
//! before it. The lines of rows show values to people; what binds is the digest at their end, which covers what is done to
//! which row, what the target's row was and what it becomes. Carrying a plan out decides anew and lets through exactly the
//! changes that the plan holds: one that is no longer to be made like that makes the plan stale, one that the plan does not
//! hold is left alone. What runs that were cut off have carried out of it counts as done.

mod apply;
mod begun;
mod change_digest;
mod contracts;
mod file;
mod gate;
mod make;
mod place;
mod referenced;

use serde::{Deserialize, Serialize};
use syncline_core::error::Result;
use syncline_stores::sql::Dialect;

use crate::request::RunRequest;
use crate::row_difference::RowDifference;
use crate::summary::{ErrorReport, is_zero};

pub(crate) use self::apply::{Carrying, check_identities};
pub use self::file::PlanWriter;
pub(crate) use self::gate::{Gate, Narrowed, Spools};

/// What a run would do: the first line of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Version of this object.
    pub format: u32,
    /// `plan`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The plan's identifier: `p_` and sixteen hexadecimal digits. It is spent once a run has carried it out to its end.
    pub plan: String,
    /// When it was made, in milliseconds since 1970.
    pub made_ms: i64,
    /// The source.
    pub source: PlanEnd,
    /// The target.
    pub target: PlanEnd,
    /// What was asked for. It holds no password.
    pub request: RunRequest,
    /// One entry a table.
    pub tables: Vec<PlanTable>,
    /// Remarks for a person.
    pub notes: Vec<String>,
}

/// One of the two databases.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanEnd {
    /// What it is called.
    pub label: String,
    /// Which database it is, in the words of its engine; `None` for one that is yet to be made.
    pub identity: Option<String>,
    /// Its incarnation: one more with each restore.
    pub incarnation: u64,
}

impl PlanEnd {
    /// How the database writes names and values.
    pub fn dialect(&self) -> Dialect {
        // An identity begins with the engine's name; a database that is yet to be made is a file.
        let engine = self.identity.as_ref().and_then(|identity| identity.split(':').next());
        engine.map_or(Dialect::Sqlite, Dialect::of)
    }
}

/// One table of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanTable {
    /// The table's name in the source.
    pub table: String,
    /// Rows to add.
    pub insert: u64,
    /// Rows to change.
    pub update: u64,
    /// Rows to delete.
    pub delete: u64,
    /// Rows that are equal already.
    pub unchanged: u64,
    /// How the table is carried, and why so.
    pub how: String,
    /// What the lines of the table hold.
    pub holds: Holds,
    /// The statements that make the table, where it is missing.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub creates: Vec<String>,
    /// The statements that add columns to it, where it lacks some.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub alters: Vec<String>,
    /// Rows that differ and stay as the target has them, as asked.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub kept: u64,
    /// Digests of deletes that rows which stay still reference, in hexadecimal digits. They will be held.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub referenced: Vec<String>,
    /// Rows that come in the source and will be held, because rows outside the filter have their keys.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub held: u64,
    /// Columns of which the target may be unable to hold a value of the source; such a row will be held.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub checked: Vec<ColumnContract>,
    /// A digest of what both tables look like, with what is to be added.
    pub schema: String,
    /// Why the table cannot be carried.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<ErrorReport>,
}

/// A column whose type is another one in the target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnContract {
    /// The column's name in the source.
    pub column: String,
    /// Its type as the source declares it.
    pub source: String,
    /// Its type as the target declares it.
    pub target: String,
}

/// What the lines of a table hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Holds {
    /// Every row to change.
    Rows,
    /// Ranges of so many changes that nobody would read them, each with a digest.
    Ranges,
    /// All rows of the source go into a table that has none: their number and the sum of their digests.
    Load,
}

/// A range of changes to one table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanRange {
    /// The table.
    pub table: String,
    /// `put` or `delete`.
    pub kind: String,
    /// Changes in the range.
    pub changes: u64,
    /// The first key, as JSON.
    pub first: serde_json::Value,
    /// The last key, as JSON.
    pub last: serde_json::Value,
    /// The last key in the exact encoding, in hexadecimal digits; of a table without a key, what all copies of the last row
    /// are called.
    pub upto: String,
    /// The sum of the changes' digests, in 32 hexadecimal digits.
    pub digest: String,
}

/// All rows that a load brings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanLoad {
    /// The table.
    pub table: String,
    /// Rows.
    pub rows: u64,
    /// The sum of their digests, in hexadecimal digits.
    pub digest: String,
}

/// Takes a plan, part by part: first the plan, then table by table its lines, then the end.
pub trait PlanSink: Send {
    /// Takes the plan itself.
    ///
    /// # Errors
    /// When it cannot be passed on, as for the other parts; that ends the planning.
    fn plan(&mut self, plan: &Plan) -> Result<()>;

    /// Takes a row with the digest of its change; rows of a load have none.
    ///
    /// # Errors
    /// As [`PlanSink::plan`].
    fn row(&mut self, row: RowDifference, digest: Option<u128>) -> Result<()>;

    /// Takes a range.
    ///
    /// # Errors
    /// As [`PlanSink::plan`].
    fn range(&mut self, range: PlanRange) -> Result<()>;

    /// Takes a load, after its rows.
    ///
    /// # Errors
    /// As [`PlanSink::plan`].
    fn load(&mut self, load: PlanLoad) -> Result<()>;

    /// Takes the end.
    ///
    /// # Errors
    /// As [`PlanSink::plan`].
    fn end(&mut self) -> Result<()>;

    /// Whether tables should come after those that they reference, instead of in the order of their names.
    fn wants_parents_first(&self) -> bool {
        false
    }
}

fn hex(digest: u128) -> String {
    format!("{digest:032x}")
}
