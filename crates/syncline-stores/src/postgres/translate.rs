//! Tables of SQLite, MySQL and MariaDB in PostgreSQL's words.
//!
//! | declared in SQLite | declared here |
//! |---|---|
//! | `INTEGER PRIMARY KEY` | `bigint`, with numbers given by default |
//! | `INTEGER`, `INT`, `BIGINT` and the like | `bigint`: SQLite holds 64 bits in each |
//! | `SMALLINT`, which is how a `smallint` comes back | `smallint` |
//! | `BOOLEAN`, `BOOL` | `boolean` |
//! | `DECIMAL(p,s)`, `NUMERIC(p,s)`, `DECIMAL TEXT(p,s)` | `numeric(p,s)`; without digits `numeric` |
//! | `REAL`, `DOUBLE PRECISION`, `FLOAT`; `FLOAT4` | `double precision`; `real` |
//! | `VARCHAR(n)` and the like; `CHAR(n)`, which is how a `character(n)` comes back | `varchar(n)`; `character(n)` |
//! | `TEXT`, `CLOB`, nothing | `text` |
//! | `BLOB` | `bytea` |
//! | `DATE`, `TIME`, `DATETIME` and `TIMESTAMP`, `TIMESTAMPTZ` | the same; a `DATETIME` is a `timestamp` |
//! | `UUID`, `JSON`, `JSONB`; `JSON TEXT`, `JSONB TEXT` | the same; `json`, `jsonb` |
//! | all else | what SQLite makes of its values: `bigint`, `numeric`, `double precision`, `text` or `bytea` |
//!
//! | declared in MySQL | declared here |
//! |---|---|
//! | whole numbers, with `AUTO_INCREMENT` | `smallint`, `integer`, `bigint`; unsigned ones the next wider, `bigint` `numeric(20,0)` |
//! | `enum(…)` | an enumeration of its own, `table_column_enum` |
//! | `bit(n)` | the same |
//! | `set(…)`, geometries and what else only it has | `text` |
//! | all else | what is of the same kind |

mod defaults;
mod lengths;
mod of_mysql;
mod own_types;
mod settled;

use std::sync::Arc;

use syncline_core::schema::{
    Check, Column, Counter, Generated, Index, IndexColumn, Key, TableSchema, Translated, Unique,
};
use syncline_core::value::Kind;

use super::names::{Names, Place};
use super::{ENGINE, types};
use crate::mysql::elsewhere;
use crate::sql::Dialect;
use crate::sql::conditions::{self, Sort};
use crate::sqlite::types::intended;

pub use self::settled::settled;

/// The collation of text that nothing is said about.
const COLLATION: &str = "default";

/// The table as PostgreSQL would make it.
pub fn translate(table: &Arc<TableSchema>, names: &Names) -> Translated {
    if table.engine == ENGINE {
        return Translated { table: Arc::clone(table), left_out: Vec::new() };
    }
    let mut left_out = elsewhere::lost(table);
    let table = elsewhere::with_wide_names(table);
    let table = &*lengths::with_short_names(&table, &mut left_out);
    let counted = row_number(table).or_else(|| of_mysql::counted(table, &mut left_out));
    let mut columns = Vec::new();
    for (at, column) in table.columns.iter().enumerate() {
        columns.push(translated(column, (table, names), &mut left_out));
        if counted == Some(at) {
            columns[at].default = Some(next_number(names.place(table), &column.name));
        }
    }
    let key = table.key.as_ref().map(|key| Key {
        columns: key.columns.clone(),
        is_rowid: false,
        collations: key.columns.iter().map(|at| columns[*at].collation.clone()).collect(),
    });
    let translation = TableSchema {
        name: table.name.clone(),
        namespace: None,
        engine: ENGINE,
        key,
        primary_key: table.primary_key.clone(),
        uniques: uniques(table, &mut left_out),
        foreign_keys: table.foreign_keys.clone(),
        checks: checks(table, &columns, &mut left_out),
        indexes: indexes(table, &columns, &mut left_out),
        autoincrement: counted.is_some(),
        counters: counted.iter().map(|at| counter(&columns[*at])).collect(),
        columns,
        ..TableSchema::default()
    };
    Translated { table: Arc::new(translation), left_out }
}

/// How a column counts of which nothing else is said.
fn counter(column: &Column) -> Counter {
    let bits = if let Kind::Int { bits } = column.kind { u32::from(bits) } else { i64::BITS };
    let (column, highest) = (column.name.clone(), i64::MAX >> (i64::BITS - bits));
    Counter { column, is_always: false, increment: 1, lowest: 1, highest, start: 1, cycles: false }
}

/// What a column that is given numbers has as its default.
pub fn next_number(place: Place<'_>, column: &str) -> String {
    let sequence = format!("{}_{column}_seq", place.name);
    let sequence = format!("{}.{}", as_printed(place.schema), as_printed(&sequence));
    format!("nextval('{}'::regclass)", sequence.replace('\'', "''"))
}

