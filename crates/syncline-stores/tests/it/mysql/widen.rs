//! Columns added to a table, told before they are there.

use syncline_core::mapping::additions;
use syncline_core::value::Value;
use syncline_stores::mysql::migrate;
use syncline_testkit::mariadb::fresh_database;

use super::translate::{reach, read};

const NARROW: &str = "CREATE TABLE parts (id int AUTO_INCREMENT PRIMARY KEY, name longtext, CHECK (name <> ''));
    INSERT INTO parts (name) VALUES ('a'), ('b')";
const WIDE: &str = "CREATE TABLE parts (id int PRIMARY KEY, name longtext, kind longtext, weight double DEFAULT 1.5,
    stock int NOT NULL DEFAULT 7 CHECK (stock > 0), note longtext DEFAULT 'it''s; new', bits bit(3) DEFAULT b'101',
    needed int NOT NULL, at timestamp NOT NULL DEFAULT current_timestamp(), twice int GENERATED ALWAYS AS (id * 2) VIRTUAL,
    day date NOT NULL DEFAULT '0000-00-00')";

#[tokio::test]
async fn what_a_table_becomes_is_told_beforehand() {
    let (database, model) = (fresh_database(), fresh_database());
    database.mariadb(NARROW);
    model.mariadb(&format!("SET sql_mode = ''; {WIDE}"));
    let (expected, target) = (read(&model).await, read(&database).await);
    let table = target.table("parts").unwrap();
    let columns = additions(expected.table("parts").unwrap(), table);
    let widened = migrate::widened(&reach(&database).await, table, &columns).await.unwrap();
    assert_eq!(read(&database).await.tables.len(), 1, "to be told changes nothing");
    let refused: Vec<_> = widened.refused.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(refused, ["needed", "at"], "{widened:?}");
    let fills: Vec<_> = widened.added.iter().map(|added| added.fill.clone()).collect();
    let other = |type_name: &str, text: &str| Value::Other { type_name: type_name.to_owned(), text: text.to_owned() };
    let expected = [
        Value::Null,
        Value::Real(1.5),
        Value::Int(7),
        Value::text("it's; new"),
        other("bit(3)", "101"),
        other("date", "0000-00-00"),
        Value::Null,
    ];
    assert_eq!(fills, expected);
    let statements: Vec<_> = widened.added.iter().map(|added| added.statement.as_str()).collect();
    database.mariadb(&format!("SET sql_mode = 'STRICT_ALL_TABLES,ALLOW_INVALID_DATES'; {};", statements.join(";\n")));
    assert_eq!(format!("{:#?}", read(&database).await.table("parts").unwrap()), format!("{:#?}", widened.table));
}
