//! What only PostgreSQL's statements need.

use syncline_core::error::Result;
use syncline_core::value::Value;
use syncline_stores::sql::Dialect;

use super::Place;
use crate::row_difference::RowDifference;

/// A table as it is called, in quotes: what stands before a point is its schema.
pub(super) fn table(name: &str) -> Result<String> {
    match name.split_once('.') {
        Some((schema, table)) if !schema.is_empty() && !table.is_empty() => {
            Ok(format!("{}.{}", Dialect::Postgres.identifier(schema)?, Dialect::Postgres.identifier(table)?))
        }
        _ => Dialect::Postgres.identifier(name),
    }
}

/// The statement that deletes one of the rows that are like this one.
pub(super) fn write_delete_of_copy(row: &RowDifference, place: &Place, sql: &mut String) {
    let table = &place.table;
    *sql += &format!("DELETE FROM {table} WHERE ctid IN (SELECT ctid FROM {table} WHERE ");
    for (number, (name, value)) in place.columns.iter().zip(row.target.iter().flatten()).enumerate() {
        *sql += if number == 0 { "" } else { " AND " };
        match value {
            Value::Null => *sql += &format!("{name} IS NULL"),
            // Some types have no operator for being equal; all can be written.
            Value::Json(_) | Value::Other { .. } => {
                *sql += &format!("{name}::text = ");
                Dialect::Postgres.write_literal(value.as_ref(), sql);
            }
            value => {
                *sql += &format!("{name} = ");
                Dialect::Postgres.write_literal(value.as_ref(), sql);
            }
        }
    }
    *sql += " LIMIT 1)";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_parts_schema_and_table() {
        for (name, written) in [
            ("orders", "\"orders\""),
            ("sales.orders", "\"sales\".\"orders\""),
            (".x", "\".x\""),
            ("a\"b", "\"a\"\"b\""),
        ] {
            assert_eq!(table(name).unwrap(), written);
        }
    }
}
