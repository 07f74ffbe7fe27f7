//! How much a table holds, without reading it.

use rusqlite::Connection;
use syncline_core::change::TableTask;
use syncline_core::store::{Estimate, Scale};

use super::select;
use crate::sqlite::connect::failure::Attempt;
use crate::sqlite::filter;
use crate::sqlite::types::Encoding;

/// Rows whose size stands for that of all.
const SAMPLE_ROWS: usize = 64;

/// What a record takes beside its values, at least.
const ROW_OVERHEAD: u64 = 4;

/// Whether no row takes part.
pub(super) fn is_empty(conn: &Connection, task: &TableTask) -> Attempt<bool> {
    let (table, filtered) = (select::table(&task.table.name)?, select::filtered(task, Encoding::of(conn)?)?);
    Ok(conn.query_row(&format!("SELECT NOT EXISTS (SELECT 1 FROM {table}{filtered})"), [], |row| row.get(0))?)
}

/// As the port has it.
pub(super) fn highest(conn: &Connection, task: &TableTask, column: &str, scale: Scale) -> Attempt<Option<i64>> {
    let (table, filtered) = (select::table(&task.table.name)?, select::filtered(task, Encoding::of(conn)?)?);
    let highest = filter::highest(column, scale)?;
    Ok(conn.query_row(&format!("SELECT {highest} FROM {table}{filtered}"), [], |row| row.get(0))?)
}

/// Row numbers run from a lowest to a highest, and the distance is no less than the number of rows. Where the file could
/// not hold so many, or there are no row numbers, the rows are counted after all: counting `orders` of the benchmark
/// takes a quarter of the time that comparing it does.
pub(super) fn estimate(conn: &Connection, task: &TableTask) -> Attempt<Estimate> {
    let filtered = select::filtered(task, Encoding::of(conn)?)?;
    let Some(row_bytes) = row_bytes(conn, task, &filtered)? else { return Ok(Estimate::default()) };
    let table = select::table(&task.table.name)?;
    let count = || -> Attempt<u64> {
        let count: i64 = conn.query_row(&format!("SELECT count(*) FROM {table}{filtered}"), [], |row| row.get(0))?;
        Ok(count.unsigned_abs())
    };
    let rows = match select::rowid(&task.table) {
        // What a filter lets through cannot be told from row numbers.
        _ if !filtered.is_empty() => count()?,
        None => count()?,
        Some(rowid) => {
            // Two queries in one: SQLite finds an end of the tree at once only when asked for one alone.
            let sql = format!("SELECT (SELECT min({rowid}) FROM {table}), (SELECT max({rowid}) FROM {table})");
            let (low, high): (i64, i64) = conn.query_row(&sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
            match high.abs_diff(low).saturating_add(1) {
                span if span.saturating_mul(row_bytes + ROW_OVERHEAD) <= file_bytes(conn)? => span,
                _ => count()?,
            }
        }
    };
    Ok(Estimate { rows, bytes: rows.saturating_mul(row_bytes) })
}

/// The average size of the first rows; `None` when there are none. Read from the headers of the records: however large
/// the values are, they stay where they are.
fn row_bytes(conn: &Connection, task: &TableTask, filtered: &str) -> Attempt<Option<u64>> {
    let mut sizes = Vec::new();
    let is_there = |at: &usize| !task.mapped.fills.iter().any(|(column, _)| column == at);
    for (_, name) in task.column_names().enumerate().filter(|(at, _)| is_there(at)) {
        sizes.push(format!("ifnull(octet_length({}), 0)", select::quoted(name)?));
    }
    let sum = sum(&sizes);
    let table = select::table(&task.table.name)?;
    let sql = format!(
        "SELECT CAST(avg(size) AS INTEGER) FROM (SELECT {sum} AS size FROM {table}{filtered} LIMIT {SAMPLE_ROWS})"
    );
    let average: Option<i64> = conn.query_row(&sql, [], |row| row.get(0))?;
    Ok(average.map(i64::unsigned_abs))
}

/// The sum of all, as flat as it can be written: SQLite bounds how deep an expression may be, and takes more columns.
fn sum(sizes: &[String]) -> String {
    match sizes {
        [] => "0".to_owned(),
        [size] => size.clone(),
        _ => {
            let (first, second) = sizes.split_at(sizes.len() / 2);
            format!("({} + {})", sum(first), sum(second))
        }
    }
}

fn file_bytes(conn: &Connection) -> Attempt<u64> {
    let pragma = |sql: &str| conn.query_row(sql, [], |row| row.get::<_, i64>(0));
    let (pages, size) = (pragma("PRAGMA main.page_count")?, pragma("PRAGMA main.page_size")?);
    Ok(pages.unsigned_abs().saturating_mul(size.unsigned_abs()))
}
