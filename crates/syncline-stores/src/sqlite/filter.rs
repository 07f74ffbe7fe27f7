//! A filter as SQLite's own SQL.
//!
//! The meaning is that of [`syncline_core::mapping::filter`]. SQLite has ways of its own that would change it, and each is
//! kept out here: a column's affinity converts what it is compared with (unary plus takes the affinity away), a column's
//! collation decides what is equal (BINARY is named), LIKE disregards case (GLOB does not) and reads numbers and bytes as
//! text (only text is let through).
//!
//! Where the other side of a pair holds a column's values in a type that SQLite has not, they are compared by what they mean
//! there ([`meaning`]).

pub(super) mod meaning;
#[cfg(test)]
mod tests;

use syncline_core::change::TableTask;
use syncline_core::error::{Code, Error, Result};
use syncline_core::mapping::Condition;
use syncline_core::mapping::filter::{Comparison, Operand, Part};
use syncline_core::schema::TableSchema;
use syncline_core::store::Scale;
use syncline_core::value::{Coercion, Kind, Value, ValueRef};

use self::meaning::Seen;
use super::snapshot::{BYTES_FUNCTION, select};
use super::types::Encoding;
use crate::sql::Dialect;
use crate::sql::predicates::{like_pattern, misplaced, sign};

/// What begins like a date: the words and numbers that SQLite's functions also take for one are none here.
const DATE: &str = "'[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*'";

/// Whole numbers below it, either side of zero, are seconds since 1970; the others are milliseconds.
const SECONDS_END: i64 = 100_000_000_000;

/// The Julian day of 1970-01-01.
const JULIAN_1970: &str = "2440587.5";

/// The condition that the rows of a task satisfy; `None` for all rows.
///
/// # Errors
/// When the filter names a column that the table has not.
pub(super) fn condition(task: &TableTask, encoding: Encoding) -> Result<Option<String>> {
    let writer = Writer { table: &task.table, encoding };
    task.mapped.filter.as_ref().map(|filter| writer.condition(filter)).transpose()
}

/// The highest value of a column as SQL, in whole units of the scale.
///
/// # Errors
/// When a name cannot be written in SQL.
pub(super) fn highest(column: &str, scale: Scale) -> Result<String> {
    let column = select::quoted(column)?;
    Ok(match scale {
        Scale::Time => format!("max({})", milliseconds(&column)),
        // SQLite may have been built without its mathematical functions.
        Scale::Number => format!("CAST(max({column}) AS INTEGER) - (CAST(max({column}) AS INTEGER) > max({column}))"),
    })
}

struct Writer<'a> {
    table: &'a TableSchema,
    encoding: Encoding,
}

