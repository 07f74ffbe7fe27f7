//! What a snapshot says about the tables.

use std::sync::Arc;

use syncline_core::schema::{Generated, Schema, TableSchema};
use syncline_core::store::Store;
use syncline_core::value::Value;

use super::rows::{create, create_orders, inserts, task, write_in_place};
use super::{Factory, Fixture, Lab, Promise};

pub(super) const PROMISES: &[Promise] = &[
    Promise { name: "schema: an empty database has no tables", check: |labs| Box::pin(empty(labs)) },
    Promise { name: "schema: tables and columns, in their order", check: |labs| Box::pin(columns(labs)) },
    Promise { name: "schema: key columns in the order of the key", check: |labs| Box::pin(keys(labs)) },
    Promise { name: "schema: what else can be a key", check: |labs| Box::pin(other_keys(labs)) },
    Promise { name: "schema: nullable, default, generated, checks", check: |labs| Box::pin(constraints(labs)) },
    Promise { name: "schema: uniques and indexes", check: |labs| Box::pin(uniques(labs)) },
    Promise { name: "schema: foreign keys", check: |labs| Box::pin(foreign_keys(labs)) },
    Promise { name: "schema: a reference that names no column", check: |labs| Box::pin(implicit_reference(labs)) },
    Promise { name: "schema: Syncline's own tables are left out", check: |labs| Box::pin(own_tables(labs)) },
    Promise { name: "schema: views are not carried", check: |labs| Box::pin(views(labs)) },
    Promise { name: "schema: triggers are not carried", check: |labs| Box::pin(triggers(labs)) },
];

async fn schema_of(store: &Arc<dyn Store>) -> Schema {
    store.snapshot().await.unwrap().schema().await.unwrap()
}

async fn schema(lab: &dyn Lab) -> Schema {
    schema_of(&lab.open().await).await
}

fn names(schema: &Schema) -> Vec<&str> {
    schema.tables.iter().map(|table| table.name.as_str()).collect()
}

fn key_names(table: &TableSchema) -> Option<Vec<&str>> {
    let key = table.key.as_ref()?;
    assert_eq!(key.collations.len(), key.columns.len(), "one collation a key column");
    Some(key.columns.iter().map(|column| table.columns[*column].name.as_str()).collect())
}

async fn empty(labs: Factory<'_>) {
    let schema = schema(&*labs()).await;
    assert!(schema.tables.is_empty() && schema.not_carried.is_empty(), "{schema:?}");
}

async fn columns(labs: Factory<'_>) {
    let lab = labs();
    create(&*lab, "CREATE TABLE zebra (b $int PRIMARY KEY, a $text)").await;
    create_orders(&*lab, 1, 0).await;
    create(&*lab, "CREATE TABLE \"Odd name's\" (\"the key\" $int PRIMARY KEY, \"select\" $text, \"\u{fc}\" $real)")
        .await;
    let schema = schema(&*lab).await;
    let mut sorted = names(&schema);
    sorted.sort_unstable();
    assert_eq!(names(&schema), sorted, "tables come in the order of their names");
    assert_eq!(sorted, ["Odd name's", "orders", "zebra"]);
    let columns = |table: &str| -> Vec<String> {
        schema.table(table).unwrap().columns.iter().map(|column| column.name.clone()).collect()
    };
    assert_eq!(columns("orders"), ["id", "reference", "customer", "quantity", "amount", "payload"]);
    assert_eq!(columns("odd NAME'S"), ["the key", "select", "\u{fc}"]);
    let declared = &schema.table("zebra").unwrap().columns[1].declared_type;
    assert!(declared.eq_ignore_ascii_case(lab.types().text), "{declared}");
}

