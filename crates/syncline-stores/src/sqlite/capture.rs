//! What the log of a table says was touched, and the rows that are there now: both in one view.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension};
use syncline_core::change::TableTask;
use syncline_core::schema::{Key, TableSchema};
use syncline_core::store::{LogPosition, Logs, TouchedBatch, Window};
use syncline_core::value::RowBatch;
use syncline_core::value::key_order::compare_key_rows;

use super::connect::failure::Attempt;
use super::digest;
use super::snapshot::seen::Seen;
use super::snapshot::select::{self, Finder};
use super::thread::Outlet;
use super::track::catalog::{self, Catalog, Place, Tracked};
use super::types::{self, Encoding, forms::Form};
use crate::touched::is_key;

/// Where the logs end; `None` where tracking is not installed.
pub(super) fn logs(conn: &Connection) -> Attempt<Option<Logs>> {
    let Some(store) = catalog::store(conn)? else { return Ok(None) };
    let (catalog, mut logs) = (Catalog::read(conn)?, Logs { store, ..Logs::default() });
    for tracked in catalog::tracked(conn)? {
        match catalog.defect(conn, &tracked)? {
            Some(defect) => {
                logs.defects.insert(tracked.name, defect.to_owned());
            }
            None => {
                let end = Place::end_of(conn, &tracked)?.position();
                logs.ends.insert(tracked.name, end);
            }
        }
    }
    Ok(Some(logs))
}

/// What the log of a table tells of the time since a position.
pub(super) fn window(conn: &Connection, task: &TableTask, since: &LogPosition) -> Attempt<Window> {
    let cut = |why: &str| Ok(Window::Cut(why.to_owned()));
    let Some(tracked) = find(conn, task)? else { return cut("its changes are not logged") };
    if let Some(defect) = Catalog::read(conn)?.defect(conn, &tracked)? {
        return cut(defect);
    }
    if !is_key(task, &tracked.key) {
        return cut("its rows are told apart by other columns in the target");
    }
    let Some(since) = Place::parse(since) else { return cut("where it had come to cannot be read") };
    let end = Place::end_of(conn, &tracked)?;
    if end == since {
        return Ok(Window::Empty);
    }
    if since.epoch != end.epoch {
        return cut("its log was begun anew");
    }
    if !since.is_in(conn, &tracked)? {
        return cut("its log does not reach back to the last run, or is another one");
    }
    let oldest = format!("SELECT at FROM {} WHERE seq > ?1 ORDER BY seq LIMIT 1", select::table(&tracked.log())?);
    let oldest_ms = conn.query_row(&oldest, [since.seq], |row| row.get(0)).optional()?;
    Ok(Window::Entries { count: (end.seq - since.seq).unsigned_abs(), oldest_ms })
}

/// Sends the keys that were touched since a position, with the digests of the rows that have them.
pub(super) fn touched(
    conn: &Connection,
    task: &TableTask,
    since: &LogPosition,
    outlet: &Outlet<TouchedBatch>,
) -> Attempt<()> {
    let (Some(tracked), Some(since)) = (find(conn, task)?, Place::parse(since)) else { return Ok(()) };
    let keys = Keys::of(task, &tracked);
    let encoding = Encoding::of(conn)?;
    let (columns, log) = (select::columns(&keys.task)?, select::table(&tracked.log())?);
    let order = digest::order_terms(conn, &keys.task, encoding)?;
    let sql = format!("SELECT DISTINCT {columns} FROM {log} WHERE seq > ?1 AND op <> 'M' ORDER BY {order}");
    let mut statement = conn.prepare(&sql)?;
    let mut rows = statement.query([since.seq])?;
    let mut finder = Finder::of_filtered(conn, task, encoding)?;
    let (mut seen, mut scratch) = (keys.seen(), Vec::new());
    let width = task.key.len();
    let (mut batch, mut last) = (TouchedBatch::new(width), RowBatch::new(width));
    while let Some(row) = rows.next()? {
        let mut key = RowBatch::new(width);
        match &mut seen {
            None => types::push_row(&mut key, row)?,
            Some(seen) => seen.push_row(&mut key, types::cells(row, width))?,
        }
        if key.row(0).iter().any(|cell| cell.is_null()) {
            // A row that had no key: it is an error as long as there is one.
            digest::check_key(conn, task)?;
            continue;
        }
        // Two notations of one key are one key.
        if !last.is_empty() && compare_key_rows(last.row(0), key.row(0)).is_eq() {
            continue;
        }
        batch.push_key(key.row(0).iter())?;
        if finder.find(|| key.row(0).iter())? {
            batch.found(task, finder.row(), &mut scratch);
        }
        last = key;
        let is_full = batch.digests.len() >= outlet.flow().rows || batch.held() >= outlet.flow().bytes;
        if is_full && !outlet.send(std::mem::replace(&mut batch, TouchedBatch::new(width))) {
            return Ok(());
        }
    }
    if !batch.digests.is_empty() {
        outlet.send(batch);
    }
    Ok(())
}

fn find(conn: &Connection, task: &TableTask) -> Attempt<Option<Tracked>> {
    if catalog::store(conn)?.is_none() {
        return Ok(None);
    }
    Ok(catalog::tracked(conn)?.into_iter().find(|tracked| tracked.name == task.table.name))
}

/// The keys in a log, as a table of their own.
struct Keys {
    task: TableTask,
    forms: Vec<Option<Form>>,
}

impl Keys {
    fn of(task: &TableTask, tracked: &Tracked) -> Self {
        let columns = task.key.iter().map(|column| {
            let column = &task.table.columns[task.columns[*column]];
            let at = tracked.key.iter().position(|name| *name == column.name).unwrap_or_default();
            syncline_core::schema::Column { name: format!("k{at}"), collation: "BINARY".to_owned(), ..column.clone() }
        });
        let columns: Vec<_> = columns.collect();
        let all: Vec<usize> = (0..columns.len()).collect();
        let collations = vec!["BINARY".to_owned(); columns.len()];
        let key = Some(Key { columns: all.clone(), is_rowid: false, collations });
        let table =
            TableSchema { name: tracked.log(), engine: task.table.engine, columns, key, ..TableSchema::default() };
        let keys = TableTask {
            table: Arc::new(table),
            columns: all.clone(),
            key: all,
            mapped: Default::default(),
            forms: task.forms.select(&task.key),
        };
        let forms = Form::of_key(task).unwrap_or_default();
        Self { task: keys, forms }
    }

    fn seen(&self) -> Option<Seen> {
        (!self.forms.is_empty()).then(|| Seen::in_forms(self.forms.clone()))
    }
}