impl Writer<'_> {
    fn condition(&self, condition: &Condition) -> Result<String> {
        match condition {
            Condition::All(conditions) => self.joined(conditions, "AND"),
            Condition::Any(conditions) => self.joined(conditions, "OR"),
            Condition::Not(condition) => Ok(format!("NOT ({})", self.condition(condition)?)),
            Condition::Compare { left, comparison, right } => self.compare(left, *comparison, right),
            Condition::In { operand, values } => self.list(operand, values),
            Condition::Like { operand, pattern, ignores_case } => self.like(operand, pattern, *ignores_case),
            Condition::IsNull(operand) => Ok(format!("{} IS NULL", self.operand(operand)?)),
            Condition::Unknown(condition) => self.unknown(condition),
        }
    }

    /// A column is never neither above a number nor below but where it is NULL: that can be asked of an index over it.
    fn unknown(&self, condition: &Condition) -> Result<String> {
        match condition {
            Condition::Compare { left: Operand::Column(name), right: Operand::Value(_), .. } => {
                Ok(format!("{} IS NULL", self.column(name)?))
            }
            condition => Ok(format!("({}) IS NULL", self.condition(condition)?)),
        }
    }

    /// Joined in halves: SQLite bounds how deep an expression may be, and a chain is as deep as it is long.
    fn joined(&self, conditions: &[Condition], word: &str) -> Result<String> {
        match conditions {
            [] => Err(Error::new(Code::Internal, "a filter joins no conditions")),
            [only] => self.condition(only),
            _ => {
                let (first, rest) = conditions.split_at(conditions.len() / 2);
                Ok(format!("({} {word} {})", self.joined(first, word)?, self.joined(rest, word)?))
            }
        }
    }

    fn compare(&self, left: &Operand, comparison: Comparison, right: &Operand) -> Result<String> {
        let sign = sign(comparison);
        match (left, right) {
            (Operand::Instant(_) | Operand::Value(_), Operand::Column(_) | Operand::Seen { .. }) => {
                self.compare(right, comparison.reversed(), left)
            }
            (Operand::Seen { column, kind }, Operand::Instant(millis)) if !is_padded(kind) => {
                let seen = Seen::column(self.column(column)?, kind)?;
                Ok(format!("{} {sign} {}", seen.millis(), literal(&Value::Int(*millis))?))
            }
            (Operand::Seen { column, kind }, Operand::Value(value)) if !is_padded(kind) => {
                let seen = Seen::column(self.column(column)?, kind)?;
                Ok(format!("{} {sign} 0", seen.order(&Seen::value(value, kind)?)))
            }
            (Operand::Seen { column: a, kind: of_a }, Operand::Seen { column: b, kind: of_b }) => {
                let (a, b) = (Seen::column(self.column(a)?, of_a)?, Seen::column(self.column(b)?, of_b)?);
                Ok(format!("{} {sign} 0", a.order(&b)))
            }
            (Operand::Column(_) | Operand::Seen { .. }, Operand::Instant(millis)) => {
                Ok(format!("({}) {sign} {}", milliseconds(&self.operand(left)?), literal(&Value::Int(*millis))?))
            }
            (Operand::Column(_) | Operand::Seen { .. }, Operand::Value(value)) => {
                let column = self.compared(left, std::slice::from_ref(value))?;
                let plain = format!("{column} {sign} {}", literal(value)?);
                Ok(match value {
                    Value::Text(bytes) if self.orders_otherwise(comparison) => {
                        let column = self.operand(left)?;
                        let bytes = Dialect::Sqlite.literal(ValueRef::Bytes(bytes));
                        format!(
                            "CASE WHEN typeof({column}) = 'text' THEN {BYTES_FUNCTION}({column}) {sign} {bytes} \
                             ELSE {plain} END"
                        )
                    }
                    _ => plain,
                })
            }
            (Operand::Column(a), Operand::Column(b)) => {
                let (a, b) = (self.column(a)?, self.column(b)?);
                let plain = format!("(+{a}) COLLATE BINARY {sign} (+{b})");
                if !self.orders_otherwise(comparison) {
                    return Ok(plain);
                }
                Ok(format!(
                    "CASE WHEN typeof({a}) = 'text' AND typeof({b}) = 'text' \
                     THEN {BYTES_FUNCTION}({a}) {sign} {BYTES_FUNCTION}({b}) ELSE {plain} END"
                ))
            }
            _ => Ok(format!("{} {sign} {}", self.operand(left)?, self.operand(right)?)),
        }
    }

    fn list(&self, operand: &Operand, values: &[Value]) -> Result<String> {
        if let Operand::Seen { column, kind } = operand
            && !is_padded(kind)
        {
            let seen = Seen::column(self.column(column)?, kind)?;
            let equal = values.iter().map(|value| Ok(format!("{} = 0", seen.order(&Seen::value(value, kind)?))));
            return Ok(halved(&equal.collect::<Result<Vec<_>>>()?));
        }
        let literals = values.iter().map(literal).collect::<Result<Vec<_>>>()?;
        Ok(format!("{} IN ({})", self.compared(operand, values)?, literals.join(", ")))
    }

    /// NULL for NULL, like every comparison; false for what is no text.
    fn like(&self, operand: &Operand, pattern: &[Part], ignores_case: bool) -> Result<String> {
        let column = self.operand(operand)?;
        let matches = if ignores_case {
            let pattern = Dialect::Sqlite.literal(ValueRef::Text(like_pattern(pattern).as_bytes()));
            format!("{column} LIKE {pattern} ESCAPE '\\'")
        } else {
            format!("{column} GLOB {}", Dialect::Sqlite.literal(ValueRef::Text(glob_pattern(pattern).as_bytes())))
        };
        Ok(format!("CASE typeof({column}) WHEN 'text' THEN {matches} WHEN 'null' THEN NULL ELSE 0 END"))
    }

    fn operand(&self, operand: &Operand) -> Result<String> {
        match operand {
            Operand::Column(name) => self.column(name),
            // Only padding can be taken away in SQLite's own words.
            Operand::Seen { column, kind } if is_padded(kind) => {
                let column = self.column(column)?;
                Ok(format!("(CASE typeof({column}) WHEN 'text' THEN rtrim({column}, ' ') ELSE {column} END)"))
            }
            Operand::Seen { .. } => Err(misplaced()),
            Operand::Value(value) => literal(value),
            Operand::Now(_) | Operand::Instant(_) => Err(misplaced()),
        }
    }

    fn column(&self, name: &str) -> Result<String> {
        let position = self.table.column(name).ok_or_else(|| {
            Error::new(
                Code::FilterInvalid,
                format!("the filter names a column {name} that {} has not", self.table.name),
            )
        })?;
        select::quoted(&self.table.columns[position].name)
    }

    /// A column as it is compared with these values. It stays bare where that changes nothing, so that an index over it
    /// can be used.
    fn compared(&self, operand: &Operand, values: &[Value]) -> Result<String> {
        let written = self.operand(operand)?;
        let column = match operand {
            Operand::Column(name) => {
                let kind = self.table.column(name).map(|at| &self.table.columns[at].kind);
                let coercion = kind.and_then(Kind::coercion).unwrap_or(Coercion::None);
                let is_bare = values.iter().all(|value| is_left_alone(coercion, value));
                if is_bare { written } else { format!("(+{written})") }
            }
            Operand::Seen { .. } => written,
            _ => return Err(misplaced()),
        };
        let has_text = values.iter().any(|value| matches!(value, Value::Text(_)));
        Ok(if has_text { format!("{column} COLLATE BINARY") } else { column })
    }

    /// Whether this database does not order text by its UTF-8 bytes.
    fn orders_otherwise(&self, comparison: Comparison) -> bool {
        self.encoding == Encoding::Utf16 && !matches!(comparison, Comparison::Equal | Comparison::NotEqual)
    }
}

