//! Rows as large and as wide as a server holds.

use syncline_core::change::{ApplyMode, Expectation};
use syncline_core::limits::BATCH_BYTES;
use syncline_core::value::{Kind, Value};

use super::{Desk, INT, TEXT, batch, commit, deletes, digest, inserts, load, put, task, updates, write};

#[tokio::test(flavor = "multi_thread")]
async fn values_of_fifty_megabytes() {
    let desk = Desk::new("CREATE TABLE t (id int8 PRIMARY KEY, b bytea, n text)").await;
    let task = task("t", &[("id", INT), ("b", Kind::Bytes), ("n", TEXT)]);
    let row = |id, byte: u8| vec![Value::Int(id), Value::Bytes(vec![byte; 50 << 20]), Value::text("n")];
    assert!(load(&desk, &task, &[row(1, 7)]).await.is_empty());
    assert_eq!(write(&desk, &task, inserts(&[row(2, 8)])).await.inserted, 1);
    let changed = write(&desk, &task, updates(&[row(1, 7)], &[row(1, 9)])).await;
    assert_eq!((changed.updated, changed.images[0].after), (1, Some(digest(&row(1, 9)))));
    assert_eq!(desk.shown("SELECT id, length(b) FROM t ORDER BY 1"), "1|52428800\n2|52428800");
    assert_eq!(desk.shown("SELECT get_byte(b, 52428799) FROM t ORDER BY id"), "9\n8");
    assert_eq!(write(&desk, &task, deletes(&[row(2, 8)])).await.deleted, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn values_that_were_compressed_come_in_parts_all_the_same() {
    let desk = Desk::new(
        "CREATE TABLE t (id int8 PRIMARY KEY, doc jsonb); \
         INSERT INTO t SELECT id, to_jsonb(repeat('x', 1000000)) FROM generate_series(1, 12) AS id",
    )
    .await;
    let task = task("t", &[("id", INT), ("doc", Kind::Json { normalised: true })]);
    let old: Vec<Vec<Value>> =
        (1..=12).map(|id| vec![Value::Int(id), Value::Json(format!("\"{}\"", "x".repeat(1_000_000)))]).collect();
    let new: Vec<Vec<Value>> = (1..=12).map(|id| vec![Value::Int(id), Value::Json("{}".to_owned())]).collect();
    let mut writer = desk.writer().await;
    let mut transaction = writer.begin().await.unwrap();
    let (mut rest, mut parts, mut updated) = (Some(updates(&old, &new)), 0, 0);
    while let Some(changes) = rest {
        let mut part = transaction.apply(&task, changes, ApplyMode::InPlace).await.unwrap();
        rest = part.rest.take();
        let bytes: usize = part.images.iter().map(|image| image.bytes()).sum();
        assert!(bytes > 0 && bytes <= BATCH_BYTES + 1_100_000, "{bytes} bytes at once");
        parts += 1;
        updated += part.updated;
    }
    assert_eq!((updated, parts), (12, 3));
    commit(transaction).await.unwrap();
    assert_eq!(desk.shown("SELECT count(*) FROM t WHERE doc = '{}'"), "12");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_as_wide_as_can_be() {
    let names: Vec<String> = (0..1_600).map(|at| format!("c{at}")).collect();
    let cells: Vec<String> = names.iter().skip(1).map(|name| format!("{name} int2")).collect();
    let desk = Desk::new(&format!("CREATE TABLE t (c0 int2 PRIMARY KEY, {})", cells.join(", "))).await;
    let columns: Vec<_> = names.iter().map(|name| (name.as_str(), Kind::Int { bits: 16 })).collect();
    let task = task("t", &columns);
    let row = |id: i64, n: i64| (0..1_600).map(|at| Value::Int(if at == 0 { id } else { n })).collect::<Vec<_>>();
    assert!(load(&desk, &task, &[row(1, 1), row(2, 2)]).await.is_empty());
    let mut expectations = vec![Expectation::Digest(digest(&row(1, 1)))];
    expectations.push(Expectation::Absent);
    let applied = write(&desk, &task, put(&[row(1, 10), row(3, 3)], expectations)).await;
    assert_eq!((applied.updated, applied.inserted), (1, 1));
    let mut writer = desk.writer().await;
    let mut transaction = writer.begin().await.unwrap();
    let (old, new) = ([row(1, 10), row(2, 2)], [row(1, 2), row(2, 10)]);
    transaction.apply(&task, updates(&old, &new), ApplyMode::Displace).await.unwrap();
    let back = transaction.apply(&task, updates(&old, &new), ApplyMode::Place).await.unwrap();
    assert_eq!(back.updated, 2);
    let keys = batch(1, &[vec![Value::Int(3)]]);
    assert_eq!(transaction.rows(&task, &keys).await.unwrap().rows.len(), 1);
    commit(transaction).await.unwrap();
    assert_eq!(desk.shown("SELECT c0, c1, c1599 FROM t ORDER BY 1"), "1|2|2\n2|10|10\n3|3|3");
}
