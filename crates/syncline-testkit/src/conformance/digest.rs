//! Keys and digests: their order, their meaning, their independence of how rows got there.

use futures_util::StreamExt;
use syncline_core::error::Code;
use syncline_core::value::Value;

use super::rows::{create, create_orders, digest, digests, encoded, in_key_order, key_cells, scan, task};
use super::{Factory, Fixture, Lab, Promise};
use crate::deterministic::Numbers;
use crate::fixtures::{Cells, ORDERS, orders, text_keys};

pub(super) const PROMISES: &[Promise] = &[
    Promise { name: "digest: that of the scanned row", check: |labs| Box::pin(of_the_row(labs)) },
    Promise { name: "digest: integer keys in order, negative first", check: |labs| Box::pin(integers(labs)) },
    Promise { name: "digest: text keys in the order of bytes", check: |labs| Box::pin(texts(labs)) },
    Promise { name: "digest: bytes and real keys in order", check: |labs| Box::pin(bytes_and_reals(labs)) },
    Promise { name: "digest: another collation changes no order", check: |labs| Box::pin(other_collation(labs)) },
    Promise { name: "digest: composite keys, in the task's order", check: |labs| Box::pin(composite(labs)) },
    Promise { name: "digest: keys of mixed kinds in one order", check: |labs| Box::pin(mixed(labs)) },
    Promise { name: "digest: NULL in a key is KEY_NULL", check: |labs| Box::pin(null_key(labs)) },
    Promise { name: "digest: equal rows, whatever order they came in", check: |labs| Box::pin(order_of_inserts(labs)) },
    Promise { name: "digest: one cell makes the difference", check: |labs| Box::pin(one_cell(labs)) },
    Promise { name: "digest: bytes say what the rows take", check: |labs| Box::pin(bytes(labs)) },
];

/// Checks that all of the table's rows come in key order with the right digests; `key` is the key by position, or the
/// table's own.
async fn in_order(lab: &dyn Lab, table: &str, rows: &[Cells], key: Option<&[usize]>) {
    let store = lab.open().await;
    let mut task = task(&store, table).await;
    if let Some(key) = key {
        task.key = key.to_vec();
    }
    let expected: Vec<_> =
        in_key_order(&task, rows.to_vec()).into_iter().map(|row| (key_cells(&task, &row), digest(&row))).collect();
    let found = digests(&mut *store.snapshot().await.unwrap(), &task).await;
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found, expected, "{table}");
    }
    assert_eq!(found.len(), expected.len(), "{table}");
}

/// Rows of a key and a number, shuffled.
fn keyed(keys: Vec<Value>) -> Vec<Cells> {
    let mut rows: Vec<Cells> = keys.into_iter().zip(0..).map(|(key, n)| vec![key, Value::Int(n)]).collect();
    Numbers::new(5).shuffle(&mut rows);
    rows
}

async fn of_the_row(labs: Factory<'_>) {
    let lab = labs();
    create_orders(&*lab, 7, 5_000).await;
    let store = lab.open().await;
    let task = task(&store, "orders").await;
    let mut snapshot = store.snapshot().await.unwrap();
    let rows = in_key_order(&task, scan(&mut *snapshot, &task).await);
    let found = digests(&mut *snapshot, &task).await;
    assert_eq!(found.len(), rows.len());
    for (row, found) in rows.iter().zip(&found) {
        assert_eq!(*found, (key_cells(&task, row), digest(row)));
    }
}

async fn integers(labs: Factory<'_>) {
    let lab = labs();
    create(&*lab, "CREATE TABLE numbered (id $int PRIMARY KEY, n $int)").await;
    let mut keys: Vec<i64> = (-300..300).map(|n| n * 7).collect();
    keys.extend([i64::MIN, i64::MIN + 1, i64::MAX, i64::MAX - 1]);
    let rows = keyed(keys.into_iter().map(Value::Int).collect());
    lab.insert("numbered", &rows).await;
    in_order(&*lab, "numbered", &rows, None).await;
}

