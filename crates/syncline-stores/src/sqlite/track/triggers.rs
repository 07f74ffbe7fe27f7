//! The text of a log and of the triggers that write to it.
//!
//! None asks whether anything has really changed: a log may say too much. An entry is added by a plain INSERT, because the
//! conflict clause of the application's statement would count in its place. The time is written as a number by what every SQLite
//! since 3.38 can do.

use syncline_core::error::Result;
use syncline_core::schema::TableSchema;

use super::catalog::Tracked;
use super::evictions::Eviction;
use crate::sqlite::snapshot::select::quoted;

/// Milliseconds since 1970.
pub(super) const NOW: &str = "CAST((julianday('now') - 2440587.5) * 86400000.0 AS INTEGER)";

/// What names of triggers end with that mention columns: part of the error by which SQLite refuses to drop one of these.
const HINT: &str = ": to drop a column, syncline untrack first";

/// The statement that creates the log of a table.
///
/// The columns have no types, so that each cell is kept as it is. `stamp` and `entry` are for replication to fill.
pub(super) fn log(tracked: &Tracked, table: &TableSchema) -> Result<String> {
    let keys = (0..tracked.key.len()).map(|at| format!(", k{at}"));
    let others = (0..others(tracked, table).count()).map(|at| format!(", o{at}"));
    Ok(format!(
        "CREATE TABLE main.{} (seq INTEGER PRIMARY KEY, op, at, origin, stamp, entry{})",
        quoted(&tracked.log())?,
        keys.chain(others).collect::<String>()
    ))
}

/// The statements that create the triggers of a table.
pub(super) fn triggers(tracked: &Tracked, table: &TableSchema, evictions: &[Eviction]) -> Result<Vec<String>> {
    let on = quoted(&tracked.name)?;
    let entry = |op, row| entry(tracked, table, op, row);
    let trigger = |name: &str, hint: &str, event: &str, body: &str| -> Result<String> {
        let name = quoted(&format!("{}{name}{hint}", tracked.prefix()))?;
        Ok(format!("CREATE TRIGGER main.{name} {event} BEGIN {body} END"))
    };
    let mut triggers = vec![
        trigger("insert", "", &format!("AFTER INSERT ON {on}"), &key_entry(tracked, "I")?)?,
        trigger("update", HINT, &format!("AFTER UPDATE ON {on}"), &entry("U", "OLD")?)?,
        trigger("delete", HINT, &format!("AFTER DELETE ON {on}"), &entry("D", "OLD")?)?,
        trigger("move", "", &moving(tracked)?, &key_entry(tracked, "K")?)?,
    ];
    if evictions.is_empty() {
        return Ok(triggers);
    }
    let mut bodies = String::new();
    for eviction in evictions {
        bodies += &evicted(tracked, table, eviction)?;
    }
    triggers.push(trigger("evict_by_insert", HINT, &format!("BEFORE INSERT ON {on}"), &bodies)?);
    let when = super::evictions::when(evictions).map(|when| format!(" WHEN {when}")).unwrap_or_default();
    triggers.push(trigger("evict_by_update", HINT, &format!("BEFORE UPDATE ON {on}{when}"), &bodies)?);
    Ok(triggers)
}

/// The names of the columns that are stored and no part of the key, in their order. The log keeps their cells as o0, o1, ….
pub(super) fn others<'t>(tracked: &'t Tracked, table: &'t TableSchema) -> impl Iterator<Item = &'t str> {
    let names = table.stored_columns().into_iter().map(|column| table.columns[column].name.as_str());
    names.filter(|name| !tracked.key.iter().any(|key| key == name))
}

/// An entry that keeps a row whole.
fn entry(tracked: &Tracked, table: &TableSchema, op: &str, row: &str) -> Result<String> {
    Ok(format!(
        "INSERT INTO {} (op, at{}) VALUES ('{op}', {NOW}{});",
        quoted(&tracked.log())?,
        row_columns(tracked, table),
        row_cells(tracked, table, row)?
    ))
}

/// An entry of the key that a row has now.
fn key_entry(tracked: &Tracked, op: &str) -> Result<String> {
    let columns: String = (0..tracked.key.len()).map(|at| format!(", k{at}")).collect();
    let cells = cells(tracked.key.iter().map(String::as_str), "NEW")?;
    Ok(format!("INSERT INTO {} (op, at{columns}) VALUES ('{op}', {NOW}{cells});", quoted(&tracked.log())?))
}

/// Entries of the rows that the new row will take the place of, should its statement say `OR REPLACE`.
fn evicted(tracked: &Tracked, table: &TableSchema, eviction: &Eviction) -> Result<String> {
    Ok(format!(
        "INSERT INTO {} (op, at{}) SELECT 'R', {NOW}{} FROM {} AS {ROW} WHERE {};",
        quoted(&tracked.log())?,
        row_columns(tracked, table),
        row_cells(tracked, table, ROW)?,
        quoted(&tracked.name)?,
        eviction.condition
    ))
}

/// What a row of the table is called there: no table of the application bears that name, as one might bear NEW.
const ROW: &str = "_syncline_row";

fn row_columns(tracked: &Tracked, table: &TableSchema) -> String {
    let keys = (0..tracked.key.len()).map(|at| format!(", k{at}"));
    keys.chain((0..others(tracked, table).count()).map(|at| format!(", o{at}"))).collect()
}

fn row_cells(tracked: &Tracked, table: &TableSchema, row: &str) -> Result<String> {
    let keys = tracked.key.iter().map(String::as_str);
    cells(keys.chain(others(tracked, table)), row)
}

fn cells<'n>(names: impl Iterator<Item = &'n str>, row: &str) -> Result<String> {
    names.map(|name| Ok(format!(", {row}.{}", quoted(name)?))).collect()
}

/// When a key may become another one. Statements that name neither its columns nor the row number, by which one of them may be called
/// too, need not be asked: no column of a key is computed from others.
fn moving(tracked: &Tracked) -> Result<String> {
    let names = tracked.key.iter().map(|name| quoted(name)).collect::<Result<Vec<_>>>()?;
    let (of, on) = (names.join(", "), quoted(&tracked.name)?);
    Ok(format!("AFTER UPDATE OF {of}, rowid, oid, _rowid_ ON {on} WHEN {}", is_moved(tracked)?))
}

/// Whether a key is another one, byte by byte: a collation may take the two for equal.
fn is_moved(tracked: &Tracked) -> Result<String> {
    let terms = tracked.key.iter().map(|name| {
        let name = quoted(name)?;
        Ok(format!("OLD.{name} IS NOT NEW.{name} COLLATE BINARY"))
    });
    Ok(terms.collect::<Result<Vec<_>>>()?.join(" OR "))
}
