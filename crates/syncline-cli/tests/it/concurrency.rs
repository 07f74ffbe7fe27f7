//! Other programs go on while a run works: writers on the source, readers on the target, with both kinds of journal.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode};

use crate::scene::Scene;

const ROWS: i64 = 20_000;

#[test]
fn readers_and_writers_go_on_with_a_write_ahead_log() {
    go_on("wal");
}

#[test]
fn readers_and_writers_go_on_with_a_rollback_journal() {
    go_on("delete");
}

/// What a reader has seen.
#[derive(Debug, Default)]
struct Seen {
    looks: u64,
    /// Looks that came while the run had changed some rows and not yet all.
    midway: u64,
    longest_wait: Duration,
}

fn go_on(journal: &str) {
    let scene = Scene::new();
    let table = "CREATE TABLE kept (id INTEGER PRIMARY KEY, version INTEGER NOT NULL, filler TEXT)";
    let rows = |version: i64| {
        format!(
            "PRAGMA journal_mode = {journal}; {table}; WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})
             INSERT INTO kept SELECT i, {version}, printf('%060d', i) FROM n"
        )
    };
    scene.sql("a.db", &rows(2));
    scene.sql("a.db", "CREATE TABLE loaded AS SELECT * FROM kept WHERE 0; DROP TABLE loaded;
        CREATE TABLE loaded (id INTEGER PRIMARY KEY, version INTEGER, filler TEXT); INSERT INTO loaded SELECT * FROM kept");
    scene.sql("b.db", &rows(1));
    let done = AtomicBool::new(false);
    let (seen, written, said) = thread::scope(|scope| {
        let reader = scope.spawn(|| read_on(&scene, &done));
        let writer = scope.spawn(|| write_on(&scene, &done));
        let said = scene.run("mirror a.db b.db --batch-size 500 --json");
        done.store(true, Ordering::Release);
        (reader.join().unwrap(), writer.join().unwrap(), said)
    });
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    println!(
        "{journal}: {} looks, {} of them midway, longest wait {:?}; the source took {written} writes",
        seen.looks, seen.midway, seen.longest_wait
    );
    assert!(seen.looks > 0 && written > 0, "nobody was at work: {seen:?}, {written} writes");
    // What was written meanwhile is for the next run, and nothing is left to do after it.
    scene.ok("mirror a.db b.db");
    assert_eq!(scene.run("diff a.db b.db --exit-code").code, Some(0));
}

/// Looks at the target all the time: `kept` always has all its rows, `loaded` is not there or whole.
fn read_on(scene: &Scene, done: &AtomicBool) -> Seen {
    let connection = Connection::open(scene.path("b.db")).unwrap();
    connection.busy_timeout(Duration::from_secs(30)).unwrap();
    let mut seen = Seen::default();
    while !done.load(Ordering::Acquire) {
        let started = Instant::now();
        let look = "SELECT count(*), sum(version = 2) FROM kept";
        let (count, new): (i64, i64) = connection.query_row(look, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        assert_eq!(count, ROWS, "a reader saw a part of a table");
        match connection.query_row("SELECT count(*) FROM loaded", [], |row| row.get::<_, i64>(0)) {
            Ok(count) => assert!(count >= ROWS, "a reader saw {count} rows of a table being loaded"),
            Err(error) => assert!(error.to_string().contains("no such table"), "{error}"),
        }
        seen.longest_wait = seen.longest_wait.max(started.elapsed());
        seen.looks += 1;
        seen.midway += u64::from(new > 0 && new < ROWS);
    }
    seen
}

/// Writes to the source all the time, as an application would: short transactions, with patience for locks.
fn write_on(scene: &Scene, done: &AtomicBool) -> u64 {
    let connection = Connection::open(scene.path("a.db")).unwrap();
    connection.busy_timeout(Duration::from_secs(30)).unwrap();
    let mut written = 0;
    while !done.load(Ordering::Acquire) {
        let id = 1 + written % ROWS;
        match connection.execute("UPDATE kept SET filler = 'written meanwhile' WHERE id = ?1", [id]) {
            Ok(_) => written += 1,
            Err(error) => assert_eq!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy), "{error}"),
        }
    }
    u64::try_from(written).unwrap()
}
