//! A filter as PostgreSQL's own SQL.
//!
//! The meaning is that of [`syncline_core::mapping::filter`]. PostgreSQL has ways of its own that would change it, and each is
//! kept out here: a collation decides what is before what, or even equal (text is compared by its bytes); types of text pad
//! and fold (they are compared as plain text); a literal takes the type of what it meets (each is given the column's own); a
//! composite value is NULL when all in it is (it is asked whether the value itself is).

mod moment;

use syncline_core::change::TableTask;
use syncline_core::error::{Code, Error, Result};
use syncline_core::mapping::Condition;
use syncline_core::mapping::filter::{Comparison, Operand, Part};
use syncline_core::schema::{Column, TableSchema};
use syncline_core::store::Scale;
use syncline_core::value::key_order::kind_rank;
use syncline_core::value::{Kind, Value, ValueRef, fit};

use super::codec::Codec;
use super::names::quoted;
use crate::sql::Dialect;
use crate::sql::predicates::{holds, like_pattern, misplaced, sign};

/// The condition that the rows of a task satisfy, with the table's columns behind `qualifier`; `None` for all rows.
///
/// # Errors
/// When the filter names a column that the table has not, or a value that a column cannot hold.
pub(super) fn condition(task: &TableTask, qualifier: &str) -> Result<Option<String>> {
    let writer = Writer { table: &task.table, qualifier };
    task.mapped.filter.as_ref().map(|filter| writer.condition(filter)).transpose()
}

/// The highest value of a column as SQL, in whole units of the scale.
///
/// # Errors
/// When the table has no such column.
pub(super) fn highest(task: &TableTask, column: &str, scale: Scale) -> Result<String> {
    let writer = Writer { table: &task.table, qualifier: "" };
    let named = writer.named(column)?;
    Ok(match scale {
        Scale::Time => moment::highest(&named.name, &named.column.kind),
        Scale::Number => format!("pg_catalog.floor(pg_catalog.max({}))::bigint", named.name),
    })
}

struct Writer<'a> {
    table: &'a TableSchema,
    qualifier: &'a str,
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
            Condition::IsNull(Operand::Column(name)) => Ok(is_null(&self.named(name)?)),
            Condition::IsNull(_) => Ok("FALSE".to_owned()),
            Condition::Unknown(condition) => self.unknown(condition),
        }
    }

    /// Of what compares with everything that a column holds but NULL the column itself is asked, so that an index over it can be used.
    fn unknown(&self, condition: &Condition) -> Result<String> {
        if let Condition::Compare { left: Operand::Column(name), right, .. } = condition {
            let named = self.named(name)?;
            let is_moment = matches!(named.column.kind, Kind::Date | Kind::Timestamp { .. } | Kind::Instant { .. });
            if is_moment && matches!(right, Operand::Instant(_))
                || named.column.kind.is_numeric() && matches!(right, Operand::Value(_))
            {
                return Ok(is_null(&named));
            }
        }
        Ok(format!("({}) IS NULL", self.condition(condition)?))
    }

    fn joined(&self, conditions: &[Condition], word: &str) -> Result<String> {
        let parts = conditions.iter().map(|condition| self.condition(condition)).collect::<Result<Vec<_>>>()?;
        match &parts[..] {
            [] => Err(Error::new(Code::Internal, "a filter joins no conditions")),
            [only] => Ok(only.clone()),
            _ => Ok(format!("({})", parts.join(&format!(" {word} ")))),
        }
    }

    fn compare(&self, left: &Operand, comparison: Comparison, right: &Operand) -> Result<String> {
        match (left, right) {
            (Operand::Instant(_) | Operand::Value(_), Operand::Column(_) | Operand::Seen { .. }) => {
                self.compare(right, comparison.reversed(), left)
            }
            (Operand::Column(_) | Operand::Seen { .. }, Operand::Instant(millis)) => {
                let named = self.operand(left)?;
                moment::compared(&named.name, &named.column.kind, comparison, *millis)
            }
            (Operand::Column(_) | Operand::Seen { .. }, Operand::Value(value)) => {
                let named = self.operand(left)?;
                Ok(format!("{} {} {}", comparable(&named), sign(comparison), literal(&named.column.kind, value)?))
            }
            (Operand::Value(a), Operand::Value(b)) => values(a, comparison, b),
            _ => Ok(columns(&self.operand(left)?, comparison, &self.operand(right)?)),
        }
    }

    fn list(&self, operand: &Operand, values: &[Value]) -> Result<String> {
        let named = self.operand(operand)?;
        let literals = values.iter().map(|value| literal(&named.column.kind, value)).collect::<Result<Vec<_>>>()?;
        Ok(format!("{} IN ({})", comparable(&named), literals.join(", ")))
    }

    /// NULL for NULL, like every comparison; false for what is no text.
    fn like(&self, operand: &Operand, pattern: &[Part], ignores_case: bool) -> Result<String> {
        let named = self.operand(operand)?;
        if !is_text(&named.column.kind) {
            return Ok(unless_null(&[&named], false));
        }
        // By the collation C only letters of ASCII have another case.
        let word = if ignores_case { "ILIKE" } else { "LIKE" };
        let pattern = Dialect::Postgres.literal(ValueRef::Text(like_pattern(pattern).as_bytes()));
        Ok(format!("{} {word} {pattern} ESCAPE E'\\\\'", comparable(&named)))
    }

    /// A column as it is compared. Nothing but padding is taken away from one here.
    fn operand(&self, operand: &Operand) -> Result<Named<'_>> {
        match operand {
            Operand::Column(name) => self.named(name),
            Operand::Seen { column, kind: Kind::Text { padded: true, .. } } => {
                let Named { name, column } = self.named(column)?;
                Ok(Named { name: format!("pg_catalog.rtrim({name}::text, ' ')"), column })
            }
            _ => Err(misplaced()),
        }
    }

    fn named(&self, name: &str) -> Result<Named<'_>> {
        let position = self.table.column(name).ok_or_else(|| {
            let what = format!("the filter names a column {name} that {} has not", self.table.name);
            Error::new(Code::FilterInvalid, what)
        })?;
        let column = &self.table.columns[position];
        Ok(Named { name: format!("{}{}", self.qualifier, quoted(&column.name)?), column })
    }
}

