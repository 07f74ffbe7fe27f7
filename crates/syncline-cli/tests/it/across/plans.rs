//! Plans between engines.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use syncline::event::{Event, EventSink, Point};
use syncline::{Cancel, Syncline};

use super::Server;

/// Stops the work once something is committed.
struct StopsAfterOne(Cancel, AtomicBool);

impl EventSink for StopsAfterOne {
    fn emit(&self, event: Event) {
        if matches!(event, Event::Reached(Point::Committed)) && !self.1.swap(true, Ordering::Relaxed) {
            self.0.cancel();
        }
    }
}

/// Keys and values that the file writes otherwise than the server.
const FILE: &str = "
    CREATE TABLE t (day DATE PRIMARY KEY, at TIMESTAMP, price DECIMAL(10,2));
    WITH n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 99)
    INSERT INTO t SELECT date('2024-01-01', i || ' days'), '2024-01-01T00:00:00', i / 4.0 FROM n;";

/// The same without a key, some rows of it twice.
const COPIES: &str = "
    CREATE TABLE t (day DATE, at TIMESTAMP, price DECIMAL(10,2));
    WITH n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 99)
    INSERT INTO t SELECT date('2024-01-01', i / 2 || ' days'), '2024-01-01T00:00:00', i / 2 / 4.0 FROM n;";

#[test]
fn a_plan_that_was_cut_off_is_gone_on_with() {
    cut_off_and_gone_on_with(FILE, "UPDATE t SET price = price + 1; DELETE FROM t WHERE day > '2024-04-01'", 100);
}

#[test]
fn so_is_one_of_rows_without_a_key() {
    cut_off_and_gone_on_with(COPIES, "INSERT INTO t SELECT day, at, price + 50 FROM t", 100);
    cut_off_and_gone_on_with(COPIES, "DELETE FROM t WHERE price < 10", 80);
    cut_off_and_gone_on_with(COPIES, "UPDATE t SET price = price + 50 WHERE price < 10", 160);
}

/// A plan of so many changes.
fn cut_off_and_gone_on_with(file: &str, edits: &str, changes: u64) {
    let server = Server::new();
    server.scene.sql("a.db", file);
    server.scene.ok("copy a.db env:PG");
    server.scene.sql("a.db", edits);
    server.scene.ok("plan mirror a.db env:PG --batch-size 20 --max-delete 100% -o p.plan");
    let summary = begin(&server, "p.plan");
    let written: u64 = summary.tables.iter().map(|table| table.inserted + table.updated + table.deleted).sum();
    assert!((1..changes).contains(&written), "{summary:?}");
    let summary = server.scene.run("apply p.plan --json").last();
    assert_eq!(summary["verified"], "equal", "{edits}: {summary}");
    let of_table = |what: &str| summary["tables"][0][what].as_u64().unwrap();
    let rest: u64 = ["inserted", "updated", "deleted"].map(of_table).iter().sum();
    assert_eq!(rest + written, changes, "{edits}: {summary}");
    assert_eq!(server.scene.run("apply p.plan").code, Some(6), "it is spent");
}

/// Applies a plan up to the first commit.
fn begin(server: &Server, plan: &str) -> syncline::summary::Summary {
    let cancel = Cancel::new();
    let settings = server.scene.settings(Arc::new(StopsAfterOne(cancel.clone(), AtomicBool::new(false))), cancel);
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let session = Syncline::open(settings).await.unwrap();
        session.apply_plan(Path::new(plan)).await.unwrap()
    })
}
