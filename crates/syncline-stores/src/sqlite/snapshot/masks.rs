//! Masks, put on the cells of a row as it is read: nothing behind this line ever sees what they hide.

use syncline_core::change::TableTask;
use syncline_core::error::Result;
use syncline_core::mapping::Mask;
use syncline_core::value::{RowBatch, Value, ValueRef};

/// The masks of a task, by column.
pub(in crate::sqlite) struct Masks<'t>(Vec<Option<&'t Mask>>);

impl<'t> Masks<'t> {
    /// Those of a task; `None` where nothing is hidden, so that reading costs what it costs without masks.
    pub(in crate::sqlite) fn of(task: &'t TableTask) -> Option<Self> {
        if task.mapped.masks.is_empty() {
            return None;
        }
        let mut masks = vec![None; task.columns.len()];
        for (column, mask) in &task.mapped.masks {
            masks[*column] = Some(mask);
        }
        Some(Self(masks))
    }

    /// Appends the cells of a row.
    pub(in crate::sqlite) fn push_row<'c>(
        &self,
        batch: &mut RowBatch,
        cells: impl Iterator<Item = ValueRef<'c>>,
    ) -> Result<()> {
        for (mask, cell) in self.0.iter().zip(cells) {
            match mask {
                None => batch.push(cell)?,
                Some(mask) => batch.push(mask.apply(cell).as_ref())?,
            }
        }
        Ok(())
    }

    /// What stands in the place of each cell of a row that is hidden.
    pub(in crate::sqlite) fn instead<'c>(&self, cells: impl Iterator<Item = ValueRef<'c>>) -> Vec<Option<Value>> {
        self.0.iter().zip(cells).map(|(mask, cell)| mask.map(|mask| mask.apply(cell))).collect()
    }
}
