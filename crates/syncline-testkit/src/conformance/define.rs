//! Schema steps, and the numbers an engine gives out.

use std::sync::Arc;

use syncline_core::change::ApplyMode;
use syncline_core::schema::{SchemaStep, TableSchema};
use syncline_core::store::Store;
use syncline_core::value::Value;

use super::rows::{batch, checkpoint, create, create_orders, inserts, objects, read, task};
use super::{Factory, Fixture, Lab, Promise};
use crate::fixtures::Cells;

pub(super) const PROMISES: &[Promise] = &[
    Promise { name: "define: a table and its indexes like the source's", check: |labs| Box::pin(like_source(labs)) },
    Promise { name: "define: rows go into the new table at once", check: |labs| Box::pin(filled_at_once(labs)) },
    Promise { name: "define: dropped with its transaction", check: |labs| Box::pin(dropped(labs)) },
    Promise { name: "define: a table is dropped", check: |labs| Box::pin(drop_table(labs)) },
    Promise { name: "sequence: told and put back", check: |labs| Box::pin(sequence(labs)) },
    Promise { name: "sequence: part of each view, and of what is written", check: |labs| Box::pin(counted(labs)) },
    Promise { name: "sequence: what a row brings is not given out again", check: |labs| Box::pin(behind_rows(labs)) },
    Promise { name: "sequence: a table without one has none", check: |labs| Box::pin(no_sequence(labs)) },
];

/// Another program makes the tables that are to be made again elsewhere.
async fn model(lab: &dyn Lab) {
    create_orders(lab, 1, 5).await;
    let ddl = "CREATE TABLE \"order lines\" (order_id $int NOT NULL, line $int NOT NULL CHECK (line > 0), \
         price $real DEFAULT 1.5, PRIMARY KEY (line, order_id), UNIQUE (price, line), \
         FOREIGN KEY (order_id) REFERENCES orders (id) ON DELETE CASCADE)";
    create(lab, ddl).await;
    lab.run_sql("CREATE INDEX lines_by_price ON \"order lines\" (price)").await;
    lab.run_sql("CREATE UNIQUE INDEX orders_by_customer ON orders (customer, id)").await;
}

async fn tables(store: &Arc<dyn Store>) -> Vec<Arc<TableSchema>> {
    store.snapshot().await.unwrap().schema().await.unwrap().tables
}

/// Tables first, parents before their children, which here is the order of names backwards; indexes last.
fn steps(tables: &[Arc<TableSchema>]) -> Vec<SchemaStep> {
    let create = tables.iter().rev().map(|table| SchemaStep::CreateTable(Arc::clone(table)));
    let index = tables.iter().flat_map(|table| {
        let indexes = table.indexes.iter().cloned();
        indexes.map(|index| SchemaStep::CreateIndex { table: table.name.clone(), index })
    });
    create.chain(index).collect()
}

async fn like_source(labs: Factory<'_>) {
    let (from, into) = (labs(), labs());
    model(&*from).await;
    let source = tables(&from.open().await).await;
    let store = into.open().await;
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    transaction.define(&steps(&source)).await.unwrap();
    transaction.commit(&checkpoint("define", 1)).await.unwrap();
    writer.forget("define").await.unwrap();
    let target = tables(&store).await;
    for (made, model) in target.iter().zip(&source) {
        assert_eq!(format!("{made:#?}"), format!("{model:#?}"));
    }
    assert_eq!(target.len(), source.len());
    assert_eq!(objects(&*into).await, objects(&*from).await, "as another program sees it");
}

async fn filled_at_once(labs: Factory<'_>) {
    let (from, into) = (labs(), labs());
    let rows = create_orders(&*from, 7, 300).await;
    let from = from.open().await;
    let task = task(&from, "orders").await;
    let store = into.open().await;
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    transaction.define(&[SchemaStep::CreateTable(Arc::clone(&task.table))]).await.unwrap();
    transaction.load(&task, batch(6, &rows)).await.unwrap();
    assert!(into.query("SELECT 1 WHERE 1 = 0").await.is_empty());
    transaction.commit(&checkpoint("define", 1)).await.unwrap();
    assert!(read(&store, &task).await == read(&from, &task).await);
    assert_eq!(into.query("SELECT count(*) FROM orders").await, [[Value::Int(300)]]);
}

async fn dropped(labs: Factory<'_>) {
    let (from, into) = (labs(), labs());
    model(&*from).await;
    let source = tables(&from.open().await).await;
    let before = objects(&*into).await;
    let store = into.open().await;
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    transaction.define(&steps(&source)).await.unwrap();
    drop(transaction);
    drop(writer.begin().await.unwrap());
    assert!(tables(&store).await.is_empty());
    assert_eq!(objects(&*into).await, before);
}

async fn drop_table(labs: Factory<'_>) {
    let lab = labs();
    create(&*lab, "CREATE TABLE stays (id $int PRIMARY KEY)").await;
    let before = objects(&*lab).await;
    create_orders(&*lab, 7, 30).await;
    lab.run_sql("CREATE INDEX by_customer ON orders (customer)").await;
    let store = lab.open().await;
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    transaction.define(&[SchemaStep::DropTable("orders".to_owned())]).await.unwrap();
    transaction.commit(&checkpoint("drop", 1)).await.unwrap();
    writer.forget("drop").await.unwrap();
    assert_eq!(objects(&*lab).await, before);
}

