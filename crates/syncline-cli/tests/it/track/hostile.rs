//! Applications that write all the time, files that cannot be written, tables that cannot be tracked.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use syncline_testkit::process::{Running, kill_after};

use super::*;

/// Writes without pause, in transactions of several statements, some of which are rolled back.
fn hammer(scene: &Scene, seed: i64, done: &AtomicBool) -> u64 {
    let conn = Connection::open(scene.path("a.db")).unwrap();
    conn.busy_timeout(Duration::from_secs(60)).unwrap();
    let (mut written, mut n) = (0, seed);
    while !done.load(Ordering::Acquire) {
        n = (n * 1_103_515_245 + 12_345) % 1_000_003;
        let (id, other) = (n % 400 + 1, n % 97 + 1);
        let end = if n % 7 == 0 { "ROLLBACK" } else { "COMMIT" };
        let sql = format!(
            "BEGIN IMMEDIATE; UPDATE invoice SET total = total - 1 WHERE id = {id} * 10;
             UPDATE customer SET note = coalesce(note, 0) + 1 WHERE id = {id};
             SAVEPOINT s; DELETE FROM invoice WHERE id = {other}; ROLLBACK TO s; RELEASE s;
             DELETE FROM tag WHERE a = 't{other}'; INSERT OR REPLACE INTO tag VALUES ('t{other}', '{id}');
             INSERT OR REPLACE INTO customer VALUES (2000 + {other}, 'n{id}', {n}); {end}"
        );
        conn.execute_batch(&sql).unwrap();
        written += u64::from(end == "COMMIT");
    }
    written
}

/// From the first run on: what is written behind and ahead of a copy under way, and between and during all windows.
#[test]
fn nothing_is_lost_while_others_write() {
    for journal in ["wal", "delete"] {
        let scene = linked("mirror");
        scene.sql("a.db", &format!("PRAGMA journal_mode = {journal}"));
        std::fs::remove_file(scene.path("b.db")).unwrap();
        let done = AtomicBool::new(false);
        let written: u64 = thread::scope(|scope| {
            let writers: Vec<_> = (1..5)
                .map(|seed| {
                    scope.spawn({
                        let (scene, done) = (&scene, &done);
                        move || hammer(scene, seed, done)
                    })
                })
                .collect();
            for _ in 0..12 {
                let said = scene.run(&format!("{} --no-verify --max-delete 100000", incremental("mirror")));
                assert!(matches!(said.code, Some(0 | 3)), "{}{}", said.out, said.err);
            }
            done.store(true, Ordering::Release);
            writers.into_iter().map(|writer| writer.join().unwrap()).sum()
        });
        assert!(written > 20, "{written} transactions");
        let shown = scene.ok(&format!("{} --max-delete 100000", incremental("mirror")));
        assert!(!shown.contains("compare:"), "{shown}");
        equal(&scene);
    }
}

#[test]
fn what_cannot_be_tracked_is_told_and_compared() {
    let scene = Scene::new();
    scene.sql("a.db", "CREATE TABLE t (id INTEGER PRIMARY KEY); CREATE TABLE bag (a); INSERT INTO bag VALUES (1), (1)");
    let said = scene.run("track a.db");
    assert_eq!(said.code, Some(3), "{}", said.err);
    assert!(said.out.contains("refused") && said.out.contains("1 table tracked, 1 refused"), "{}", said.out);
    for rows in [2, 3] {
        scene.ok(&incremental("mirror"));
        assert_eq!(scene.number("b.db", "SELECT count(*) FROM bag"), rows);
        scene.sql("a.db", "INSERT INTO bag VALUES (1)");
    }
    assert_eq!(scene.run("track missing.db").code, Some(5));
    assert_eq!(scene.run("track a.db --tables nothing").code, Some(2));
}

/// A source that cannot be written to is read all the same; its log just gets no shorter.
#[test]
fn a_source_that_is_read_only_is_gone_by_its_log() {
    let scene = linked("mirror");
    scene.sql("a.db", "UPDATE customer SET note = 1 WHERE id = 1");
    let run = "mirror sqlite:a.db?mode=ro b.db --strategy incremental";
    let summary = summary(&scene, run);
    assert!(summary["notes"].to_string().contains("could not be shortened"), "{summary}");
    equal(&scene);
    assert!(scene.ok(run).contains("nothing was touched"));
    let said = scene.run("track sqlite:a.db?mode=ro");
    assert_eq!(said.code, Some(4), "{}", said.err);
}

#[test]
fn a_plan_moves_no_cursor() {
    let scene = linked("mirror");
    scene.sql("a.db", "UPDATE customer SET note = 1 WHERE id = 1");
    scene.ok(&format!("plan {} -o day.plan", incremental("mirror")));
    scene.sql("a.db", "UPDATE customer SET note = 2 WHERE id = 2");
    scene.run("apply day.plan --yes");
    assert_eq!(carried(&scene, &incremental("mirror"), "customer").1, [0, 1, 0]);
    equal(&scene);
}

