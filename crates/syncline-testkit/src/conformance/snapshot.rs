//! One consistent view: what it shows, and what it does not.

use futures_util::StreamExt;
use syncline_core::error::Code;
use syncline_core::limits::STREAM_ROWS;
use syncline_core::mapping::Condition;
use syncline_core::mapping::filter::{Comparison, Operand};
use syncline_core::store::{Estimate, Scale, Snapshot};
use syncline_core::value::Value;

use super::rows::{
    cells, create, create_orders, create_seats, digests, fetch, in_key_order, keys, read, scan, sum, sum_of, task,
};
use super::{Factory, Fixture, Promise};
use crate::fixtures::{Cells, orders};

pub(super) const PROMISES: &[Promise] = &[
    Promise { name: "snapshot: later commits are not seen", check: |labs| Box::pin(isolated(labs)) },
    Promise { name: "snapshot: the next one sees them", check: |labs| Box::pin(next_sees(labs)) },
    Promise { name: "snapshot: several at once, each its own instant", check: |labs| Box::pin(several(labs)) },
    Promise { name: "snapshot: uncommitted rows are not seen", check: |labs| Box::pin(uncommitted(labs)) },
    Promise { name: "snapshot: a stream dropped early frees it", check: |labs| Box::pin(dropped_early(labs)) },
    Promise { name: "snapshot: it stays when another goes", check: |labs| Box::pin(outlives(labs)) },
    Promise { name: "scan: an empty table yields no batch", check: |labs| Box::pin(empty(labs)) },
    Promise { name: "scan: every row once, cells exact", check: |labs| Box::pin(every_row(labs)) },
    Promise { name: "scan: the columns of the task, in its order", check: |labs| Box::pin(chosen_columns(labs)) },
    Promise { name: "scan: batches are bounded", check: |labs| Box::pin(bounded(labs)) },
    Promise { name: "scan: a table stored by its key", check: |labs| Box::pin(clustered(labs)) },
    Promise { name: "count: exact", check: |labs| Box::pin(count(labs)) },
    Promise { name: "estimate: nothing exactly when there is nothing", check: |labs| Box::pin(estimate(labs)) },
    Promise { name: "highest: of the rows of the task, in whole units", check: |labs| Box::pin(highest(labs)) },
    Promise { name: "unknown: cells that say nothing are found", check: |labs| Box::pin(unknown(labs)) },
    Promise { name: "check_key: NULL in a key is KEY_NULL", check: |labs| Box::pin(check_key(labs)) },
    Promise { name: "sum: shares make up the whole", check: |labs| Box::pin(shares(labs)) },
    Promise { name: "position: tells whether others committed", check: |labs| Box::pin(position(labs)) },
];

/// What another program does while snapshots are open: all three kinds of change, and a new table.
const MEDDLING: &str = "DELETE FROM orders WHERE id = 0; UPDATE orders SET customer = 'changed' WHERE id = 3; \
     INSERT INTO orders VALUES (5000, 'new', NULL, 1, NULL, NULL); CREATE TABLE later (id INTEGER PRIMARY KEY)";

/// Everything a snapshot says about `orders`, through every call.
async fn everything(snapshot: &mut dyn Snapshot, some: &[Cells]) -> (Vec<Cells>, Vec<String>) {
    let schema = snapshot.schema().await.unwrap();
    let names: Vec<String> = schema.tables.iter().map(|table| table.name.clone()).collect();
    let task = super::rows::task_of(&schema, "orders");
    let scanned = in_key_order(&task, scan(snapshot, &task).await);
    assert_eq!(snapshot.count(&task).await.unwrap(), scanned.len() as u64);
    let digested: Vec<_> = digests(snapshot, &task).await.into_iter().map(|(_, digest)| digest).collect();
    let expected: Vec<_> = scanned.iter().map(|row| super::rows::digest(row)).collect();
    assert_eq!(digested, expected, "scan and digest see the same rows");
    assert_eq!(sum(snapshot, &task, 1).await, sum_of(&scanned), "scan and sum see the same rows");
    let fetched = fetch(snapshot, &task, &keys(&task, some)).await;
    let expected: Vec<Cells> = scanned.iter().filter(|row| some.iter().any(|one| one[0] == row[0])).cloned().collect();
    assert_eq!(fetched, expected, "scan and fetch see the same rows");
    (scanned, names)
}

