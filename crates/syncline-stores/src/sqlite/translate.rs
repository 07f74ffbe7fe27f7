//! Tables of other engines in SQLite's words.
//!
//! | kind | declared type | kept as |
//! |---|---|---|
//! | truth value | `BOOLEAN` | 0 and 1 |
//! | whole number | `SMALLINT`, `INTEGER`, `BIGINT`; `INTEGER` as the only key column | itself |
//! | decimal of up to 15 digits | `DECIMAL(p,s)` | a number, which gives these digits back |
//! | other decimals | `DECIMAL TEXT`, `DECIMAL TEXT(p,s)` | text, so that no digit is lost |
//! | floating point | `FLOAT4`, `DOUBLE PRECISION` | itself; NaN as text |
//! | text | `TEXT`, `VARCHAR(n)`, `CHAR(n)` | itself |
//! | bytes | `BLOB` | itself |
//! | days and times | `DATE`, `TIME`, `TIMESTAMP`, `TIMESTAMPTZ` | text, which SQLite's own functions read |
//! | UUID | `UUID` | text |
//! | JSON | `JSON TEXT`, `JSONB TEXT` | text, so that a number alone stays as it is written |
//! | enumeration, and what only one engine has | `TEXT` | text |

use std::sync::Arc;

use syncline_core::schema::{Check, Column, Generated, Index, IndexColumn, Key, TableSchema, Translated, Unique};
use syncline_core::value::{Coercion, Kind};

use super::{ENGINE, types};
use crate::sql::Dialect;
use crate::sql::conditions::{self, Sort};

/// The table as SQLite would make it.
pub(super) fn translate(table: &Arc<TableSchema>) -> Translated {
    if table.engine == ENGINE {
        return Translated { table: Arc::clone(table), left_out: Vec::new() };
    }
    let mut left_out = Vec::new();
    let row_number = row_number(table);
    let columns = table.columns.iter().enumerate();
    let columns: Vec<Column> =
        columns.map(|(at, column)| translated(column, row_number == Some(at), &mut left_out)).collect();
    let checks = checks(table, &columns, &mut left_out);
    let key = table.key.as_ref().map(|key| Key {
        columns: key.columns.clone(),
        is_rowid: row_number.is_some(),
        collations: vec!["BINARY".to_owned(); key.columns.len()],
    });
    let translation = TableSchema {
        name: table.name.clone(),
        namespace: None,
        engine: ENGINE,
        columns,
        key,
        primary_key: table.primary_key.clone(),
        uniques: uniques(table, &mut left_out),
        foreign_keys: table.foreign_keys.clone(),
        checks,
        indexes: indexes(table, &mut left_out),
        ..TableSchema::default()
    };
    Translated { table: Arc::new(translation), left_out }
}

/// The only column of a primary key of whole numbers: it becomes another name for the row number.
fn row_number(table: &TableSchema) -> Option<usize> {
    match table.primary_key[..] {
        [only] if matches!(table.columns[only].kind, Kind::Int { .. }) => Some(only),
        _ => None,
    }
}

fn translated(column: &Column, is_row_number: bool, left_out: &mut Vec<String>) -> Column {
    let declared_type = if is_row_number { "INTEGER".to_owned() } else { declared(&column.kind) };
    // PostgreSQL calls only its own types without a schema. What others demand of values, nothing here does.
    if column.declared_type.contains('.') {
        left_out.push(format!("the type {} of {}, {declared_type} here", column.declared_type, column.name));
    }
    if column.generated != Generated::No {
        left_out.push(format!("the computation of {}", column.name));
    }
    let default = column.default.as_deref().and_then(default);
    if default.is_none() && column.default.as_deref().is_some_and(|default| !is_counted(default)) {
        left_out.push(format!("the default of {}", column.name));
    }
    Column {
        name: column.name.clone(),
        kind: Kind::Flexible(types::coercion(&declared_type, false)),
        declared_type,
        nullable: column.nullable,
        default,
        collation: "BINARY".to_owned(),
        generated: Generated::No,
        expression: None,
    }
}

fn declared(kind: &Kind) -> String {
    match kind {
        Kind::Flexible(_) => String::new(),
        Kind::Bool => "BOOLEAN".to_owned(),
        Kind::Int { bits: 16 } => "SMALLINT".to_owned(),
        Kind::Int { bits: 32 } => "INTEGER".to_owned(),
        Kind::Int { .. } => "BIGINT".to_owned(),
        Kind::Decimal { limit: None } => "DECIMAL TEXT".to_owned(),
        Kind::Decimal { limit: Some((digits, behind)) } if kind.is_decimal_within_a_double() => {
            format!("DECIMAL({digits},{behind})")
        }
        Kind::Decimal { limit: Some((digits, behind)) } => format!("DECIMAL TEXT({digits},{behind})"),
        Kind::Real { single: true } => "FLOAT4".to_owned(),
        Kind::Real { single: false } => "DOUBLE PRECISION".to_owned(),
        Kind::Text { max_chars: Some(chars), padded: true } => format!("CHAR({chars})"),
        Kind::Text { max_chars: Some(chars), padded: false } => format!("VARCHAR({chars})"),
        Kind::Text { max_chars: None, .. } | Kind::Enum { .. } | Kind::Other { .. } => "TEXT".to_owned(),
        Kind::Bytes => "BLOB".to_owned(),
        Kind::Date => "DATE".to_owned(),
        Kind::Time { digits } => with_digits("TIME", *digits),
        Kind::Timestamp { digits } => with_digits("TIMESTAMP", *digits),
        Kind::Instant { digits } => with_digits("TIMESTAMPTZ", *digits),
        Kind::Uuid => "UUID".to_owned(),
        Kind::Json { normalised: false } => "JSON TEXT".to_owned(),
        Kind::Json { normalised: true } => "JSONB TEXT".to_owned(),
    }
}

