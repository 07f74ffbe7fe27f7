//! Differences as statements to read, to keep, or to run by hand.

mod mysql;
mod postgres;
mod sqlite;

use syncline_core::change::Operation;
use syncline_core::error::Result;
use syncline_stores::sql::Dialect;

use crate::row_difference::RowDifference;

/// What a statement does when another row has one of its unique values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clash {
    /// It takes the value away with the row that has it, where the engine can: where all rows of the source are put and all
    /// others deleted.
    Evicts,
    /// It fails: where rows of the target stay that are not the source's.
    Fails,
}

/// The statement that makes the target's row equal to the source's.
///
/// To make whole tables of SQLite equal, rows are put with REPLACE, because rows may exchange unique values, which no order
/// of plain statements can write. What REPLACE evicts would clash with the new row, so it is no row of the source, which
/// holds both to the same constraints: it is a row of the target that differs and has not been reached yet. Either it is put
/// again when its turn comes, or it was to be deleted anyway and its DELETE then finds nothing.
///
/// Elsewhere, and where a mapping leaves rows or columns of the target out, plain statements leave all other rows as they
/// are; rows that exchange unique values make such a script fail.
///
/// # Errors
/// When a name cannot be written in SQL.
pub fn sql_of(row: &RowDifference, clash: Clash) -> Result<String> {
    let place = Place::of(row, clash)?;
    let mut sql = String::new();
    match (row.operation, &row.source) {
        (Operation::Update, Some(values)) if !place.evicts => {
            sql += &format!("UPDATE {} SET ", place.table);
            let cells = place.columns.iter().zip(values).enumerate();
            for (number, (_, (name, value))) in cells.filter(|(at, _)| is_set(row, *at)).enumerate() {
                sql += &format!("{}{name} = ", if number == 0 { "" } else { ", " });
                row.dialect.write_literal(value.as_ref(), &mut sql);
            }
            sql += " WHERE ";
            write_key(row, &place, &mut sql);
        }
        (Operation::Insert | Operation::Update, Some(values)) => {
            let insert = if place.evicts { "INSERT OR REPLACE" } else { "INSERT" };
            let overriding = if row.given.is_empty() { "" } else { "OVERRIDING SYSTEM VALUE " };
            sql += &format!("{insert} INTO {} ({}) {overriding}VALUES (", place.table, place.columns.join(", "));
            for (number, value) in values.iter().enumerate() {
                sql += if number == 0 { "" } else { ", " };
                row.dialect.write_literal(value.as_ref(), &mut sql);
            }
            sql.push(')');
        }
        _ if row.is_copy() => match row.dialect {
            Dialect::Sqlite => sqlite::write_delete_of_copy(row, &place, &mut sql),
            Dialect::Postgres => postgres::write_delete_of_copy(row, &place, &mut sql),
            Dialect::Mysql => mysql::write_delete_of_copy(row, &place, &mut sql),
        },
        _ => {
            sql += &format!("DELETE FROM {} WHERE ", place.table);
            write_key(row, &place, &mut sql);
        }
    }
    sql.push(';');
    Ok(sql)
}

/// Whether an update writes this column. The key finds the row, so it has it; and a number that the engine gives out cannot
/// even be set to what it is.
fn is_set(row: &RowDifference, column: usize) -> bool {
    let is_kept = row.key.contains(&column) || row.given.contains(&column);
    !(is_kept && row.is_same(column))
}

/// Where a row stands in the target, its names in quotes.
struct Place {
    table: String,
    columns: Vec<String>,
    /// Whether a row that is put may take others along.
    evicts: bool,
}

impl Place {
    fn of(row: &RowDifference, clash: Clash) -> Result<Self> {
        let (table, columns, is_partial) = match &row.in_target {
            Some(target) => (&target.table, &target.columns, target.is_partial),
            None => (&row.table, &row.columns, false),
        };
        let columns = columns.iter().map(|name| row.dialect.identifier(name)).collect::<Result<_>>()?;
        let table = match row.dialect {
            Dialect::Sqlite | Dialect::Mysql => row.dialect.identifier(table)?,
            Dialect::Postgres => postgres::table(table)?,
        };
        let evicts = row.dialect == Dialect::Sqlite && clash == Clash::Evicts && !is_partial;
        Ok(Self { table, columns, evicts })
    }
}

/// The condition that the row's key has the value it has in the target.
fn write_key(row: &RowDifference, place: &Place, sql: &mut String) {
    let held = row.target.as_ref().or(row.source.as_ref());
    let cells = row.key.iter().filter_map(|column| Some((&place.columns[*column], held?.get(*column)?)));
    for (number, (name, value)) in cells.enumerate() {
        *sql += &format!("{}{name} = ", if number == 0 { "" } else { " AND " });
        row.dialect.write_literal(value.as_ref(), sql);
        match row.dialect {
            Dialect::Sqlite => *sql += sqlite::collation_of_key(value),
            Dialect::Postgres => {}
            Dialect::Mysql => mysql::write_bytes_of_key(name, value, sql),
        }
    }
}

#[cfg(test)]
mod tests {
    use syncline_core::value::Value;

    use super::*;
    use crate::row_difference::InTarget;

    fn difference(operation: Operation, source: Option<Vec<Value>>, target: Option<Vec<Value>>) -> RowDifference {
        let columns = vec!["id".to_owned(), "na\"me".to_owned()];
        RowDifference {
            table: "it's".to_owned(),
            operation,
            columns,
            key: vec![0],
            source,
            target,
            dialect: Dialect::Sqlite,
            in_target: None,
            place: None,
            given: Vec::new(),
            held: None,
        }
    }

