//! Differences as statements to read, to keep, or to run by hand.

use syncline_core::change::Operation;
use syncline_core::error::Result;
use syncline_core::value::Value;
use syncline_stores::sql::Dialect;

use crate::row_difference::RowDifference;

/// The statement that makes the target's row equal to the source's.
///
/// Rows are put with REPLACE, because rows may exchange unique values, which no order of plain statements can write. What
/// REPLACE evicts would clash with the new row, so it is no row of the source, which holds both to the same constraints:
/// it is a row of the target that differs and has not been reached yet. Either it is put again when its turn comes, or it
/// was to be deleted anyway and its DELETE then finds nothing.
///
/// # Errors
/// When a name cannot be written in SQL.
pub fn sql_of(row: &RowDifference) -> Result<String> {
    let dialect = Dialect::Sqlite;
    let table = dialect.identifier(&row.table)?;
    match (row.operation, &row.source) {
        (Operation::Insert | Operation::Update, Some(values)) => {
            let columns: Vec<_> = row.columns.iter().map(|name| dialect.identifier(name)).collect::<Result<_>>()?;
            let values: Vec<_> = values.iter().map(|value| dialect.literal(value.as_ref())).collect();
            Ok(format!("INSERT OR REPLACE INTO {table} ({}) VALUES ({});", columns.join(", "), values.join(", ")))
        }
        _ => Ok(format!("DELETE FROM {table} WHERE {};", key_of(row, dialect)?)),
    }
}

/// The condition that the row's key has the value it has in the target.
fn key_of(row: &RowDifference, dialect: Dialect) -> Result<String> {
    let held = row.target.as_ref().or(row.source.as_ref());
    let cells = row.key.iter().filter_map(|column| Some((&row.columns[*column], held?.get(*column)?)));
    let part = |(name, value): (&String, &Value)| {
        // By bytes: a column that takes 'q' for 'Q' would give up the row 'Q' that was put in the place of 'q'.
        let collation = if matches!(value, Value::Text(_)) { " COLLATE BINARY" } else { "" };
        Ok(format!("{} = {}{collation}", dialect.identifier(name)?, dialect.literal(value.as_ref())))
    };
    let parts: Vec<_> = cells.map(part).collect::<Result<_>>()?;
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
            r#"INSERT OR REPLACE INTO "it's" ("id", "na""me") VALUES (1, 'new');"#
        );
        assert_eq!(
            sql(difference(Operation::Update, new(), old())),
            r#"INSERT OR REPLACE INTO "it's" ("id", "na""me") VALUES (1, 'new');"#
        );
        assert_eq!(sql(difference(Operation::Delete, None, old())), r#"DELETE FROM "it's" WHERE "id" = 1;"#);
    }

    #[test]
    fn a_key_of_text_is_matched_by_its_bytes() {
        let mut gone = difference(Operation::Delete, None, Some(vec![Value::Int(1), Value::text("q\r\n")]));
        gone.key = vec![1, 0];
        let expected = r#"DELETE FROM "it's" WHERE "na""me" = CAST(X'710D0A' AS TEXT) COLLATE BINARY AND "id" = 1;"#;
        assert_eq!(sql_of(&gone).unwrap(), expected);
    }
}
