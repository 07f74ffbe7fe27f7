//! What becomes of runs, plans and checkpoints from before a restore.

use std::time::{Duration, Instant};

use syncline_testkit::process::{self, Running};

use super::{names, server};
use crate::across::Server;
use crate::across::bad_input::fails;

/// `a.db` was mirrored into the server's database after the backup `before.dump`.
fn mirrored() -> (Server, String) {
    let server = server("CREATE TABLE t (id bigint PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'old')");
    server.scene.ok("backup env:PG -o before.dump");
    server.scene.sql("a.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'new')");
    let summary = server.scene.run("mirror a.db env:PG --json").last();
    (server, summary["run"].as_str().unwrap().to_owned())
}

fn value(server: &Server) -> String {
    server.database.psql("SELECT string_agg(v, ',') FROM t").trim().to_owned()
}

/// The rows that the run wrote are there again, but not from it.
#[test]
fn runs_before_a_restore_are_not_undone() {
    let (server, run) = mirrored();
    server.scene.ok("backup env:PG -o after.dump");
    server.scene.ok("restore after.dump env:PG --yes");
    let error = fails(&server.scene, &format!("undo {run} --yes"), 6, "UNDO_STALE");
    let back = error["next"][0]["action"].as_str().unwrap();
    assert!(back.starts_with("syncline restore /") && back.contains(" postgres://127.0.0.1:"), "{back}");
    assert_eq!(value(&server), "new");
    let shown = server.scene.json(&format!("runs show {run} --json"));
    assert!(shown["superseded_by"].as_str().is_some_and(|id| id.starts_with("r_")), "{shown}");
    // The database is the same one: what comes after is recorded and undone as ever.
    server.scene.sql("a.db", "UPDATE t SET v = 'newer'");
    server.scene.ok("mirror a.db env:PG");
    assert_eq!(value(&server), "newer");
    server.scene.ok("undo --yes");
    assert_eq!(value(&server), "new");
    assert_eq!(server.scene.run("undo --yes").code, Some(2));
}

#[test]
fn a_plan_from_before_a_restore_is_stale() {
    let (server, _) = mirrored();
    server.scene.sql("a.db", "UPDATE t SET v = 'planned'");
    server.scene.ok("plan mirror a.db env:PG -o p.plan");
    server.scene.ok("backup env:PG -o same.dump");
    server.scene.ok("restore same.dump env:PG --yes");
    fails(&server.scene, "apply p.plan --yes", 6, "PLAN_STALE");
    assert_eq!(value(&server), "new");
}

/// A backup that was taken while a run was cut off carries the mark of how far that run had come.
#[test]
fn marks_of_runs_in_a_backup_mislead_nobody() {
    let (server, run) = mirrored();
    let mark = |run: &str| {
        server.database.psql(&format!(
            "CREATE TABLE _syncline_checkpoint (run text PRIMARY KEY, batch bigint NOT NULL, seq bigint NOT NULL);
             INSERT INTO _syncline_checkpoint VALUES ('{run}', 1, 1)"
        ))
    };
    let left = "SELECT count(*) FROM pg_class WHERE relname = '_syncline_checkpoint'";
    mark(&run);
    server.scene.ok("backup env:PG -o known.dump");
    server.scene.ok("restore known.dump env:PG --yes");
    assert_eq!(server.database.psql(left).trim(), "0", "the run has ended: its mark is tidied away");
    mark("r_00000000");
    server.scene.ok("backup env:PG -o foreign.dump");
    server.scene.ok("restore foreign.dump env:PG --yes");
    assert_eq!(server.database.psql(left).trim(), "1", "one of another state directory is left for it");
    server.scene.sql("a.db", "UPDATE t SET v = 'again'");
    let summary = server.scene.run("mirror a.db env:PG --json").last();
    assert!(summary["continues"].is_null() && summary["tables"][0]["updated"] == 1, "{summary}");
}

/// A server that goes away before anything was committed has undone the restore, so nothing is superseded.
#[test]
fn a_restore_that_loses_its_server_leaves_runs_to_be_undone() {
    let (server, _) = mirrored();
    let mut reader = server.database.session();
    reader.run("BEGIN; SELECT * FROM t");
    let restore = Running::start(server.scene.command(&["restore", "before.dump", "env:PG", "--yes"]));
    let began = Instant::now();
    let ends =
        "SELECT count(pg_terminate_backend(pid)) FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'";
    while server.database.psql(ends).trim() == "0" {
        assert!(began.elapsed() < Duration::from_secs(60), "it never waited");
    }
    let done = restore.finish(process::DEADLINE);
    assert_eq!(done.code, Some(5), "{}{}", done.stdout, done.stderr);
    let said = &done.stderr;
    assert!(said.contains("error[CONNECTION_LOST]") && said.contains("nothing was changed"), "{said}");
    reader.run("COMMIT");
    assert_eq!(value(&server), "new");
    server.scene.ok("undo --yes");
    assert_eq!(value(&server), "old");
}

/// The target is claimed like that of any run.
#[test]
fn a_run_at_work_keeps_a_restore_out() {
    let (server, _) = mirrored();
    let mut claim = server.database.session();
    claim.run("SELECT pg_advisory_lock(6005917629024915013)");
    let before = names(&server);
    fails(&server.scene, "restore before.dump env:PG --yes", 8, "RUN_LOCKED");
    assert_eq!((value(&server), names(&server)), ("new".to_owned(), before));
    drop(claim);
}
