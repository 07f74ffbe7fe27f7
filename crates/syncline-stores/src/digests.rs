//! Keys and digests of rows, batch by batch, as servers send them.
//!
//! | file | what it holds |
//! |---|---|
//! | `sorted` | keys and digests in a key order that the server cannot deliver |
//! | `copies` | digests and places of rows without a key, in their order |

pub(crate) mod copies;
pub(crate) mod sorted;

use syncline_core::change::{RowDigest, TableTask};
use syncline_core::error::{Code, Error, Result};
use syncline_core::store::{DigestBatch, Flow};
use syncline_core::value::key_order::compare_key_rows;
use syncline_core::value::{RowBatch, ValueRef, exact};

use crate::lens::{Cells, Lens};

/// Rows on their way into batches.
pub(crate) struct Rows<'t> {
    task: &'t TableTask,
    lens: Lens,
    flow: Flow,
    in_passing: bool,
    is_delivered: bool,
    batch: DigestBatch,
    scratch: Vec<u8>,
}

impl Rows<'_> {
    /// Those of a task. `value_bytes` is that of what was selected. The rows come in key order if the server can deliver it.
    pub(crate) fn new(task: &TableTask, flow: Flow, value_bytes: Option<usize>, is_delivered: bool) -> Rows<'_> {
        let (lens, batch) = (Lens::of(task, value_bytes), empty(task.key.len()));
        Rows { task, lens, flow, in_passing: comes_in_passing(task), is_delivered, batch, scratch: Vec::new() }
    }

    /// Cells of a key, at most.
    pub(crate) fn width(&self) -> usize {
        self.task.key.len()
    }

    /// One more row; a batch when it is full. Where the key does not [come in passing](comes_in_passing), its cells follow.
    pub(crate) fn add(&mut self, cells: &mut impl Cells) -> Result<Option<DigestBatch>> {
        let Self { task, lens, batch, scratch, .. } = self;
        let mut next = 0;
        let see = |column: usize, cell: ValueRef<'_>| {
            if self.in_passing && task.key.get(next) == Some(&column) {
                next += 1;
                return add_key(&mut batch.keys, task, column, cell);
            }
            Ok(())
        };
        lens.encode_row(cells, scratch, see)?;
        if !self.in_passing {
            for column in &task.key {
                let cell = cells.next()?.unwrap_or(ValueRef::Null);
                add_key(&mut batch.keys, task, *column, lens.bare(*column, cell))?;
            }
        }
        batch.digests.push(RowDigest(exact::digest_bytes(scratch)));
        batch.bytes += scratch.len() as u64;
        batch.read += 1;
        shrink(scratch);
        let rows = batch.digests.len();
        if self.is_delivered && rows > 1 && compare_key_rows(batch.keys.row(rows - 2), batch.keys.row(rows - 1)).is_gt()
        {
            // Two sides would be merged that are not in one order, and every row behind this one would differ.
            return Err(out_of_order());
        }
        let is_full = rows >= self.flow.rows || batch.keys.bytes() >= self.flow.bytes;
        Ok(is_full.then(|| std::mem::replace(batch, empty(task.key.len()))))
    }

    /// What is left when there are no more rows.
    pub(crate) fn last(self) -> DigestBatch {
        self.batch
    }
}

/// Whether the cells of a key stand in the order of their columns: then they are kept in passing, and else they come once more.
pub(crate) fn comes_in_passing(task: &TableTask) -> bool {
    task.key.is_sorted()
}

/// What a server says that does not keep the order it was asked for.
pub(crate) fn out_of_order() -> Error {
    Error::new(Code::StoreFailed, "the server returned rows in another order than it was asked for")
}

pub(crate) fn empty(width: usize) -> DigestBatch {
    DigestBatch { keys: RowBatch::new(width), digests: Vec::new(), bytes: 0, read: 0 }
}

/// One huge row must not keep its room for the rest of the table.
#[inline]
pub(crate) fn shrink(scratch: &mut Vec<u8>) {
    if scratch.capacity() > syncline_core::limits::BATCH_BYTES {
        *scratch = Vec::new();
    }
}

#[inline]
fn add_key(keys: &mut RowBatch, task: &TableTask, column: usize, cell: ValueRef<'_>) -> Result<()> {
    if cell.is_null() {
        return Err(null_key(task, column));
    }
    keys.push(cell)
}

/// The error for a row without a key.
pub(crate) fn null_key(task: &TableTask, column: usize) -> Error {
    let name = &task.table.columns[task.columns[column]].name;
    let what = format!("a row of {} has NULL in its key column {name}", task.table.name);
    Error::new(Code::KeyNull, what)
}
