//! Values as the cells that SQLite stores, bound to the parameters of a statement.

use rusqlite::types::{ToSqlOutput, ValueRef as Cell};
use rusqlite::{Statement, ToSql};
use syncline_core::change::TableTask;
use syncline_core::error::{Code, Error, Result};
use syncline_core::value::ValueRef;

use super::Encoding;
use super::forms::Form;
use crate::sqlite::connect::failure::Attempt;

/// Binds rows and keys of one task.
#[derive(Debug)]
pub(in crate::sqlite) struct Binder {
    encoding: Encoding,
    /// What the cells of rows and of keys come in, where they do not come as they are stored.
    row: Option<Vec<Option<Form>>>,
    key: Option<Vec<Option<Form>>>,
    names: Vec<String>,
    scratch: String,
}

impl Binder {
    /// The one of a task.
    pub(in crate::sqlite) fn of(task: &TableTask, encoding: Encoding) -> Self {
        let row = Form::all_of(task);
        let names = if row.is_some() { task.column_names().map(str::to_owned).collect() } else { Vec::new() };
        Self { encoding, row, key: Form::of_key(task), names, scratch: String::new() }
    }

    /// The same for rows in which the cells of some columns are as they are to be stored.
    pub(in crate::sqlite) fn of_fitted(
        task: &TableTask,
        encoding: Encoding,
        is_fitted: impl Fn(usize) -> bool,
    ) -> Self {
        let mut this = Self::of(task, encoding);
        for (column, form) in this.row.iter_mut().flatten().enumerate() {
            form.take_if(|_| is_fitted(column));
        }
        this
    }

    /// Binds a row to the parameters from `first` on, which are counted from 1.
    ///
    /// # Errors
    /// `ROW_REFUSED` for a value that SQLite would change or has no type for.
    pub(in crate::sqlite) fn bind_row<'v>(
        &mut self,
        statement: &mut Statement<'_>,
        first: usize,
        row: impl IntoIterator<Item = ValueRef<'v>>,
    ) -> Attempt<()> {
        let Some(forms) = &self.row else { return bind(statement, first, row, self.encoding) };
        for (column, value) in row.into_iter().enumerate() {
            let stored = match forms.get(column) {
                Some(Some(form)) if !form.keeps(value) => form
                    .store(value, &mut self.scratch)
                    .map_err(|misfit| Error::new(Code::RowRefused, format!("{}: {misfit}", self.names[column])))?,
                _ => value,
            };
            let cell = cell(stored, self.encoding).map_err(|error| {
                let name = self.names.get(column).map_or("", String::as_str);
                Error::new(Code::RowRefused, format!("{name}: {}", error.what()))
            })?;
            statement.raw_bind_parameter(first + column, Bound(cell))?;
        }
        Ok(())
    }

    /// Binds a key, and tells whether a row can have it. A cell that has no place in its column is looked for as it is.
    ///
    /// # Errors
    /// `ROW_REFUSED` where cells come as they are stored, for one that cannot be.
    pub(in crate::sqlite) fn bind_key<'v>(
        &mut self,
        statement: &mut Statement<'_>,
        first: usize,
        key: impl IntoIterator<Item = ValueRef<'v>>,
    ) -> Attempt<bool> {
        let Some(forms) = &self.key else { return bind(statement, first, key, self.encoding).map(|()| true) };
        for (at, value) in key.into_iter().enumerate() {
            let stored = match forms.get(at) {
                Some(Some(form)) if !form.keeps(value) => form.store(value, &mut self.scratch).unwrap_or(value),
                _ => value,
            };
            let Ok(cell) = cell(stored, self.encoding) else { return Ok(false) };
            statement.raw_bind_parameter(first + at, Bound(cell))?;
        }
        Ok(true)
    }
}

/// Binds cells that come as they are stored to the parameters from `first` on, which are counted from 1.
///
/// # Errors
/// `ROW_REFUSED` for a value that SQLite would change or has no type for.
pub(in crate::sqlite) fn bind<'v>(
    statement: &mut Statement<'_>,
    first: usize,
    values: impl IntoIterator<Item = ValueRef<'v>>,
    encoding: Encoding,
) -> Attempt<()> {
    for (offset, value) in values.into_iter().enumerate() {
        statement.raw_bind_parameter(first + offset, Bound(cell(value, encoding)?))?;
    }
    Ok(())
}

struct Bound<'a>(Cell<'a>);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(self.0))
    }
}

fn cell(value: ValueRef<'_>, encoding: Encoding) -> Result<Cell<'_>> {
    let refused = |what: &str| Err(Error::new(Code::RowRefused, what));
    match value {
        ValueRef::Null => Ok(Cell::Null),
        ValueRef::Int(value) => Ok(Cell::Integer(value)),
        ValueRef::Real(value) if value.is_nan() => refused("SQLite would store NaN as NULL"),
        ValueRef::Real(value) => Ok(Cell::Real(value)),
        ValueRef::Text(bytes) if encoding == Encoding::Utf16 && std::str::from_utf8(bytes).is_err() => {
            refused("a text that is not UTF-8 would be changed by a database that stores text as UTF-16")
        }
        ValueRef::Text(bytes) => Ok(Cell::Text(bytes)),
        ValueRef::Bytes(bytes) => Ok(Cell::Blob(bytes)),
        // Values of other engines come in forms, and are fitted to their columns before.
        _ => refused("SQLite has no type for the value"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_sqlite_would_change_is_refused() {
        assert!(cell(ValueRef::Real(f64::NAN), Encoding::Utf8).is_err());
        assert!(cell(ValueRef::Text(b"\xff"), Encoding::Utf16).is_err());
        assert!(cell(ValueRef::Text(b"\xff"), Encoding::Utf8).is_ok());
        assert!(cell(ValueRef::Decimal("1.5"), Encoding::Utf8).is_err());
    }
}
