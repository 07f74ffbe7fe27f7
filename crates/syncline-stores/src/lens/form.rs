//! Cells in the forms of a task: as what a cell is seen, and which values are keys of a column.

use syncline_core::change::TableTask;
use syncline_core::value::fit::{fit, see};
use syncline_core::value::key_order::compare;
use syncline_core::value::{Kind, ValueRef};

/// The form that the cells of one column are seen in.
///
/// In a key that is text it is strict: a cell is seen in its form only if it is what would be stored for it. So two notations
/// of one key stay two keys, and looking one up finds the very row.
#[derive(Clone, Debug)]
pub(crate) struct Form {
    seen_as: Kind,
    stored_as: Kind,
    is_strict: bool,
}

/// Room for values that are written anew, kept from cell to cell.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    seen: String,
    stored: String,
}

impl Form {
    /// That of a column of the task; `None` where its cells are seen as they are.
    pub(crate) fn of(task: &TableTask, column: usize) -> Option<Self> {
        Self::any_of(task, column)
            .filter(|form| form.seen_as != form.stored_as || matches!(form.stored_as, Kind::Text { padded: true, .. }))
    }

    /// That of a column of the task if it is one of the key and has a form, be it what it is stored as.
    pub(crate) fn of_key(task: &TableTask, column: usize) -> Option<Self> {
        task.key.contains(&column).then(|| Self::any_of(task, column)).flatten()
    }

    fn any_of(task: &TableTask, column: usize) -> Option<Self> {
        let seen_as = task.forms.kind(column)?.clone();
        let stored_as = task.table.columns[task.columns[column]].kind.clone();
        // All other types know one notation of a value only, or take all of them for the same.
        let is_strict = task.key.contains(&column) && matches!(stored_as, Kind::Text { padded: false, .. });
        Some(Self { seen_as, stored_as, is_strict })
    }

    /// What cells that fit are seen as.
    pub(crate) fn kind(&self) -> &Kind {
        &self.seen_as
    }

    /// The cell in its form; as it is where it does not fit.
    #[inline]
    pub(crate) fn show<'v>(&'v self, cell: ValueRef<'v>, scratch: &'v mut Scratch) -> ValueRef<'v> {
        let Scratch { seen, stored } = scratch;
        if !self.is_strict {
            return see(cell, &self.seen_as, seen);
        }
        match fit(cell, &self.seen_as, seen) {
            Ok(shown) if fit(shown, &self.stored_as, stored) == Ok(cell) => shown,
            _ => cell,
        }
    }

    /// Whether the cell that is stored for a value is seen as this value. One of a key has to be: else the row would have
    /// another key as soon as it is there.
    pub(crate) fn shows_again(&self, value: ValueRef<'_>, stored: ValueRef<'_>) -> bool {
        compare(self.show(stored, &mut Scratch::default()), value).is_eq()
    }
}
