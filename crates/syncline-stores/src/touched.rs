//! Touched keys on their way into batches, and the key that a log names rows by.

use std::collections::BTreeMap;

use syncline_core::change::TableTask;
use syncline_core::error::{Code, Error, Result};
use syncline_core::schema::TableSchema;
use syncline_core::store::{Flow, LogPosition, Logs, TouchedBatch};
use syncline_core::value::key_order::{compare_key_rows, compare_keys};
use syncline_core::value::{RowBatch, ValueRef};

use crate::digests::null_key;
use crate::fetched::push_masked;
use crate::lens::{Cells, Lens};
use crate::stream::Load;

/// The table, where its rows are told apart by a key that a log could name.
///
/// # Errors
/// `TABLE_NOT_TRACKED`.
pub(crate) fn trackable<'t>(table: Option<&'t TableSchema>, name: &str) -> Result<&'t TableSchema> {
    let Some(table) = table else { return Err(untrackable(name, "there is no such table")) };
    if table.key.is_none() {
        let why = "it has no key by which a log could say which row was touched";
        return Err(untrackable(name, why).next("give the table a primary key, then track it", ""));
    }
    Ok(table)
}

/// The error for a table that cannot be tracked.
pub(crate) fn untrackable(name: &str, why: impl Into<String>) -> Error {
    let what = format!("{name} cannot be tracked");
    Error::new(Code::TableNotTracked, what).because(why).leaving("the table is not tracked")
}

/// The names of a table's key columns, in its order; `None` for a table without a key.
pub(crate) fn key_of(table: &TableSchema) -> Option<Vec<String>> {
    let key = table.key.as_ref()?;
    Some(key.columns.iter().map(|column| table.columns[*column].name.clone()).collect())
}

/// Whether a log names rows by the columns that the task tells them apart by.
pub(crate) fn is_key(task: &TableTask, of_log: &[String]) -> bool {
    let mut of_task: Vec<&str> = task.key.iter().map(|at| &*task.table.columns[task.columns[*at]].name).collect();
    let mut of_log: Vec<&str> = of_log.iter().map(String::as_str).collect();
    of_task.sort_unstable();
    of_log.sort_unstable();
    of_task == of_log
}

/// The logs of a server's database, as one view shows them: asked for once a view.
pub(crate) struct Logged<T> {
    pub(crate) logs: Logs,
    tables: BTreeMap<String, T>,
}

impl<T> Logged<T> {
    pub(crate) fn new(store: String) -> Self {
        Self { logs: Logs { store, ..Logs::default() }, tables: BTreeMap::new() }
    }

    /// A tracked table with the end of its log, or why that is not to be trusted.
    pub(crate) fn add(&mut self, name: &str, tracked: T, end: std::result::Result<LogPosition, &'static str>) {
        match end {
            Ok(end) => drop(self.logs.ends.insert(name.to_owned(), end)),
            Err(defect) => drop(self.logs.defects.insert(name.to_owned(), defect.to_owned())),
        }
        self.tables.insert(name.to_owned(), tracked);
    }

    /// The log of a task's table, or why there is none to go by.
    pub(crate) fn of(&self, task: &TableTask) -> std::result::Result<&T, String> {
        let name = &task.table.name;
        match self.logs.defects.get(name) {
            Some(defect) => Err(defect.clone()),
            None => self.tables.get(name).ok_or_else(|| "its changes are not logged".to_owned()),
        }
    }
}

/// What is said of a log in which there is nothing at all.
pub(crate) const EMPTIED: &str = "its log was emptied";

/// Touched keys of a server's answer.
pub(crate) struct Gathered<'t> {
    task: &'t TableTask,
    lens: Lens,
    batch: TouchedBatch,
    scratch: Vec<u8>,
}

impl<'t> Gathered<'t> {
    pub(crate) fn new(task: &'t TableTask, lens: Lens) -> Self {
        Self { task, lens, batch: TouchedBatch::new(task.key.len()), scratch: Vec::new() }
    }

    /// One row: the cells of a key, whether a row was found for it, and that row. Several rows may come for one key, which the
    /// server takes for equal. Returns a batch when it is full, and its last key behind it.
    pub(crate) fn add(&mut self, cells: &mut impl Cells, flow: Flow) -> Result<Option<TouchedBatch>> {
        let mut key = RowBatch::new(self.task.key.len());
        for at in &self.task.key {
            let cell = cells.next()?.unwrap_or(ValueRef::Null);
            if cell.is_null() {
                return Err(null_key(self.task, *at));
            }
            key.push(self.lens.bare(*at, cell))?;
        }
        let is_found = matches!(cells.next()?, Some(ValueRef::Bool(true) | ValueRef::Int(1)));
        let mut row = RowBatch::new(self.task.columns.len());
        self.lens.push_row(cells, &mut row)?;
        let is_it = is_found && compare_keys(row.row(0).select(&self.task.key), key.row(0).iter()).is_eq();
        let last = self.batch.keys.len().checked_sub(1);
        let is_again = last.is_some_and(|last| compare_key_rows(self.batch.keys.row(last), key.row(0)).is_eq());
        let mut full = None;
        if !is_again {
            if self.batch.keys.len() >= flow.rows || self.batch.held() >= flow.bytes {
                full = Some(std::mem::replace(&mut self.batch, TouchedBatch::new(self.task.key.len())));
            }
            self.batch.push_key(key.row(0).iter())?;
        }
        if is_it {
            let mut seen = RowBatch::new(self.task.columns.len());
            push_masked(self.task, &row, &mut seen)?;
            self.batch.found(self.task, seen.row(0), &mut self.scratch);
        }
        Ok(full)
    }

    /// What has not become a full batch.
    pub(crate) fn last(self) -> TouchedBatch {
        self.batch
    }
}

impl Load for TouchedBatch {
    fn bytes(&self) -> usize {
        self.held()
    }
}