fn with_digits(name: &str, digits: u8) -> String {
    if digits >= 6 { name.to_owned() } else { format!("{name}({digits})") }
}

/// Constants, and the present time, mean the same in both.
fn default(expression: &str) -> Option<String> {
    // PostgreSQL says of each constant which type it has.
    let constant = expression.split("::").next().unwrap_or(expression).trim();
    let is_text = constant.len() >= 2 && constant.starts_with('\'') && constant.ends_with('\'');
    let has_cast_behind = expression.matches("::").count() <= 1 && !expression.contains("||");
    match constant.to_ascii_lowercase().as_str() {
        "true" => Some("1".to_owned()),
        "false" => Some("0".to_owned()),
        "null" => Some("NULL".to_owned()),
        "now()" | "current_timestamp" => Some("CURRENT_TIMESTAMP".to_owned()),
        "current_date" => Some("CURRENT_DATE".to_owned()),
        "current_time" => Some("CURRENT_TIME".to_owned()),
        _ if is_text && has_cast_behind && !constant.contains('\\') => Some(constant.to_owned()),
        number if has_cast_behind && number.trim_matches(['(', ')']).parse::<f64>().is_ok_and(f64::is_finite) => {
            Some(number.trim_matches(['(', ')']).to_owned())
        }
        _ => None,
    }
}

/// Whether the default gives out numbers: SQLite does so by itself.
fn is_counted(expression: &str) -> bool {
    expression.starts_with("nextval(")
}

/// Conditions that mean the same here. Decimals that are kept as text are not compared as numbers, and text that the other
/// engine orders by the rules of a language has no order here.
fn checks(table: &TableSchema, columns: &[Column], left_out: &mut Vec<String>) -> Vec<Check> {
    let sort = |name: &str| {
        let at = table.column(name)?;
        let (theirs, ours) = (&table.columns[at], &columns[at]);
        let is_number_here =
            matches!(ours.kind, Kind::Flexible(Coercion::Integer | Coercion::Real | Coercion::Numeric));
        let sort = match &theirs.kind {
            Kind::Bool => Sort::Truth,
            Kind::Int { .. } | Kind::Decimal { .. } | Kind::Real { .. } if is_number_here => Sort::Number,
            Kind::Text { padded: false, .. } if ["C", "POSIX"].contains(&theirs.collation.as_str()) => Sort::Text,
            Kind::Text { padded: false, .. } | Kind::Enum { .. } => Sort::UnorderedText,
            Kind::Date => Sort::Day,
            _ => return None,
        };
        Some((ours.name.as_str(), sort))
    };
    let mut checks = Vec::new();
    for check in &table.checks {
        match conditions::translated(&check.expression, Dialect::of(table.engine), Dialect::Sqlite, &sort) {
            Some(expression) => checks.push(Check { expression }),
            None => left_out.push(format!("CHECK ({})", check.expression)),
        }
    }
    checks
}

fn uniques(table: &TableSchema, left_out: &mut Vec<String>) -> Vec<Unique> {
    let mut uniques = Vec::new();
    for unique in &table.uniques {
        if !unique.partial && unique.columns.iter().all(Option::is_some) {
            uniques.push(unique.clone());
        } else if table.indexes.iter().all(|index| index.name != unique.name) {
            left_out.push(format!("UNIQUE {}", unique.name));
        }
    }
    uniques
}

fn indexes(table: &TableSchema, left_out: &mut Vec<String>) -> Vec<Index> {
    let mut indexes = Vec::new();
    for index in &table.indexes {
        if index.partial || index.columns.iter().any(|column| column.name.is_none()) {
            left_out.push(format!("index {}", index.name));
            continue;
        }
        let column = |column: &IndexColumn| IndexColumn { collation: "BINARY".to_owned(), ..column.clone() };
        let columns = index.columns.iter().map(column).collect();
        indexes.push(Index { columns, definition: String::new(), ..index.clone() });
    }
    indexes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_that_mean_the_same_are_taken_over() {
        let cases = [
            ("'it''s'::text", Some("'it''s'")),
            ("0", Some("0")),
            ("(-1)", Some("-1")),
            ("'-1'::integer", Some("'-1'")),
            ("true", Some("1")),
            ("now()", Some("CURRENT_TIMESTAMP")),
            ("CURRENT_TIMESTAMP", Some("CURRENT_TIMESTAMP")),
            ("nextval('a_id_seq'::regclass)", None),
            ("gen_random_uuid()", None),
            ("('a'::text || 'b'::text)", None),
            ("'infinity'::float8", Some("'infinity'")),
        ];
        for (theirs, ours) in cases {
            assert_eq!(default(theirs).as_deref(), ours, "{theirs}");
        }
    }
}