/// However a run dies, the target shows the source as it was at one moment, and the next run goes on by the log.
#[test]
fn killed_runs_lose_and_double_nothing() {
    const KILLS: u32 = 24;
    let scene = linked("mirror");
    scene.sql("a.db", "PRAGMA journal_mode = wal");
    scene.sql("b.db", "PRAGMA journal_mode = wal");
    let sum = "SELECT CAST(sum(total) * 2 AS INTEGER) FROM invoice";
    let (before, mut rounds) = (scene.number("a.db", sum), 0..);
    let mut edit = || {
        let round = rounds.next().unwrap_or(0);
        scene.sql(
            "a.db",
            &format!(
                "BEGIN; UPDATE invoice SET total = total + 1 WHERE id % 20 = 0; UPDATE invoice SET total = total - 1 WHERE id % 20 = 10;
                 UPDATE customer SET note = {round}; DELETE FROM tag WHERE a LIKE '%{}'; INSERT INTO tag VALUES ('r{round}', '{round}'); COMMIT",
                round % 10
            ),
        );
    };
    edit();
    let run = || scene.command(&["mirror", "a.db", "b.db", "--strategy", "incremental", "--max-delete", "1000"]);
    let begin = Instant::now();
    assert!(run().output().unwrap().status.success());
    let whole = begin.elapsed();
    let mut hits = 0;
    for kill in 0..KILLS {
        edit();
        hits += u32::from(!kill_after(Running::start(run()), whole * kill / KILLS).ended_before);
        assert_eq!(scene.number("b.db", sum), before, "a part of a transaction is in the target");
        let notes = scene.number("b.db", "SELECT count(DISTINCT note) FROM customer");
        assert_eq!(notes, 1, "a part of a window is in the target");
    }
    assert!(hits > KILLS / 3, "{hits} of {KILLS} kills hit a run at work");
    let shown = scene.ok(&format!("{} --max-delete 1000", incremental("mirror")));
    assert!(!shown.contains("compare:"), "{shown}");
    equal(&scene);
}

/// Whoever removes our tables by hand can still get rid of the rest, and write meanwhile as before.
#[test]
fn what_is_left_of_tracking_can_be_removed_and_made_anew() {
    for gone in [
        "_syncline_tracked",
        "_syncline_consumer",
        "_syncline_tracking",
        "_syncline_log_1",
        "_syncline_tracked; DROP TABLE _syncline_log_1",
    ] {
        let schema = "SELECT name, sql FROM sqlite_schema ORDER BY name";
        for again in ["untrack", "track"] {
            let scene = linked("mirror");
            scene.sql("a.db", &format!("DROP TABLE {gone}"));
            scene.ok(&format!("{again} a.db"));
            scene.sql("a.db", "UPDATE customer SET note = 'x'");
            if again == "track" {
                scene.ok(&incremental("mirror"));
                equal(&scene);
                scene.ok("untrack a.db");
            }
            assert!(scene.rows("a.db", schema).iter().all(|name| !name.contains("_syncline_")), "{gone}, {again}");
        }
    }
}

/// A NULL that a column does not take becomes its default under OR REPLACE, after the triggers have looked.
#[test]
fn rows_replaced_by_a_default_are_named() {
    let scene = Scene::new();
    scene.sql(
        "a.db",
        "CREATE TABLE nn (id INTEGER PRIMARY KEY, u TEXT NOT NULL ON CONFLICT REPLACE DEFAULT 'x' UNIQUE, w INT NOT NULL DEFAULT (1 + 1), v);
         CREATE UNIQUE INDEX nn_w ON nn (w + 0) WHERE v = 'only'; INSERT INTO nn VALUES (1, 'x', 1, 'a'), (2, 'y', 2, 'only'), (3, 'z', 3, 'c')",
    );
    scene.sql("b.db", "CREATE TABLE nn (id INTEGER PRIMARY KEY, u TEXT NOT NULL, w INT NOT NULL, v)");
    scene.ok("track a.db");
    let run = "mirror a.db b.db --strategy incremental";
    scene.ok(run);
    for edit in [
        "INSERT OR REPLACE INTO nn (id, u, w, v) VALUES (5, NULL, 50, 'rep')",
        "UPDATE OR REPLACE nn SET u = NULL WHERE id = 3",
        "INSERT OR REPLACE INTO nn (id, u, w, v) VALUES (6, 'q', NULL, 'only')",
    ] {
        scene.sql("a.db", edit);
        scene.ok(run);
        let rows = |database: &str| scene.rows(database, "SELECT * FROM nn ORDER BY id");
        assert_eq!(rows("a.db"), rows("b.db"), "{edit}");
    }
}

/// SQLite takes NULL in such keys. A row with one cannot be carried, and is in nobody's way once it is gone.
#[test]
fn a_key_that_was_null_for_a_while_is_forgotten() {
    let scene = Scene::new();
    scene.sql("a.db", "CREATE TABLE nk (k TEXT PRIMARY KEY, v); INSERT INTO nk VALUES ('a', 1)");
    scene.ok("track a.db");
    let run = "mirror a.db b.db --strategy incremental";
    scene.ok(run);
    scene.sql("a.db", "INSERT INTO nk VALUES (NULL, 5)");
    assert!(scene.run(run).err.contains("KEY_NULL") || scene.run(run).out.contains("KEY_NULL"));
    scene.sql("a.db", "UPDATE nk SET k = 'foo' WHERE k IS NULL");
    scene.ok(run);
    assert_eq!(scene.rows("b.db", "SELECT k FROM nk ORDER BY k").len(), 2);
}

#[test]
fn watching_by_another_strategy_is_refused() {
    let scene = linked("mirror");
    let said = scene.run("mirror a.db b.db --watch --strategy compare");
    assert_eq!((said.code, said.err.contains("USAGE_INVALID")), (Some(2), true), "{}", said.err);
}