fn is_padded(kind: &Kind) -> bool {
    matches!(kind, Kind::Text { padded: true, .. })
}

/// One of these holds. As deep as `Writer::joined`.
fn halved(conditions: &[String]) -> String {
    match conditions {
        [only] => only.clone(),
        _ => {
            let (first, rest) = conditions.split_at(conditions.len() / 2);
            format!("({} OR {})", halved(first), halved(rest))
        }
    }
}

/// Whether comparing a column of this affinity with the value converts neither of them.
fn is_left_alone(coercion: Coercion, value: &Value) -> bool {
    match coercion {
        Coercion::None => true,
        Coercion::Text => matches!(value, Value::Text(_) | Value::Bytes(_)),
        Coercion::Integer | Coercion::Real | Coercion::Numeric => !matches!(value, Value::Text(_)),
    }
}

fn literal(value: &Value) -> Result<String> {
    let written = match value {
        Value::Decimal(digits) => {
            let number = digits.parse::<f64>().map_err(|_| misplaced())?;
            Dialect::Sqlite.literal(ValueRef::Real(number))
        }
        Value::Null => return Err(misplaced()),
        other => Dialect::Sqlite.literal(other.as_ref()),
    };
    Ok(written)
}

/// A point in time as milliseconds since 1970; NULL for what is none.
fn milliseconds(column: &str) -> String {
    format!(
        "CASE typeof({column}) \
         WHEN 'integer' THEN CASE WHEN {column} > -{SECONDS_END} AND {column} < {SECONDS_END} \
         THEN {column} * 1000 ELSE {column} END \
         WHEN 'real' THEN CAST(round(({column} - {JULIAN_1970}) * 86400000.0) AS INTEGER) \
         WHEN 'text' THEN CASE WHEN {column} GLOB {DATE} \
         THEN CAST(round(unixepoch({column}, 'subsec') * 1000.0) AS INTEGER) END END"
    )
}

/// In GLOB everything but `*`, `?` and `[` stands for itself, and in brackets these do too.
fn glob_pattern(parts: &[Part]) -> String {
    let mut pattern = String::new();
    for part in parts {
        match part {
            Part::Any => pattern.push('*'),
            Part::One => pattern.push('?'),
            Part::Text(text) => text.chars().for_each(|c| match c {
                '*' | '?' | '[' => pattern.extend(['[', c, ']']),
                c => pattern.push(c),
            }),
        }
    }
    pattern
}
