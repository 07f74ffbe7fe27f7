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
