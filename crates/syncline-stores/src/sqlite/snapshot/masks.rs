//! Masks, put on the cells of a row as it is read: nothing behind this line ever sees what they hide.

use syncline_core::change::TableTask;
use syncline_core::error::Result;
use syncline_core::mapping::Mask;
use syncline_core::value::{RowBatch, Value, ValueRef};

/// The masks of a task, by column.
pub(in crate::sqlite) struct Masks<'t>(Vec<Option<&'t Mask>>);

impl<'t> Masks<'t> {
    /// Those of a task.
    pub(in crate::sqlite) fn of(task: &'t TableTask) -> Self {
        let mut masks = vec![None; task.columns.len()];
        for (column, mask) in &task.mapped.masks {
            masks[*column] = Some(mask);
        }
        Self(masks)
    }

    /// Appends a cell of the row's column.
    pub(in crate::sqlite) fn push(&self, batch: &mut RowBatch, column: usize, cell: ValueRef<'_>) -> Result<()> {
        match self.0[column] {
            None => batch.push(cell),
            Some(mask) => batch.push(mask.apply(cell).as_ref()),
        }
    }

    /// What stands in the place of a cell, where it is hidden.
    pub(in crate::sqlite) fn instead(&self, column: usize, cell: ValueRef<'_>) -> Option<Value> {
        self.0[column].map(|mask| mask.apply(cell))
    }

    /// Whether nothing is hidden.
    pub(in crate::sqlite) fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }
}