async fn estimate(labs: Factory<'_>) {
    let lab = labs();
    create_orders(&*lab, 3, 0).await;
    let store = lab.open().await;
    let task = task(&store, "orders").await;
    let mut snapshot = store.snapshot().await.unwrap();
    assert_eq!(snapshot.estimate(&task).await.unwrap(), Estimate::default());
    assert!(snapshot.is_empty(&task).await.unwrap());
    for count in [1, 500] {
        lab.run_sql("DELETE FROM orders").await;
        lab.insert("orders", &orders(3, count)).await;
        let mut snapshot = store.snapshot().await.unwrap();
        let estimate = snapshot.estimate(&task).await.unwrap();
        assert!(estimate.rows > 0 && estimate.bytes > 0, "{count} rows: {estimate:?}");
        assert!(!snapshot.is_empty(&task).await.unwrap());
    }
}

/// A table `stamps` of numbers and of texts, some of which are times.
async fn stamps(lab: &dyn super::Lab) {
    create(lab, "CREATE TABLE stamps (id $int NOT NULL PRIMARY KEY, n $int, r $real, at $text)").await;
    let row = |id, n: Option<i64>, r: Option<f64>, at: Option<&str>| {
        vec![
            Value::Int(id),
            n.map_or(Value::Null, Value::Int),
            r.map_or(Value::Null, Value::Real),
            at.map_or(Value::Null, Value::text),
        ]
    };
    let rows = [
        row(1, Some(-7), Some(-1.5), Some("2024-01-01 00:00:00.5")),
        row(2, Some(9), Some(-9.0), Some("2024-01-01T02:00:00+02:00")),
        row(3, None, None, Some("soon")),
        row(4, Some(5), None, None),
    ];
    lab.insert("stamps", &rows).await;
}

/// 2024-01-01 in milliseconds since 1970.
const NEW_YEAR: i64 = 1_704_067_200_000;

fn compared(column: &str, comparison: Comparison, right: Operand) -> Condition {
    Condition::Compare { left: Operand::Column(column.to_owned()), comparison, right }
}

async fn highest(labs: Factory<'_>) {
    let lab = labs();
    stamps(&*lab).await;
    let store = lab.open().await;
    let mut task = task(&store, "stamps").await;
    let mut snapshot = store.snapshot().await.unwrap();
    for (column, scale, expected) in [
        ("n", Scale::Number, Some(9)),
        ("r", Scale::Number, Some(-2)),
        ("at", Scale::Time, Some(NEW_YEAR + 500)),
        ("n", Scale::Time, Some(9_000)),
    ] {
        assert_eq!(snapshot.highest(&task, column, scale).await.unwrap(), expected, "{column} {scale:?}");
    }
    let below = compared("n", Comparison::Less, Operand::Value(Value::Int(9)));
    task.mapped.filter = Some(below.into());
    assert_eq!(snapshot.highest(&task, "n", Scale::Number).await.unwrap(), Some(5));
    let below = compared("at", Comparison::Less, Operand::Instant(NEW_YEAR + 500));
    task.mapped.filter = Some(below.into());
    assert_eq!(snapshot.highest(&task, "at", Scale::Time).await.unwrap(), Some(NEW_YEAR));
    let none = compared("at", Comparison::Less, Operand::Instant(0));
    task.mapped.filter = Some(none.into());
    assert_eq!(snapshot.highest(&task, "at", Scale::Time).await.unwrap(), None);
}

async fn unknown(labs: Factory<'_>) {
    let lab = labs();
    stamps(&*lab).await;
    let store = lab.open().await;
    let mut task = task(&store, "stamps").await;
    let mut snapshot = store.snapshot().await.unwrap();
    let number = compared("n", Comparison::Greater, Operand::Value(Value::Int(5)));
    let time = compared("at", Comparison::Greater, Operand::Instant(NEW_YEAR));
    for (condition, expected) in [(number.clone(), [3].as_slice()), (time.clone(), &[3, 4])] {
        task.mapped.filter = Some(Condition::Unknown(Box::new(condition)).into());
        let found: Vec<_> = digests(&mut *snapshot, &task).await.into_iter().map(|(key, _)| key[0].clone()).collect();
        assert_eq!(found, expected.iter().map(|id| Value::Int(*id)).collect::<Vec<_>>());
    }
    let either = Condition::Any(vec![time.clone(), Condition::Unknown(Box::new(Condition::Not(Box::new(time))))]);
    task.mapped.filter = Some(either.into());
    assert_eq!(snapshot.count(&task).await.unwrap(), 3);
}