async fn sequence(labs: Factory<'_>) {
    let lab = labs();
    let Some(ddl) = lab.sql(Fixture::Tickets) else { return };
    lab.run_sql(&ddl).await;
    let store = lab.open().await;
    assert_eq!(store.snapshot().await.unwrap().sequence("tickets").await.unwrap(), None, "none given out yet");
    lab.run_sql("INSERT INTO tickets (n) VALUES (0), (0), (0)").await;
    lab.run_sql("DELETE FROM tickets WHERE id = 3").await;
    let mut view = store.snapshot().await.unwrap();
    assert_eq!(view.sequence("tickets").await.unwrap(), Some(3), "a view tells it, too");
    drop(view);
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    assert_eq!(transaction.sequence("tickets").await.unwrap(), Some(3), "given out, though the row is gone");
    // The rows 1 and 2 are there.
    let highest = Some(2).filter(|_| lab.traits().counts_from_rows);
    for value in [Some(5), None] {
        transaction.restore_sequence("tickets", value).await.unwrap();
        assert_eq!(transaction.sequence("tickets").await.unwrap(), value.max(highest));
        drop(transaction);
        transaction = writer.begin().await.unwrap();
        let left = transaction.sequence("tickets").await.unwrap();
        assert!(left >= Some(3), "what others were given is not given out again: {left:?}");
    }
    drop(transaction);
    for value in [Some(7), None, None] {
        let mut transaction = writer.begin().await.unwrap();
        transaction.restore_sequence("tickets", value).await.unwrap();
        assert_eq!(transaction.sequence("tickets").await.unwrap(), value.max(highest));
        transaction.commit(&checkpoint("sequence", 1)).await.unwrap();
        let mut transaction = writer.begin().await.unwrap();
        assert_eq!(transaction.sequence("tickets").await.unwrap(), value.max(highest), "committed");
    }
    let mut transaction = writer.begin().await.unwrap();
    transaction.restore_sequence("tickets", Some(90)).await.unwrap();
    transaction.commit(&checkpoint("sequence", 2)).await.unwrap();
    lab.run_sql("INSERT INTO tickets (n) VALUES (0)").await;
    assert_eq!(lab.query("SELECT max(id) FROM tickets").await, [[Value::Int(91)]], "the engine goes on from it");
}

fn ticket(id: i64) -> Cells {
    vec![Value::Int(id), Value::Int(id)]
}

async fn counted(labs: Factory<'_>) {
    let lab = labs();
    let Some(ddl) = lab.sql(Fixture::Tickets).filter(|_| lab.traits().counts_given_numbers) else { return };
    lab.run_sql(&ddl).await;
    lab.insert("tickets", &[ticket(1), ticket(2), ticket(5)]).await;
    lab.run_sql("DELETE FROM tickets WHERE id = 5").await;
    let store = lab.open().await;
    let mut view = store.snapshot().await.unwrap();
    assert_eq!(view.sequence("tickets").await.unwrap(), Some(5), "given out, though the row is gone");
    let task = task(&store, "tickets").await;
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    transaction.apply(&task, inserts(&task, &[ticket(40)]), ApplyMode::InPlace).await.unwrap();
    assert_eq!(transaction.sequence("tickets").await.unwrap(), Some(40));
    transaction.restore_sequence("tickets", Some(5)).await.unwrap();
    assert_eq!(transaction.sequence("tickets").await.unwrap(), Some(5));
    drop(transaction);
    let mut transaction = writer.begin().await.unwrap();
    assert_eq!(transaction.sequence("tickets").await.unwrap(), Some(5), "undone with its transaction");
    transaction.restore_sequence("tickets", Some(7)).await.unwrap();
    transaction.commit(&checkpoint("sequence", 1)).await.unwrap();
    assert_eq!(view.sequence("tickets").await.unwrap(), Some(5), "a view shows its own moment");
}

async fn behind_rows(labs: Factory<'_>) {
    let lab = labs();
    let Some(ddl) = lab.sql(Fixture::Tickets) else { return };
    lab.run_sql(&ddl).await;
    let store = lab.open().await;
    let task = task(&store, "tickets").await;
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    transaction.load(&task, batch(2, &[ticket(40), ticket(7)])).await.unwrap();
    transaction.commit(&checkpoint("sequence", 1)).await.unwrap();
    lab.run_sql("INSERT INTO tickets (n) VALUES (0)").await;
    assert_eq!(lab.query("SELECT max(id) FROM tickets").await, [[Value::Int(41)]], "loaded");
    let mut transaction = writer.begin().await.unwrap();
    transaction.apply(&task, inserts(&task, &[ticket(60)]), ApplyMode::InPlace).await.unwrap();
    transaction.apply(&task, inserts(&task, &[ticket(3)]), ApplyMode::InPlace).await.unwrap();
    transaction.commit(&checkpoint("sequence", 2)).await.unwrap();
    lab.run_sql("INSERT INTO tickets (n) VALUES (0)").await;
    assert_eq!(lab.query("SELECT max(id) FROM tickets").await, [[Value::Int(61)]], "applied");
}

async fn no_sequence(labs: Factory<'_>) {
    let lab = labs();
    create_orders(&*lab, 7, 3).await;
    let store = lab.open().await;
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    assert_eq!(transaction.sequence("orders").await.unwrap(), None);
    assert_eq!(store.snapshot().await.unwrap().sequence("orders").await.unwrap(), None);
    transaction.restore_sequence("orders", None).await.unwrap();
}
