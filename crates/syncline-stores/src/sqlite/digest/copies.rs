//! Digests and places of the rows of a table without a key, in their order.
//!
//! No index delivers it: rows are read as they are stored, and only their digests are sorted.

use rusqlite::Connection;
use syncline_core::change::{RowDigest, TableTask, copies};
use syncline_core::error::{Code, Error, Result, without_table};
use syncline_core::limits;
use syncline_core::store::DigestBatch;
use syncline_core::value::{RowBatch, exact};

use crate::sorter::Sorter;
use crate::sqlite::connect::failure::Attempt;
use crate::sqlite::snapshot::seen::Seen;
use crate::sqlite::snapshot::select;
use crate::sqlite::thread::Outlet;
use crate::sqlite::types::{self, Encoding};

/// Sends the digests of all rows to the outlet.
pub(super) fn stream(conn: &Connection, task: &TableTask, outlet: &Outlet<DigestBatch>) -> Attempt<()> {
    let mut sorter = Sorter::default();
    let empty = || DigestBatch { keys: RowBatch::new(copies::WIDTH), digests: Vec::new(), bytes: 0, read: 0 };
    // Of the rows themselves nothing is said before all are read, but how many they are and how large together.
    let mut batch = empty();
    let mut is_wanted = true;
    each_row(conn, task, |digest, place, encoded| {
        batch.bytes += encoded as u64;
        batch.read += 1;
        if batch.read >= outlet.flow().rows as u64 {
            is_wanted = outlet.send(std::mem::replace(&mut batch, empty()));
        }
        sorter.add((digest.0, place))?;
        Ok(is_wanted)
    })?;
    if !is_wanted {
        return Ok(());
    }
    let mut merge = sorter.sorted()?;
    while let Some((digest, place)) = merge.next()? {
        copies::push(&mut batch.keys, RowDigest(digest), place)?;
        batch.digests.push(RowDigest(digest));
        if batch.digests.len() >= outlet.flow().rows && !outlet.send(std::mem::replace(&mut batch, empty())) {
            return Ok(());
        }
    }
    if !batch.digests.is_empty() || batch.read > 0 {
        outlet.send(batch);
    }
    Ok(())
}

/// Passes on digest, place and size of every row that takes part, for as long as more are wanted.
pub(in crate::sqlite) fn each_row(
    conn: &Connection,
    task: &TableTask,
    mut pass: impl FnMut(RowDigest, i64, usize) -> Attempt<bool>,
) -> Attempt<()> {
    let place = place_name(task)?;
    let (columns, table) = (select::columns(task)?, select::table(&task.table.name)?);
    let filtered = select::filtered(task, Encoding::of(conn)?)?;
    let mut statement = conn.prepare(&format!("SELECT {columns}, {place} FROM {table}{filtered}"))?;
    let mut rows = statement.raw_query();
    let mut seen = Seen::of(task);
    let (width, mut encoded) = (task.columns.len(), Vec::new());
    while let Some(row) = rows.next()? {
        types::encode_row(row, width, (seen.as_mut(), task.forms.equality), &mut encoded)?;
        if !pass(RowDigest(exact::digest_bytes(&encoded)), row.get(width)?, encoded.len())? {
            return Ok(());
        }
        if encoded.capacity() > limits::BATCH_BYTES {
            // One huge row must not keep its room for the rest of the table.
            encoded = Vec::new();
        }
    }
    Ok(())
}

/// The name that reaches the place of a row.
///
/// # Errors
/// `TABLE_NO_KEY` where columns have taken all of them.
pub(in crate::sqlite) fn place_name(task: &TableTask) -> Result<&'static str> {
    let table = &task.table.name;
    select::rowid(&task.table).ok_or_else(|| {
        Error::new(Code::TableNoKey, format!("{table} has no key: nothing tells its rows apart"))
            .because(
                "columns of it are called rowid, _rowid_ and oid, so that not even its row numbers can be asked for",
            )
            .next(without_table(table), "leave the table out")
    })
}
