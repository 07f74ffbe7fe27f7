//! Rows as they are: names, sizes, widths, and what is known of a table without reading it.

use futures_util::StreamExt;
use syncline_core::error::Code;
use syncline_core::limits::BATCH_BYTES;
use syncline_core::store::{Flow, Snapshot};
use syncline_core::value::{RowBatch, Value, ValueRef};

use super::desk::{Desk, cells, digests, fetch, scan};

#[tokio::test(flavor = "multi_thread")]
async fn names_may_be_anything() {
    let desk = Desk::with(
        "SET NAMES utf8mb4; CREATE TABLE `a \"``.b'; DROP TABLE x` (`select` integer PRIMARY KEY, `c ``\"; --` text, `É%s$1?` integer); \
         INSERT INTO `a \"``.b'; DROP TABLE x` VALUES (2, 'x', 3), (1, 'y', 4)",
    );
    let task = desk.task("a \"`.b'; DROP TABLE x").await;
    let mut view = desk.view().await;
    assert_eq!(view.count(&task).await.unwrap(), 2);
    assert_eq!(digests(&mut view, &task).await.len(), 2);
    assert_eq!(fetch(&mut view, &task, &[vec![Value::Int(1)]]).await[0][1], Value::text("y"));
    assert!(view.estimate(&task).await.unwrap().rows > 0);
}

/// As many columns as InnoDB takes.
#[tokio::test(flavor = "multi_thread")]
async fn as_many_columns_as_there_can_be() {
    let columns: Vec<String> = (0..1_016).map(|at| format!("c{at} tinyint")).collect();
    let ones = vec!["1"; 1_016].join(", ");
    let desk = Desk::with(&format!(
        "CREATE TABLE t (id integer PRIMARY KEY, {}); INSERT INTO t SELECT seq, {ones} FROM seq_1_to_3",
        columns.join(", ")
    ));
    let task = desk.task("t").await;
    let mut view = desk.view().await;
    view.set_flow(Flow::shared_by(2));
    assert_eq!(scan(&mut view, &task).await.iter().map(Vec::len).collect::<Vec<_>>(), [1_017; 3]);
    assert_eq!(digests(&mut view, &task).await.len(), 3);
    assert_eq!(fetch(&mut view, &task, &[vec![Value::Int(3)]]).await.len(), 1);
    assert!(view.estimate(&task).await.unwrap().bytes > 3 * 1_016);
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_megabytes_in_one_value() {
    let desk = Desk::with(
        "CREATE TABLE t (id integer PRIMARY KEY, b longblob, s longtext CHARACTER SET utf8mb4); \
         INSERT INTO t SELECT seq, repeat('ab', 25 << 20), repeat(_utf8mb4 X'C3A9', 10 << 20) FROM seq_1_to_2; INSERT INTO t VALUES (3, '', '')",
    );
    let task = desk.task("t").await;
    let mut view = desk.view().await;
    let mut stream = view.scan(&task).await.unwrap();
    let mut lens = Vec::new();
    while let Some(batch) = stream.next().await {
        let batch = batch.unwrap();
        assert!(batch.bytes() <= BATCH_BYTES || batch.len() == 1, "one that is huge is alone");
        for row in cells(&batch) {
            let [_, Value::Bytes(bytes), Value::Text(text)] = &row[..] else { panic!("another row") };
            assert!(bytes.iter().step_by(2).all(|byte| *byte == b'a'));
            lens.push((bytes.len(), text.len()));
        }
    }
    drop(stream);
    assert_eq!(lens, [(50 << 20, 20 << 20), (50 << 20, 20 << 20), (0, 0)]);
    assert_eq!(digests(&mut view, &task).await.len(), 3);
    assert_eq!(fetch(&mut view, &task, &[vec![Value::Int(2)], vec![Value::Int(3)]]).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_is_too_large_stays_with_the_server() {
    let desk = Desk::with(
        "CREATE TABLE t (id integer PRIMARY KEY, b blob, j json, g geometry); \
         INSERT INTO t VALUES (1, repeat('x', 1000), '1', NULL), (2, repeat('x', 1001), '2', NULL), (3, NULL, NULL, NULL), \
         (4, NULL, concat('\"', repeat('x', 1000), '\"'), NULL), (5, NULL, NULL, ST_GeomFromText(concat('LINESTRING(', repeat('0 0,', 100), '1 1)')))",
    );
    let task = desk.task("t").await;
    let mut view = desk.view().await;
    view.set_flow(Flow { rows: 1, value_bytes: Some(1_000), ..Flow::default() });
    for (id, fits) in [(1, true), (2, false), (3, true), (4, false), (5, false)] {
        let mut batch = RowBatch::new(1);
        batch.push(ValueRef::Int(id)).unwrap();
        let mut stream = view.fetch(&task, &batch).await.unwrap();
        match stream.next().await.unwrap() {
            Ok(batch) => assert!(fits && batch.len() == 1, "{id}"),
            Err(error) => assert!(!fits && error.code() == Code::ValueTooLarge, "{id}: {error:?}"),
        }
    }
    view.set_flow(Flow::default());
    assert_eq!(scan(&mut view, &task).await.len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_given_out_are_those_of_the_table() {
    let desk = Desk::with(
        "CREATE TABLE plain (id integer PRIMARY KEY); CREATE TABLE s (id integer AUTO_INCREMENT PRIMARY KEY, n integer); \
         CREATE TABLE i (id bigint AUTO_INCREMENT PRIMARY KEY); INSERT INTO s (n) VALUES (1), (2); INSERT INTO s VALUES (9, 9); DELETE FROM s WHERE id = 9; \
         CREATE TABLE far (id bigint AUTO_INCREMENT PRIMARY KEY) AUTO_INCREMENT = 1000",
    );
    let mut view = desk.view().await;
    for (table, last) in [("plain", None), ("s", Some(9)), ("i", None), ("far", Some(999)), ("no such", None)] {
        assert_eq!(view.sequence(table).await.unwrap(), last, "{table}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn about_how_much_there_is_is_told_from_a_few_rows() {
    let desk = Desk::with(
        "CREATE TABLE t (id integer PRIMARY KEY, s varchar(200)); INSERT INTO t SELECT seq, repeat('x', 100) FROM seq_1_to_30000; \
         CREATE TABLE hollow (id integer PRIMARY KEY); CREATE TABLE few (id integer PRIMARY KEY); INSERT INTO few VALUES (1), (2)",
    );
    let mut view = desk.view().await;
    let large = view.estimate(&desk.task("t").await).await.unwrap();
    assert!((10_000..100_000).contains(&large.rows) && large.bytes > large.rows * 100, "{large:?}");
    assert_eq!(view.estimate(&desk.task("hollow").await).await.unwrap().rows, 0);
    assert_eq!(view.estimate(&desk.task("few").await).await.unwrap().rows, 2);
}
