//! What only MySQL's statements need.

use syncline_core::value::Value;
use syncline_stores::sql::Dialect;

use super::Place;
use crate::row_difference::RowDifference;

/// What stands behind a key in a condition. Keys are compared by bytes, beside the comparison that an index answers: a column
/// that takes 'q' for 'Q' would give up the row 'Q' that was put in the place of 'q'.
pub(super) fn write_bytes_of_key(name: &str, value: &Value, sql: &mut String) {
    if matches!(value, Value::Text(_)) {
        *sql += " AND ";
        write_is_text(name, value, sql);
    }
}

/// The statement that deletes one of the rows that are like this one.
pub(super) fn write_delete_of_copy(row: &RowDifference, place: &Place, sql: &mut String) {
    *sql += &format!("DELETE FROM {} WHERE ", place.table);
    for (number, (name, value)) in place.columns.iter().zip(row.target.iter().flatten()).enumerate() {
        *sql += if number == 0 { "" } else { " AND " };
        match value {
            Value::Null => *sql += &format!("{name} IS NULL"),
            Value::Text(_) | Value::Json(_) => write_is_text(name, value, sql),
            value => {
                *sql += &format!("{name} = ");
                Dialect::Mysql.write_literal(value.as_ref(), sql);
            }
        }
    }
    *sql += " LIMIT 1";
}

/// The condition that a column holds exactly this text, whatever its character set and collation take for the same.
fn write_is_text(name: &str, value: &Value, sql: &mut String) {
    *sql += &format!("CAST(CONVERT({name} USING utf8mb4) AS BINARY) = ");
    Dialect::Mysql.write_literal(value.as_ref(), sql);
}
