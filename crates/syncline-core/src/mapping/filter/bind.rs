//! A filter held against the table that it is for.

use super::condition::{Condition, Operand};
use crate::schema::TableSchema;
use crate::value::{Coercion, Kind, Value, fit, looks_numeric};

/// Refuses comparisons whose outcome is the same for every value that the column can hold: an engine that converts what
/// it compares might see them otherwise, and whoever wrote them meant something else. `column` must know every name.
///
/// # Errors
/// What is wrong, for a person.
pub(in crate::mapping) fn bind(condition: &Condition, table: &TableSchema) -> Result<(), String> {
    match condition {
        Condition::All(conditions) | Condition::Any(conditions) => {
            conditions.iter().try_for_each(|condition| bind(condition, table))
        }
        Condition::Not(condition) | Condition::Unknown(condition) => bind(condition, table),
        Condition::Compare { left, right, .. } => match (left, right) {
            (Operand::Column(name), Operand::Value(value)) | (Operand::Value(value), Operand::Column(name)) => {
                comparable(table, name, value)
            }
            _ => Ok(()),
        },
        Condition::In { operand: Operand::Column(name), values } => {
            values.iter().try_for_each(|value| comparable(table, name, value))
        }
        Condition::Like { operand: Operand::Column(name), .. } => {
            kind(table, name).map_or(Ok(()), |kind| matchable(name, kind))
        }
        Condition::In { .. } | Condition::Like { .. } | Condition::IsNull(_) => Ok(()),
    }
}

fn comparable(table: &TableSchema, name: &str, value: &Value) -> Result<(), String> {
    kind(table, name).map_or(Ok(()), |kind| answerable(name, kind, value))
}

/// Refuses a pattern for what is no text.
///
/// # Errors
/// What is wrong, for a person.
pub(super) fn matchable(name: &str, kind: &Kind) -> Result<(), String> {
    match kind {
        Kind::Flexible(Coercion::Numeric) => Ok(()),
        kind if kind.is_numeric() => Err(format!("{name} holds numbers, and LIKE compares text")),
        Kind::Flexible(_) | Kind::Text { .. } | Kind::Enum { .. } => Ok(()),
        kind => Err(format!("{name} holds {kind}, and LIKE compares text")),
    }
}

/// Refuses a value that no cell of a column of this kind is ever equal to.
///
/// # Errors
/// What is wrong, for a person.
pub(super) fn answerable(name: &str, kind: &Kind, value: &Value) -> Result<(), String> {
    let is_number = matches!(value, Value::Bool(_) | Value::Int(_) | Value::Decimal(_) | Value::Real(_));
    match (kind, value) {
        (kind, _) if kind.is_textual() && is_number => {
            Err(format!("{name} holds text and can never be equal to a number; put the number in single quotes"))
        }
        (kind, Value::Text(text)) if kind.is_numeric() && looks_numeric(text) => {
            Err(format!("{name} holds numbers and can never be equal to a text; write the number without quotes"))
        }
        (Kind::Flexible(_), _) => Ok(()),
        // A number that a column has no room for is above or below all of it, which is an answer too.
        (kind, _) if kind.is_numeric() && is_number => Ok(()),
        (kind, value) => fit::fit(value.as_ref(), kind, &mut String::new())
            .map(drop)
            .map_err(|misfit| format!("{name} holds {kind}: {misfit}")),
    }
}

fn kind<'t>(table: &'t TableSchema, name: &str) -> Option<&'t Kind> {
    table.column(name).map(|column| &table.columns[column].kind)
}
