//! Copying the database whole, and making it what a copy holds. An engine without such a way keeps these promises by not
//! having it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use syncline_core::error::{Code, Error};
use syncline_core::limits::LOCK_WAIT;
use syncline_core::store::{Care, Owners, Store, Watch};

use super::rows::{create, create_orders, objects, scan, task};
use super::{Factory, Lab, Promise};
use crate::fixtures::Cells;
use crate::process::Scratch;

pub(super) const PROMISES: &[Promise] = &[
    Promise { name: "backup: a copy restored is what was copied", check: |labs| Box::pin(comes_back(labs)) },
    Promise { name: "backup: a copy is of one instant while others write", check: |labs| Box::pin(one_instant(labs)) },
    Promise { name: "backup: nothing is overwritten", check: |labs| Box::pin(overwrites_nothing(labs)) },
    Promise { name: "backup: a copy that is stopped leaves no file", check: |labs| Box::pin(stopped(labs)) },
    Promise { name: "restore: stopped or refused, it changes nothing", check: |labs| Box::pin(refused(labs)) },
    Promise { name: "restore: others' locks are waited for and not broken", check: |labs| Box::pin(locked(labs)) },
    Promise {
        name: "restore: who holds a database keeps writers out, and lets them in again",
        check: |labs| Box::pin(held(labs)),
    },
    Promise { name: "restore: an open connection of others sees the new content", check: |labs| Box::pin(seen(labs)) },
];

/// Lets everything pass.
fn idle() -> Watch {
    Arc::new(|_, _| Ok(()))
}

/// Stops at once.
fn stop() -> Watch {
    Arc::new(|_, _| Err(Error::new(Code::RunCancelled, "stopped by the suite")))
}

/// Any one of them.
const DELETE_ONE: &str = "DELETE FROM orders WHERE id = (SELECT min(id) FROM orders)";

/// Enough rows that a copy takes more than one step.
const ROWS: usize = 60_000;

async fn rows(store: &Arc<dyn Store>, table: &str) -> Vec<Cells> {
    let task = task(store, table).await;
    scan(&mut *store.snapshot().await.unwrap(), &task).await
}

fn left_in(directory: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect()
}

/// A lab with a table, its store, and a copy of it in a directory; `None` for an engine that cannot copy.
async fn copied(labs: Factory<'_>, count: usize) -> Option<(Box<dyn Lab>, Arc<dyn Store>, Scratch, PathBuf)> {
    let lab = labs();
    create_orders(&*lab, 3, count).await;
    let store = lab.open().await;
    let directory = Scratch::new();
    let file = directory.join("copy.db");
    let saved = store.backup()?.save(&file, Care::Checked, &idle()).await.unwrap();
    assert!(saved.bytes > 0 && saved.tables == 1, "{saved:?}");
    Some((lab, store, directory, file))
}

/// As [`copied`]; `None` too for an engine that cannot put the copy back.
async fn restorable(labs: Factory<'_>, count: usize) -> Option<(Box<dyn Lab>, Arc<dyn Store>, Scratch, PathBuf)> {
    copied(labs, count).await.filter(|(lab, ..)| lab.traits().restores)
}

async fn comes_back(labs: Factory<'_>) {
    let Some((lab, store, directory, file)) = copied(labs, 500).await else { return };
    assert_eq!(left_in(directory.path()), std::slice::from_ref(&file), "the copy is one file");
    if !lab.traits().restores {
        let refused = |error: Error| assert_eq!(error.code(), Code::RestoreRefused);
        refused(store.backup().unwrap().check_fit(&file).await.unwrap_err());
        refused(store.backup().unwrap().restore(&file, Owners::AsSaved, &idle()).await.unwrap_err());
        assert_eq!(store.backup().unwrap().check(&file).await.unwrap().tables, 1);
        return;
    }
    let (before, had) = (objects(&*lab).await, rows(&store, "orders").await);
    lab.run_sql("DELETE FROM orders").await;
    create(&*lab, "CREATE TABLE later (id $int PRIMARY KEY)").await;
    store.backup().unwrap().restore(&file, Owners::AsSaved, &idle()).await.unwrap();
    drop(store);
    let store = lab.open().await;
    assert_eq!(objects(&*lab).await, before);
    assert_eq!(rows(&store, "orders").await, had);
    assert!(store.writer().await.unwrap().checkpoints().await.unwrap().is_empty(), "nothing of ours is left");
    assert_eq!(store.backup().unwrap().check(&file).await.unwrap().tables, 1);
    assert!(store.backup().unwrap().bytes().await.unwrap() > 0);
}

async fn one_instant(labs: Factory<'_>) {
    let Some((lab, store, directory, _)) = copied(labs, ROWS).await else { return };
    create(&*lab, "CREATE TABLE twin (id $int PRIMARY KEY, n $int)").await;
    lab.run_sql("INSERT INTO twin VALUES (1, 0), (2, 0)").await;
    let steps = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&steps);
    // Should the copy begin anew with every commit of others, it would be counted here.
    let watch: Watch = Arc::new(move |_, _| {
        counted.fetch_add(1, Ordering::Relaxed);
        Ok(())
    });
    let file = directory.join("busy.db");
    let copy = store.backup().unwrap().save(&file, Care::Checked, &watch);
    let writes = async {
        for n in 1..20 {
            lab.run_sql(&format!("UPDATE twin SET n = {n}")).await;
        }
    };
    let (saved, ()) = tokio::join!(copy, writes);
    saved.unwrap();
    assert!(steps.load(Ordering::Relaxed) < 64, "the copy began anew");
    if !lab.traits().restores {
        return;
    }
    store.backup().unwrap().restore(&file, Owners::AsSaved, &idle()).await.unwrap();
    let twins = lab.query("SELECT count(DISTINCT n) FROM twin").await;
    assert_eq!(twins, [[syncline_core::value::Value::Int(1)]], "two rows of one transaction differ");
}

