//! Proof that two tables hold the same rows: both are read again and summed up, row by row.
//!
//! It shares nothing with the comparison it checks: no key order, no merge, no digest computed by a store. Each side is
//! scanned in whatever order it likes; the digests of its rows, taken here from the cells themselves, are added up.

use futures_util::{StreamExt, future};

use crate::cancel::Cancel;
use crate::change::TableTask;
use crate::error::Result;
use crate::store::{RowStream, Snapshot};
use crate::value::{RowBatch, exact};

/// The number of rows and the sum of their digests modulo 2^128. Two tables with equal sums hold the same rows, in
/// whatever order, unless someone has crafted them to collide.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TableSum {
    /// Rows summed up.
    pub rows: u64,
    sum: u128,
}

impl TableSum {
    /// Adds the rows of a batch.
    pub fn add(&mut self, batch: &RowBatch, scratch: &mut Vec<u8>) {
        for row in batch.rows() {
            self.sum = self.sum.wrapping_add(exact::digest_row(row.iter(), scratch));
        }
        self.rows += batch.len() as u64;
    }

    /// The sum as bytes, to be kept.
    pub fn to_bytes(self) -> Vec<u8> {
        [&self.rows.to_le_bytes()[..], &self.sum.to_le_bytes()[..]].concat()
    }

    /// The sum of all rows of a stream.
    ///
    /// # Errors
    /// Those of the stream, and `RUN_CANCELLED`.
    pub async fn of(mut rows: RowStream<'_>, cancel: &Cancel, progress: &(dyn Fn(u64) + Sync)) -> Result<Self> {
        let mut sum = Self::default();
        let mut scratch = Vec::new();
        while let Some(batch) = rows.next().await.transpose()? {
            cancel.check()?;
            sum.add(&batch, &mut scratch);
            progress(sum.rows);
        }
        Ok(sum)
    }
}

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
    future::try_join(TableSum::of(source_rows, cancel, progress), TableSum::of(target_rows, cancel, &silent)).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::ValueRef;

    fn sum(rows: &[[i64; 2]]) -> TableSum {
        let mut batch = RowBatch::new(2);
        for row in rows {
            batch.push_row(row.map(ValueRef::Int)).unwrap();
        }
        let mut sum = TableSum::default();
        sum.add(&batch, &mut Vec::new());
        sum
    }

    #[test]
    fn order_does_not_count_and_everything_else_does() {
        assert_eq!(sum(&[[1, 2], [3, 4]]), sum(&[[3, 4], [1, 2]]));
        assert_ne!(sum(&[[1, 2], [3, 4]]), sum(&[[1, 4], [3, 2]]));
        assert_ne!(sum(&[[1, 2]]), sum(&[[1, 2], [1, 2]]));
        assert_ne!(sum(&[]), sum(&[[0, 0]]));
    }
}
