//! Cells as a task sees them: in its forms, and behind its masks. Nothing behind this line ever sees what those hide.

use syncline_core::change::TableTask;
use syncline_core::error::Result;
use syncline_core::mapping::Mask;
use syncline_core::value::{RowBatch, ValueRef};

use crate::sqlite::connect::failure::Attempt;
use crate::sqlite::types::forms::{Form, Scratch};

/// How the cells of a task are seen.
#[derive(Debug)]
pub(in crate::sqlite) struct Seen {
    columns: Vec<View>,
    scratch: Scratch,
}

/// How the cells of one column are seen.
#[derive(Clone, Debug, Default)]
struct View {
    form: Option<Form>,
    mask: Option<Mask>,
}

impl Seen {
    /// That of a task; `None` where all cells are seen as they are, so that reading costs what it costs without forms.
    pub(in crate::sqlite) fn of(task: &TableTask) -> Option<Self> {
        if task.mapped.masks.is_empty() && task.forms.are_native() {
            return None;
        }
        let view = |column| View { form: Form::of(task, column), mask: None };
        let mut columns: Vec<_> = (0..task.columns.len()).map(view).collect();
        for (column, mask) in &task.mapped.masks {
            columns[*column].mask = Some(mask.clone());
        }
        Some(Self { columns, scratch: Scratch::default() })
    }

    /// That of cells whose forms are these. Nothing is hidden.
    pub(in crate::sqlite) fn in_forms(forms: Vec<Option<Form>>) -> Self {
        let columns = forms.into_iter().map(|form| View { form, mask: None }).collect();
        Self { columns, scratch: Scratch::default() }
    }

    /// The cell in its form, whether it is hidden or not: so the cells of keys are told.
    pub(in crate::sqlite) fn in_form<'v>(&'v mut self, column: usize, cell: ValueRef<'v>) -> ValueRef<'v> {
        in_form(&self.columns[column], cell, &mut self.scratch)
    }

    /// Shows a cell twice: in its form, and as it is seen.
    #[inline]
    pub(in crate::sqlite) fn show(
        &mut self,
        column: usize,
        cell: ValueRef<'_>,
        show: impl FnOnce(ValueRef<'_>, ValueRef<'_>) -> Attempt<()>,
    ) -> Attempt<()> {
        let view = &self.columns[column];
        let in_form = in_form(view, cell, &mut self.scratch);
        match &view.mask {
            None => show(in_form, in_form),
            Some(mask) => show(in_form, mask.apply(in_form).as_ref()),
        }
    }

    /// Appends the cells of a row.
    pub(in crate::sqlite) fn push_row<'c>(
        &mut self,
        batch: &mut RowBatch,
        cells: impl Iterator<Item = ValueRef<'c>>,
    ) -> Result<()> {
        for (view, cell) in self.columns.iter().zip(cells) {
            let in_form = in_form(view, cell, &mut self.scratch);
            match &view.mask {
                None => batch.push(in_form)?,
                Some(mask) => batch.push(mask.apply(in_form).as_ref())?,
            }
        }
        Ok(())
    }
}

#[inline]
fn in_form<'v>(view: &'v View, cell: ValueRef<'v>, scratch: &'v mut Scratch) -> ValueRef<'v> {
    match &view.form {
        None => cell,
        Some(form) => form.show(cell, scratch),
    }
}
