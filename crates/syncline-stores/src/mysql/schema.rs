//! What the tables of a database look like, read by a few questions to the catalog, however many tables there are.
//!
//! The catalog shows only what the user has some right to: a table without any is not seen at all.

mod columns;
mod constraints;
mod indexes;
mod others;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use mysql_async::Row;
use syncline_core::error::Result;
use syncline_core::schema::{Column, Counter, Schema, TableSchema};
use syncline_core::value::Kind;

use self::columns::Columns;
use self::constraints::Constraints;
pub(super) use self::constraints::{references, sort_constraints};
use super::connect::failure::Attempt;
use super::connect::{Connection, cell, quoted};
use super::definition::{Definition, without_counter};
use super::{ENGINE, REACH, types};

/// Tables that keep rows: no views, no sequences, none of Syncline's.
const TABLES: &str = "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() \
    AND TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED') AND TABLE_NAME NOT LIKE '\\_syncline\\_%' ORDER BY TABLE_NAME";

/// The names of all tables.
///
/// # Errors
/// When the catalog cannot be read.
pub async fn names(connection: &Connection) -> Result<Vec<String>> {
    ask(connection, TABLES).await?.iter().map(|row| cell(row, 0)).collect()
}

/// Whether there is a table with this name, ours included.
pub(in crate::mysql) async fn exists(connection: &Connection, table: &str) -> Attempt<bool> {
    let sql = "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ?";
    let rows = connection.line.exec(sql, (table,)).await?;
    // The catalog may find names that differ in case only.
    let names = rows.iter().map(|row| cell::<String>(row, 0)).collect::<Result<Vec<_>>>()?;
    Ok(names.iter().any(|name| name == table))
}

/// Reads the whole schema.
///
/// # Errors
/// When the catalog cannot be read.
pub async fn read(connection: &Connection) -> Result<Schema> {
    let names = names(connection).await?;
    let mut constraints = constraints::read(connection).await?;
    let mut columns = columns::read(connection, &constraints).await?;
    let mut indexes = indexes::read(connection).await?;
    let mut tables = Vec::new();
    for name in names {
        let Columns { columns, counted } = columns.remove(&name).unwrap_or_default();
        let Constraints { mut foreign_keys, mut checks, .. } = constraints.remove(&name).unwrap_or_default();
        let indexes = indexes.remove(&name).unwrap_or_default();
        let (key, key_index) = indexes::key(&indexes, &columns);
        let definition = definition(connection, &name).await?;
        if foreign_keys.is_empty() {
            foreign_keys = Definition::parse(&definition).map_or_else(Vec::new, |parsed| parsed.references());
            sort_constraints(&mut checks, &mut foreign_keys);
        }
        tables.push(Arc::new(TableSchema {
            engine: ENGINE,
            server: connection.version.text.clone(),
            reach: REACH,
            spans: spans(&columns),
            primary_key: indexes::primary(&indexes, &columns),
            uniques: indexes::uniques(&indexes, key_index),
            indexes: indexes::separate(&indexes, &name)?,
            counters: counted.iter().map(|at| counter(&columns[*at])).collect(),
            autoincrement: !counted.is_empty(),
            name,
            key,
            columns,
            foreign_keys,
            checks,
            definition,
            ..TableSchema::default()
        }));
    }
    let not_carried = others::read(connection).await?;
    Ok(Schema { tables, not_carried, types: Vec::new() })
}

/// The statement that creates the table, as the server writes it; empty where the user may not see it.
async fn definition(connection: &Connection, table: &str) -> Result<String> {
    let asked = connection.line.query(format!("SHOW CREATE TABLE {}", quoted(table)?)).await;
    match asked {
        Ok(rows) => {
            let statement: String = rows.first().map_or_else(|| Ok(String::new()), |row| cell(row, 1))?;
            Ok(without_counter(&statement))
        }
        // It says more than the catalog does, and needs more rights; without it the statement is made from the description.
        Err(mysql_async::Error::Server(_)) => Ok(String::new()),
        Err(error) => Err(connection.error(error)),
    }
}

/// What columns of whole numbers hold, where that is less than their kinds.
pub(super) fn spans(columns: &[Column]) -> BTreeMap<usize, (i128, i128)> {
    let span = |(at, column): (usize, &Column)| Some((at, types::span(&column.declared_type)?));
    columns.iter().enumerate().filter_map(span).collect()
}

/// How a column with AUTO_INCREMENT is given its numbers.
pub(super) fn counter(column: &Column) -> Counter {
    let highest = match column.kind {
        Kind::Int { bits: 16 } => i64::from(i16::MAX),
        Kind::Int { bits: 32 } => i64::from(i32::MAX),
        _ => i64::MAX,
    };
    let (column, is_always) = (column.name.clone(), false);
    Counter { column, is_always, increment: 1, lowest: 1, highest, start: 1, cycles: false }
}

/// The rows of a question.
async fn ask(connection: &Connection, question: &str) -> Result<Vec<Row>> {
    connection.line.query(question).await.map_err(|error| connection.error(error))
}

/// What is known of each table, by its name.
type ByTable<T> = HashMap<String, T>;
