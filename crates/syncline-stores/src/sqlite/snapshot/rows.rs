//! Rows read in one pass, and rows looked up by key.

use rusqlite::Connection;
use syncline_core::change::TableTask;
use syncline_core::limits;
use syncline_core::value::RowBatch;

use super::seen::Seen;
use super::select::{self, Finder};
use crate::sqlite::connect::failure::Attempt;
use crate::sqlite::thread::Outlet;
use crate::sqlite::types::{self, Encoding};

pub(super) fn scan(conn: &Connection, task: &TableTask, outlet: &Outlet<RowBatch>) -> Attempt<()> {
    let width = task.columns.len();
    let mut seen = Seen::of(task);
    let mut statement = conn.prepare(&select::scan(task, Encoding::of(conn)?)?)?;
    let mut rows = statement.raw_query();
    let mut batch = RowBatch::new(width);
    while let Some(row) = rows.next()? {
        match &mut seen {
            None => types::push_row(&mut batch, row)?,
            Some(seen) => seen.push_row(&mut batch, types::cells(row, width))?,
        }
        if is_full(&batch, outlet) && !hand_over(std::mem::replace(&mut batch, RowBatch::new(width)), outlet) {
            return Ok(());
        }
    }
    if !batch.is_empty() {
        hand_over(batch, outlet);
    }
    Ok(())
}

pub(super) fn fetch(conn: &Connection, task: &TableTask, keys: &RowBatch, outlet: &Outlet<RowBatch>) -> Attempt<()> {
    let width = task.columns.len();
    let mut finder = Finder::of_filtered(conn, task, Encoding::of(conn)?)?;
    let mut batch = RowBatch::new(width);
    for key in keys.rows() {
        if !finder.find(|| key.iter())? {
            continue;
        }
        if finder.bytes() > limits::BATCH_BYTES {
            let before = std::mem::replace(&mut batch, RowBatch::new(width));
            let is_wanted = before.is_empty() || hand_over(before, outlet);
            if !is_wanted || !outlet.send_and_wait(finder.take()) {
                return Ok(());
            }
            continue;
        }
        batch.push_row(finder.row().iter())?;
        if is_full(&batch, outlet) && !hand_over(std::mem::replace(&mut batch, RowBatch::new(width)), outlet) {
            return Ok(());
        }
    }
    if !batch.is_empty() {
        hand_over(batch, outlet);
    }
    Ok(())
}

/// Passes a batch on. One that a single row has made too large is not followed by another before it is taken.
fn hand_over(batch: RowBatch, outlet: &Outlet<RowBatch>) -> bool {
    if batch.bytes() > 2 * limits::BATCH_BYTES { outlet.send_and_wait(batch) } else { outlet.send(batch) }
}

fn is_full(batch: &RowBatch, outlet: &Outlet<RowBatch>) -> bool {
    batch.len() >= outlet.flow().rows || batch.bytes() >= outlet.flow().bytes
}