async fn keys(labs: Factory<'_>) {
    let lab = labs();
    create(&*lab, "CREATE TABLE single (n $int, id $int PRIMARY KEY)").await;
    create(&*lab, "CREATE TABLE composite (a $int NOT NULL, b $text NOT NULL, c $int NOT NULL, PRIMARY KEY (c, a))")
        .await;
    let schema = schema(&*lab).await;
    assert_eq!(key_names(schema.table("single").unwrap()), Some(vec!["id"]));
    assert_eq!(key_names(schema.table("composite").unwrap()), Some(vec!["c", "a"]));
    assert!(!schema.table("composite").unwrap().key.as_ref().unwrap().is_rowid);
}

async fn other_keys(labs: Factory<'_>) {
    let lab = labs();
    create(&*lab, "CREATE TABLE bare (a $int, b $text)").await;
    create(&*lab, "CREATE TABLE coded (n $int, code $text NOT NULL UNIQUE)").await;
    create(&*lab, "CREATE TABLE maybe (n $int, code $text UNIQUE)").await;
    let schema = schema(&*lab).await;
    assert_eq!(key_names(schema.table("bare").unwrap()), None, "nothing tells rows apart");
    assert_eq!(key_names(schema.table("coded").unwrap()), Some(vec!["code"]), "a unique key over NOT NULL columns");
    assert_eq!(key_names(schema.table("maybe").unwrap()), None, "a unique key lets NULL in many times");
}

async fn constraints(labs: Factory<'_>) {
    let lab = labs();
    let ddl = "CREATE TABLE rules (id $int PRIMARY KEY, a $int NOT NULL DEFAULT 7, b $int CHECK (b > 0), \
         twice $int GENERATED ALWAYS AS (a * 2) STORED, CHECK (b < 1000))";
    create(&*lab, ddl).await;
    let schema = schema(&*lab).await;
    let table = schema.table("rules").unwrap();
    let column = |name| &table.columns[table.column(name).unwrap()];
    assert!(!column("a").nullable && column("b").nullable);
    assert_eq!((column("a").default.as_deref(), &column("b").default), (Some("7"), &None));
    assert_eq!((column("a").generated, column("twice").generated), (Generated::No, Generated::Stored));
    assert_eq!(table.stored_columns(), [0, 1, 2]);
    assert_eq!(table.checks.len(), 2, "{:?}", table.checks);
    assert!(table.checks.iter().any(|check| check.expression.contains("1000")), "{:?}", table.checks);
}

async fn uniques(labs: Factory<'_>) {
    let lab = labs();
    let ddl = "CREATE TABLE things (id $int PRIMARY KEY, a $int, b $int, c $int, UNIQUE (c, a))";
    create(&*lab, ddl).await;
    lab.run_sql("CREATE INDEX things_b ON things (b)").await;
    lab.run_sql("CREATE UNIQUE INDEX things_b_c ON things (b, c)").await;
    let schema = schema(&*lab).await;
    let table = schema.table("things").unwrap();
    let mut uniques: Vec<Vec<&str>> = Vec::new();
    for unique in &table.uniques {
        assert!(!unique.partial, "{unique:?}");
        uniques.push(unique.columns.iter().map(|column| column.as_deref().unwrap()).collect());
    }
    uniques.sort_unstable();
    assert_eq!(uniques, [["b", "c"], ["c", "a"]], "the key is not among them");
    let mut indexes: Vec<_> = table.indexes.iter().map(|index| (&*index.name, index.unique)).collect();
    indexes.sort_unstable();
    if lab.traits().constraints_are_indexes {
        let unnamed = indexes.extract_if(.., |(name, _)| !name.starts_with("things")).count();
        assert_eq!(unnamed, 1, "that of the constraint");
    }
    assert_eq!(indexes, [("things_b", false), ("things_b_c", true)], "a constraint's index comes with it");
    assert!(table.indexes.iter().all(|index| index.definition.contains("INDEX")), "{:?}", table.indexes);
}

