//! Keys and digests: their order, their digests, and keys that are none.

use syncline_core::change::RowDigest;
use syncline_core::error::Code;
use syncline_core::store::Store;
use syncline_core::value::key_order::compare_keys;
use syncline_core::value::{Value, exact};

use super::desk::{Desk, batch, digest_keys, digests, fetch, int, scan, task_of, text};

/// A key column of any collation, filled with cells of every class.
async fn check_order(encoding: &str, column: &str) {
    let desk = Desk::with(&format!(
        "PRAGMA encoding = '{encoding}'; CREATE TABLE t (k {column}, n, PRIMARY KEY (k, n)) WITHOUT ROWID;
         WITH v(k) AS (VALUES ('Z'), ('a'), ('é'), ('\u{1d4b3}'), ('\u{ffff}'), ('\u{fffd}'), ('aa'), ('B'), (''),
             (-1), (1.5), (2), (9e999), (-9e999), (9223372036854775807), (9007199254740993), (9007199254740992.0),
             (x''), (x'00'), (x'ff'), (x'5a'), (char(0)), ('a' || char(0) || 'b'), ('\u{d7ff}'), ('\u{e000}'))
         INSERT INTO t SELECT k, m.i FROM v, (SELECT 2 AS i UNION SELECT 'x' UNION SELECT 'X') AS m"
    ));
    let store = desk.store().await;
    let mut snapshot = store.snapshot().await.unwrap();
    let task = task_of(&mut snapshot, "t").await;
    let keys = digest_keys(&mut snapshot, &task).await;
    assert_eq!(keys.len(), 75);
    for pair in keys.windows(2) {
        let order = compare_keys(pair[0].iter().map(Value::as_ref), pair[1].iter().map(Value::as_ref));
        assert!(order.is_lt(), "{encoding} {column}: {:?} comes before {:?}", pair[0], pair[1]);
    }
    // Every key that the stream shows finds its row, and no other.
    let found = fetch(&mut snapshot, &task, &batch(&keys)).await;
    assert_eq!(found, keys, "{encoding} {column}");
}

#[tokio::test]
async fn the_order_is_that_of_the_core_whatever_the_collation_and_the_encoding() {
    for encoding in ["UTF-8", "UTF-16le", "UTF-16be"] {
        for column in ["", "BLOB", "COLLATE RTRIM"] {
            check_order(encoding, column).await;
        }
    }
}

#[tokio::test]
async fn a_key_that_ignores_case_is_read_by_bytes() {
    for encoding in ["UTF-8", "UTF-16le"] {
        let desk = Desk::with(&format!(
            "PRAGMA encoding = '{encoding}';
             CREATE TABLE t (a TEXT COLLATE NOCASE, b TEXT, n, PRIMARY KEY (a, b COLLATE NOCASE));
             INSERT INTO t VALUES ('b', 'x', 1), ('A', 'y', 2), ('a', 'X', 3), ('C', 'é', 4), ('é', 'Z', 5)"
        ));
        let store = desk.store().await;
        let mut snapshot = store.snapshot().await.unwrap();
        let task = task_of(&mut snapshot, "t").await;
        let keys = digest_keys(&mut snapshot, &task).await;
        let expected = [["A", "y"], ["C", "é"], ["a", "X"], ["b", "x"], ["é", "Z"]].map(|key| key.map(text).to_vec());
        assert_eq!(keys, expected);
        assert!(fetch(&mut snapshot, &task, &batch(&[vec![text("a"), text("y")]])).await.is_empty());
        let found = fetch(&mut snapshot, &task, &batch(&[vec![text("A"), text("y")]])).await;
        assert_eq!(found, [[text("A"), text("y"), int(2)]]);
    }
}

#[tokio::test]
async fn a_digest_is_that_of_the_row_and_bytes_are_those_of_its_encoding() {
    let desk = Desk::with(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a, b AS (a || '!'));
         INSERT INTO t (id, a) VALUES (2, 'x'), (1, NULL), (-5, x'00ff'), (9223372036854775807, 1.5)",
    );
    let store = desk.store().await;
    let mut snapshot = store.snapshot().await.unwrap();
    let task = task_of(&mut snapshot, "t").await;
    let rows = scan(&mut snapshot, &task).await;
    let found = digests(&mut snapshot, &task).await;
    let [found] = &found[..] else { panic!("one batch was expected") };
    let mut scratch = Vec::new();
    let expected: Vec<_> =
        rows.iter().map(|row| RowDigest(exact::digest_row(row.iter().map(Value::as_ref), &mut scratch))).collect();
    assert_eq!(found.digests, expected);
    let bytes: usize = rows.iter().map(|row| exact::encode_row(row.iter().map(Value::as_ref)).len()).sum();
    assert_eq!(found.bytes, bytes as u64);
    assert_eq!(rows[0][0], int(-5));
}

#[tokio::test]
async fn a_null_in_the_key_is_an_error_that_names_table_and_column() {
    let desk = Desk::with("CREATE TABLE t (a, b, PRIMARY KEY (a, b)); INSERT INTO t VALUES (1, 1), (2, NULL)");
    let store = desk.store().await;
    let mut snapshot = store.snapshot().await.unwrap();
    let task = task_of(&mut snapshot, "t").await;
    let stream: Result<Vec<_>, _> =
        futures_util::TryStreamExt::try_collect(snapshot.digest(&task).await.unwrap()).await;
    let error = stream.unwrap_err();
    assert_eq!(error.code(), Code::KeyNull);
    assert!(error.what().contains('t') && error.what().contains('b'), "{error}");
}
