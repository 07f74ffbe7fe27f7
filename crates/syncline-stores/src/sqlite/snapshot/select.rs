//! The SELECT statements of a table task, and finding one row by its key.

use rusqlite::{CachedStatement, Connection};
use syncline_core::change::{TableTask, copies};
use syncline_core::error::Result;
use syncline_core::schema::TableSchema;
use syncline_core::value::key_order::{compare, compare_keys};
use syncline_core::value::{Row, RowBatch, ValueRef};

use super::super::connect::failure::Attempt;
use super::super::digest::copies::place_name;
use super::super::filter;
use super::super::types::bind::Binder;
use super::super::types::{self, Encoding};
use super::seen::Seen;
use crate::sql::Dialect;

/// A name in quotes.
pub(in crate::sqlite) fn quoted(name: &str) -> Result<String> {
    Dialect::Sqlite.identifier(name)
}

/// A table of the main database; without that, a temporary table of the same name would come first.
pub(in crate::sqlite) fn table(name: &str) -> Result<String> {
    Ok(format!("main.{}", quoted(name)?))
}

/// Whether the main database has a table of this name, in any case.
///
/// Asked as a query, because the driver's own question is answered from a schema that may be out of date.
pub(in crate::sqlite) fn table_exists(conn: &Connection, name: &str) -> Attempt<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM main.sqlite_schema WHERE type = 'table' AND name = ?1 COLLATE NOCASE)";
    Ok(conn.query_row(sql, [name], |row| row.get(0))?)
}

/// The columns of a task, separated by commas: what stands for one that is yet to be added is what it will hold.
pub(in crate::sqlite) fn columns(task: &TableTask) -> Result<String> {
    let mut columns = task.column_names().map(quoted).collect::<Result<Vec<_>>>()?;
    for (column, fill) in &task.mapped.fills {
        columns[*column] = Dialect::Sqlite.literal(fill.as_ref());
    }
    Ok(columns.join(", "))
}

/// The rows that take part, as what stands behind the name of their table.
pub(in crate::sqlite) fn filtered(task: &TableTask, encoding: Encoding) -> Result<String> {
    Ok(filter::condition(task, encoding)?.map(|condition| format!(" WHERE {condition}")).unwrap_or_default())
}

/// All rows in the order they are stored in.
pub(in crate::sqlite) fn scan(task: &TableTask, encoding: Encoding) -> Result<String> {
    // A table without row numbers is stored by its key, and read so without being told.
    let order = rowid(&task.table).map(|name| format!(" ORDER BY {name}")).unwrap_or_default();
    let filtered = filtered(task, encoding)?;
    Ok(format!("SELECT {} FROM {}{filtered}{order}", columns(task)?, table(&task.table.name)?))
}

/// The name that reaches the row number: one of the three that no column has taken.
pub(in crate::sqlite) fn rowid(table: &TableSchema) -> Option<&'static str> {
    if table.without_rowid {
        return None;
    }
    ["rowid", "_rowid_", "oid"].into_iter().find(|name| table.column(name).is_none())
}

/// The name that reaches the row number where it is not the key, and thus says something that the columns do not.
pub(in crate::sqlite) fn hidden_rowid(table: &TableSchema) -> Option<&'static str> {
    let is_key = table.key.as_ref().is_some_and(|key| key.is_rowid);
    if is_key { None } else { rowid(table) }
}

/// The names of the task's key columns.
pub(in crate::sqlite) fn key_names(task: &TableTask) -> impl Iterator<Item = &str> {
    task.key.iter().map(|column| task.table.columns[task.columns[*column]].name.as_str())
}

/// The condition that picks the row with a key whose cells are bound from parameter `first` on.
///
/// It is written with the collation of the index behind the key, so that the index is used, and once more by bytes
/// where that collation takes different texts for equal. A row without a key is picked by its place.
pub(in crate::sqlite) fn key_condition(task: &TableTask, qualifier: &str, first: usize) -> Result<String> {
    if task.is_multiset() {
        return Ok(format!("{qualifier}{} = ?{}", place_name(task)?, first + copies::WIDTH - 1));
    }
    let mut terms = Vec::new();
    for (offset, column) in task.key.iter().enumerate() {
        let position = task.columns[*column];
        let name = format!("{qualifier}{}", quoted(&task.table.columns[position].name)?);
        let parameter = first + offset;
        let collation = collation(&task.table, position);
        terms.push(format!("{name} = ?{parameter} COLLATE {}", quoted(collation)?));
        if !collation.eq_ignore_ascii_case("BINARY") {
            terms.push(format!("{name} = ?{parameter} COLLATE BINARY"));
        }
    }
    Ok(terms.join(" AND "))
}