async fn check_key(labs: Factory<'_>) {
    let lab = labs();
    create_orders(&*lab, 3, 10).await;
    let store = lab.open().await;
    store.snapshot().await.unwrap().check_key(&task(&store, "orders").await).await.unwrap();
    let Some(ddl) = lab.sql(Fixture::NullableKey) else { return };
    lab.run_sql(&ddl).await;
    lab.insert("loose", &[vec![Value::text("a"), Value::Int(1)]]).await;
    let loose = task(&store, "loose").await;
    let mut snapshot = store.snapshot().await.unwrap();
    snapshot.check_key(&loose).await.unwrap();
    lab.insert("loose", &[vec![Value::Null, Value::Int(2)]]).await;
    snapshot.check_key(&loose).await.unwrap();
    let error = store.snapshot().await.unwrap().check_key(&loose).await.unwrap_err();
    assert_eq!(error.code(), Code::KeyNull);
}

async fn shares(labs: Factory<'_>) {
    let lab = labs();
    create_orders(&*lab, 3, 5_000).await;
    create_seats(&*lab, 100).await;
    create(&*lab, "CREATE TABLE hollow (id $int PRIMARY KEY)").await;
    let clustered = lab.sql(Fixture::Clustered);
    if let Some(ddl) = &clustered {
        lab.run_sql(ddl).await;
        lab.insert("clustered", &[vec![Value::text("a"), Value::Int(1)]]).await;
    }
    let store = lab.open().await;
    for table in ["orders", "seats", "hollow"].into_iter().chain(clustered.map(|_| "clustered")) {
        let task = task(&store, table).await;
        let mut snapshot = store.snapshot().await.unwrap();
        let rows = scan(&mut *snapshot, &task).await;
        let expected = sum_of(&rows);
        for of in [1, 2, 3, 7] {
            assert_eq!(sum(&mut *snapshot, &task, of).await, expected, "{table} in {of} shares");
        }
    }
}

async fn isolated(labs: Factory<'_>) {
    let lab = labs();
    let rows = create_orders(&*lab, 1, 3_000).await;
    let store = lab.open().await;
    let task = task(&store, "orders").await;
    let before = in_key_order(&task, rows.clone());
    // Nothing is read before the other program commits: the view was opened all the same.
    let mut untouched = store.snapshot().await.unwrap();
    let mut reading = store.snapshot().await.unwrap();
    let mut stream = reading.scan(&task).await.unwrap();
    let first = stream.next().await.unwrap().unwrap();
    lab.run_sql(MEDDLING).await;
    let mut seen = cells(&first);
    while let Some(batch) = stream.next().await {
        seen.extend(cells(&batch.unwrap()));
    }
    drop(stream);
    assert_eq!(in_key_order(&task, seen), before, "a scan in flight");
    for snapshot in [&mut untouched, &mut reading] {
        let (scanned, names) = everything(&mut **snapshot, &rows).await;
        assert_eq!(scanned, before);
        assert_eq!(names, ["orders"]);
    }
}

async fn next_sees(labs: Factory<'_>) {
    let lab = labs();
    let rows = create_orders(&*lab, 1, 3_000).await;
    let store = lab.open().await;
    let held = store.snapshot().await.unwrap();
    lab.run_sql(MEDDLING).await;
    let mut snapshot = store.snapshot().await.unwrap();
    let (scanned, names) = everything(&mut *snapshot, &rows).await;
    assert_eq!(names, ["later", "orders"]);
    assert_eq!(scanned.len(), rows.len());
    assert!(scanned.iter().all(|row| row[0] != Value::Int(0)), "deleted");
    assert!(scanned.iter().any(|row| row[0] == Value::Int(3) && row[2] == Value::text("changed")), "updated");
    assert!(scanned.iter().any(|row| row[0] == Value::Int(5000)), "inserted");
    drop(held);
}