async fn texts(labs: Factory<'_>) {
    let lab = labs();
    create(&*lab, "CREATE TABLE named (name $text NOT NULL PRIMARY KEY, n $int)").await;
    let rows = keyed(text_keys());
    lab.insert("named", &rows).await;
    in_order(&*lab, "named", &rows, None).await;
}

async fn bytes_and_reals(labs: Factory<'_>) {
    let lab = labs();
    create(&*lab, "CREATE TABLE hashed (hash $short_bytes NOT NULL PRIMARY KEY, n $int)").await;
    let hashes = [&b""[..], b"\0", b"\0\0", b"\x01", b"\x7f", b"\x80", b"\xff", b"\xff\0", b"a", b"A"];
    let rows = keyed(hashes.into_iter().map(|hash| Value::Bytes(hash.to_vec())).collect());
    lab.insert("hashed", &rows).await;
    in_order(&*lab, "hashed", &rows, None).await;

    create(&*lab, "CREATE TABLE measured (at $real NOT NULL PRIMARY KEY, n $int)").await;
    let reals = [-1e300, -2.5, -0.1, 0.0, 1e-300, 0.1, 1.0, 1.5, 2.0, 10.0, 9_007_199_254_740_993.0, 1e300];
    let rows = keyed(reals.into_iter().map(Value::Real).collect());
    lab.insert("measured", &rows).await;
    in_order(&*lab, "measured", &rows, None).await;
}

async fn other_collation(labs: Factory<'_>) {
    let lab = labs();
    let Some(ddl) = lab.sql(Fixture::OtherCollation) else { return };
    lab.run_sql(&ddl).await;
    let labels = ["a", "B", "c", "D", "_", "E_x", "e[x", "f", "G", "10", "9", "\u{e9}", "zz", "ZA"];
    let rows = keyed(labels.into_iter().map(Value::text).collect());
    lab.insert("labels", &rows).await;
    in_order(&*lab, "labels", &rows, None).await;
}

async fn composite(labs: Factory<'_>) {
    let lab = labs();
    let ddl = "CREATE TABLE cells (x $int NOT NULL, y $text NOT NULL, n $int, PRIMARY KEY (y, x))";
    create(&*lab, ddl).await;
    let mut rows: Vec<Cells> = Vec::new();
    for x in [-2, -1, 0, 10, 9] {
        for y in ["", "a", "B", "b", "ab"] {
            rows.push(vec![Value::Int(x), Value::text(y), Value::Null]);
        }
    }
    Numbers::new(6).shuffle(&mut rows);
    lab.insert("cells", &rows).await;
    in_order(&*lab, "cells", &rows, None).await;
    // The other side's key may have its columns in another order; both are read in the task's.
    in_order(&*lab, "cells", &rows, Some(&[0, 1])).await;
}

async fn mixed(labs: Factory<'_>) {
    let lab = labs();
    let Some(ddl) = lab.sql(Fixture::MixedKey) else { return };
    lab.run_sql(&ddl).await;
    let mut keys: Vec<Value> = [1, -3, 0, i64::MAX, i64::MIN, 9_007_199_254_740_993].map(Value::Int).to_vec();
    keys.extend([0.5, -3.5, 1e300, -1e300, 9_007_199_254_740_992.0, f64::INFINITY].map(Value::Real));
    keys.extend(["1", "", "a", "B", "\u{e9}"].map(Value::text));
    keys.extend([&b"1"[..], b"", b"a", b"\xff"].map(|bytes| Value::Bytes(bytes.to_vec())));
    let rows = keyed(keys);
    lab.insert("mixed", &rows).await;
    in_order(&*lab, "mixed", &rows, None).await;
}

