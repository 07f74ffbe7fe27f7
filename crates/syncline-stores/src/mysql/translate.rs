//! Tables of SQLite and PostgreSQL in the words of MySQL and MariaDB.
//!
//! | kind | declared here |
//! |---|---|
//! | truth value | `tinyint(1)` |
//! | whole number | `smallint`, `int`, `bigint`; the column that is given numbers `AUTO_INCREMENT` |
//! | decimal | `decimal(p,s)`; without limit, or beyond the engine's, `decimal(65,30)` |
//! | floating point | `float`, `double` |
//! | text | `varchar(n)` up to 4,000 characters, `char(n)` up to 255, `longtext` |
//! | bytes | `longblob` |
//! | days and times | `date`, `time`, `datetime`, `timestamp` |
//! | UUID | `uuid` of MariaDB 10.7, else `varchar(36)` |
//! | JSON | `json`, which MariaDB keeps as text with a condition |
//! | enumeration | `enum(…)` |
//! | `bit(n)` of PostgreSQL | the same |
//! | what only one engine has | `longtext` |
//!
//! What is in a key, in something unique or in a reference has a longest value: all columns of a key have 3,072 bytes together.
//! A plain index over longer text holds its beginning. Text is compared by its bytes.

mod defaults;
mod indexes;
mod lengths;
mod settled;

use std::sync::Arc;

use syncline_core::schema::{Check, Column, ForeignKey, Generated, Key, TableSchema, Translated};
use syncline_core::value::Kind;

use super::connect::Version;
use super::types::Declared;
use super::{ENGINE, REACH, schema};
use crate::sql::Dialect;
use crate::sql::conditions::{self, Sort};
use crate::sqlite::types::intended;

pub(crate) use self::defaults::Moment;
pub use self::settled::settled;

/// The table as this server would make it.
pub fn translate(table: &Arc<TableSchema>, version: &Version) -> Translated {
    if table.engine == ENGINE {
        return Translated { table: Arc::clone(table), left_out: Vec::new() };
    }
    let (mut left_out, from) = (Vec::new(), Dialect::of(table.engine));
    // The key is the primary key here, whatever it is there: rows are found by that.
    let primary_key = table.key.as_ref().map_or_else(|| table.primary_key.clone(), |key| key.columns.clone());
    let kinds: Vec<Kind> = table.columns.iter().map(kind).collect();
    let declared = lengths::declared(table, &primary_key, &kinds, version, &mut left_out);
    let counted = counted(table, &primary_key, &declared, &mut left_out);
    let mut columns = Vec::new();
    for (at, (column, declared)) in table.columns.iter().zip(declared).enumerate() {
        let is_key = primary_key.contains(&at) || counted == Some(at);
        columns.push(translated(column, from, (declared, is_key), version, &mut left_out));
    }
    let key = (!primary_key.is_empty()).then(|| Key {
        columns: primary_key.clone(),
        is_rowid: false,
        collations: primary_key.iter().map(|at| columns[*at].collation.clone()).collect(),
    });
    let indexes = indexes::indexes(table, &primary_key, &columns, version, &mut left_out);
    let mut translation = TableSchema {
        name: table.name.clone(),
        engine: ENGINE,
        server: version.text.clone(),
        reach: REACH,
        spans: schema::spans(&columns),
        key,
        primary_key,
        uniques: indexes::uniques(&indexes),
        indexes,
        foreign_keys: table.foreign_keys.iter().map(|key| reference(key, table, &columns, &mut left_out)).collect(),
        checks: checks(table, &columns, counted, &mut left_out),
        autoincrement: counted.is_some(),
        counters: counted.iter().map(|at| schema::counter(&columns[*at])).collect(),
        columns,
        ..TableSchema::default()
    };
    schema::sort_constraints(&mut translation.checks, &mut translation.foreign_keys);
    Translated { table: Arc::new(translation), left_out }
}

/// What kind a column is of, where each has one.
fn kind(column: &Column) -> Kind {
    match &column.kind {
        Kind::Flexible(_) => intended::kind(column),
        kind => kind.clone(),
    }
}

/// The column that is given numbers. There can be one, which counts by one and begins a key.
fn counted(
    table: &TableSchema,
    primary_key: &[usize],
    declared: &[Declared],
    left_out: &mut Vec<String>,
) -> Option<usize> {
    let is_row_number = table.key.as_ref().is_some_and(|key| key.is_rowid);
    let mut counted = None;
    for (at, column) in table.columns.iter().enumerate() {
        let is_given_numbers = column.default.as_deref().is_some_and(is_counted)
            || is_row_number && *primary_key == [at] && table.primary_key == [at];
        if !is_given_numbers {
            continue;
        }
        let begins_key = primary_key.first() == Some(&at) || indexes::begins_one(table, at);
        let is_by_one = table.counter(&column.name).is_none_or(|counter| counter.increment == 1 && !counter.cycles);
        let is_int = matches!(declared[at].kind, Kind::Int { .. });
        if counted.is_none() && begins_key && is_by_one && is_int && (is_row_number || !column.nullable) {
            counted = Some(at);
        } else {
            left_out.push(format!("the numbers that {} is given", column.name));
        }
    }
    counted
}

