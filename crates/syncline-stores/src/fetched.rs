//! Rows that were asked for by their keys, as servers send them.

use syncline_core::change::TableTask;
use syncline_core::error::Result;
use syncline_core::store::Flow;
use syncline_core::value::RowBatch;
use syncline_core::value::key_order::compare_keys;

use crate::digests::out_of_order;

/// Tells rows that were asked for from those that the server only takes for equal.
pub(crate) struct Found<'k> {
    task: &'k TableTask,
    keys: &'k RowBatch,
    last: Option<usize>,
}

impl<'k> Found<'k> {
    /// None yet.
    pub(crate) fn new(task: &'k TableTask, keys: &'k RowBatch) -> Self {
        Self { task, keys, last: None }
    }

    /// Whether a row that was found for the key with this number has that key.
    ///
    /// # Errors
    /// When rows come in another order than they were asked for.
    pub(crate) fn is_it(&mut self, number: Option<usize>, row: &RowBatch) -> Result<bool> {
        let Some(number) = number else { return Err(out_of_order()) };
        if self.last.is_some_and(|last| last > number) {
            return Err(out_of_order());
        }
        self.last = Some(number);
        let is_same = || compare_keys(row.row(0).select(&self.task.key), self.keys.row(number).iter()).is_eq();
        Ok(self.task.is_multiset() || is_same())
    }
}

/// Appends the one row of `row`, with the masks of the task.
///
/// # Errors
/// As [`RowBatch::push`].
pub(crate) fn push_masked(task: &TableTask, row: &RowBatch, batch: &mut RowBatch) -> Result<()> {
    for (at, cell) in row.row(0).iter().enumerate() {
        match task.mapped.masks.iter().find(|(masked, _)| *masked == at) {
            None => batch.push(cell)?,
            Some((_, mask)) => batch.push(mask.apply(cell).as_ref())?,
        }
    }
    Ok(())
}

/// Whether a batch is closed.
pub(crate) fn is_full(batch: &RowBatch, flow: Flow) -> bool {
    batch.len() >= flow.rows || batch.bytes() >= flow.bytes
}
