//! A filter held against the table that it is for.

use super::condition::{Condition, Operand};
use crate::mapping::numeric::looks_numeric;
use crate::schema::{Coercion, TableSchema};
use crate::value::Value;

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
        Condition::Not(condition) => bind(condition, table),
        Condition::Compare { left, right, .. } => match (left, right) {
            (Operand::Column(name), Operand::Value(value)) | (Operand::Value(value), Operand::Column(name)) => {
                comparable(table, name, value)
            }
            _ => Ok(()),
        },
        Condition::In { operand: Operand::Column(name), values } => {
            values.iter().try_for_each(|value| comparable(table, name, value))
        }
        Condition::Like { operand: Operand::Column(name), .. } => match coercion(table, name) {
            Coercion::Integer | Coercion::Real => Err(format!("{name} holds numbers, and LIKE compares text")),
            _ => Ok(()),
        },
        Condition::In { .. } | Condition::Like { .. } | Condition::IsNull(_) => Ok(()),
    }
}

fn comparable(table: &TableSchema, name: &str, value: &Value) -> Result<(), String> {
    let is_number = matches!(value, Value::Bool(_) | Value::Int(_) | Value::Decimal(_) | Value::Real(_));
    match (coercion(table, name), value) {
        (Coercion::Text, _) if is_number => {
            Err(format!("{name} holds text and can never be equal to a number; put the number in single quotes"))
        }
        (Coercion::Integer | Coercion::Real | Coercion::Numeric, Value::Text(text)) if looks_numeric(text) => {
            Err(format!("{name} holds numbers and can never be equal to a text; write the number without quotes"))
        }
        _ => Ok(()),
    }
}

fn coercion(table: &TableSchema, name: &str) -> Coercion {
    table.column(name).map_or(Coercion::None, |column| table.columns[column].coercion)
}
