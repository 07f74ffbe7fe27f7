//! Logs and triggers made, renewed and removed, in the open transaction.

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use syncline_core::error::{Code, Error};
use syncline_core::schema::TableSchema;
use syncline_core::store::Installed;

use super::catalog::{self, CONSUMERS, Catalog, TRACKED, TRACKING, Tracked, VERSION};
use super::{evictions, triggers};
use crate::sqlite::connect::failure::Attempt;
use crate::sqlite::schema;
use crate::sqlite::snapshot::select::{quoted, table};
use crate::touched::{key_of, trackable};

/// Sees to it that these tables are tracked.
pub(super) fn install(conn: &Connection, tables: &[String]) -> Attempt<Installed> {
    let (schema, mut installed) = (schema::read(conn)?, Installed::default());
    let store = catalog::store(conn)?;
    let before = if store.is_some() { catalog::tracked(conn)? } else { Vec::new() };
    let catalog = Catalog::read(conn)?;
    let mut fresh = Vec::new();
    for name in tables {
        let known = before.iter().find(|tracked| tracked.name.eq_ignore_ascii_case(name));
        let known = match known {
            Some(tracked) => Some((tracked, catalog.defect(conn, tracked)?)),
            None => None,
        };
        match known {
            Some((tracked, None)) => installed.kept.push(tracked.name.clone()),
            known => match trackable(schema.table(name).map(|table| &**table), name) {
                Ok(table) => fresh.push((table, known)),
                Err(error) => installed.refused.push((name.clone(), error)),
            },
        }
    }
    let gone: Vec<_> = before.iter().filter(|tracked| schema.table(&tracked.name).is_none()).collect();
    if fresh.is_empty() && gone.is_empty() {
        return Ok(installed);
    }
    if store.is_none() {
        sweep(conn)?;
        create_tables(conn)?;
    }
    for tracked in gone {
        forget(conn, tracked, &catalog)?;
    }
    for (table, known) in fresh {
        conn.execute_batch("SAVEPOINT tracked")?;
        if let Some((tracked, _)) = known {
            forget(conn, tracked, &catalog)?;
        }
        match make(conn, table, known.map(|(tracked, _)| tracked.id)) {
            Ok(()) => match known {
                Some((tracked, reason)) => {
                    installed.renewed.push((tracked.name.clone(), reason.unwrap_or_default().to_owned()));
                }
                None => installed.begun.push(table.name.clone()),
            },
            Err(failure) => {
                conn.execute_batch("ROLLBACK TO tracked")?;
                installed.refused.push((table.name.clone(), failure.refused_table(&table.name)?));
            }
        }
        conn.execute_batch("RELEASE tracked")?;
    }
    if catalog::tracked(conn)?.is_empty() {
        drop_tables(conn)?;
    } else {
        conclude(conn, store)?;
    }
    Ok(installed)
}

/// Removes the tracking of these tables, or everything there is of it.
pub(super) fn remove(conn: &Connection, tables: Option<&[String]>) -> Attempt<Vec<String>> {
    let Some(store) = catalog::store(conn)? else {
        return if tables.is_none() { sweep(conn) } else { Ok(Vec::new()) };
    };
    let catalog = Catalog::read(conn)?;
    let is_meant = |tracked: &Tracked| {
        tables.is_none_or(|tables| tables.iter().any(|table| table.eq_ignore_ascii_case(&tracked.name)))
    };
    let (gone, left): (Vec<_>, Vec<_>) = catalog::tracked(conn)?.into_iter().partition(is_meant);
    for tracked in &gone {
        forget(conn, tracked, &catalog)?;
    }
    if left.is_empty() {
        drop_tables(conn)?;
    } else if !gone.is_empty() {
        conclude(conn, Some(store))?;
    }
    Ok(gone.into_iter().map(|tracked| tracked.name).collect())
}

/// Removes what no list tells of any more, because somebody has removed that. Returns the tables that had triggers of ours.
fn sweep(conn: &Connection) -> Attempt<Vec<String>> {
    let named = |sql: &str| -> Attempt<Vec<(String, String)>> {
        let mut statement = conn.prepare(sql)?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    };
    let triggers = named(
        "SELECT name, tbl_name FROM main.sqlite_schema WHERE type = 'trigger' AND name GLOB '_syncline_[0-9]*' ORDER BY tbl_name",
    )?;
    for (name, _) in &triggers {
        conn.execute_batch(&format!("DROP TRIGGER main.{}", quoted(name)?))?;
    }
    for (name, _) in
        named("SELECT name, '' FROM main.sqlite_schema WHERE type = 'table' AND name GLOB '_syncline_log_[0-9]*'")?
    {
        conn.execute_batch(&format!("DROP TABLE main.{}", quoted(&name)?))?;
    }
    drop_tables(conn)?;
    let mut tables: Vec<String> = triggers.into_iter().map(|(_, table)| table).collect();
    tables.dedup();
    Ok(tables)
}

fn create_tables(conn: &Connection) -> Attempt<()> {
    Ok(conn.execute_batch(&format!(
        "CREATE TABLE main.{TRACKED} (
             id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, epoch TEXT NOT NULL, signature TEXT NOT NULL, key TEXT NOT NULL
         );
         CREATE TABLE main.{CONSUMERS} (
             link TEXT NOT NULL, tracked INTEGER NOT NULL, epoch TEXT NOT NULL, seq INTEGER NOT NULL,
             label TEXT NOT NULL, seen INTEGER NOT NULL, PRIMARY KEY (link, tracked)
         );"
    ))?)
}

