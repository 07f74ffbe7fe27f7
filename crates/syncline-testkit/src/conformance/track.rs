//! Change tracking: logs that name whatever is touched, positions in them, and cursors that commit with the rows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::StreamExt;
use syncline_core::change::{ApplyMode, TableTask};
use syncline_core::error::Code;
use syncline_core::limits::STREAM_ROWS;
use syncline_core::store::{Consumer, Cursor, LogPosition, Snapshot, Store, Window};
use syncline_core::value::Value;

use super::lab::Lab;
use super::rows::{
    cells, checkpoint, create, create_orders, create_seats, deletes, digest, in_key_order, inserts, key_cells, objects,
    read, task, updates, write_in_place,
};
use super::{Factory, Promise};
use crate::fixtures::{Cells, orders};

pub(super) const PROMISES: &[Promise] = &[
    Promise { name: "track: whatever another program writes is named", check: |labs| Box::pin(named(labs)) },
    Promise {
        name: "track: a key is told once, with its row as the view shows it",
        check: |labs| Box::pin(once(labs)),
    },
    Promise { name: "track: nothing is told where nothing was touched", check: |labs| Box::pin(nothing(labs)) },
    Promise { name: "track: what is not committed is told after it is", check: |labs| Box::pin(later(labs)) },
    Promise { name: "track: what a run writes is named too", check: |labs| Box::pin(own_writes(labs)) },
    Promise { name: "track: a load is told, or begins a new log", check: |labs| Box::pin(loads(labs)) },
    Promise { name: "pulse: moves with what is committed, however late", check: |labs| Box::pin(pulse(labs)) },
    Promise { name: "install: twice is once", check: |labs| Box::pin(twice(labs)) },
    Promise {
        name: "install: what cannot be tracked is told, the rest is tracked",
        check: |labs| Box::pin(keyless(labs)),
    },
    Promise { name: "remove: leaves nothing behind", check: |labs| Box::pin(removed(labs)) },
    Promise { name: "remove: positions from before say nothing of what comes", check: |labs| Box::pin(anew(labs)) },
    Promise { name: "acknowledge: entries stay until all have read them", check: |labs| Box::pin(purged(labs)) },
    Promise { name: "acknowledge: who does not come is given up in the end", check: |labs| Box::pin(given_up(labs)) },
    Promise {
        name: "advance: cursors are committed with the rows, or not at all",
        check: |labs| Box::pin(cursors(labs)),
    },
];

/// A store on the lab's database, whose table is tracked.
async fn tracked(lab: &dyn Lab, table: &str) -> (Arc<dyn Store>, TableTask) {
    let store = lab.open().await;
    let installed = store.tracking().install(&[table.to_owned()]).await.unwrap();
    assert_eq!((installed.begun.as_slice(), installed.refused.len()), ([table.to_owned()].as_slice(), 0));
    let task = task(&store, table).await;
    (store, task)
}

/// Where the log of a table ends in a new view.
async fn end(store: &Arc<dyn Store>, task: &TableTask) -> LogPosition {
    let logs = store.snapshot().await.unwrap().logs().await.unwrap().expect("tracking is installed");
    assert_eq!(logs.defects, BTreeMap::new());
    logs.ends[&task.table.name].clone()
}

/// The keys touched since, as a view tells them, each with the digest of its row.
async fn touched_in(view: &mut dyn Snapshot, task: &TableTask, since: &LogPosition) -> Vec<(Cells, Option<u128>)> {
    match view.window(task, since).await.unwrap() {
        Window::Empty => return Vec::new(),
        Window::Entries { count, oldest_ms } => assert!(count > 0 && oldest_ms.is_some()),
        Window::Cut(why) => panic!("the log does not reach back: {why}"),
    }
    let mut stream = view.touched(task, since).await.unwrap();
    let mut all = Vec::new();
    while let Some(batch) = stream.next().await {
        let batch = batch.unwrap();
        assert!(batch.keys.len() <= STREAM_ROWS && !batch.keys.is_empty(), "{} keys in one batch", batch.keys.len());
        assert_eq!(batch.keys.len(), batch.digests.len(), "one digest a key");
        let digests = batch.digests.iter().map(|digest| digest.map(|digest| digest.0));
        all.extend(cells(&batch.keys).into_iter().zip(digests));
    }
    let keys: BTreeSet<String> = all.iter().map(|(key, _)| format!("{key:?}")).collect();
    assert_eq!(keys.len(), all.len(), "a key is told once");
    all
}

