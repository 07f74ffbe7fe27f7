//! Every row, in whatever order is cheapest to read.

use futures_util::StreamExt;

use crate::cancel::Cancel;
use crate::error::Result;
use crate::store::SumStream;
use crate::value::TableSum;

/// Reads a stream to its end and adds it up. `progress` is told the rows gone through.
///
/// # Errors
/// Those of the stream, and `RUN_CANCELLED`.
pub async fn sum_rows(mut sums: SumStream<'_>, cancel: &Cancel, progress: &(dyn Fn(u64) + Sync)) -> Result<TableSum> {
    let mut sum = TableSum::default();
    while let Some(part) = sums.next().await.transpose()? {
        cancel.check()?;
        sum.merge(part);
        progress(sum.rows);
    }
    Ok(sum)
}
