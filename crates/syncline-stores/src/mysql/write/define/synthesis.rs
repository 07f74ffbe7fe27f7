//! Statements that create a table, with all that belongs to it, and add columns.
//!
//! A table comes whole in one statement: each of MySQL's ends the transaction, so that a table whose indexes came after it
//! could be left without them. Names are written by the dialect; types, defaults and expressions are text of the server that
//! was described. A definition that a server has printed is taken apart first (`mysql::definition`).

mod index;

use syncline_core::error::{Code, Error, Result};
use syncline_core::schema::{Column, ForeignKey, Generated, NewColumn, TableSchema};
use syncline_core::value::Kind;

use crate::mysql::connect::{Product, Version, quoted};
use crate::mysql::definition::Definition;
use crate::mysql::types;

/// The statement that creates the table under this name, with its key, indexes, conditions and references.
///
/// # Errors
/// When the description cannot be written.
pub fn table_definition(table: &TableSchema, name: &str, version: &Version) -> Result<String> {
    let name = quoted(name)?;
    if let Some(definition) = Definition::parse(&table.definition) {
        return Ok(definition.statement(&name));
    }
    let mut parts = Vec::new();
    for column in &table.columns {
        parts.push(column_definition(column, table.counter(&column.name).is_some(), version)?);
    }
    parts.extend(index::all_of(table)?);
    parts.extend(table.checks.iter().map(|check| format!("CHECK ({})", check.expression)));
    for key in &table.foreign_keys {
        parts.push(foreign_key(key)?);
    }
    let options = format!("ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE={}", types::collation(version));
    // Other formats have shorter keys, and a server may be set to make these.
    Ok(format!("CREATE TABLE {name} (\n  {}\n) {options} ROW_FORMAT=DYNAMIC", parts.join(",\n  ")))
}

/// The statement that adds a column to the table of this name, and what comes with it.
///
/// # Errors
/// When the description cannot be written.
pub fn add_column(table: &str, step: &NewColumn, version: &Version) -> Result<String> {
    let mut sql =
        format!("ALTER TABLE {} ADD COLUMN {}", quoted(table)?, column_definition(&step.column, false, version)?);
    for check in &step.checks {
        sql += &format!(", ADD CHECK ({})", check.expression);
    }
    if let Some(key) = &step.reference {
        sql += &format!(", ADD {}", foreign_key(key)?);
    }
    Ok(sql)
}

/// Names in quotes, with commas between them.
///
/// # Errors
/// As [`Dialect::identifier`](crate::sql::Dialect::identifier).
pub(in crate::mysql) fn listed<'n>(names: impl IntoIterator<Item = &'n str>) -> Result<String> {
    Ok(names.into_iter().map(quoted).collect::<Result<Vec<_>>>()?.join(", "))
}

fn column_definition(column: &Column, is_counted: bool, version: &Version) -> Result<String> {
    let name = quoted(&column.name)?;
    let is_json_by_condition = matches!(column.kind, Kind::Json { .. }) && version.product == Product::MariaDb;
    let declared = if is_json_by_condition { "longtext" } else { &column.declared_type };
    let mut sql = format!("{name} {declared}");
    match &*column.collation {
        _ if is_json_by_condition => sql += &format!(" COLLATE {}", types::JSON_COLLATION),
        "" => {}
        collation => sql += &format!(" COLLATE {}", quoted(collation)?),
    }
    if let (Generated::Stored | Generated::Virtual, Some(expression)) = (column.generated, &column.expression) {
        let how = if column.generated == Generated::Stored { "STORED" } else { "VIRTUAL" };
        sql += &format!(" GENERATED ALWAYS AS ({expression}) {how}");
        // MariaDB takes no such condition on what is computed.
        let is_not_null = !column.nullable && version.product == Product::MySql;
        return Ok(sql + if is_not_null { " NOT NULL" } else { "" });
    }
    // Said in any case: a timestamp of which nothing is said is not NULL on some servers.
    sql += if column.nullable { " NULL" } else { " NOT NULL" };
    if let Some(default) = &column.default {
        sql += &format!(" DEFAULT {}", default_value(column, default, version));
    }
    if is_counted {
        sql += " AUTO_INCREMENT";
    }
    if is_json_by_condition {
        sql += &format!(" CHECK (json_valid({name}))");
    }
    Ok(sql)
}

/// An expression stands in parentheses, and so does every default of a type that MySQL gives none otherwise. The present time
/// must not: within them it would not be the one that a timestamp takes.
fn default_value(column: &Column, default: &str, version: &Version) -> String {
    let is_bare = is_constant(default) || is_present_time(default);
    let needs_parentheses = !is_bare || version.product == Product::MySql && is_large(&column.declared_type);
    if needs_parentheses { format!("({default})") } else { default.to_owned() }
}

/// Types that MySQL gives a default only by an expression.
fn is_large(declared: &str) -> bool {
    let name = declared.split(['(', ' ']).next().unwrap_or_default().to_ascii_lowercase();
    let is_spatial = ["geometry", "point", "linestring", "polygon", "geometrycollection", "geomcollection"];
    name.ends_with("text") || name.ends_with("blob") || name == "json" || {
        is_spatial.contains(&name.trim_start_matches("multi"))
    }
}

/// Whether this is one literal: a number, `NULL`, text or bits.
fn is_constant(default: &str) -> bool {
    let unsigned = default.strip_prefix(['-', '+']).unwrap_or(default);
    let is_number = unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') && unsigned.parse::<f64>().is_ok();
    let text = default.strip_prefix(['b', 'B', 'x', 'X']).filter(|rest| rest.starts_with('\'')).unwrap_or(default);
    is_number || default.eq_ignore_ascii_case("NULL") || crate::mysql::definition::is_text(text)
}

/// `current_timestamp()`, `CURRENT_TIMESTAMP(6)`, `now(3)`.
pub(in crate::mysql) fn is_present_time(default: &str) -> bool {
    let lower = default.to_ascii_lowercase();
    let rest = lower.strip_prefix("current_timestamp").or_else(|| lower.strip_prefix("now"));
    rest.is_some_and(|rest| matches!(rest, "" | "()") || is_digit_in_parentheses(rest)) && lower != "now"
}

fn is_digit_in_parentheses(text: &str) -> bool {
    matches!(text.as_bytes(), [b'(', b'0'..=b'6', b')'])
}

fn foreign_key(key: &ForeignKey) -> Result<String> {
    let (columns, parent) = (listed(key.columns.iter().map(String::as_str))?, quoted(&key.parent)?);
    let parent_columns = listed(key.parent_columns.iter().map(String::as_str))?;
    let (on_delete, on_update) = (action(&key.on_delete)?, action(&key.on_update)?);
    Ok(format!(
        "FOREIGN KEY ({columns}) REFERENCES {parent} ({parent_columns}) ON DELETE {on_delete} ON UPDATE {on_update}"
    ))
}

fn action(action: &str) -> Result<&'static str> {
    let known = ["NO ACTION", "RESTRICT", "SET NULL", "CASCADE"];
    known.into_iter().find(|known| known.eq_ignore_ascii_case(action)).ok_or_else(|| {
        let what = format!("a reference does {action:?} on a change, which InnoDB does not know");
        Error::new(Code::StoreFailed, what)
    })
}

#[cfg(test)]
mod tests;