fn collation(table: &TableSchema, position: usize) -> &str {
    let of_key = table.key.as_ref().and_then(|key| {
        let at = key.columns.iter().position(|column| *column == position)?;
        key.collations.get(at)
    });
    of_key.unwrap_or(&table.columns[position].collation)
}

/// Finds rows of one table by their keys, one at a time, whether a filter lets them take part or not.
pub(in crate::sqlite) struct Finder<'c> {
    statement: CachedStatement<'c>,
    key: Vec<usize>,
    binder: Binder,
    stored: RowBatch,
    seen: Option<Seen>,
    /// The row as it is seen, where that is not how it is stored.
    shown: RowBatch,
    rowid: Option<i64>,
    reads_rowid: bool,
}

impl<'c> Finder<'c> {
    /// A finder of the rows that take part.
    pub(in crate::sqlite) fn of_filtered(conn: &'c Connection, task: &TableTask, encoding: Encoding) -> Attempt<Self> {
        let condition = filter::condition(task, encoding)?;
        Self::with_condition(conn, task, None, encoding, condition)
    }

    /// A finder that also reads the row number where it is given a name for it.
    pub(in crate::sqlite) fn new(
        conn: &'c Connection,
        task: &TableTask,
        rowid: Option<&str>,
        encoding: Encoding,
    ) -> Attempt<Self> {
        Self::with_condition(conn, task, rowid, encoding, None)
    }

    fn with_condition(
        conn: &'c Connection,
        task: &TableTask,
        rowid: Option<&str>,
        encoding: Encoding,
        condition: Option<String>,
    ) -> Attempt<Self> {
        let number = rowid.map(|name| format!(", {name}")).unwrap_or_default();
        let condition = condition.map(|condition| format!(" AND {condition}")).unwrap_or_default();
        let sql = format!(
            "SELECT {}{number} FROM {} WHERE {}{condition}",
            columns(task)?,
            table(&task.table.name)?,
            key_condition(task, "", 1)?
        );
        Ok(Self {
            statement: conn.prepare_cached(&sql)?,
            key: task.key.clone(),
            binder: Binder::of(task, encoding),
            stored: RowBatch::new(task.columns.len()),
            seen: Seen::of(task),
            shown: RowBatch::new(task.columns.len()),
            rowid: None,
            reads_rowid: rowid.is_some(),
        })
    }

    /// Looks for the row with this key; `true` when there is one, which [`Finder::row`] then shows.
    ///
    /// SQLite converts what it compares, so a row it offers counts only when its key is the same in the key order. What is
    /// at the place of a row without a key is shown whatever it is.
    pub(in crate::sqlite) fn find<'v, K>(&mut self, key: impl Fn() -> K) -> Attempt<bool>
    where
        K: Iterator<Item = ValueRef<'v>>,
    {
        if !self.binder.bind_key(&mut self.statement, 1, key())? {
            return Ok(false);
        }
        let mut rows = self.statement.raw_query();
        while let Some(row) = rows.next()? {
            self.stored.clear();
            types::push_row(&mut self.stored, row)?;
            let found = self.stored.row(0);
            let is_it = match &mut self.seen {
                None => self.key.is_empty() || compare_keys(found.select(&self.key), key()).is_eq(),
                Some(seen) => {
                    let mut cells = self.key.iter().zip(key());
                    cells.all(|(at, wanted)| compare(seen.in_form(*at, found.get(*at)), wanted).is_eq())
                }
            };
            if !is_it {
                continue;
            }
            self.rowid = if self.reads_rowid { Some(row.get(self.stored.width())?) } else { None };
            if let Some(seen) = &mut self.seen {
                self.shown.clear();
                seen.push_row(&mut self.shown, found.iter())?;
            }
            return Ok(true);
        }
        Ok(false)
    }

    /// The row that was found last, as it is seen.
    pub(in crate::sqlite) fn row(&self) -> Row<'_> {
        if self.seen.is_some() { self.shown.row(0) } else { self.stored.row(0) }
    }

    /// The row that was found last, as it is stored.
    pub(in crate::sqlite) fn stored(&self) -> Row<'_> {
        self.stored.row(0)
    }

    /// The row that was found last, alone in a batch, which spares a huge one its copy.
    pub(in crate::sqlite) fn take(&mut self) -> RowBatch {
        let row = if self.seen.is_some() { &mut self.shown } else { &mut self.stored };
        let empty = RowBatch::new(row.width());
        let row = std::mem::replace(row, empty);
        self.stored.clear();
        row
    }

    /// Memory that the row takes which was found last, as it is seen.
    pub(in crate::sqlite) fn bytes(&self) -> usize {
        if self.seen.is_some() { self.shown.bytes() } else { self.stored.bytes() }
    }

    /// The number of the row that was found last, where it is read.
    pub(in crate::sqlite) fn rowid(&self) -> Option<i64> {
        self.rowid
    }
}
