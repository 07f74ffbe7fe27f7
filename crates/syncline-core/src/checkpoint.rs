//! How far a run has come, as the target itself knows it.

/// Kept in the target and committed with the rows it covers: what is durable there is exactly what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The run.
    pub run: String,
    /// The last batch of that run whose rows are in the target; batches are counted from 1.
    pub batch: u64,
}
