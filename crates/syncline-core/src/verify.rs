//! Proof that two tables hold the same rows: both are read and summed up, row by row.
//!
//! It shares neither key order nor merge with the comparison it checks. Each side is read in whatever order it likes, and
//! the digests of its rows are added up. What a load has left in a table was summed up while the source was read for it,
//! so there only the target is read again.

use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::{StreamExt, future};

use crate::cancel::Cancel;
use crate::capture::scan::sum_rows;
use crate::change::TableTask;
use crate::error::Result;
use crate::store::{Share, Snapshot};
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
    let (source_sums, target_sums) =
        future::try_join(source.snapshot.sum(source.task, Share::ALL), target.snapshot.sum(target.task, Share::ALL))
            .await?;
    future::try_join(sum_rows(source_sums, cancel, progress), sum_rows(target_sums, cancel, &|_| {})).await
}

/// Sums up one table through several views that show the same, all at once. `progress` is told the rows gone through.
///
/// # Errors
/// Those of the snapshots, and `RUN_CANCELLED`.
pub async fn sum_shared(
    views: &mut [Box<dyn Snapshot>],
    task: &TableTask,
    cancel: &Cancel,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<TableSum> {
    let of = u32::try_from(views.len()).unwrap_or(u32::MAX);
    let rows = AtomicU64::new(0);
    let sums = views.iter_mut().zip(0..of).map(|(view, index)| {
        let rows = &rows;
        async move {
            let mut sum = TableSum::default();
            let mut parts = view.sum(task, Share { index, of }).await?;
            while let Some(part) = parts.next().await.transpose()? {
                cancel.check()?;
                sum.merge(part.sum);
                progress(rows.fetch_add(part.sum.rows, Ordering::Relaxed) + part.sum.rows);
            }
            Ok(sum)
        }
    });
    let mut all = TableSum::default();
    future::try_join_all(sums).await?.into_iter().for_each(|sum| all.merge(sum));
    Ok(all)
}
