//! Writing one row of one table: the statements are prepared when first needed and kept by the connection.

use rusqlite::{CachedStatement, Connection};
use syncline_core::change::TableTask;
use syncline_core::error::{Code, Error};
use syncline_core::value::{Row, ValueRef};

use crate::sqlite::bulk;
use crate::sqlite::connect::failure::{Attempt, Failure};
use crate::sqlite::snapshot::select;
use crate::sqlite::types::Encoding;
use crate::sqlite::types::bind::Binder;

/// Writes rows of one table.
pub(super) struct RowWriter<'c> {
    conn: &'c Connection,
    task: &'c TableTask,
    binder: Binder,
    /// How the row number is called where it says something that the columns do not.
    rowid: Option<&'static str>,
    insert: Option<CachedStatement<'c>>,
    update: Option<CachedStatement<'c>>,
    update_with_key: Option<CachedStatement<'c>>,
    delete: Option<CachedStatement<'c>>,
}

impl<'c> RowWriter<'c> {
    /// A writer for the task's table.
    pub(super) fn new(conn: &'c Connection, task: &'c TableTask, encoding: Encoding) -> Self {
        let rowid = select::hidden_rowid(&task.table);
        let binder = Binder::of(task, encoding);
        Self { conn, task, binder, rowid, insert: None, update: None, update_with_key: None, delete: None }
    }

    /// Inserts a row, with this row number where the table has one beside its key and `place` names one.
    pub(super) fn insert(&mut self, row: Row<'_>, place: Option<i64>) -> Attempt<()> {
        let statement = match &mut self.insert {
            Some(statement) => statement,
            empty => empty.insert(self.conn.prepare_cached(&bulk::insert(self.task, self.rowid)?)?),
        };
        self.binder.bind_row(statement, 1, row.iter())?;
        if self.rowid.is_some() {
            statement.raw_bind_parameter(self.task.columns.len() + 1, place)?;
        }
        let written = statement.raw_execute();
        one(self.task, written)
    }

    /// Writes the cells of a row that exists. `place` is its row number, where it has one beside its key; `with_key`
    /// writes the key's cells too, for a key that is equal but not the same, such as 1 and 1.0.
    pub(super) fn update(&mut self, row: Row<'_>, place: Option<i64>, with_key: bool) -> Attempt<()> {
        let slot = if with_key { &mut self.update_with_key } else { &mut self.update };
        let statement = match slot {
            Some(statement) => statement,
            empty => {
                let Some(sql) = update(self.task, self.rowid, with_key)? else {
                    // Nothing but key columns, and those are the same.
                    return Ok(());
                };
                empty.insert(self.conn.prepare_cached(&sql)?)
            }
        };
        let width = self.task.columns.len();
        self.binder.bind_row(statement, 1, row.iter())?;
        match self.rowid {
            Some(_) => statement.raw_bind_parameter(width + 1, place)?,
            None => there(self.task, self.binder.bind_key(statement, width + 1, row.select(&self.task.key))?)?,
        }
        let written = statement.raw_execute();
        one(self.task, written)
    }

    /// Deletes the row with this key, and this row number where it has one beside its key.
    pub(super) fn delete<'v>(&mut self, key: impl Iterator<Item = ValueRef<'v>>, place: Option<i64>) -> Attempt<()> {
        let statement = match &mut self.delete {
            Some(statement) => statement,
            empty => {
                let table = select::table(&self.task.table.name)?;
                let sql = format!("DELETE FROM {table} WHERE {}", condition(self.task, self.rowid, 1)?);
                empty.insert(self.conn.prepare_cached(&sql)?)
            }
        };
        match self.rowid {
            Some(_) => statement.raw_bind_parameter(1, place)?,
            None => there(self.task, self.binder.bind_key(statement, 1, key)?)?,
        }
        let written = statement.raw_execute();
        one(self.task, written)
    }

    /// Whether a row has this number.
    pub(super) fn is_taken(&self, place: i64) -> Attempt<bool> {
        let Some(rowid) = self.rowid else { return Ok(false) };
        let table = select::table(&self.task.table.name)?;
        let sql = format!("SELECT EXISTS (SELECT 1 FROM {table} WHERE {rowid} = ?1)");
        Ok(self.conn.prepare_cached(&sql)?.query_row([place], |row| row.get(0))?)
    }

    /// A row number above all in the table and above `floor`; `None` leaves the choice to SQLite.
    pub(super) fn place_above(&self, floor: i64) -> Attempt<Option<i64>> {
        let Some(rowid) = self.rowid else { return Ok(None) };
        let sql = format!("SELECT max({rowid}) FROM {}", select::table(&self.task.table.name)?);
        let highest: Option<i64> = self.conn.prepare_cached(&sql)?.query_row([], |row| row.get(0))?;
        Ok(highest.unwrap_or(floor).max(floor).checked_add(1))
    }
}

/// `None` when there is nothing to set.
fn update(task: &TableTask, rowid: Option<&str>, with_key: bool) -> Attempt<Option<String>> {
    let mut assignments = Vec::new();
    for (at, name) in task.column_names().enumerate() {
        if with_key || !task.key.contains(&at) {
            assignments.push(format!("{} = ?{}", select::quoted(name)?, at + 1));
        }
    }
    if assignments.is_empty() {
        return Ok(None);
    }
    let (table, assignments) = (select::table(&task.table.name)?, assignments.join(", "));
    let condition = condition(task, rowid, task.columns.len() + 1)?;
    // OR ABORT, because a table may be defined with ON CONFLICT REPLACE, which would remove another row.
    Ok(Some(format!("UPDATE OR ABORT {table} SET {assignments} WHERE {condition}")))
}

fn condition(task: &TableTask, rowid: Option<&str>, first: usize) -> Attempt<String> {
    Ok(match rowid {
        Some(rowid) => format!("{rowid} = ?{first}"),
        None => select::key_condition(task, "", first)?,
    })
}

/// A row that was found has a key that can be looked for.
fn there(task: &TableTask, can_be: bool) -> Attempt<()> {
    if can_be {
        return Ok(());
    }
    Err(Error::new(Code::Internal, format!("a row of {} has a key that it cannot have", task.table.name)).into())
}

fn one(task: &TableTask, written: rusqlite::Result<usize>) -> Attempt<()> {
    match written.map_err(Failure::of_row(&task.table.name))? {
        1 => Ok(()),
        rows => {
            let what = format!("a statement that writes one row of {} wrote {rows}", task.table.name);
            Err(Error::new(Code::Internal, what).into())
        }
    }
}