async fn touched(store: &Arc<dyn Store>, task: &TableTask, since: &LogPosition) -> Vec<(Cells, Option<u128>)> {
    touched_in(&mut *store.snapshot().await.unwrap(), task, since).await
}

/// Whether all rows that are not what they were are named, just as they are now.
fn assert_named(task: &TableTask, told: &[(Cells, Option<u128>)], before: &[Cells], after: &[Cells]) {
    let by_key = |rows: &[Cells]| -> BTreeMap<String, u128> {
        rows.iter().map(|row| (format!("{:?}", key_cells(task, row)), digest(row).0)).collect()
    };
    let (before, after) = (by_key(before), by_key(after));
    let told: BTreeMap<String, Option<u128>> = told.iter().map(|(key, digest)| (format!("{key:?}"), *digest)).collect();
    for key in before.keys().chain(after.keys()).filter(|key| before.get(*key) != after.get(*key)) {
        assert_eq!(told.get(key), Some(&after.get(key).copied()), "{key} is not told as it is");
    }
    for (key, digest) in &told {
        assert_eq!(*digest, after.get(key).copied(), "{key} is told as it is not");
    }
}

/// The key of one of these rows.
fn some_key(rows: &[Cells]) -> i64 {
    match rows[0][0] {
        Value::Int(key) => key,
        _ => panic!("orders have whole numbers as keys"),
    }
}

async fn named(labs: Factory<'_>) {
    let lab = labs();
    create_seats(&*lab, 60).await;
    let (store, task) = tracked(&*lab, "seats").await;
    for sql in [
        "INSERT INTO seats VALUES ('new', 1000, NULL)",
        "UPDATE seats SET note = 'other' WHERE seat < 5",
        "UPDATE seats SET seat = seat + 2000 WHERE seat < 5",
        "UPDATE seats SET code = 'moved' WHERE seat = 10",
        "DELETE FROM seats WHERE seat BETWEEN 20 AND 30",
        "DELETE FROM seats WHERE code = 'new'; INSERT INTO seats VALUES ('new', 1000, 'again')",
        "UPDATE seats SET code = 'a' WHERE seat = 40; UPDATE seats SET code = 'guest 0040' WHERE seat = 41; \
         UPDATE seats SET code = 'guest 0041' WHERE seat = 40",
        "DELETE FROM seats",
    ] {
        let (since, before) = (end(&store, &task).await, read(&store, &task).await);
        lab.run_sql(sql).await;
        let (told, after) = (touched(&store, &task, &since).await, read(&store, &task).await);
        assert_ne!(before, after, "{sql}");
        assert_named(&task, &told, &before, &after);
    }
}

async fn once(labs: Factory<'_>) {
    let lab = labs();
    create_orders(&*lab, 4, 6_000).await;
    let (store, task) = tracked(&*lab, "orders").await;
    let (since, before) = (end(&store, &task).await, read(&store, &task).await);
    for customer in ["one", "two"] {
        lab.run_sql(&format!("UPDATE orders SET customer = '{customer}' WHERE id < 12000")).await;
    }
    let mut view = store.snapshot().await.unwrap();
    lab.run_sql("UPDATE orders SET customer = 'three'; DELETE FROM orders WHERE id = 3").await;
    let told = touched_in(&mut *view, &task, &since).await;
    let after = in_key_order(&task, super::rows::scan(&mut *view, &task).await);
    assert_named(&task, &told, &before, &after);
    assert!(told.iter().all(|(_, row)| row.is_some()), "what was deleted after the view is there in it");
}

async fn nothing(labs: Factory<'_>) {
    let lab = labs();
    create_orders(&*lab, 4, 10).await;
    create(&*lab, "CREATE TABLE beside (id $int NOT NULL PRIMARY KEY)").await;
    let (store, task) = tracked(&*lab, "orders").await;
    let since = end(&store, &task).await;
    lab.run_sql("INSERT INTO beside VALUES (1)").await;
    let window = store.snapshot().await.unwrap().window(&task, &since).await.unwrap();
    assert_eq!(window, Window::Empty);
}