/// Whether the default gives out numbers.
fn is_counted(default: &str) -> bool {
    default.starts_with("nextval(")
}

fn translated(
    column: &Column,
    from: Dialect,
    (declared, is_key): (Declared, bool),
    version: &Version,
    left_out: &mut Vec<String>,
) -> Column {
    let Declared { declared_type, kind, collation } = declared;
    let is_enumeration = matches!(kind, Kind::Enum { .. });
    // PostgreSQL calls only its own types without a schema. What others demand of values, nothing here does.
    if column.declared_type.contains('.') && column.kind.coercion().is_none() && !is_enumeration {
        left_out.push(format!("the type {} of {}, {declared_type} here", column.declared_type, column.name));
    }
    if column.generated != Generated::No {
        left_out.push(format!("the computation of {}", column.name));
    }
    if !collation.is_empty() && is_of_a_language(column) {
        left_out.push(format!("the collation {} of {}", column.collation, column.name));
    }
    let given = column.default.as_deref().filter(|default| column.generated == Generated::No && !is_counted(default));
    let default = given.and_then(|default| {
        let translated = defaults::translated(default, from, (&declared_type, &kind), version);
        if translated.is_none() {
            left_out.push(format!("the default of {}", column.name));
        }
        translated.flatten()
    });
    Column {
        name: column.name.clone(),
        declared_type,
        kind,
        nullable: column.nullable && !is_key,
        default,
        collation,
        generated: Generated::No,
        expression: None,
    }
}

/// Whether text of SQLite is compared in another way than by its bytes.
fn is_of_a_language(column: &Column) -> bool {
    column.kind.coercion().is_some() && !column.collation.eq_ignore_ascii_case("BINARY")
}

/// A reference does not set a default here, and cannot set NULL where there can be none.
fn reference(key: &ForeignKey, table: &TableSchema, columns: &[Column], left_out: &mut Vec<String>) -> ForeignKey {
    let can_be_null = key.columns.iter().all(|name| table.column(name).is_none_or(|at| columns[at].nullable));
    let mut action = |event: &str, action: &str| {
        let is_known = match action.to_ascii_uppercase().as_str() {
            "SET DEFAULT" => false,
            "SET NULL" => can_be_null,
            _ => true,
        };
        if !is_known {
            left_out.push(format!(
                "ON {event} {action} of the reference ({}) to {}",
                key.columns.join(", "),
                key.parent
            ));
        }
        if is_known { action.to_ascii_uppercase() } else { "NO ACTION".to_owned() }
    };
    let (on_delete, on_update) = (action("DELETE", &key.on_delete), action("UPDATE", &key.on_update));
    ForeignKey { on_delete, on_update, ..key.clone() }
}

/// Conditions that mean the same here. The column that is given numbers can be in none.
fn checks(table: &TableSchema, columns: &[Column], counted: Option<usize>, left_out: &mut Vec<String>) -> Vec<Check> {
    let sort = |name: &str| {
        let at = table.column(name).filter(|at| counted != Some(*at))?;
        let sort = sort_of(&table.columns[at], &columns[at])?;
        Some((columns[at].name.as_str(), sort))
    };
    let mut checks = Vec::new();
    for check in &table.checks {
        match conditions::translated(&check.expression, Dialect::of(table.engine), Dialect::Mysql, &sort) {
            Some(expression) => checks.push(Check { expression }),
            None => left_out.push(format!("CHECK ({})", check.expression)),
        }
    }
    checks
}

/// What a column is compared as on both sides alike.
fn sort_of(theirs: &Column, ours: &Column) -> Option<Sort> {
    let is_of_sqlite = theirs.kind.coercion().is_some();
    let is_by_bytes =
        if is_of_sqlite { !is_of_a_language(theirs) } else { ["C", "POSIX"].contains(&theirs.collation.as_str()) };
    Some(match (&kind(theirs), &ours.kind) {
        (Kind::Bool, _) => Sort::Truth,
        (
            Kind::Int { .. } | Kind::Decimal { .. } | Kind::Real { .. },
            Kind::Int { .. } | Kind::Decimal { .. } | Kind::Real { .. },
        ) => Sort::Number,
        (Kind::Text { padded: false, .. }, Kind::Text { padded: false, .. }) if is_by_bytes => Sort::Text,
        (Kind::Text { padded: false, .. }, Kind::Text { padded: false, .. }) if !is_of_sqlite => Sort::UnorderedText,
        (Kind::Enum { .. }, Kind::Enum { .. }) => Sort::UnorderedText,
        (Kind::Date, Kind::Date) => Sort::Day,
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
