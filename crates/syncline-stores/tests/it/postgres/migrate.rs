//! Columns added to a table, told beforehand.

use std::sync::Arc;

use syncline_core::mapping::additions;
use syncline_core::schema::{SchemaStep, TableSchema, Widened};
use syncline_core::value::Value;
use syncline_stores::postgres::migrate::widened;
use syncline_stores::postgres::names::Names;
use syncline_stores::postgres::write::define::{Waiting, carry_out};
use syncline_stores::postgres::{ConnectOptions, Connection, connect, schema};
use syncline_testkit::postgres::{Database, fresh_database};

use super::options;

async fn connection(database: &Database<'_>) -> Connection {
    connect(&ConnectOptions { database: database.name().to_owned(), ..options(database.cluster()) }).await.unwrap()
}

async fn table(database: &Database<'_>) -> Arc<TableSchema> {
    let schema = schema::read(&connection(database).await, &Names::new("public")).await.unwrap();
    Arc::clone(schema.table("parts").unwrap())
}

/// What the database's table becomes when it gets what that of the model has.
async fn told(database: &Database<'_>, model: &str) -> Widened {
    let other = fresh_database();
    other.psql(model);
    let target = table(database).await;
    let expected = table(&other).await;
    let columns = additions(&expected, &target);
    let names = Names::new("public");
    widened(&connection(database).await, &names, &target, &columns).await.unwrap()
}

#[tokio::test]
async fn what_is_told_comes_true() {
    let database = fresh_database();
    database.psql(
        "CREATE TABLE kinds (id int PRIMARY KEY); CREATE TABLE parts (id int PRIMARY KEY, name text CHECK (name > ''));
         INSERT INTO parts VALUES (1, 'bolt')",
    );
    let widened = told(
        &database,
        "CREATE TABLE kinds (id int PRIMARY KEY);
         CREATE TABLE parts (id int PRIMARY KEY, name text, kind int REFERENCES kinds ON DELETE SET NULL,
            weight numeric(10,2) NOT NULL DEFAULT 1.5, stock int DEFAULT 7 CHECK (stock > 0), note text DEFAULT 'it''s',
            day date DEFAULT '2024-02-29', list int[] DEFAULT '{1,2}', twice int GENERATED ALWAYS AS (id * 2) STORED)",
    )
    .await;
    assert!(widened.refused.is_empty(), "{:?}", widened.refused);
    let fills: Vec<Value> = widened.added.iter().map(|column| column.fill.clone()).collect();
    let list = Value::Other { type_name: "integer[]".to_owned(), text: "{1,2}".to_owned() };
    let weight = Value::Decimal("1.50".to_owned());
    let expected = [Value::Null, weight, Value::Int(7), Value::text("it's"), Value::Date(19_782), list, Value::Null];
    assert_eq!(fills, expected);
    assert_eq!(table(&database).await.columns.len(), 2, "to be told changes nothing");
    let steps: Vec<SchemaStep> =
        widened.added.iter().map(|column| SchemaStep::AddColumn(Box::new(column.step.clone()))).collect();
    let names = Names::new("public");
    carry_out(&connection(&database).await, &names, &mut Waiting::default(), &steps).await.unwrap();
    assert_eq!(format!("{:#?}", table(&database).await), format!("{:#?}", widened.table));
    assert_eq!(database.psql("SELECT * FROM parts"), "1|bolt||1.50|7|it's|2024-02-29|{1,2}|2\n");
}

#[tokio::test]
async fn what_the_server_does_not_take_or_nobody_can_foretell_is_passed_over() {
    let database = fresh_database();
    database.psql("CREATE TABLE parts (id int PRIMARY KEY, name text)");
    let widened = told(
        &database,
        "CREATE TYPE mood AS ENUM ('a');
         CREATE TABLE parts (id int PRIMARY KEY, name text, needed int NOT NULL, made timestamptz DEFAULT now(),
            at timestamptz DEFAULT CURRENT_TIMESTAMP, token uuid DEFAULT gen_random_uuid(), n serial, m mood, fine int)",
    )
    .await;
    let refused: Vec<&str> = widened.refused.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(refused, ["needed", "made", "at", "token", "n", "m"], "{:?}", widened.refused);
    assert!(widened.refused.iter().all(|(_, words)| !words.is_empty()));
    assert_eq!(widened.added.len(), 1);
    assert_eq!(widened.added[0].statement, "ALTER TABLE \"public\".\"parts\" ADD COLUMN \"fine\" integer");
}