async fn several(labs: Factory<'_>) {
    let lab = labs();
    create(&*lab, "CREATE TABLE steps (id $int PRIMARY KEY)").await;
    let store = lab.open().await;
    let task = task(&store, "steps").await;
    let mut snapshots = Vec::new();
    for id in 0..4 {
        snapshots.push(store.snapshot().await.unwrap());
        lab.insert("steps", &[vec![Value::Int(id)]]).await;
    }
    // Read in turn, so that streams of several snapshots are open side by side.
    let mut streams = Vec::new();
    for snapshot in &mut snapshots {
        streams.push(snapshot.scan(&task).await.unwrap());
    }
    for (expected, stream) in streams.iter_mut().enumerate().rev() {
        let mut seen = 0;
        while let Some(batch) = stream.next().await {
            seen += batch.unwrap().len();
        }
        assert_eq!(seen, expected, "snapshot {expected}");
    }
}

async fn uncommitted(labs: Factory<'_>) {
    let lab = labs();
    let rows = create_orders(&*lab, 1, 20).await;
    let store = lab.open().await;
    let task = task(&store, "orders").await;
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    let batch = super::rows::deletes(&task, &rows);
    let mode = syncline_core::change::ApplyMode::InPlace;
    assert_eq!(transaction.apply(&task, batch.clone(), mode).await.unwrap().deleted, 20);
    assert_eq!(read(&store, &task).await.len(), 20, "through the same store");
    assert_eq!(lab.query("SELECT count(*) FROM orders").await, [[Value::Int(20)]], "through another program");
}

async fn dropped_early(labs: Factory<'_>) {
    let lab = labs();
    let rows = create_orders(&*lab, 1, 4 * STREAM_ROWS).await;
    let store = lab.open().await;
    let task = task(&store, "orders").await;
    let mut snapshot = store.snapshot().await.unwrap();
    for _ in 0..20 {
        drop(snapshot.scan(&task).await.unwrap());
        drop(snapshot.digest(&task).await.unwrap());
        let mut stream = snapshot.scan(&task).await.unwrap();
        stream.next().await.unwrap().unwrap();
        drop(stream);
        let mut stream = snapshot.digest(&task).await.unwrap();
        stream.next().await.unwrap().unwrap();
        drop(stream);
    }
    let all = in_key_order(&task, scan(&mut *snapshot, &task).await);
    assert!(all == in_key_order(&task, rows), "a whole scan after streams that were dropped");
    drop(snapshot);
    // Whoever was reading holds nothing any more: others write, and so does the store.
    lab.run_sql("DROP TABLE orders").await;
    let mut writer = store.writer().await.unwrap();
    drop(writer.begin().await.unwrap());
}

async fn outlives(labs: Factory<'_>) {
    let lab = labs();
    let rows = create_orders(&*lab, 1, 100).await;
    let store = lab.open().await;
    let task = task(&store, "orders").await;
    let mut one = store.snapshot().await.unwrap();
    let other = store.snapshot().await.unwrap();
    drop(other);
    assert_eq!(scan(&mut *one, &task).await.len(), rows.len(), "after another snapshot has gone");
}

async fn empty(labs: Factory<'_>) {
    let lab = labs();
    create_orders(&*lab, 1, 0).await;
    let store = lab.open().await;
    let task = task(&store, "orders").await;
    let mut snapshot = store.snapshot().await.unwrap();
    assert!(snapshot.scan(&task).await.unwrap().next().await.is_none(), "scan");
    assert!(snapshot.digest(&task).await.unwrap().next().await.is_none(), "digest");
    assert_eq!(snapshot.count(&task).await.unwrap(), 0);
    assert!(snapshot.fetch(&task, &keys(&task, &orders(1, 3))).await.unwrap().next().await.is_none(), "fetch");
}

async fn every_row(labs: Factory<'_>) {
    let lab = labs();
    let rows = create_orders(&*lab, 7, 5_000).await;
    let store = lab.open().await;
    let task = task(&store, "orders").await;
    let scanned = read(&store, &task).await;
    assert_eq!(scanned.len(), rows.len());
    for (got, expected) in scanned.iter().zip(in_key_order(&task, rows)) {
        assert_eq!(*got, expected);
    }
}

