//! What becomes of runs, plans and checkpoints from before a restore.

use super::{maria, places};
use crate::across::bad_input::fails;
use crate::across::mariadb::Maria;

/// `a.db` was mirrored into the server's database after the backup `before.sql`.
fn mirrored() -> (Maria, String) {
    let maria = maria("CREATE TABLE t (id bigint PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'old')");
    maria.scene.ok("backup env:MY -o before.sql");
    maria.scene.sql("a.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'new')");
    let summary = maria.scene.run("mirror a.db env:MY --json").last();
    (maria, summary["run"].as_str().unwrap().to_owned())
}

fn value(maria: &Maria) -> String {
    maria.rows("SELECT v FROM t").join(",")
}

/// The rows that the run wrote are there again, but not from it.
#[test]
fn runs_before_a_restore_are_not_undone() {
    let (maria, run) = mirrored();
    maria.scene.ok("backup env:MY -o after.sql");
    maria.scene.ok("restore after.sql env:MY --yes");
    fails(&maria.scene, &format!("undo {run} --yes"), 6, "UNDO_STALE");
    assert_eq!(value(&maria), "new");
    // The database is the same one: what comes after is recorded and undone as ever.
    maria.scene.sql("a.db", "UPDATE t SET v = 'newer'");
    maria.scene.ok("mirror a.db env:MY");
    assert_eq!(value(&maria), "newer");
    maria.scene.ok("undo --yes");
    assert_eq!(value(&maria), "new");
    maria.scene.ok("restore before.sql env:MY --yes");
    assert_eq!((value(&maria), places(&maria)), ("old".to_owned(), Vec::new()));
}

#[test]
fn a_plan_from_before_a_restore_is_stale() {
    let (maria, _) = mirrored();
    maria.scene.sql("a.db", "UPDATE t SET v = 'planned'");
    maria.scene.ok("plan mirror a.db env:MY -o p.plan");
    maria.scene.ok("backup env:MY -o same.sql");
    maria.scene.ok("restore same.sql env:MY --yes");
    fails(&maria.scene, "apply p.plan --yes", 6, "PLAN_STALE");
    assert_eq!(value(&maria), "new");
}

/// A backup that was taken while a run was cut off carries the mark of how far that run had come.
#[test]
fn marks_of_runs_in_a_backup_mislead_nobody() {
    let (maria, run) = mirrored();
    let mark = |run: &str| {
        maria.database.mariadb(&format!(
            "CREATE TABLE _syncline_checkpoint (run varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL PRIMARY KEY, batch bigint unsigned NOT NULL, seq bigint unsigned NOT NULL);
             INSERT INTO _syncline_checkpoint VALUES ('{run}', 1, 1)"
        ))
    };
    let left = |maria: &Maria| maria.tables().iter().any(|table| table == "_syncline_checkpoint");
    mark(&run);
    maria.scene.ok("backup env:MY -o known.sql");
    maria.scene.ok("restore known.sql env:MY --yes");
    assert!(!left(&maria), "the run has ended: its mark is tidied away");
    mark("r_00000000");
    maria.scene.ok("backup env:MY -o foreign.sql");
    maria.scene.ok("restore foreign.sql env:MY --yes");
    assert!(left(&maria), "one of another state directory is left for it");
    maria.scene.sql("a.db", "UPDATE t SET v = 'again'");
    let summary = maria.scene.run("mirror a.db env:MY --json").last();
    assert!(summary["continues"].is_null() && summary["tables"][0]["updated"] == 1, "{summary}");
}
