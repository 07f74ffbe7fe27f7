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
use crate::mysql::elsewhere;
use crate::sql::Dialect;
use crate::sql::conditions::{self, Sort};

/// The table as SQLite would make it.
pub(super) fn translate(table: &Arc<TableSchema>) -> Translated {
    if table.engine == ENGINE {
        return Translated { table: Arc::clone(table), left_out: Vec::new() };
    }
    let mut left_out = elsewhere::lost(table);
    let table = &*elsewhere::with_wide_names(table);
    let row_number = row_number(table);
    let counted = elsewhere::counted(table);
    if let Some(at) = counted.filter(|at| row_number != Some(*at)) {
        left_out.push(format!("the numbers that {} is given", table.columns[at].name));
    }
    let columns = table.columns.iter().enumerate();
    let columns: Vec<Column> =
        columns.map(|(at, column)| translated(column, (table.engine, row_number == Some(at)), &mut left_out)).collect();
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
        autoincrement: row_number.is_some() && counted == row_number,
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

fn translated(column: &Column, (engine, is_row_number): (&str, bool), left_out: &mut Vec<String>) -> Column {
    let declared_type = if is_row_number { "INTEGER".to_owned() } else { declared(&column.kind) };
    // PostgreSQL calls only its own types without a schema. What others demand of values, nothing here does.
    let is_others = match Dialect::of(engine) {
        Dialect::Mysql => matches!(column.kind, Kind::Enum { .. } | Kind::Other { .. }),
        _ => column.declared_type.contains('.'),
    };
    if is_others {
        left_out.push(format!("the type {} of {}, {declared_type} here", column.declared_type, column.name));
    }
    if column.generated != Generated::No {
        left_out.push(format!("the computation of {}", column.name));
    }
    let default = match Dialect::of(engine) {
        Dialect::Mysql => default_of_mysql(column),
        _ => column.default.as_deref().and_then(default),
    };
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

/// The same of MySQL, whose constants are read and written anew.
fn default_of_mysql(column: &Column) -> Option<String> {
    use elsewhere::{Default, Moment};
    Some(match elsewhere::default(column)? {
        Default::Constant(value) => Dialect::Sqlite.literal(value.as_ref()),
        Default::Bits(digits) => format!("'{digits}'"),
        Default::Present(Moment::Now | Moment::UtcNow) => "CURRENT_TIMESTAMP".to_owned(),
        Default::Present(Moment::Today | Moment::UtcToday) => "CURRENT_DATE".to_owned(),
        Default::Present(Moment::Clock | Moment::UtcClock) => "CURRENT_TIME".to_owned(),
    })
}

/// Whether the default gives out numbers: SQLite does so by itself.
fn is_counted(expression: &str) -> bool {
    expression.starts_with("nextval(")
}

/// Conditions that mean the same here. Decimals that are kept as text are not compared as numbers, and text that the other
/// engine orders by the rules of a language has no order here.
fn checks(table: &TableSchema, columns: &[Column], left_out: &mut Vec<String>) -> Vec<Check> {
    let is_of_mysql = Dialect::of(table.engine) == Dialect::Mysql;
    let sort = |name: &str| {
        let at = table.column(name)?;
        let (theirs, ours) = (&table.columns[at], &columns[at]);
        let is_number_here =
            matches!(ours.kind, Kind::Flexible(Coercion::Integer | Coercion::Real | Coercion::Numeric));
        let sort = match &theirs.kind {
            Kind::Bool => Sort::Truth,
            Kind::Int { .. } | Kind::Decimal { .. } | Kind::Real { .. } if is_number_here => Sort::Number,
            Kind::Text { padded: false, .. } if ["C", "POSIX"].contains(&theirs.collation.as_str()) => Sort::Text,
            Kind::Text { padded: false, .. } if is_of_mysql && elsewhere::is_by_bytes(theirs) => Sort::Text,
            Kind::Text { padded: false, .. } | Kind::Enum { .. } if !is_of_mysql => Sort::UnorderedText,
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

    #[test]
    fn defaults_of_mysql_are_read_and_written_anew() {
        let column = |default: &str, kind: Kind| Column {
            name: "c".to_owned(),
            declared_type: String::new(),
            kind,
            nullable: true,
            default: Some(default.to_owned()),
            collation: String::new(),
            generated: Generated::No,
            expression: None,
        };
        let text = Kind::Text { max_chars: None, padded: false };
        let bits = Kind::Other { type_name: "bit(4)".to_owned() };
        let cases = [
            ("'it\\'s \\\\'", text.clone(), Some("'it''s \\'")),
            ("5", Kind::Int { bits: 32 }, Some("5")),
            ("current_timestamp(6)", Kind::Timestamp { digits: 6 }, Some("CURRENT_TIMESTAMP")),
            ("b'101'", bits, Some("'0101'")),
            ("uuid()", text, None),
        ];
        for (theirs, kind, ours) in cases {
            assert_eq!(default_of_mysql(&column(theirs, kind)).as_deref(), ours, "{theirs}");
        }
    }
}