/// A name in quotes where PostgreSQL prints it in quotes, reserved words aside.
fn as_printed(name: &str) -> String {
    let is_plain = name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'_' | b'0'..=b'9'))
        && name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
    if is_plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// The column that SQLite gives row numbers, where it is all of the primary key.
fn row_number(table: &TableSchema) -> Option<usize> {
    match (&table.key, &table.primary_key[..]) {
        (Some(key), [only]) if key.is_rowid && key.columns == [*only] => Some(*only),
        _ => None,
    }
}

fn translated(column: &Column, (table, names): (&TableSchema, &Names), left_out: &mut Vec<String>) -> Column {
    let kind = match &column.kind {
        Kind::Flexible(_) => intended::kind(column),
        kind => of_mysql::kind(kind),
    };
    let declared_type = match &kind {
        Kind::Enum { .. } => of_mysql::enumeration(names.place(table), &column.name),
        Kind::Other { type_name } => type_name.clone(),
        kind => types::declared(kind),
    };
    if of_mysql::is_text_only_here(&column.kind, &kind) {
        left_out.push(format!("the type {} of {}, {declared_type} here", column.declared_type, column.name));
    }
    if column.generated != Generated::No {
        left_out.push(format!("the computation of {}", column.name));
    }
    let is_text = matches!(kind, Kind::Text { .. });
    if is_text && column.kind.coercion().is_some() && !column.collation.eq_ignore_ascii_case("BINARY") {
        left_out.push(format!("the collation {} of {}", column.collation, column.name));
    }
    let default = match &column.default {
        Some(default) if column.generated == Generated::No => {
            match default_of(column, default, (&kind, &declared_type)) {
                Some(default) => default,
                None => {
                    left_out.push(format!("the default of {}", column.name));
                    None
                }
            }
        }
        _ => None,
    };
    Column {
        name: column.name.clone(),
        declared_type,
        nullable: column.nullable,
        default,
        collation: if is_text { COLLATION.to_owned() } else { String::new() },
        generated: Generated::No,
        expression: None,
        kind,
    }
}

fn default_of(column: &Column, default: &str, (kind, declared): (&Kind, &str)) -> Option<Option<String>> {
    match column.kind {
        Kind::Flexible(_) => defaults::translated(default, kind),
        _ => of_mysql::default(column, kind, declared),
    }
}

fn uniques(table: &TableSchema, left_out: &mut Vec<String>) -> Vec<Unique> {
    let mut uniques = Vec::new();
    for unique in &table.uniques {
        let is_index = table.indexes.iter().any(|index| index.name == unique.name);
        if !unique.partial && unique.columns.iter().all(Option::is_some) {
            // The name that SQLite gave a constraint is none to keep.
            let name = if is_index { unique.name.clone() } else { String::new() };
            uniques.push(Unique { name, ..unique.clone() });
        } else if !is_index {
            left_out.push(format!("UNIQUE {}", unique.name));
        }
    }
    uniques
}

/// Conditions that mean the same here.
fn checks(table: &TableSchema, columns: &[Column], left_out: &mut Vec<String>) -> Vec<Check> {
    let mut checks = Vec::new();
    for check in &table.checks {
        let sort = |name: &str| {
            let at = table.column(name)?;
            let theirs = &table.columns[at];
            let is_binary = match theirs.kind {
                Kind::Flexible(_) => theirs.collation.eq_ignore_ascii_case("BINARY"),
                _ => elsewhere::is_by_bytes(theirs),
            };
            let sort = match &columns[at].kind {
                Kind::Bool => Sort::Truth,
                Kind::Int { .. } | Kind::Decimal { .. } | Kind::Real { .. } => Sort::Number,
                Kind::Text { padded: false, .. } if is_binary => Sort::Text,
                Kind::Date if is_binary => Sort::Day,
                _ => return None,
            };
            Some((columns[at].name.as_str(), sort))
        };
        match conditions::translated(&check.expression, Dialect::of(table.engine), Dialect::Postgres, &sort) {
            Some(expression) => checks.push(Check { expression }),
            None => left_out.push(format!("CHECK ({})", check.expression)),
        }
    }
    checks
}

fn indexes(table: &TableSchema, columns: &[Column], left_out: &mut Vec<String>) -> Vec<Index> {
    let mut indexes = Vec::new();
    for index in &table.indexes {
        if index.partial || index.columns.iter().any(|column| column.name.is_none()) {
            left_out.push(format!("index {}", index.name));
            continue;
        }
        let collation = |column: &IndexColumn| {
            let at = column.name.as_deref().and_then(|name| table.column(name));
            at.map(|at| columns[at].collation.clone()).unwrap_or_default()
        };
        let column = |column: &IndexColumn| IndexColumn { collation: collation(column), ..column.clone() };
        let columns = index.columns.iter().map(column).collect();
        indexes.push(Index { columns, definition: String::new(), ..index.clone() });
    }
    indexes
}

#[cfg(test)]
mod tests;