async fn foreign_keys(labs: Factory<'_>) {
    let lab = labs();
    // Some engines have references to the columns of an index in its own order only.
    create(&*lab, "CREATE TABLE pairs (a $int NOT NULL, b $int NOT NULL, PRIMARY KEY (a, b), UNIQUE (b, a))").await;
    let ddl = "CREATE TABLE children (id $int PRIMARY KEY, x $int, y $int, boss $int, \
         FOREIGN KEY (y, x) REFERENCES pairs (b, a) ON DELETE CASCADE ON UPDATE SET NULL, \
         FOREIGN KEY (boss) REFERENCES children (id))";
    create(&*lab, ddl).await;
    let schema = schema(&*lab).await;
    let table = schema.table("children").unwrap();
    assert_eq!(table.foreign_keys.len(), 2, "{:?}", table.foreign_keys);
    let pair = table.references_to("pairs").next().unwrap();
    assert_eq!((&pair.columns[..], &pair.parent_columns[..]), (&words(&["y", "x"])[..], &words(&["b", "a"])[..]));
    assert_eq!((&*pair.on_delete, &*pair.on_update), ("CASCADE", "SET NULL"));
    let own = table.references_to("children").next().unwrap();
    assert_eq!((&own.columns[..], &own.parent_columns[..]), (&words(&["boss"])[..], &words(&["id"])[..]));
    assert_eq!((&*own.on_delete, &*own.on_update), ("NO ACTION", "NO ACTION"));
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

async fn implicit_reference(labs: Factory<'_>) {
    let lab = labs();
    let Some(ddl) = lab.sql(Fixture::ImplicitReference) else { return };
    create_orders(&*lab, 1, 0).await;
    lab.run_sql(&ddl).await;
    let schema = schema(&*lab).await;
    let key = schema.table("shipments").unwrap().references_to("orders").next().unwrap();
    assert_eq!((&key.columns[..], &key.parent_columns[..]), (&words(&["order_id"])[..], &words(&["id"])[..]));
}

async fn own_tables(labs: Factory<'_>) {
    let lab = labs();
    let store = lab.open().await;
    let rows = create_orders(&*lab, 1, 3).await;
    lab.run_sql("CREATE TABLE _syncline_anything (n INTEGER)").await;
    lab.run_sql("DELETE FROM orders").await;
    let orders = task(&store, "orders").await;
    write_in_place(&store, &orders, inserts(&orders, &rows)).await;
    let schema = schema_of(&store).await;
    assert_eq!(names(&schema), ["orders"]);
    assert!(schema.not_carried.is_empty(), "{:?}", schema.not_carried);
}

async fn views(labs: Factory<'_>) {
    let lab = labs();
    create_orders(&*lab, 1, 1).await;
    lab.run_sql("CREATE VIEW large AS SELECT id FROM orders WHERE quantity > 10").await;
    let schema = schema(&*lab).await;
    assert_eq!(names(&schema), ["orders"]);
    let [view] = &schema.not_carried[..] else { panic!("{:?}", schema.not_carried) };
    assert_eq!((view.kind, &*view.name), ("view", "large"));
}

async fn triggers(labs: Factory<'_>) {
    let lab = labs();
    let Some(ddl) = lab.sql(Fixture::Audit) else { return };
    lab.run_sql(&ddl).await;
    lab.insert("audited", &[vec![Value::Int(1), Value::Int(1)]]).await;
    let schema = schema(&*lab).await;
    assert_eq!(names(&schema), ["audit", "audited"]);
    assert!(schema.not_carried.iter().all(|other| other.name.starts_with("audited_")), "{:?}", schema.not_carried);
    let (triggers, others): (Vec<_>, Vec<_>) = schema.not_carried.iter().partition(|other| other.kind == "trigger");
    assert_eq!(triggers.len(), 6, "{triggers:?}");
    assert!(triggers.iter().all(|trigger| trigger.table.as_deref() == Some("audited")), "{triggers:?}");
    // Where a trigger is one thing and what it does another, that is not carried either.
    assert!(others.iter().all(|other| other.kind == "routine" && other.table.is_none()), "{others:?}");
}
