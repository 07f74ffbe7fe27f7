//! How the cells of a task are seen, where that is not how its engine stores them.

use serde::{Deserialize, Serialize};

use super::{Equality, Kind, ValueRef, fit};

/// The forms that both sides of a pair have in common. The default is one engine's own cells, compared bit for bit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forms {
    /// By the columns of the task: the kind that a cell is seen as, if it [fits](super::fit). One that does not is
    /// seen as it is, and so equals nothing of that kind. `None`, like a column beyond the end, is seen as it is.
    pub kinds: Vec<Option<Kind>>,
    /// When two rows are equal.
    pub equality: Equality,
}

impl Forms {
    /// What the cells of this column of the task are seen as; `None` for what they are.
    #[inline]
    pub fn kind(&self, column: usize) -> Option<&Kind> {
        self.kinds.get(column)?.as_ref()
    }

    /// What a cell of this column is seen as. `scratch` is overwritten.
    pub fn see<'v>(&'v self, column: usize, cell: ValueRef<'v>, scratch: &'v mut String) -> ValueRef<'v> {
        match self.kind(column) {
            Some(kind) => fit::see(cell, kind, scratch),
            None => cell,
        }
    }

    /// Whether all cells are seen as they are.
    pub fn are_native(&self) -> bool {
        self.kinds.iter().all(Option::is_none)
    }

    /// The forms of some of the columns, in this order.
    #[must_use]
    pub fn select(&self, columns: &[usize]) -> Self {
        let kinds = columns.iter().map(|column| self.kind(*column).cloned()).collect();
        Self { kinds, equality: self.equality }
    }
}