async fn chosen_columns(labs: Factory<'_>) {
    let lab = labs();
    let rows = create_orders(&*lab, 7, 50).await;
    let store = lab.open().await;
    let mut task = task(&store, "orders").await;
    // Payload, id, customer: not all, not in the table's order, the key in the middle.
    task.columns = vec![5, 0, 2];
    task.key = vec![1];
    let chosen: Vec<Cells> = rows.iter().map(|row| [5, 0, 2].map(|at: usize| row[at].clone()).to_vec()).collect();
    let chosen = in_key_order(&task, chosen);
    let mut snapshot = store.snapshot().await.unwrap();
    assert_eq!(in_key_order(&task, scan(&mut *snapshot, &task).await), chosen, "scan");
    assert_eq!(fetch(&mut *snapshot, &task, &keys(&task, &chosen)).await, chosen, "fetch");
    let expected: Vec<_> = chosen.iter().map(|row| (vec![row[1].clone()], super::rows::digest(row))).collect();
    assert_eq!(digests(&mut *snapshot, &task).await, expected, "digest");
}

async fn bounded(labs: Factory<'_>) {
    let lab = labs();
    create_orders(&*lab, 7, 2 * STREAM_ROWS + 1).await;
    let store = lab.open().await;
    let task = task(&store, "orders").await;
    let mut snapshot = store.snapshot().await.unwrap();
    let mut stream = snapshot.scan(&task).await.unwrap();
    while let Some(batch) = stream.next().await {
        assert!(batch.unwrap().len() <= STREAM_ROWS, "scan");
    }
    drop(stream);
    let mut stream = snapshot.digest(&task).await.unwrap();
    while let Some(batch) = stream.next().await {
        assert!(batch.unwrap().keys.len() <= STREAM_ROWS, "digest");
    }
}

async fn clustered(labs: Factory<'_>) {
    let lab = labs();
    let Some(ddl) = lab.sql(Fixture::Clustered) else { return };
    lab.run_sql(&ddl).await;
    let rows: Vec<Cells> = crate::fixtures::text_keys().into_iter().map(|key| vec![key, Value::Int(1)]).collect();
    lab.insert("clustered", &rows).await;
    let store = lab.open().await;
    let task = task(&store, "clustered").await;
    let expected = in_key_order(&task, rows);
    assert_eq!(read(&store, &task).await, expected);
    let mut snapshot = store.snapshot().await.unwrap();
    let digested: Vec<Cells> = digests(&mut *snapshot, &task).await.into_iter().map(|(key, _)| key).collect();
    assert_eq!(digested, expected.iter().map(|row| vec![row[0].clone()]).collect::<Vec<_>>());
}

async fn count(labs: Factory<'_>) {
    let lab = labs();
    create_orders(&*lab, 7, 777).await;
    let store = lab.open().await;
    let task = task(&store, "orders").await;
    assert_eq!(store.snapshot().await.unwrap().count(&task).await.unwrap(), 777);
    lab.run_sql("DELETE FROM orders WHERE id > 0").await;
    let [count] = &lab.query("SELECT count(*) FROM orders").await[0][..] else { panic!("one count") };
    let counted = store.snapshot().await.unwrap().count(&task).await.unwrap();
    assert_eq!(*count, Value::Int(counted as i64));
}

async fn position(labs: Factory<'_>) {
    let lab = labs();
    create_orders(&*lab, 7, 10).await;
    let store = lab.open().await;
    let mut first = store.snapshot().await.unwrap();
    let start = first.position().await.unwrap();
    assert_eq!(first.position().await.unwrap(), start, "asked twice");
    let next = store.snapshot().await.unwrap().position().await.unwrap();
    assert!(next == start || !lab.traits().tells_positions, "nothing was committed between");
    let meddling = [
        "UPDATE orders SET quantity = quantity + 1 WHERE id = 2",
        "DELETE FROM orders WHERE id = 2",
        "CREATE TABLE later (id INTEGER PRIMARY KEY)",
    ];
    let mut seen = vec![start.clone()];
    for sql in meddling {
        lab.run_sql(sql).await;
        let position = store.snapshot().await.unwrap().position().await.unwrap();
        assert!(!seen.contains(&position), "not told: {sql}");
        seen.push(position);
    }
    assert_eq!(first.position().await.unwrap(), start, "the first view stands where it stood");
}
