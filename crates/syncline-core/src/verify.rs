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

/// Sums up both sides at the same time. `progress` is told the rows of the source gone through.
///
/// # Errors
/// Those of the snapshots, and `RUN_CANCELLED`.
pub async fn sum_both(
    source: (&mut dyn Snapshot, &TableTask),
    target: (&mut dyn Snapshot, &TableTask),
    cancel: &Cancel,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<(TableSum, TableSum)> {
    let (source_rows, target_rows) = future::try_join(source.0.scan(source.1), target.0.scan(target.1)).await?;
    let silent = |_| {};
    future::try_join(sum_rows(source_rows, cancel, progress), sum_rows(target_rows, cancel, &silent)).await
}
