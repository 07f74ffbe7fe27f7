//! Tables and columns that a rule names, in the source's schema.

use std::sync::Arc;

use super::names::nearest;
use super::rules::UNTOUCHED;
use crate::error::{Code, Error, Result};
use crate::schema::report::as_typed;
use crate::schema::{Schema, TableSchema};

/// The table that a rule of `flag` names.
///
/// # Errors
/// `TABLE_NOT_FOUND` with the nearest name there is, and `NOT_A_TABLE`.
pub(crate) fn find_table<'s>(schema: &'s Schema, name: &str, flag: &str) -> Result<&'s Arc<TableSchema>> {
    schema.table(name).ok_or_else(|| {
        let mut others = schema.not_carried.iter().filter(|other| other.kind != "trigger");
        if let Some(other) = others.find(|other| other.name.eq_ignore_ascii_case(name)) {
            let what = format!("{flag} names {}, which is a {}, not a table", other.name, other.kind);
            return Error::new(Code::NotATable, what).leaving(UNTOUCHED);
        }
        let error = Error::new(Code::TableNotFound, format!("{flag} names a table {name} that is not in the source"));
        let near = nearest(name, schema.tables.iter().map(|table| table.name.as_str()));
        suggest(error, near.map(as_typed).as_deref())
    })
}

/// The position of the column that a rule of `flag` names.
///
/// # Errors
/// `COLUMN_NOT_FOUND` with the nearest name there is.
pub(crate) fn find_column(table: &TableSchema, name: &str, flag: &str) -> Result<usize> {
    table.column(name).ok_or_else(|| {
        let what = format!("{flag} names a column {name} that {} has not", table.name);
        let error = Error::new(Code::ColumnNotFound, what);
        suggest(error, nearest(name, table.columns.iter().map(|column| column.name.as_str())))
    })
}

fn suggest(error: Error, near: Option<&str>) -> Error {
    let error = error.leaving(UNTOUCHED);
    match near {
        Some(near) => error.next(near, "did you mean this one?"),
        None => error,
    }
}
