//! Proof that two tables hold the same rows: both are read again and summed up, row by row.
//!
//! It shares nothing with the comparison it checks: no key order, no merge, no digest computed by a store. Each side is
//! scanned in whatever order it likes; the digests of its rows, taken here from the cells themselves, are added up.

use futures_util::future;

use crate::cancel::Cancel;
use crate::capture::scan::sum_rows;
use crate::change::TableTask;
use crate::error::Result;
use crate::store::Snapshot;
use crate::value::TableSum;

/// One side of a proof.
pub struct Side<'a> {
    /// A view opened for the proof, not one the run has used.
    pub snapshot: &'a mut dyn Snapshot,
    /// What is read.
    pub task: &'a TableTask,
}

/// Sums up both sides at the same time. `progress` is told the rows of the source gone through.
///
/// # Errors
/// Those of the snapshots, and `RUN_CANCELLED`.
pub async fn sum_both(
    source: Side<'_>,
    target: Side<'_>,
    cancel: &Cancel,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<(TableSum, TableSum)> {
    let (source_rows, target_rows) =
        future::try_join(source.snapshot.scan(source.task), target.snapshot.scan(target.task)).await?;
    let silent = |_| {};
    future::try_join(sum_rows(source_rows, cancel, progress), sum_rows(target_rows, cancel, &silent)).await
}
