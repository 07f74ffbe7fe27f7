//! SQLite's cells and the canonical values, and what a declared type does to a value.

pub(super) mod bind;
pub(super) mod forms;
pub(crate) mod intended;

use rusqlite::types::ValueRef as Cell;
use rusqlite::{Connection, Row};
use syncline_core::value::{Coercion, Equality, RowBatch, ValueRef};

use super::connect::failure::Attempt;
use super::snapshot::seen::Seen;

/// How a database stores text. Text always reaches us as UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// As it is, broken or not.
    Utf8,
    /// Converted, in either byte order; what is not UTF-8 would be changed.
    Utf16,
}

impl Encoding {
    /// The encoding of the main database.
    pub(super) fn of(conn: &Connection) -> Attempt<Self> {
        let name: String = conn.query_row("PRAGMA main.encoding", [], |row| row.get(0))?;
        Ok(if name == "UTF-8" { Encoding::Utf8 } else { Encoding::Utf16 })
    }
}

/// A cell as a value. Nothing is lost: SQLite has five kinds of cells, and each is a kind of value.
#[inline]
pub(super) fn value(cell: Cell<'_>) -> ValueRef<'_> {
    match cell {
        Cell::Null => ValueRef::Null,
        Cell::Integer(value) => ValueRef::Int(value),
        Cell::Real(value) => ValueRef::Real(value),
        Cell::Text(bytes) => ValueRef::Text(bytes),
        Cell::Blob(bytes) => ValueRef::Bytes(bytes),
    }
}

/// Appends the first `batch.width()` cells of a row to a batch.
pub(super) fn push_row(batch: &mut RowBatch, row: &Row<'_>) -> Attempt<()> {
    for column in 0..batch.width() {
        batch.push(value(row.get_ref(column)?))?;
    }
    Ok(())
}

/// The first `width` cells of a row, which the statement is known to have.
pub(super) fn cells<'r>(row: &'r Row<'_>, width: usize) -> impl Iterator<Item = ValueRef<'r>> {
    (0..width).map(|column| row.get_ref(column).map_or(ValueRef::Null, value))
}

/// Overwrites `bytes` with the encoding by which rows are equal of the first `width` cells of a row, as they are seen.
#[inline]
pub(super) fn encode_row(
    row: &Row<'_>,
    width: usize,
    (seen, equality): (Option<&mut Seen>, Equality),
    bytes: &mut Vec<u8>,
) -> Attempt<()> {
    encode_row_seeing(row, width, (seen, equality), bytes, |_, _| Ok(()))
}

/// As [`encode_row`], and every cell is shown to `see` in its form, hidden or not: SQLite makes a cell anew each time it is
/// asked for, which takes as long as encoding it.
#[inline]
pub(super) fn encode_row_seeing(
    row: &Row<'_>,
    width: usize,
    (seen, equality): (Option<&mut Seen>, Equality),
    bytes: &mut Vec<u8>,
    mut see: impl FnMut(usize, ValueRef<'_>) -> Attempt<()>,
) -> Attempt<()> {
    bytes.clear();
    let Some(seen) = seen else {
        for column in 0..width {
            let cell = value(row.get_ref(column)?);
            see(column, cell)?;
            equality.encode(cell, bytes);
        }
        return Ok(());
    };
    for column in 0..width {
        seen.show(column, value(row.get_ref(column)?), |in_form, shown| {
            see(column, in_form)?;
            equality.encode(shown, bytes);
            Ok(())
        })?;
    }
    Ok(())
}

/// What SQLite does to a value in a column of this type.
///
/// The rules are those of section 3.1 of <https://www.sqlite.org/datatype3.html>, in their order.
pub(super) fn coercion(declared: &str, strict: bool) -> Coercion {
    let declared = declared.to_ascii_uppercase();
    let has = |word: &str| declared.contains(word);
    if strict && declared == "ANY" {
        Coercion::None
    } else if has("INT") {
        Coercion::Integer
    } else if has("CHAR") || has("CLOB") || has("TEXT") {
        Coercion::Text
    } else if has("BLOB") || declared.is_empty() {
        Coercion::None
    } else if has("REAL") || has("FLOA") || has("DOUB") {
        Coercion::Real
    } else {
        Coercion::Numeric
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declared_types_coerce_as_the_documentation_says() {
        let cases = [
            ("INT", Coercion::Integer),
            ("UNSIGNED BIG INT", Coercion::Integer),
            ("CHARINT", Coercion::Integer),
            ("FLOATING POINT", Coercion::Integer),
            ("NATIVE CHARACTER(70)", Coercion::Text),
            ("clob", Coercion::Text),
            ("VARCHAR(10)", Coercion::Text),
            ("BLOB", Coercion::None),
            ("", Coercion::None),
            ("DOUBLE PRECISION", Coercion::Real),
            ("FLOAT", Coercion::Real),
            ("DECIMAL(10,5)", Coercion::Numeric),
            ("STRING", Coercion::Numeric),
            ("DATETIME", Coercion::Numeric),
            ("ANY", Coercion::Numeric),
        ];
        for (declared, expected) in cases {
            assert_eq!(coercion(declared, false), expected, "{declared}");
        }
        assert_eq!(coercion("ANY", true), Coercion::None);
    }
}
