//! Every row, in whatever order is cheapest to read.

use futures_util::StreamExt;

use crate::cancel::Cancel;
use crate::error::Result;
use crate::store::RowStream;
use crate::value::TableSum;

/// Reads a stream to its end and sums it up. `progress` is told the rows gone through.
///
/// # Errors
/// Those of the stream, and `RUN_CANCELLED`.
pub async fn sum_rows(mut rows: RowStream<'_>, cancel: &Cancel, progress: &(dyn Fn(u64) + Sync)) -> Result<TableSum> {
    let mut sum = TableSum::default();
    let mut scratch = Vec::new();
    while let Some(batch) = rows.next().await.transpose()? {
        cancel.check()?;
        sum.add(&batch, &mut scratch);
        progress(sum.rows);
    }
    Ok(sum)
}
