//! What a run tells while it works.

use serde::Serialize;

/// The work a table is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Both sides are read and compared.
    Compare,
    /// Rows are loaded into an empty or new table.
    Load,
    /// Differences are written.
    Apply,
    /// Both sides are read again to prove the result.
    Verify,
}

/// Something happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// A phase began for a table; `rows` is how many there are to go through, where that is known.
    PhaseStarted {
        /// The table.
        table: String,
        /// The phase.
        phase: Phase,
        /// Rows to go through.
        rows: Option<u64>,
    },
    /// Some rows of the phase are done.
    Progress {
        /// The table.
        table: String,
        /// The phase.
        phase: Phase,
        /// Rows done since the phase began.
        rows: u64,
    },
    /// The phase ended for the table.
    PhaseEnded {
        /// The table.
        table: String,
        /// The phase.
        phase: Phase,
        /// Rows gone through.
        rows: u64,
    },
    /// A remark for a person.
    Note(String),
    /// Of a run that follows its source: what was touched there is in the target.
    Followed(Followed),
    /// The run has come to one of the points where a crash matters.
    Reached(Point),
}

/// What a run that follows its source has carried at a time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Followed {
    /// The tables with something new, in the order of their names.
    pub tables: Vec<FollowedTable>,
    /// When it was durable in the target, in milliseconds since 1970.
    pub at_ms: i64,
    /// How old the oldest of it was when it was durable in the target, in milliseconds by both clocks; `None` where that is not
    /// known.
    pub lag_ms: Option<u64>,
}

/// One table's part.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FollowedTable {
    /// The table.
    pub table: String,
    /// Rows added.
    pub inserted: u64,
    /// Rows changed.
    pub updated: u64,
    /// Rows deleted.
    pub deleted: u64,
    /// Rows held, which are listed as conflicts.
    pub held: u64,
}

/// The points of a run where a crash would leave different things behind. Kill tests stop the process at each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// Everything is decided, nothing is written.
    Decided,
    /// Rows are written in an open transaction, their before-images are not kept yet.
    Written,
    /// The before-images are durable, the transaction is not.
    EvidenceKept,
    /// The transaction is durable.
    Committed,
    /// All batches are in the target and the evidence says so; the checkpoint is still there.
    Sealed,
    /// The checkpoint is gone, the run is not closed.
    Forgotten,
}

impl Point {
    /// Every point, in the order a run comes to them.
    pub const ALL: [Point; 6] =
        [Point::Decided, Point::Written, Point::EvidenceKept, Point::Committed, Point::Sealed, Point::Forgotten];
}

/// Takes events. Called from the run's own task, so an implementation returns at once.
pub trait EventSink: Send + Sync {
    /// Takes one event.
    fn emit(&self, event: Event);
}

/// A sink for those who do not listen.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl EventSink for Silent {
    fn emit(&self, _event: Event) {}
}