/// A column and how it is written.
struct Named<'t> {
    name: String,
    column: &'t Column,
}

/// What is compared instead of a column, for values to be in the order that all engines share.
fn comparable(named: &Named<'_>) -> String {
    let name = &named.name;
    match &named.column.kind {
        Kind::Other { type_name } => format!("{} COLLATE \"C\"", Codec::other(type_name).printed(name)),
        Kind::Text { .. } | Kind::Enum { .. } | Kind::Json { .. } => format!("{name}::text COLLATE \"C\""),
        // Each stands for its shortest digits, which are another number than its 32 bits are.
        Kind::Real { single: true } => format!("{name}::text::double precision"),
        _ => name.clone(),
    }
}

fn is_text(kind: &Kind) -> bool {
    matches!(kind, Kind::Text { .. } | Kind::Enum { .. })
}

fn is_null(named: &Named<'_>) -> String {
    match named.column.kind {
        Kind::Other { .. } => format!("{} IS NOT DISTINCT FROM NULL", named.name),
        _ => format!("{} IS NULL", named.name),
    }
}

/// The same for all values but NULL.
fn unless_null(columns: &[&Named<'_>], always: bool) -> String {
    let nulls: Vec<String> = columns.iter().map(|named| is_null(named)).collect();
    let always = if always { "TRUE" } else { "FALSE" };
    format!("CASE WHEN {} THEN NULL ELSE {always} END", nulls.join(" OR "))
}

fn columns(a: &Named<'_>, comparison: Comparison, b: &Named<'_>) -> String {
    let (left, right) = (&a.column.kind, &b.column.kind);
    if kind_rank(left) == kind_rank(right) {
        return format!("{} {} {}", comparable(a), sign(comparison), comparable(b));
    }
    unless_null(&[a, b], holds(comparison, kind_rank(left).cmp(&kind_rank(right))))
}

fn values(a: &Value, comparison: Comparison, b: &Value) -> Result<String> {
    let kind = |value: &Value| match value {
        Value::Bool(_) => Ok(Kind::Bool),
        Value::Int(_) | Value::Decimal(_) | Value::Real(_) => Ok(Kind::Decimal { limit: None }),
        Value::Text(_) => Ok(Kind::Text { max_chars: None, padded: false }),
        Value::Bytes(_) => Ok(Kind::Bytes),
        _ => Err(misplaced()),
    };
    let (left, right) = (kind(a)?, kind(b)?);
    if kind_rank(&left) != kind_rank(&right) {
        let always = holds(comparison, kind_rank(&left).cmp(&kind_rank(&right)));
        return Ok(if always { "TRUE" } else { "FALSE" }.to_owned());
    }
    Ok(format!("{} {} {}", literal(&left, a)?, sign(comparison), literal(&right, b)?))
}

/// A value as a column of this kind is compared with it.
fn literal(kind: &Kind, value: &Value) -> Result<String> {
    let is_number = matches!(value, Value::Int(_) | Value::Decimal(_) | Value::Real(_));
    if kind.is_numeric() && is_number {
        // One that the column has no room for is above or below all of it.
        return Ok(Dialect::Postgres.literal(value.as_ref()));
    }
    let mut scratch = String::new();
    let fitted = fit::fit(value.as_ref(), kind, &mut scratch).map_err(|misfit| {
        Error::new(Code::FilterInvalid, format!("the filter compares a column that holds {kind} with what it cannot"))
            .because(misfit.to_string())
    })?;
    let literal = match (kind, value) {
        // Text is compared with what was typed: spaces at its end count, though those of the column do not.
        (Kind::Text { .. }, Value::Text(_)) => Dialect::Postgres.literal(value.as_ref()),
        _ => Dialect::Postgres.literal(fitted),
    };
    Ok(match (kind, fitted) {
        (_, ValueRef::Null) => return Err(misplaced()),
        (Kind::Json { normalised: true }, _) => format!("{literal}::jsonb::text"),
        (Kind::Text { .. } | Kind::Enum { .. } | Kind::Json { .. } | Kind::Other { .. }, _) => {
            format!("{literal}::text")
        }
        _ => literal,
    })
}
