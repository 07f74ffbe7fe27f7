//! The rows that an `INSERT OR REPLACE` or `UPDATE OR REPLACE` takes away because they have a unique value of the new row.
//!
//! SQLite fires no trigger for them unless the application has asked for that (`PRAGMA recursive_triggers`). So they are looked
//! for before each insert, and before each update that changes a unique value, whatever the statement says: a trigger is not told.

use rusqlite::Connection;
use syncline_core::error::{Code, Error, Result};
use syncline_core::schema::TableSchema;

use super::catalog::Tracked;
use crate::sqlite::connect::failure::Attempt;
use crate::sqlite::schema::parts_of_index;
use crate::sqlite::snapshot::select::{hidden_rowid, quoted};

/// Rows that may be taken away because of one unique index.
pub(super) struct Eviction {
    /// Which rows, as a condition on a row of the table and on `NEW`.
    pub(super) condition: String,
    /// When an update may take away rows; `None` for always.
    when: Option<String>,
}

/// When an update may take away any; `None` for always.
pub(super) fn when(evictions: &[Eviction]) -> Option<String> {
    let terms: Option<Vec<&str>> = evictions.iter().map(|eviction| eviction.when.as_deref()).collect();
    terms.map(|terms| terms.join(" OR "))
}

/// All that there are for a table.
///
/// # Errors
/// `TABLE_NOT_TRACKED` for an index whose definition cannot be read.
pub(super) fn of_table(conn: &Connection, tracked: &Tracked, table: &TableSchema) -> Attempt<Vec<Eviction>> {
    let mut evictions = Vec::new();
    if let Some(number) = hidden_rowid(table) {
        let condition = format!("{number} = NEW.{number}");
        evictions.push(Eviction { condition, when: Some(format!("OLD.{number} IS NOT NEW.{number}")) });
    }
    for index in unique_indexes(conn, &table.name)? {
        if !index.is_key(tracked) {
            evictions.push(index.eviction(table)?);
        }
    }
    Ok(evictions)
}

struct UniqueIndex {
    name: String,
    sql: Option<String>,
    is_partial: bool,
    terms: Vec<Term>,
}

struct Term {
    /// `None` for an expression.
    column: Option<String>,
    collation: String,
}

impl UniqueIndex {
    /// Whether a row that it takes away has the very key of the new row, which is logged anyway.
    fn is_key(&self, tracked: &Tracked) -> bool {
        let is_binary = |term: &Term| term.collation.eq_ignore_ascii_case("BINARY");
        let columns: Option<Vec<&String>> = self.terms.iter().map(|term| term.column.as_ref()).collect();
        let is_part = |columns: Vec<&String>| {
            columns.iter().all(|column| tracked.key.contains(column))
                && tracked.key.iter().all(|key| columns.contains(&key))
        };
        !self.is_partial && self.terms.iter().all(is_binary) && columns.is_some_and(is_part)
    }

    fn eviction(&self, table: &TableSchema) -> Result<Eviction> {
        let is_plain = !self.is_partial && self.terms.iter().all(|term| term.column.is_some());
        let (mut conditions, mut changes) = (Vec::new(), Vec::new());
        let parts = if is_plain { None } else { Some(self.parts()?) };
        for (at, term) in self.terms.iter().enumerate() {
            let collation = quoted(&term.collation)?;
            let (row, new) = match (&term.column, &parts) {
                (Some(column), _) => (quoted(column)?, new_value(table, column)?),
                (None, Some((terms, _))) => (format!("({})", terms[at]), of_new(&terms[at], table)?),
                (None, None) => return Err(self.unreadable()),
            };
            conditions.push(format!("{row} = {new} COLLATE {collation}"));
            changes.push(format!("OLD.{row} IS NOT {new} COLLATE BINARY"));
        }
        if let Some((_, Some(only))) = &parts {
            // Whether the new row is among those that the index holds is not asked.
            conditions.push(format!("({only})"));
        }
        Ok(Eviction { condition: conditions.join(" AND "), when: is_plain.then(|| changes.join(" OR ")) })
    }

    /// The terms of its definition, and the condition of a partial one.
    fn parts(&self) -> Result<(Vec<String>, Option<String>)> {
        let parts = self.sql.as_deref().and_then(parts_of_index).filter(|(terms, _)| terms.len() == self.terms.len());
        parts.ok_or_else(|| self.unreadable())
    }

    fn unreadable(&self) -> Error {
        let why = format!("what its unique index {} is over cannot be read from its definition", self.name);
        Error::new(Code::TableNotTracked, "a table cannot be tracked").because(why).leaving("the table is not tracked")
    }
}

/// What a column of the new row will hold: instead of a NULL that it does not take it gets its default where the statement, or the
/// column itself, says REPLACE, and that comes after the triggers.
fn new_value(table: &TableSchema, name: &str) -> Result<String> {
    let new = format!("NEW.{}", quoted(name)?);
    let column = table.columns.iter().find(|column| column.name.eq_ignore_ascii_case(name));
    let default = column.filter(|column| !column.nullable).and_then(|column| column.default.as_ref());
    Ok(default.map_or_else(|| new.clone(), |default| format!("coalesce({new}, ({default}))")))
}

/// An expression over the new row.
fn of_new(expression: &str, table: &TableSchema) -> Result<String> {
    let columns = table
        .columns
        .iter()
        .map(|column| Ok(format!("{} AS {}", new_value(table, &column.name)?, quoted(&column.name)?)));
    Ok(format!("(SELECT {expression} FROM (SELECT {}))", columns.collect::<Result<Vec<_>>>()?.join(", ")))
}

fn unique_indexes(conn: &Connection, table: &str) -> Attempt<Vec<UniqueIndex>> {
    let mut list = conn.prepare(
        "SELECT il.name, il.partial, s.sql FROM pragma_index_list(?1, 'main') AS il
         LEFT JOIN main.sqlite_schema AS s ON s.type = 'index' AND s.name = il.name
         WHERE il.\"unique\" ORDER BY il.name",
    )?;
    let mut terms =
        conn.prepare("SELECT cid, name, coll FROM pragma_index_xinfo(?1, 'main') WHERE key ORDER BY seqno")?;
    let mut indexes = Vec::new();
    let mut rows = list.query([table])?;
    while let Some(row) = rows.next()? {
        let (name, is_partial, sql): (String, bool, Option<String>) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let term = |row: &rusqlite::Row<'_>| {
            let (is_column, collation): (bool, Option<String>) = (row.get::<_, i64>(0)? >= 0, row.get(2)?);
            let column = row.get::<_, Option<String>>(1)?.filter(|_| is_column);
            Ok(Term { column, collation: collation.unwrap_or_else(|| "BINARY".to_owned()) })
        };
        let terms = terms.query_map([&name], term)?.collect::<rusqlite::Result<_>>()?;
        indexes.push(UniqueIndex { name, sql, is_partial, terms });
    }
    Ok(indexes)
}
