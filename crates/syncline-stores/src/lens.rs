//! Cells in their form, with masks put on, as they are read: nothing behind this line ever sees what those hide.
//!
//! For engines that are servers. SQLite, whose cells have types of their own, sees them by its own notations.

mod form;

use syncline_core::change::TableTask;
use syncline_core::error::{Code, Error, Result};
use syncline_core::mapping::Mask;
use syncline_core::value::{Equality, RowBatch, ValueRef};

pub(crate) use self::form::{Form, Scratch};

/// The cells of one row, one after the other, as a server sends them.
pub(crate) trait Cells {
    /// The next one; `None` behind the last.
    fn next(&mut self) -> Result<Option<ValueRef<'_>>>;
}

/// How the cells of a task's columns are seen.
pub(crate) struct Lens {
    columns: Vec<Seen>,
    equality: Equality,
    value_bytes: Option<usize>,
    scratch: Scratch,
}

#[derive(Default)]
struct Seen {
    form: Option<Form>,
    mask: Option<Mask>,
}

impl Lens {
    /// Those of a task. `value_bytes` is that of what was selected.
    pub(crate) fn of(task: &TableTask, value_bytes: Option<usize>) -> Self {
        let mut columns: Vec<Seen> =
            (0..task.columns.len()).map(|at| Seen { form: Form::of(task, at), mask: None }).collect();
        for (at, mask) in &task.mapped.masks {
            columns[*at].mask = Some(mask.clone());
        }
        Self { columns, equality: task.forms.equality, value_bytes, scratch: Scratch::default() }
    }

    /// The same without masks.
    pub(crate) fn unmasked(task: &TableTask, value_bytes: Option<usize>) -> Self {
        let mut lens = Self::of(task, value_bytes);
        lens.columns.iter_mut().for_each(|seen| seen.mask = None);
        lens
    }

    /// Appends the task's cells of a row.
    ///
    /// # Errors
    /// `VALUE_TOO_LARGE` when one of them was left with the server.
    pub(crate) fn push_row(&mut self, cells: &mut impl Cells, batch: &mut RowBatch) -> Result<()> {
        self.each(cells, |_, _, shown| batch.push(shown))
    }

    /// Overwrites `out` with the encoding of a row, in which equal rows are equal. `see` is shown each cell in its form, without
    /// its mask.
    ///
    /// # Errors
    /// As [`Lens::push_row`], and what `see` fails with.
    #[inline]
    pub(crate) fn encode_row(
        &mut self,
        cells: &mut impl Cells,
        out: &mut Vec<u8>,
        mut see: impl FnMut(usize, ValueRef<'_>) -> Result<()>,
    ) -> Result<()> {
        out.clear();
        let equality = self.equality;
        self.each(cells, |at, bare, shown| {
            see(at, bare)?;
            equality.encode(shown, out);
            Ok(())
        })
    }

    /// One cell of a column in its form, without its mask.
    pub(crate) fn bare<'v>(&'v mut self, column: usize, cell: ValueRef<'v>) -> ValueRef<'v> {
        match &self.columns[column].form {
            None => cell,
            Some(form) => form.show(cell, &mut self.scratch),
        }
    }

    #[inline]
    fn each(
        &mut self,
        cells: &mut impl Cells,
        mut pass: impl FnMut(usize, ValueRef<'_>, ValueRef<'_>) -> Result<()>,
    ) -> Result<()> {
        if let Some(most) = self.value_bytes {
            match cells.next()? {
                Some(ValueRef::Int(size)) if usize::try_from(size).is_ok_and(|size| size > most) => {
                    return Err(too_large(most));
                }
                _ => {}
            }
        }
        for (at, seen) in self.columns.iter().enumerate() {
            let Some(cell) = cells.next()? else { return Err(missing()) };
            let bare = match &seen.form {
                None => cell,
                Some(form) => form.show(cell, &mut self.scratch),
            };
            match &seen.mask {
                None => pass(at, bare, bare)?,
                Some(mask) => pass(at, bare, mask.apply(bare).as_ref())?,
            }
        }
        Ok(())
    }
}

fn too_large(bytes: usize) -> Error {
    let what = format!("a value is larger than the {bytes} bytes that one of several readers may hold");
    Error::new(Code::ValueTooLarge, what)
}

fn missing() -> Error {
    Error::new(Code::Internal, "a row has fewer cells than were asked for")
}