async fn later(labs: Factory<'_>) {
    let lab = labs();
    let key = some_key(&create_orders(&*lab, 4, 10).await);
    let (store, task) = tracked(&*lab, "orders").await;
    let since = end(&store, &task).await;
    let pending = lab.begin(&format!("UPDATE orders SET customer = 'late' WHERE id = {key}")).await;
    assert_eq!(touched(&store, &task, &since).await, []);
    let since = end(&store, &task).await;
    pending.commit().await;
    let told = touched(&store, &task, &since).await;
    assert_eq!(told.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>(), [[Value::Int(key)]]);
    let since = end(&store, &task).await;
    drop(lab.begin("DELETE FROM orders").await);
    assert_eq!(touched(&store, &task, &since).await, []);
}

/// Whoever feels a word and opens a view behind that misses nothing: once something is in a view that was not, the word is another.
async fn pulse(labs: Factory<'_>) {
    let lab = labs();
    let rows = create_orders(&*lab, 4, 30).await;
    let keys: Vec<i64> = rows.iter().map(|row| some_key(std::slice::from_ref(row))).collect();
    let (store, _) = tracked(&*lab, "orders").await;
    let tracking = store.tracking();
    let mut last = tracking.pulse(None).await.unwrap();
    for (at, key) in keys[..10].iter().enumerate() {
        let pending = lab.begin(&format!("UPDATE orders SET customer = 'late' WHERE id = {key}")).await;
        // Felt as often as anybody likes, before and after whoever writes has come to the log.
        for _ in 0..3 {
            last = tracking.pulse(Some(&last)).await.unwrap();
        }
        pending.commit().await;
        // Somebody else who reads the logs may have put them in order by then.
        if at % 4 < 2 {
            tracking.sequence().await.unwrap();
        }
        let after = tracking.pulse(Some(&last)).await.unwrap();
        assert_ne!(after, last, "what was committed behind it makes another word");
        last = after;
    }
    // Others are at work on the server, and every word that still waits for one of them may be followed by another.
    let mut moves = 0;
    loop {
        let next = tracking.pulse(Some(&last)).await.unwrap();
        if next == last {
            break;
        }
        (last, moves) = (next, moves + 1);
        assert!(moves < 1_000, "where nothing happens it stays");
    }
}

async fn own_writes(labs: Factory<'_>) {
    let lab = labs();
    let rows = create_orders(&*lab, 4, 40).await;
    let (store, task) = tracked(&*lab, "orders").await;
    let (since, before) = (end(&store, &task).await, read(&store, &task).await);
    let mut changed = rows[..10].to_vec();
    changed.iter_mut().for_each(|row| row[1] = Value::text("by a run"));
    write_in_place(&store, &task, updates(&task, &rows[..10], &changed)).await;
    write_in_place(&store, &task, deletes(&task, &rows[10..20])).await;
    let new: Vec<Cells> = orders(9, 5)
        .into_iter()
        .map(|mut row| {
            row[0] = moved_away(&row[0]);
            row
        })
        .collect();
    write_in_place(&store, &task, inserts(&task, &new)).await;
    let after = read(&store, &task).await;
    assert_named(&task, &touched(&store, &task, &since).await, &before, &after);
}

fn moved_away(id: &Value) -> Value {
    match id {
        Value::Int(id) => Value::Int(id + 1_000_000),
        other => other.clone(),
    }
}

async fn loads(labs: Factory<'_>) {
    let lab = labs();
    create_orders(&*lab, 4, 0).await;
    let (store, task) = tracked(&*lab, "orders").await;
    let since = end(&store, &task).await;
    let rows = orders(4, 30);
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    transaction.load(&task, super::rows::batch(task.columns.len(), &rows)).await.unwrap();
    transaction.commit(&checkpoint("run", 1)).await.unwrap();
    drop(writer);
    let mut view = store.snapshot().await.unwrap();
    if !matches!(view.window(&task, &since).await.unwrap(), Window::Cut(_)) {
        assert_eq!(touched_in(&mut *view, &task, &since).await.len(), rows.len());
    }
}

