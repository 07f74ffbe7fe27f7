//! What waits for a person: rows that runs have held, each with both values and the reason.

mod filter;
mod retry;

use syncline_core::change::{Operation, Reason};
use syncline_core::error::Result;
use syncline_core::value::Value;
use syncline_stores::sql::Dialect;

use crate::row_difference::{InTarget, RowDifference};
use crate::session::Syncline;

pub use self::filter::ConflictFilter;
pub use self::retry::Retry;

/// Whether a row still waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConflictState {
    /// It differs and waits.
    Open,
    /// A later run has carried it, or found nothing left to carry; or the run that held it was taken back.
    Settled,
}

/// One entry of the ledger: a row that differs and was not carried.
#[derive(Clone, Debug, PartialEq)]
pub struct Conflict {
    /// `c_` and a number; it stays the same however often the row is held again.
    pub id: String,
    /// Whether it still waits.
    pub state: ConflictState,
    /// The label of the source.
    pub source: String,
    /// The label of the target.
    pub target: String,
    /// The table, as the source spells it.
    pub table: String,
    /// The table, as the target spells it.
    pub target_table: String,
    /// What was to happen to the row.
    pub operation: Operation,
    /// Why it is held.
    pub reason: Reason,
    /// The database's own words.
    pub words: String,
    /// The key's columns and values.
    pub key: Vec<(String, Value)>,
    /// How many rows it waits for: those it needs that were not there, and those that had a unique value it was to get.
    pub awaits: u64,
    /// The run that held it first.
    pub first_run: String,
    /// When that run began, in milliseconds since 1970.
    pub first_ms: i64,
    /// The run that held it last.
    pub last_run: String,
    /// When that run began.
    pub last_ms: i64,
    /// The run that settled it.
    pub settled_by: Option<String>,
    /// When that was.
    pub settled_ms: Option<i64>,
}

/// One entry with both rows.
#[derive(Clone, Debug, PartialEq)]
pub struct ConflictRow {
    /// The entry.
    pub entry: Conflict,
    /// The columns of both rows in order, as the source spells them.
    pub columns: Vec<String>,
    /// The same columns, as the target spells them.
    pub target_columns: Vec<String>,
    /// Positions of the key in `columns`.
    pub key: Vec<usize>,
    /// The row as the source showed it, when it had one.
    pub source: Option<Vec<Value>>,
    /// The row as the target had it, when it had one.
    pub target: Option<Vec<Value>>,
    /// How the target writes names and values.
    pub dialect: Dialect,
    /// A mapping lets rows or columns of the target take no part; they must stay as they are.
    pub is_partial: bool,
    /// Positions in `columns` of those whose values the target gives out and lets nobody change.
    pub given: Vec<usize>,
}

/// One entry with what it is bound to.
#[derive(Clone, Debug, PartialEq)]
pub struct ConflictDetail {
    /// The entry and its rows.
    pub row: ConflictRow,
    /// The rows it waits for.
    pub awaits: Vec<Link>,
    /// The open entries that wait for its row.
    pub awaited_by: Vec<String>,
}

/// A row that a held one waits for.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// Its table, as the target spells it.
    pub table: String,
    /// The columns that it is called by, and their values.
    pub values: Vec<(String, Value)>,
    /// The open entry that holds it too; `None` when it is not held, but missing or in the way.
    pub held_by: Option<String>,
}

/// A target that rows are held for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldTarget {
    /// Its label.
    pub label: String,
    /// The latest run that held one of the rows.
    pub run: String,
    /// How many rows they are.
    pub rows: u64,
    pub(crate) identity: String,
}

/// One page of the list of entries, oldest first.
#[derive(Clone, Debug)]
pub struct ConflictPage {
    /// The entries.
    pub conflicts: Vec<Conflict>,
    /// How many the filter lets through in all.
    pub total: u64,
    /// What to ask the next page with; `None` at the end.
    pub next_cursor: Option<String>,
}

impl Syncline {
    /// Entries of the ledger, oldest first.
    ///
    /// # Errors
    /// `RUN_NOT_FOUND` or `CONFLICT_NOT_FOUND` when the filter or the cursor names what is not there.
    pub async fn conflicts(&self, filter: &ConflictFilter, limit: usize, cursor: Option<&str>) -> Result<ConflictPage> {
        let state = self.state().await?;
        // What a run held that was killed counts as far as the run came.
        self.recover_dead_runs().await?;
        let total = state.count_conflicts(filter).await?;
        let (conflicts, next_cursor) = state.list_conflicts(filter, limit, cursor).await?;
        Ok(ConflictPage { conflicts, total, next_cursor })
    }

    /// The targets of the entries that the filter lets through, by their labels.
    ///
    /// # Errors
    /// `RUN_NOT_FOUND` when the filter names a run that is not recorded.
    pub async fn held_targets(&self, filter: &ConflictFilter) -> Result<Vec<HeldTarget>> {
        let state = self.state().await?;
        self.recover_dead_runs().await?;
        state.held_targets(filter).await
    }

    /// One entry, with both rows, what it waits for and what waits for it.
    ///
    /// # Errors
    /// `CONFLICT_NOT_FOUND`.
    pub async fn conflict(&self, id: &str) -> Result<ConflictDetail> {
        let state = self.state().await?;
        let row = state.find_conflict(id).await?;
        let awaits = state.awaited_by_entry(id).await?;
        let awaited_by = state.entries_awaiting(id).await?;
        Ok(ConflictDetail { row, awaits, awaited_by })
    }

    /// The rows of one entry, for those who go through many.
    ///
    /// # Errors
    /// `CONFLICT_NOT_FOUND`.
    pub async fn conflict_row(&self, id: &str) -> Result<ConflictRow> {
        self.state().await?.find_conflict(id).await
    }
}

/// A name for row numbers that no column has taken.
fn free_name(columns: &[String]) -> Option<&'static str> {
    let is_free = |name: &&str| !columns.iter().any(|column| column.eq_ignore_ascii_case(name));
    ["rowid", "_rowid_", "oid"].into_iter().find(is_free)
}

impl ConflictState {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            ConflictState::Open => "open",
            ConflictState::Settled => "settled",
        }
    }
}

impl ConflictRow {
    /// Whether both rows are there and differ in this column.
    pub fn is_changed(&self, column: usize) -> bool {
        match (&self.source, &self.target) {
            (Some(source), Some(target)) => source.get(column) != target.get(column),
            _ => false,
        }
    }

    /// The entry as a difference in the target's words.
    pub fn difference(&self) -> RowDifference {
        RowDifference {
            table: self.entry.target_table.clone(),
            operation: self.entry.operation,
            columns: self.target_columns.clone(),
            key: self.key.clone(),
            source: self.source.clone(),
            target: self.target.clone(),
            dialect: self.dialect,
            in_target: self.is_partial.then(|| InTarget {
                table: self.entry.target_table.clone(),
                columns: self.target_columns.clone(),
                is_partial: true,
            }),
            place: free_name(&self.target_columns).filter(|_| self.key.is_empty()).map(str::to_owned),
            given: self.given.clone(),
            held: None,
        }
    }
}
