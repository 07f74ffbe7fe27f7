//! Values that a reference takes for equal although they are written in different ways.
//!
//! Which rows point at nothing is asked of the store, which compares by the collation of the referenced column. What is
//! looked for among the planned changes afterwards must be compared like that too.

use super::left_out::key_form;
use crate::change::TableTask;
use crate::schema::Column;
use crate::value::ValueRef;

/// The columns of a parent that values are compared with.
pub(super) struct Alike<'t>(Vec<&'t Column>);

impl<'t> Alike<'t> {
    /// Of a task, the columns at these positions.
    pub(super) fn new(task: &'t TableTask, columns: &[usize]) -> Self {
        Self(columns.iter().map(|at| &task.table.columns[task.columns[*at]]).collect())
    }

    /// The cells, one a column, in a form that is the same for all that are taken for equal.
    pub(super) fn form<'v>(&self, cells: impl IntoIterator<Item = ValueRef<'v>>) -> Vec<u8> {
        let mut form = Vec::new();
        for (column, cell) in self.0.iter().zip(cells) {
            let folded = match cell {
                ValueRef::Text(text) => folded(&column.collation, text),
                _ => None,
            };
            form.extend(key_form([folded.as_deref().map_or(cell, ValueRef::Text)]));
        }
        form
    }
}

/// The text without what the collation disregards; `None` where that is nothing.
fn folded(collation: &str, text: &[u8]) -> Option<Vec<u8>> {
    if collation.eq_ignore_ascii_case("NOCASE") {
        return Some(text.to_ascii_lowercase());
    }
    let is_trimmed = collation.eq_ignore_ascii_case("RTRIM");
    is_trimmed.then(|| text[..text.iter().rposition(|byte| *byte != b' ').map_or(0, |last| last + 1)].to_vec())
}