async fn null_key(labs: Factory<'_>) {
    let lab = labs();
    let Some(ddl) = lab.sql(Fixture::NullableKey) else { return };
    lab.run_sql(&ddl).await;
    let mut rows = keyed(vec![Value::text("a"), Value::text("b")]);
    lab.insert("loose", &rows).await;
    let store = lab.open().await;
    let task = task(&store, "loose").await;
    assert_eq!(task.key, [0], "it may be NULL and is the primary key all the same");
    let mut snapshot = store.snapshot().await.unwrap();
    assert_eq!(digests(&mut *snapshot, &task).await.len(), 2, "no key is NULL");
    drop(snapshot);
    rows = vec![vec![Value::Null, Value::Int(1)], vec![Value::Null, Value::Int(2)]];
    lab.insert("loose", &rows).await;
    let mut snapshot = store.snapshot().await.unwrap();
    let mut stream = snapshot.digest(&task).await.unwrap();
    let error = loop {
        match stream.next().await {
            Some(Ok(_)) => {}
            Some(Err(error)) => break error,
            None => panic!("rows without a key were passed over"),
        }
    };
    assert_eq!(error.code(), Code::KeyNull);
    drop(stream);
    assert_eq!(scan(&mut *snapshot, &task).await.len(), 4, "the snapshot is still good");
}

async fn order_of_inserts(labs: Factory<'_>) {
    let (one, other) = (labs(), labs());
    let mut rows = orders(7, 1_000);
    create(&*one, ORDERS).await;
    one.insert("orders", &rows).await;
    rows.reverse();
    create(&*other, ORDERS).await;
    other.insert("orders", &rows).await;
    let mut found = Vec::new();
    for lab in [one, other] {
        let store = lab.open().await;
        let task = task(&store, "orders").await;
        found.push(digests(&mut *store.snapshot().await.unwrap(), &task).await);
    }
    assert!(found[0] == found[1], "the same rows have the same digests");
}

async fn one_cell(labs: Factory<'_>) {
    let lab = labs();
    create(&*lab, ORDERS).await;
    let row = |id: i64, customer: &str, amount: Value, payload: Value| {
        vec![Value::Int(id), Value::text(format!("{id}")), Value::text(customer), Value::Int(1), amount, payload]
    };
    let real = |value: f64| Value::Real(value);
    let bytes = |bytes: &[u8]| Value::Bytes(bytes.to_vec());
    lab.insert("orders", &[row(1, "a", real(0.1), bytes(b""))]).await;
    let store = lab.open().await;
    let task = task(&store, "orders").await;
    let changes = [
        "UPDATE orders SET customer = 'a '",
        "UPDATE orders SET customer = 'A'",
        "UPDATE orders SET customer = ''",
        "UPDATE orders SET customer = NULL",
        "UPDATE orders SET payload = NULL",
        "UPDATE orders SET amount = 0.30000000000000004",
        "UPDATE orders SET amount = 0.3",
        "UPDATE orders SET quantity = 2",
    ];
    let mut seen = digests(&mut *store.snapshot().await.unwrap(), &task).await;
    for sql in changes {
        lab.run_sql(sql).await;
        let now = digests(&mut *store.snapshot().await.unwrap(), &task).await.remove(0);
        assert!(!seen.contains(&now), "not seen: {sql}");
        seen.push(now);
    }
}

async fn bytes(labs: Factory<'_>) {
    let lab = labs();
    let rows = create_orders(&*lab, 7, 3_000).await;
    let store = lab.open().await;
    let task = task(&store, "orders").await;
    let mut snapshot = store.snapshot().await.unwrap();
    let mut stream = snapshot.digest(&task).await.unwrap();
    let mut told = 0;
    while let Some(batch) = stream.next().await {
        told += batch.unwrap().bytes;
    }
    let exact: u64 = rows.iter().map(|row| encoded(row).len() as u64).sum();
    // It is an estimate's ground, so a little more is as good; less would let a disk run full.
    assert!((exact..=2 * exact).contains(&told), "{told} bytes told, {exact} bytes encoded");
}
