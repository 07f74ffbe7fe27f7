//! Whole tables: loading rows into an empty one, with one prepared INSERT that is bound again for each row, and
//! emptying one.

pub(super) mod adopt;
mod fitted;
mod loading;

use rusqlite::Connection;
use syncline_core::change::{Refusal, TableTask, copies};
use syncline_core::error::{Code, Error, Result};
use syncline_core::value::{ValueRef, exact};

use self::fitted::FittedRows;
pub(super) use self::loading::Loading;
use super::connect::failure::{Attempt, Failure};
use super::snapshot::select;
use super::types::Encoding;
use super::types::bind::Binder;
use crate::sql::Dialect;

/// How many characters of a value an error shows.
const CELL_MAX: usize = 40;

/// Inserts the rows and returns those that the database refuses. A statement that fails takes back itself alone, so the
/// transaction goes on.
fn load(conn: &Connection, task: &TableTask, rows: &FittedRows) -> Attempt<Vec<Refusal>> {
    if conn.is_autocommit() {
        // A batch before this one has failed so badly that SQLite has ended the transaction.
        return Err(Error::new(Code::Internal, "rows are loaded outside of a transaction").into());
    }
    let mut binder = Binder::of_fitted(task, Encoding::of(conn)?, |column| rows.is_fitted(column));
    let mut refused = Vec::new();
    // Kept by the connection from batch to batch.
    let mut insert = conn.prepare_cached(&insert(task, None)?)?;
    for (number, row) in rows.given().rows().enumerate() {
        let bound = rows.row(number).map_err(Failure::from).and_then(|row| binder.bind_row(&mut insert, 1, row));
        let inserted = bound.and_then(|()| insert.raw_execute().map_err(Failure::of_row(&task.table.name)));
        if let Err(failure) = inserted {
            let (reason, words) = failure.refusal()?;
            let key = if task.is_multiset() {
                copies::name(task.digest(row.iter(), &mut Vec::new()))
            } else {
                exact::encode_row(row.select(&task.key))
            };
            refused.push(Refusal { key, reason, words, row: Some(exact::encode_row(row.iter())), found: None });
        }
    }
    Ok(refused)
}

/// Where a row is, in the words of an error: `row k=v, k2=v2 of TABLE`, each value cut short.
pub(super) fn place_of<'v>(task: &TableTask, key: impl Iterator<Item = ValueRef<'v>>) -> String {
    let table = &task.table.name;
    let names = task.key.iter().map(|at| &task.table.columns[task.columns[*at]].name);
    let cells: Vec<String> = names.zip(key).map(|(name, value)| format!("{name}={}", brief(value))).collect();
    if cells.is_empty() { table.clone() } else { format!("row {} of {table}", cells.join(", ")) }
}

/// A value in at most [`CELL_MAX`] characters.
fn brief(value: ValueRef<'_>) -> String {
    let shown = match value {
        ValueRef::Null => "NULL".to_owned(),
        ValueRef::Int(value) => value.to_string(),
        ValueRef::Real(value) => format!("{value:?}"),
        // No character has more than four bytes, so what is left off here would be cut below.
        ValueRef::Text(bytes) => String::from_utf8_lossy(&bytes[..bytes.len().min(4 * CELL_MAX + 4)]).into_owned(),
        ValueRef::Bytes(bytes) => Dialect::Sqlite.literal(ValueRef::Bytes(&bytes[..bytes.len().min(CELL_MAX)])),
        other => Dialect::Sqlite.literal(other),
    };
    match shown.char_indices().nth(CELL_MAX) {
        None => shown,
        Some(_) => shown.chars().take(CELL_MAX - 1).chain(['…']).collect(),
    }
}

/// Removes all rows and returns how many there were.
pub(super) fn clear(conn: &Connection, task: &TableTask) -> Attempt<u64> {
    let deleted = conn.execute(&format!("DELETE FROM {}", select::table(&task.table.name)?), [])?;
    Ok(deleted as u64)
}

/// The statement that inserts one row, its cells bound from the first parameter on and its row number, where it is
/// given a name, to the parameter after them; NULL there leaves the choice to SQLite.
///
/// OR ABORT, because a table may be defined with ON CONFLICT REPLACE or IGNORE, which would remove another row or drop
/// this one without a word.
pub(super) fn insert(task: &TableTask, rowid: Option<&str>) -> Result<String> {
    let width = task.columns.len();
    let parameters: Vec<String> = (1..=width + usize::from(rowid.is_some())).map(|at| format!("?{at}")).collect();
    let number = rowid.map(|name| format!(", {name}")).unwrap_or_default();
    Ok(format!(
        "INSERT OR ABORT INTO {} ({}{number}) VALUES ({})",
        select::table(&task.table.name)?,
        select::columns(task)?,
        parameters.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use syncline_core::value::RowBatch;

    use super::fitted::Fitter;
    use super::*;

    /// SQLite ends a transaction by itself where a disk is full or broken, and the next batch may be queued already.
    #[test]
    fn nothing_is_loaded_once_the_transaction_is_gone() {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch("CREATE TABLE t (a)").unwrap();
        let task = TableTask::whole(crate::sqlite::schema::read(&conn).unwrap().table("t").unwrap().clone());
        let load_one = || {
            let mut rows = RowBatch::new(1);
            rows.push(ValueRef::Int(1)).unwrap();
            load(&conn, &task, &Fitter::of(&task).fit(rows).unwrap())
        };
        let count = || conn.query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0)).unwrap();
        assert!(load_one().is_err());
        assert_eq!(count(), 0);
        conn.execute_batch("BEGIN").unwrap();
        assert!(load_one().unwrap().is_empty());
        assert_eq!(count(), 1);
    }

    #[test]
    fn a_value_is_cut_short() {
        let long = "ä".repeat(CELL_MAX + 1);
        let cut = "ä".repeat(CELL_MAX - 1) + "…";
        for (value, shown) in [
            (ValueRef::Null, "NULL"),
            (ValueRef::Int(-7), "-7"),
            (ValueRef::Real(1.0), "1.0"),
            (ValueRef::Text(b"a\xff"), "a\u{fffd}"),
            (ValueRef::Text(&long.as_bytes()[..2 * CELL_MAX]), &long[..2 * CELL_MAX]),
            (ValueRef::Text(long.as_bytes()), &cut),
            (ValueRef::Bytes(&[0, 255]), "X'00FF'"),
            (ValueRef::Bytes(&[0; 50]), "X'0000000000000000000000000000000000000…"),
        ] {
            assert_eq!(brief(value), shown);
        }
    }
}