    #[test]
    fn each_kind_of_difference_is_one_statement() {
        let old = || Some(vec![Value::Int(1), Value::text("o'ld")]);
        let new = || Some(vec![Value::Int(1), Value::text("new")]);
        let sql = |difference| sql_of(&difference, Clash::Evicts).unwrap();
        assert_eq!(
            sql(difference(Operation::Insert, new(), None)),
            r#"INSERT OR REPLACE INTO "it's" ("id", "na""me") VALUES (1, 'new');"#
        );
        assert_eq!(
            sql(difference(Operation::Update, new(), old())),
            r#"INSERT OR REPLACE INTO "it's" ("id", "na""me") VALUES (1, 'new');"#
        );
        assert_eq!(
            sql_of(&difference(Operation::Insert, new(), None), Clash::Fails).unwrap(),
            r#"INSERT INTO "it's" ("id", "na""me") VALUES (1, 'new');"#
        );
        assert_eq!(sql(difference(Operation::Delete, None, old())), r#"DELETE FROM "it's" WHERE "id" = 1;"#);
    }

    #[test]
    fn what_takes_no_part_is_left_as_it_is() {
        let row = || Some(vec![Value::Int(1), Value::text("x")]);
        let sql = |operation| {
            let columns = vec!["key".to_owned(), "label".to_owned()];
            let in_target = Some(InTarget { table: "others".to_owned(), columns, is_partial: true });
            sql_of(&RowDifference { in_target, ..difference(operation, row(), row()) }, Clash::Evicts).unwrap()
        };
        assert_eq!(sql(Operation::Insert), r#"INSERT INTO "others" ("key", "label") VALUES (1, 'x');"#);
        assert_eq!(sql(Operation::Update), r#"UPDATE "others" SET "label" = 'x' WHERE "key" = 1;"#);
        assert_eq!(sql(Operation::Delete), r#"DELETE FROM "others" WHERE "key" = 1;"#);
    }

    #[test]
    fn what_the_engine_gives_out_is_written_with_a_new_row_and_never_again() {
        let row = |text: &str| Some(vec![Value::Int(1), Value::text(text), Value::Int(7)]);
        let columns = ["id", "label", "number"].map(str::to_owned).to_vec();
        let given = |operation, source, target| {
            let difference = difference(operation, source, target);
            RowDifference { columns: columns.clone(), dialect: Dialect::Postgres, given: vec![0, 2], ..difference }
        };
        let sql = |row: &RowDifference| sql_of(row, Clash::Evicts).unwrap();
        let new = given(Operation::Insert, row("x"), None);
        let expected = r#"INSERT INTO "it's" ("id", "label", "number") OVERRIDING SYSTEM VALUE VALUES (1, 'x', 7);"#;
        assert_eq!((sql(&new).as_str(), new.why_held()), (expected, None));
        let changed = given(Operation::Update, row("x"), row("y"));
        let expected = r#"UPDATE "it's" SET "label" = 'x' WHERE "id" = 1;"#;
        assert_eq!((sql(&changed).as_str(), changed.why_held()), (expected, None));
        let other = Some(vec![Value::Int(1), Value::text("y"), Value::Int(8)]);
        let held = given(Operation::Update, row("x"), other).why_held();
        assert!(held.is_some_and(|why| why.contains("GENERATED ALWAYS AS IDENTITY")), "{held:?}");
    }

    #[test]
    fn one_copy_of_a_row_is_deleted() {
        let row = Some(vec![Value::Null, Value::text("q")]);
        let gone =
            RowDifference { key: Vec::new(), place: Some("oid".into()), ..difference(Operation::Delete, None, row) };
        let expected = r#"DELETE FROM "it's" WHERE oid IN (SELECT oid FROM "it's" WHERE "id" IS NULL AND "na""me" = 'q' COLLATE BINARY AND typeof("na""me") = 'text' LIMIT 1);"#;
        assert_eq!(sql_of(&gone, Clash::Evicts).unwrap(), expected);
    }

    #[test]
    fn mysql_finds_rows_by_index_and_by_bytes() {
        let row = || Some(vec![Value::Int(1), Value::text("q\\")]);
        let of = |difference| RowDifference { dialect: Dialect::Mysql, ..difference };
        let sql = |difference| sql_of(&of(difference), Clash::Evicts).unwrap();
        let by_text = RowDifference { key: vec![1], ..difference(Operation::Delete, None, row()) };
        let expected = "DELETE FROM `it's` WHERE `na\"me` = _utf8mb4 X'715C' \
            AND CAST(CONVERT(`na\"me` USING utf8mb4) AS BINARY) = _utf8mb4 X'715C';";
        assert_eq!(sql(by_text), expected);
        let copy =
            RowDifference { key: Vec::new(), place: Some("1".into()), ..difference(Operation::Delete, None, row()) };
        let expected = "DELETE FROM `it's` WHERE `id` = 1 \
            AND CAST(CONVERT(`na\"me` USING utf8mb4) AS BINARY) = _utf8mb4 X'715C' LIMIT 1;";
        assert_eq!(sql(copy), expected);
        let expected = "INSERT INTO `it's` (`id`, `na\"me`) VALUES (1, _utf8mb4 X'715C');";
        assert_eq!(sql(difference(Operation::Insert, row(), None)), expected);
    }

    #[test]
    fn a_key_of_text_is_matched_by_its_bytes() {
        let mut gone = difference(Operation::Delete, None, Some(vec![Value::Int(1), Value::text("q\r\n")]));
        gone.key = vec![1, 0];
        let expected = r#"DELETE FROM "it's" WHERE "na""me" = CAST(X'710D0A' AS TEXT) COLLATE BINARY AND "id" = 1;"#;
        assert_eq!(sql_of(&gone, Clash::Evicts).unwrap(), expected);
    }
}
