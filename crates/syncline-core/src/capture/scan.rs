//! Every row, in whatever order is cheapest to read.

use futures_util::StreamExt;

use crate::cancel::Cancel;
use crate::error::Result;
use crate::store::SumStream;
use crate::value::{Sketched, TableSum};

/// Reads a stream to its end and adds it up. `progress` is told the rows gone through.
///
/// # Errors
/// Those of the stream, and `RUN_CANCELLED`.
pub async fn sum_rows(mut sums: SumStream<'_>, cancel: &Cancel, progress: &(dyn Fn(u64) + Sync)) -> Result<TableSum> {
    let mut sum = TableSum::default();
    while let Some(part) = sums.next().await.transpose()? {
        cancel.check()?;
        sum.merge(part.sum);
        progress(sum.rows);
    }
    Ok(sum)
}

/// As [`sum_rows`], with a sketch of the rows.
///
/// # Errors
/// As for [`sum_rows`].
pub async fn sketch_rows(
    mut sums: SumStream<'_>,
    cancel: &Cancel,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Sketched> {
    let mut rows = Sketched::default();
    while let Some(part) = sums.next().await.transpose()? {
        cancel.check()?;
        rows.merge(part.sum, &part.digests);
        progress(rows.sum.rows);
    }
    Ok(rows)
}
