//! Differences as statements to read, to keep, or to run by hand.

use syncline_core::change::Operation;
use syncline_core::error::Result;
use syncline_core::value::Value;
use syncline_stores::sql::Dialect;

use crate::row_difference::RowDifference;

/// The statement that makes the target's row equal to the source's. It addresses one row by its key.
///
/// # Errors
/// When a name cannot be written in SQL.
pub fn sql_of(row: &RowDifference) -> Result<String> {
    let dialect = Dialect::Sqlite;
    let table = dialect.identifier(&row.table)?;
    match (row.operation, &row.source) {
        (Operation::Insert, Some(values)) => {
            let columns: Vec<_> = row.columns.iter().map(|name| dialect.identifier(name)).collect::<Result<_>>()?;
            let values: Vec<_> = values.iter().map(|value| dialect.literal(value.as_ref())).collect();
            Ok(format!("INSERT INTO {table} ({}) VALUES ({});", columns.join(", "), values.join(", ")))
        }
        (Operation::Update, Some(_)) => {
            let assign = |(name, value, _): (&str, &Value, &Value)| {
                Ok(format!("{} = {}", dialect.identifier(name)?, dialect.literal(value.as_ref())))
            };
            let changes: Vec<_> = row.changed_cells().into_iter().map(assign).collect::<Result<_>>()?;
            Ok(format!("UPDATE {table} SET {} WHERE {};", changes.join(", "), key_of(row, dialect)?))
        }
        _ => Ok(format!("DELETE FROM {table} WHERE {};", key_of(row, dialect)?)),
    }
}

/// The condition that the row's key has the value it has in the target.
fn key_of(row: &RowDifference, dialect: Dialect) -> Result<String> {
    let held = row.target.as_ref().or(row.source.as_ref());
    let cells = row.key.iter().filter_map(|column| Some((&row.columns[*column], held?.get(*column)?)));
    let parts: Vec<_> = cells
        .map(|(name, value)| Ok(format!("{} = {}", dialect.identifier(name)?, dialect.literal(value.as_ref()))))
        .collect::<Result<_>>()?;
    Ok(parts.join(" AND "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn difference(operation: Operation, source: Option<Vec<Value>>, target: Option<Vec<Value>>) -> RowDifference {
        let columns = vec!["id".to_owned(), "na\"me".to_owned()];
        RowDifference { table: "it's".to_owned(), operation, columns, key: vec![0], source, target }
    }

    #[test]
    fn each_kind_of_difference_is_one_statement() {
        let old = || Some(vec![Value::Int(1), Value::text("o'ld")]);
        let new = || Some(vec![Value::Int(1), Value::text("new")]);
        let sql = |difference| sql_of(&difference).unwrap();
        assert_eq!(
            sql(difference(Operation::Insert, new(), None)),
            r#"INSERT INTO "it's" ("id", "na""me") VALUES (1, 'new');"#
        );
        assert_eq!(
            sql(difference(Operation::Update, new(), old())),
            r#"UPDATE "it's" SET "na""me" = 'new' WHERE "id" = 1;"#
        );
        assert_eq!(sql(difference(Operation::Delete, None, old())), r#"DELETE FROM "it's" WHERE "id" = 1;"#);
    }
}
