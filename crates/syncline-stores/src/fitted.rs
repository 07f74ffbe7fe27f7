//! Rows in the form in which the target's columns hold them, and cells of the target in the forms of a task.

use syncline_core::change::{RowDigest, TableTask};
use syncline_core::error::Result;
use syncline_core::value::fit::{Reach, fit_within};
use syncline_core::value::{Kind, Row, RowBatch, ValueRef};

use crate::lens::{Form, Scratch};

/// What is said of a key that is another one once it is stored.
const OTHER_KEY: &str = "the key would be stored in another notation, and be another key";

/// Gives values the form in which the columns of the target hold them.
pub(crate) struct Fitter {
    columns: Vec<FittedColumn>,
    scratch: String,
    /// The server does not keep the sign of zero.
    has_one_zero: bool,
}

struct FittedColumn {
    name: String,
    kind: Kind,
    reach: Reach,
    /// Of a column of the key that has one.
    form: Option<Form>,
}

impl Fitter {
    /// That of these columns, by position in the schema.
    pub(crate) fn of(task: &TableTask, columns: &[usize]) -> Self {
        let fitted = |column: &usize| {
            let described = &task.table.columns[*column];
            FittedColumn {
                name: described.name.clone(),
                kind: described.kind.clone(),
                reach: task.table.reach_of(*column),
                form: key_form(task, *column),
            }
        };
        let columns = columns.iter().map(fitted).collect();
        Self { columns, scratch: String::new(), has_one_zero: false }
    }

    /// The same for a server that may not keep the sign of zero.
    pub(crate) fn with_one_zero(self, has_one_zero: bool) -> Self {
        Self { has_one_zero, ..self }
    }

    /// A value of the column at this position of those; or why it cannot be one, for a person.
    #[inline]
    pub(crate) fn fit<'v>(&'v mut self, at: usize, value: ValueRef<'v>) -> std::result::Result<ValueRef<'v>, String> {
        let FittedColumn { name, kind, reach, form } = &self.columns[at];
        let has_one_zero = self.has_one_zero;
        let kept = |stored| match stored {
            ValueRef::Real(0.0) if has_one_zero => ValueRef::Real(0.0),
            stored => stored,
        };
        match fit_within(value, (kind, *reach), &mut self.scratch).map(kept) {
            Ok(stored) if form.as_ref().is_none_or(|form| form.shows_again(value, stored)) => Ok(stored),
            Ok(_) => Err(format!("column {name}: {OTHER_KEY}")),
            Err(why) => Err(format!("column {name}: {why}")),
        }
    }
}

/// Rows as the target's columns hold them.
pub(crate) struct Fitted {
    /// As many as there were; of those that do not fit, no cell means anything.
    pub(crate) rows: RowBatch,
    /// Those that do not fit, counted from 0, and why.
    pub(crate) misfits: Vec<(u32, String)>,
}

impl Fitted {
    /// Fits rows with values for the columns of the fitter.
    pub(crate) fn by(mut fitter: Fitter, rows: &RowBatch) -> Result<Self> {
        let mut fitted = RowBatch::new(fitter.columns.len());
        let mut misfits = Vec::new();
        for (number, row) in (0..).zip(rows.rows()) {
            let mut misfit = None;
            for (at, value) in row.iter().enumerate() {
                match fitter.fit(at, value) {
                    Ok(stored) => fitted.push(stored)?,
                    Err(why) => {
                        misfit.get_or_insert(why);
                        fitted.push(ValueRef::Null)?;
                    }
                }
            }
            misfits.extend(misfit.map(|why| (number, why)));
        }
        Ok(Self { rows: fitted, misfits })
    }

    /// The rows that fit, counted from 0.
    pub(crate) fn numbers(&self) -> Vec<u32> {
        let mut misfits = self.misfits.iter().map(|(number, _)| *number).peekable();
        (0..self.rows.len() as u32).filter(|number| misfits.next_if_eq(number).is_none()).collect()
    }
}

/// The form of a column, by position in the schema, if it is one of the key.
fn key_form(task: &TableTask, column: usize) -> Option<Form> {
    Form::of_key(task, task.columns.iter().position(|other| *other == column)?)
}

/// Sees single cells of the target in the forms of a task.
pub(crate) struct Shown<'t> {
    task: &'t TableTask,
    forms: Vec<Option<Form>>,
    scratch: Scratch,
}

impl<'t> Shown<'t> {
    pub(crate) fn new(task: &'t TableTask) -> Self {
        let forms = (0..task.columns.len()).map(|at| Form::of(task, at)).collect();
        Self { task, forms, scratch: Scratch::default() }
    }

    /// A value of the column at this position of the task.
    pub(crate) fn of<'v>(&'v mut self, at: usize, value: ValueRef<'v>) -> ValueRef<'v> {
        match &self.forms[at] {
            Some(form) => form.show(value, &mut self.scratch),
            None => value,
        }
    }

    /// A value of the column at this position of the schema. One that is no part of the task is what it is.
    pub(crate) fn of_column<'v>(&'v mut self, column: usize, value: ValueRef<'v>) -> ValueRef<'v> {
        match self.task.columns.iter().position(|other| *other == column) {
            Some(at) => self.of(at, value),
            None => value,
        }
    }
}

/// Sees rows of the target in the forms of a task.
pub(crate) struct Seen<'t> {
    task: &'t TableTask,
    shown: Shown<'t>,
    row: RowBatch,
    bytes: Vec<u8>,
}

impl<'t> Seen<'t> {
    pub(crate) fn new(task: &'t TableTask) -> Self {
        Self { task, shown: Shown::new(task), row: RowBatch::new(task.columns.len()), bytes: Vec::new() }
    }

    /// The cells of the task, which stand first in a row as it is stored.
    pub(crate) fn row<'r>(&'r mut self, stored: Row<'r>) -> Result<Row<'r>> {
        self.row.clear();
        for (at, value) in stored.iter().take(self.task.columns.len()).enumerate() {
            self.row.push(self.shown.of(at, value))?;
        }
        Ok(self.row.row(0))
    }

    /// The digest that a row as it is stored has in the task.
    pub(crate) fn digest(&mut self, stored: Row<'_>) -> Result<RowDigest> {
        if self.task.forms.are_native() {
            return Ok(self.task.digest(stored.iter().take(self.task.columns.len()), &mut self.bytes));
        }
        let mut bytes = std::mem::take(&mut self.bytes);
        let task = self.task;
        let digest = task.digest(self.row(stored)?.iter(), &mut bytes);
        self.bytes = bytes;
        Ok(digest)
    }
}