async fn twice(labs: Factory<'_>) {
    let lab = labs();
    let key = some_key(&create_orders(&*lab, 4, 10).await);
    let (store, task) = tracked(&*lab, "orders").await;
    let (since, before) = (end(&store, &task).await, objects(&*lab).await);
    lab.run_sql(&format!("DELETE FROM orders WHERE id = {key}")).await;
    let again = store.tracking().install(&["orders".to_owned()]).await.unwrap();
    assert_eq!(
        (again.kept.as_slice(), again.begun.len(), again.renewed.len()),
        (["orders".to_owned()].as_slice(), 0, 0)
    );
    assert_eq!(objects(&*lab).await, before);
    assert_eq!(touched(&store, &task, &since).await, [(vec![Value::Int(key)], None)]);
}

async fn keyless(labs: Factory<'_>) {
    let lab = labs();
    create(&*lab, "CREATE TABLE bag (a $int)").await;
    create_orders(&*lab, 4, 1).await;
    let store = lab.open().await;
    let tracking = store.tracking();
    let installed = tracking.install(&["bag", "orders", "missing"].map(str::to_owned)).await.unwrap();
    assert_eq!(installed.begun, ["orders"]);
    let refused: Vec<_> = installed.refused.iter().map(|(name, error)| (name.as_str(), error.code())).collect();
    assert_eq!(refused, [("bag", Code::TableNotTracked), ("missing", Code::TableNotTracked)]);
}

async fn removed(labs: Factory<'_>) {
    let lab = labs();
    create_orders(&*lab, 4, 10).await;
    create_seats(&*lab, 3).await;
    let before = objects(&*lab).await;
    let store = lab.open().await;
    let tracking = store.tracking();
    assert!(tracking.standing().await.unwrap().is_none());
    tracking.install(&["orders", "seats"].map(str::to_owned)).await.unwrap();
    lab.run_sql("DELETE FROM orders WHERE id < 5").await;
    assert_eq!(tracking.remove(Some(&["seats".to_owned()])).await.unwrap(), ["seats"]);
    let tables = tracking.standing().await.unwrap().unwrap().tables;
    assert_eq!(tables.into_iter().map(|table| table.name).collect::<Vec<_>>(), ["orders"]);
    assert_eq!(tracking.remove(None).await.unwrap(), ["orders"]);
    assert_eq!(objects(&*lab).await, before);
    assert_eq!(tracking.remove(None).await.unwrap(), [] as [String; 0]);
    lab.run_sql("DELETE FROM orders").await;
}

async fn anew(labs: Factory<'_>) {
    let lab = labs();
    create_orders(&*lab, 4, 10).await;
    let (store, task) = tracked(&*lab, "orders").await;
    let since = end(&store, &task).await;
    let tracking = store.tracking();
    tracking.remove(None).await.unwrap();
    assert!(store.snapshot().await.unwrap().logs().await.unwrap().is_none());
    lab.run_sql("DELETE FROM orders WHERE id = 3").await;
    tracking.install(&["orders".to_owned()]).await.unwrap();
    let window = store.snapshot().await.unwrap().window(&task, &since).await.unwrap();
    assert!(matches!(window, Window::Cut(_)), "{window:?}");
}

async fn purged(labs: Factory<'_>) {
    let lab = labs();
    create_orders(&*lab, 4, 100).await;
    let (store, task) = tracked(&*lab, "orders").await;
    let tracking = store.tracking();
    let note = async |link: &str, at: &LogPosition| {
        let positions = BTreeMap::from([("orders".to_owned(), at.clone())]);
        let consumer = Consumer { link: link.to_owned(), label: format!("to {link}"), positions };
        tracking.acknowledge(&consumer).await.unwrap();
    };
    let behind = async || {
        let consumers = tracking.standing().await.unwrap().unwrap().consumers;
        consumers.into_iter().map(|consumer| (consumer.link, consumer.behind > 0)).collect::<Vec<_>>()
    };
    let end = async || {
        tracking.sequence().await.unwrap();
        end(&store, &task).await
    };
    let first = end().await;
    note("slow", &first).await;
    note("fast", &first).await;
    lab.run_sql("UPDATE orders SET customer = 'x'").await;
    let second = end().await;
    note("fast", &second).await;
    assert_eq!(behind().await, [("fast".to_owned(), false), ("slow".to_owned(), true)]);
    assert_eq!(touched(&store, &task, &first).await.len(), 100, "the slow one has not read them");
    note("slow", &second).await;
    assert_eq!(behind().await, [("fast".to_owned(), false), ("slow".to_owned(), false)]);
    assert!(tracking.standing().await.unwrap().unwrap().tables[0].entries < 100);
    assert_eq!(touched(&store, &task, &second).await, [], "where all are still is a position");
    let window = store.snapshot().await.unwrap().window(&task, &first).await.unwrap();
    assert!(matches!(window, Window::Cut(_)), "what is gone is not passed over in silence: {window:?}");
}