fn drop_tables(conn: &Connection) -> Attempt<()> {
    let drop = |name| format!("DROP TABLE IF EXISTS main.{name};");
    Ok(conn.execute_batch(&[TRACKED, CONSUMERS, TRACKING].map(drop).concat())?)
}

/// Makes log and triggers of a table, and looks whether the application's statements still go through.
fn make(conn: &Connection, table: &TableSchema, id: Option<i64>) -> Attempt<()> {
    let key = key_of(table).unwrap_or_default();
    let free = format!("SELECT coalesce(max(id), 0) + 1 FROM main.{TRACKED}");
    let id = match id {
        Some(id) => id,
        None => conn.query_row(&free, [], |row| row.get(0))?,
    };
    let epoch: String = conn.query_row("SELECT lower(hex(randomblob(8)))", [], |row| row.get(0))?;
    let tracked = Tracked { id, name: table.name.clone(), epoch, signature: String::new(), key };
    let went_through = statements_go_through(conn, table);
    conn.execute_batch(&triggers::log(&tracked, table)?)?;
    let evictions = evictions::of_table(conn, &tracked, table)?;
    for trigger in triggers::triggers(&tracked, table, &evictions)? {
        conn.execute_batch(&trigger)?;
    }
    if went_through.is_ok() {
        statements_go_through(conn, table).map_err(|error| {
            let what = format!("the triggers that would track {} cannot be run", table.name);
            Error::new(Code::TableNotTracked, what).because(error.to_string()).leaving("the table is not tracked")
        })?;
    }
    // So that no position is ever before the first entry: of an empty log nothing could be told.
    let log = quoted(&tracked.log())?;
    conn.execute(
        &format!("INSERT INTO main.{log} (op, at, origin) VALUES ('M', {}, ?1)", triggers::NOW),
        [&tracked.epoch],
    )?;
    conn.execute(
        &format!("INSERT INTO main.{TRACKED} (id, name, epoch, signature, key) VALUES (?1, ?2, ?3, '', ?4)"),
        rusqlite::params![tracked.id, tracked.name, tracked.epoch, serde_json::json!(tracked.key).to_string()],
    )?;
    Ok(())
}

/// Whether statements that write to the table can be prepared with all its triggers. Those of the application may call functions
/// that only the application has.
fn statements_go_through(conn: &Connection, of: &TableSchema) -> rusqlite::Result<()> {
    let broken = |error: Error| rusqlite::Error::InvalidParameterName(error.to_string());
    let name = table(&of.name).map_err(broken)?;
    let columns = of.stored_columns().into_iter().map(|column| quoted(&of.columns[column].name));
    let columns = columns.collect::<syncline_core::error::Result<Vec<_>>>().map_err(broken)?;
    let (Some(first), sets) = (columns.first(), columns.iter().map(|column| format!("{column} = {column}"))) else {
        return Ok(());
    };
    let statements = [
        format!("INSERT INTO {name} ({first}) VALUES (NULL)"),
        format!("UPDATE {name} SET {}", sets.collect::<Vec<_>>().join(", ")),
        format!("DELETE FROM {name}"),
    ];
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, true)?;
    let prepared = statements.iter().try_for_each(|sql| conn.prepare(sql).map(drop));
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    prepared
}

/// Removes what there is of the tracking of a table, wherever its triggers have gone with it.
fn forget(conn: &Connection, tracked: &Tracked, catalog: &Catalog) -> Attempt<()> {
    for trigger in catalog.triggers(&tracked.prefix()) {
        conn.execute_batch(&format!("DROP TRIGGER IF EXISTS main.{}", quoted(trigger)?))?;
    }
    conn.execute_batch(&format!("DROP TABLE IF EXISTS main.{}", quoted(&tracked.log())?))?;
    conn.execute(&format!("DELETE FROM main.{CONSUMERS} WHERE tracked = ?1"), [tracked.id])?;
    conn.execute(&format!("DELETE FROM main.{TRACKED} WHERE id = ?1"), [tracked.id])?;
    Ok(())
}

/// Makes the last table anew, behind everything else, and writes down what was made.
fn conclude(conn: &Connection, store: Option<String>) -> Attempt<()> {
    let store = match store {
        Some(store) => store,
        None => conn.query_row("SELECT lower(hex(randomblob(16)))", [], |row| row.get(0))?,
    };
    conn.execute_batch(&format!(
        "DROP TABLE IF EXISTS main.{TRACKING}; CREATE TABLE main.{TRACKING} (store TEXT NOT NULL, version INTEGER NOT NULL)"
    ))?;
    conn.execute(&format!("INSERT INTO main.{TRACKING} (store, version) VALUES (?1, {VERSION})"), [store])?;
    let catalog = Catalog::read(conn)?;
    for tracked in catalog::tracked(conn)?.iter().filter(|tracked| tracked.signature.is_empty()) {
        let set = format!("UPDATE main.{TRACKED} SET signature = ?2 WHERE id = ?1");
        conn.execute(&set, rusqlite::params![tracked.id, catalog.signature(tracked)])?;
    }
    Ok(())
}
