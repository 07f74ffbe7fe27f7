//! What a run tells while it works.

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
    /// The run has come to one of the points where a crash matters.
    Reached(Point),
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
