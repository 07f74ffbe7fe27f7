//! Keys and digests of a table in key order.

pub(super) mod copies;
mod order;

use rusqlite::{Connection, Row};
use syncline_core::change::{RowDigest, TableTask};
use syncline_core::error::{Code, Error};
use syncline_core::store::DigestBatch;
use syncline_core::value::{RowBatch, ValueRef, exact};

pub(super) use self::order::terms as order_terms;

use super::connect::failure::Attempt;
use super::filter;
use super::snapshot::seen::Seen;
use super::snapshot::select;
use super::thread::Outlet;
use super::types::{self, Encoding};

/// Sends the digests of all rows to the outlet.
///
/// # Errors
/// `KEY_NULL` when a key cell is NULL. NULLs come first, so this is known before anything is compared. `TABLE_NO_KEY`
/// when rows have neither key nor place.
pub(super) fn stream(conn: &Connection, task: &TableTask, outlet: &Outlet<DigestBatch>) -> Attempt<()> {
    if task.is_multiset() {
        return copies::stream(conn, task, outlet);
    }
    let sql = ordered(conn, task, Encoding::of(conn)?)?;
    let mut statement = conn.prepare(&sql)?;
    let mut rows = statement.raw_query();
    let mut batch = empty(task);
    let mut scratch = Vec::new();
    let mut seen = Seen::of(task);
    while let Some(row) = rows.next()? {
        add(&mut batch, task, row, seen.as_mut(), &mut scratch)?;
        let is_full = batch.digests.len() >= outlet.flow().rows || batch.keys.bytes() >= outlet.flow().bytes;
        if is_full && !outlet.send(std::mem::replace(&mut batch, empty(task))) {
            return Ok(());
        }
    }
    if !batch.digests.is_empty() {
        outlet.send(batch);
    }
    Ok(())
}

/// Looks for NULL in the key, where the table's definition does not rule it out.
///
/// # Errors
/// `KEY_NULL`, and `TABLE_NO_KEY` when rows have neither key nor place.
pub(super) fn check_key(conn: &Connection, task: &TableTask) -> Attempt<()> {
    if task.is_multiset() {
        copies::place_name(task)?;
        return Ok(());
    }
    if task.table.key.as_ref().is_some_and(|key| key.is_rowid) {
        return Ok(());
    }
    let table = select::table(&task.table.name)?;
    let filter = filter::condition(task, Encoding::of(conn)?)?;
    let takes_part = filter.map(|condition| format!(" AND ({condition})")).unwrap_or_default();
    for column in &task.key {
        let described = &task.table.columns[task.columns[*column]];
        if !described.nullable {
            continue;
        }
        let name = select::quoted(&described.name)?;
        let sql = format!("SELECT EXISTS (SELECT 1 FROM {table} WHERE {name} IS NULL{takes_part})");
        if conn.query_row(&sql, [], |row| row.get(0))? {
            return Err(null_key(task, *column).into());
        }
    }
    Ok(())
}

/// All columns of the task, in key order.
fn ordered(conn: &Connection, task: &TableTask, encoding: Encoding) -> Attempt<String> {
    let (columns, table) = (select::columns(task)?, select::table(&task.table.name)?);
    let filtered = select::filtered(task, encoding)?;
    Ok(format!("SELECT {columns} FROM {table}{filtered} ORDER BY {}", order::terms(conn, task, encoding)?))
}

fn empty(task: &TableTask) -> DigestBatch {
    DigestBatch { keys: RowBatch::new(task.key.len()), digests: Vec::new(), bytes: 0, read: 0 }
}

fn add(
    batch: &mut DigestBatch,
    task: &TableTask,
    row: &Row<'_>,
    mut seen: Option<&mut Seen>,
    scratch: &mut Vec<u8>,
) -> Attempt<()> {
    // Keys nearly always stand in the order of their columns, and are then kept in passing.
    let in_passing = task.key.is_sorted();
    let mut next = 0;
    let see = |column: usize, cell: ValueRef<'_>| {
        if in_passing && task.key.get(next) == Some(&column) {
            next += 1;
            add_key(&mut batch.keys, task, column, cell)?;
        }
        Ok(())
    };
    types::encode_row_seeing(row, task.columns.len(), (seen.as_deref_mut(), task.forms.equality), scratch, see)?;
    if !in_passing {
        for column in &task.key {
            let cell = types::value(row.get_ref(*column)?);
            let cell = seen.as_deref_mut().map_or(cell, |seen| seen.in_form(*column, cell));
            add_key(&mut batch.keys, task, *column, cell)?;
        }
    }
    batch.digests.push(RowDigest(exact::digest_bytes(scratch)));
    batch.bytes += scratch.len() as u64;
    batch.read += 1;
    Ok(())
}

#[inline]
fn add_key(keys: &mut RowBatch, task: &TableTask, column: usize, cell: ValueRef<'_>) -> Attempt<()> {
    if cell.is_null() {
        return Err(null_key(task, column).into());
    }
    Ok(keys.push(cell)?)
}

pub(super) fn null_key(task: &TableTask, column: usize) -> Error {
    let name = &task.table.columns[task.columns[column]].name;
    let what = format!("a row of {} has NULL in its key column {name}", task.table.name);
    Error::new(Code::KeyNull, what)
}
