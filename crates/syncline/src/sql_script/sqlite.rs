//! What only SQLite's statements need.

use syncline_core::value::Value;

use super::Place;
use crate::row_difference::RowDifference;

/// What stands behind a key in a condition. Keys are compared by bytes: a column that takes 'q' for 'Q' would give up the row
/// 'Q' that was put in the place of 'q'.
pub(super) fn collation_of_key(value: &Value) -> &'static str {
    if matches!(value, Value::Text(_)) { " COLLATE BINARY" } else { "" }
}

/// The statement that deletes one of the rows that are like this one, bit for bit as far as SQL can tell.
pub(super) fn write_delete_of_copy(row: &RowDifference, place: &Place, sql: &mut String) {
    let (table, number) = (&place.table, row.place.as_deref().unwrap_or("rowid"));
    *sql += &format!("DELETE FROM {table} WHERE {number} IN (SELECT {number} FROM {table} WHERE ");
    for (number, (name, value)) in place.columns.iter().zip(row.target.iter().flatten()).enumerate() {
        *sql += if number == 0 { "" } else { " AND " };
        let (kind, collation) = match value {
            Value::Null => {
                *sql += &format!("{name} IS NULL");
                continue;
            }
            Value::Int(_) => ("integer", ""),
            Value::Real(_) => ("real", ""),
            Value::Bytes(_) => ("blob", ""),
            _ => ("text", " COLLATE BINARY"),
        };
        *sql += &format!("{name} = ");
        row.dialect.write_literal(value.as_ref(), sql);
        *sql += &format!("{collation} AND typeof({name}) = '{kind}'");
    }
    *sql += " LIMIT 1)";
}