async fn overwrites_nothing(labs: Factory<'_>) {
    let Some((_lab, store, directory, file)) = copied(labs, 10).await else { return };
    let before = std::fs::read(&file).unwrap();
    let error = store.backup().unwrap().save(&file, Care::Checked, &idle()).await.unwrap_err();
    assert_eq!(error.code(), Code::BackupExists);
    assert_eq!(std::fs::read(&file).unwrap(), before);
    assert_eq!(left_in(directory.path()), [file]);
    let nowhere = directory.join("nowhere").join("copy.db");
    let error = store.backup().unwrap().save(&nowhere, Care::Checked, &idle()).await.unwrap_err();
    assert_eq!(error.code(), Code::StoreMissing);
}

async fn stopped(labs: Factory<'_>) {
    let Some((_lab, store, directory, file)) = copied(labs, ROWS).await else { return };
    let other = directory.join("other.db");
    let error = store.backup().unwrap().save(&other, Care::Checked, &stop()).await.unwrap_err();
    assert_eq!(error.code(), Code::RunCancelled);
    assert_eq!(left_in(directory.path()), [file]);
}

async fn refused(labs: Factory<'_>) {
    let Some((lab, store, directory, file)) = restorable(labs, ROWS).await else { return };
    lab.run_sql("DELETE FROM orders WHERE id % 2 = 0").await;
    let had = rows(&store, "orders").await;
    let backup = store.backup().unwrap();
    assert_eq!(backup.restore(&file, Owners::AsSaved, &stop()).await.unwrap_err().code(), Code::RunCancelled);
    assert_eq!(rows(&store, "orders").await, had, "it was stopped");
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 8_192].fill(0xa5);
    let damaged = directory.join("damaged.db");
    std::fs::write(&damaged, &bytes).unwrap();
    let restore = async |file: &Path| backup.restore(file, Owners::AsSaved, &idle()).await.unwrap_err().code();
    assert_eq!(restore(&damaged).await, Code::StoreCorrupt);
    assert_eq!(backup.check(&damaged).await.unwrap_err().code(), Code::StoreCorrupt);
    let missing = directory.join("missing.db");
    assert_eq!(restore(&missing).await, Code::StoreMissing);
    assert_eq!(backup.check(&missing).await.unwrap_err().code(), Code::StoreMissing);
    assert_eq!(backup.check_fit(&missing).await.unwrap_err().code(), Code::StoreMissing);
    backup.check_fit(&file).await.unwrap();
    assert_eq!(rows(&store, "orders").await, had, "it was refused");
}

async fn locked(labs: Factory<'_>) {
    let Some((lab, store, _directory, file)) = restorable(labs, 10).await else { return };
    lab.run_sql("DELETE FROM orders").await;
    let lock = lab.hold_lock().await;
    let (backup, watch) = (store.backup().unwrap(), idle());
    let restore = backup.restore(&file, Owners::AsSaved, &watch);
    let error = tokio::time::timeout(LOCK_WAIT * 3, restore).await.expect("it gives up").unwrap_err();
    assert_eq!(error.code(), Code::StoreLocked);
    drop(lock);
    assert!(rows(&store, "orders").await.is_empty(), "it was refused");
    let (lock, watch) = (lab.hold_lock().await, idle());
    let mut restore = backup.restore(&file, Owners::AsSaved, &watch);
    let early = tokio::time::timeout(Duration::from_millis(200), &mut restore).await;
    assert!(early.is_err(), "restored while another program holds the right to write");
    drop(lock);
    restore.await.unwrap();
    assert_eq!(rows(&store, "orders").await.len(), 10);
}

/// An engine without a way to that returns nothing, which no caller takes for a hold.
async fn held(labs: Factory<'_>) {
    let Some((lab, store, directory, file)) = restorable(labs, 10).await else { return };
    let backup = store.backup().unwrap();
    let Some(hold) = backup.hold(&idle()).await.unwrap() else { return };
    assert_eq!(rows(&store, "orders").await.len(), 10, "readers go on");
    backup.save(&directory.join("held.db"), Care::AsItIs, &idle()).await.unwrap();
    {
        let mut write = lab.run_sql(DELETE_ONE);
        let early = tokio::time::timeout(Duration::from_millis(300), &mut write).await;
        assert!(early.is_err(), "somebody has written to what is held");
        drop(hold);
        write.await;
    }
    assert_eq!(rows(&store, "orders").await.len(), 9);
    let hold = backup.hold(&idle()).await.unwrap().expect("it could be held before");
    hold.restore(&file, Owners::AsSaved, &idle()).await.unwrap();
    assert_eq!(rows(&store, "orders").await.len(), 10);
    lab.run_sql(DELETE_ONE).await;
}

async fn seen(labs: Factory<'_>) {
    let Some((lab, store, _directory, file)) = restorable(labs, 10).await else { return };
    lab.run_sql("DELETE FROM orders").await;
    let count = "SELECT count(*) FROM orders";
    assert_eq!(lab.query(count).await, [[syncline_core::value::Value::Int(0)]]);
    store.backup().unwrap().restore(&file, Owners::AsSaved, &idle()).await.unwrap();
    assert_eq!(lab.query(count).await, [[syncline_core::value::Value::Int(10)]]);
}