async fn given_up(labs: Factory<'_>) {
    let lab = labs();
    create_orders(&*lab, 4, 20).await;
    let (store, task) = tracked(&*lab, "orders").await;
    let tracking = store.tracking();
    let note = async |link: &str| {
        let positions = BTreeMap::from([("orders".to_owned(), end(&store, &task).await)]);
        tracking.acknowledge(&Consumer { link: link.to_owned(), label: link.to_owned(), positions }).await.unwrap();
    };
    let consumers = async || {
        let consumers = tracking.standing().await.unwrap().unwrap().consumers;
        consumers.into_iter().map(|consumer| consumer.link).collect::<Vec<_>>()
    };
    note("lost").await;
    let since = end(&store, &task).await;
    lab.run_sql("DELETE FROM orders").await;
    note("here").await;
    assert_eq!(consumers().await, ["here", "lost"]);
    // As if so many days had gone by since the rows were deleted.
    for (days, left) in [(29_i64, vec!["here", "lost"]), (2, vec!["here"])] {
        let by = days * 24 * 60 * 60 * 1000;
        lab.run_sql(&format!("UPDATE _syncline_log_1 SET at = at - {by} WHERE op = 'D'")).await;
        note("here").await;
        assert_eq!(consumers().await, left);
    }
    assert!(tracking.standing().await.unwrap().unwrap().tables[0].entries < 20, "nobody needs them any more");
    let window = store.snapshot().await.unwrap().window(&task, &since).await.unwrap();
    assert!(matches!(window, Window::Cut(_)), "{window:?}");
}

async fn cursors(labs: Factory<'_>) {
    let lab = labs();
    let rows = create_orders(&*lab, 4, 10).await;
    let before = objects(&*lab).await;
    let store = lab.open().await;
    let task = task(&store, "orders").await;
    let read_all = async || store.snapshot().await.unwrap().cursors().await.unwrap();
    let cursor = |table: &str, position: &str| Cursor {
        link: "link".to_owned(),
        table: table.to_owned(),
        position: LogPosition(position.to_owned()),
        shape: "s".to_owned(),
    };
    assert_eq!(read_all().await, []);
    let mut writer = store.writer().await.unwrap();
    for (commits, position) in [(false, "lost"), (true, "it's \u{1f600}"), (false, "lost"), (true, "2")] {
        let mut transaction = writer.begin().await.unwrap();
        let one = rows[usize::from(position == "2")].clone();
        transaction.apply(&task, deletes(&task, &[one]), ApplyMode::InPlace).await.unwrap();
        transaction.advance(&[cursor("b", position), cursor("a", "1")]).await.unwrap();
        if commits {
            transaction.commit(&checkpoint("run", 1)).await.unwrap();
            assert_eq!(read_all().await, [cursor("a", "1"), cursor("b", position)]);
        }
    }
    assert_eq!(read(&store, &task).await.len(), rows.len() - 2);
    writer.forget("run").await.unwrap();
    assert!(writer.checkpoints().await.unwrap().is_empty());
    assert_eq!(read_all().await.len(), 2, "they stay when the run is forgotten");
    assert!(writer.unlink().await.unwrap());
    assert_eq!((read_all().await, objects(&*lab).await), (Vec::new(), before), "nothing is left of them");
    assert!(!writer.unlink().await.unwrap());
}
