//! Digests and places of the rows of a table without a key, in their order.
//!
//! No index delivers it: rows are read as they are stored, and only their digests are sorted.

use syncline_core::change::{RowDigest, TableTask, copies};
use syncline_core::error::{Code, Error, Result};
use syncline_core::store::{DigestBatch, Flow};
use syncline_core::value::exact;

use super::{empty, shrink};
use crate::lens::{Cells, Lens};
use crate::sorter::Sorter;
use crate::stream::Outlet;

/// Digests and places in no order.
pub(crate) struct Waiting {
    lens: Lens,
    flow: Flow,
    sorter: Sorter,
    batch: DigestBatch,
    encoded: Vec<u8>,
}

impl Waiting {
    /// None yet. `value_bytes` is that of what was selected.
    pub(crate) fn new(task: &TableTask, flow: Flow, value_bytes: Option<usize>) -> Self {
        let (lens, batch) = (Lens::of(task, value_bytes), empty(copies::WIDTH));
        Self { lens, flow, sorter: Sorter::default(), batch, encoded: Vec::new() }
    }

    /// One more row, whose place `place` tells from the cells behind those of the task. Of the rows themselves nothing is said
    /// before all are read, but how many they are and how large together.
    pub(crate) fn add<C: Cells>(
        &mut self,
        cells: &mut C,
        place: impl FnOnce(&mut C) -> Result<i64>,
    ) -> Result<Option<DigestBatch>> {
        let Self { lens, sorter, batch, encoded, .. } = self;
        lens.encode_row(cells, encoded, |_, _| Ok(()))?;
        let digest = exact::digest_bytes(encoded);
        sorter.add((digest, place(cells)?)).map_err(unsorted)?;
        batch.bytes += encoded.len() as u64;
        batch.read += 1;
        shrink(encoded);
        let is_full = batch.read >= self.flow.rows as u64;
        Ok(is_full.then(|| std::mem::replace(batch, empty(copies::WIDTH))))
    }

    /// Hands over all of them in their order. `false` when nobody wants more.
    pub(crate) async fn hand_over(self, outlet: &Outlet<DigestBatch>) -> Result<bool> {
        let Self { mut batch, sorter, flow, .. } = self;
        let mut merge = sorter.sorted().map_err(unsorted)?;
        while let Some((digest, place)) = merge.next().map_err(unsorted)? {
            copies::push(&mut batch.keys, RowDigest(digest), place)?;
            batch.digests.push(RowDigest(digest));
            let is_full = batch.digests.len() >= flow.rows;
            if is_full && !outlet.send(std::mem::replace(&mut batch, empty(copies::WIDTH))).await {
                return Ok(false);
            }
        }
        let is_any = !batch.digests.is_empty() || batch.read > 0;
        Ok(!is_any || outlet.send(batch).await)
    }
}

/// The parts wait in a temporary file of SQLite's.
fn unsorted(error: rusqlite::Error) -> Error {
    Error::new(Code::DiskFull, "the digests of a table without a key could not be sorted in a temporary file")
        .because(error.to_string())
}
