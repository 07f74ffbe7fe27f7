//! What becomes of runs, plans and held rows from before a restore.

use serde_json::Value;

use super::{ONE, OTHER, id, newest};
use crate::backup::LARGE;
use crate::bad_input::refused;
use crate::scene::Scene;

/// Runs before the restore speak of rows that are not there any more.
#[test]
fn runs_of_an_earlier_incarnation_are_not_undone() {
    let scene = Scene::with_pair(ONE, ONE);
    scene.ok("backup b.db -o backup.db");
    scene.sql("a.db", "UPDATE t SET v = 'mirrored'");
    scene.ok("mirror a.db b.db");
    let mirror = id(&newest(&scene, "mirror"));
    // The rows that the mirror wrote are there again, but not from it.
    scene.ok("backup b.db -o after.db");
    scene.ok("restore after.db b.db --yes");
    let restore = newest(&scene, "restore");
    let kept = restore["backup"].as_str().unwrap();

    let said = scene.run("undo --yes --json");
    assert_eq!((said.code, said.last()["code"].as_str()), (Some(2), Some("NOTHING_TO_UNDO")));
    assert_eq!(said.last()["next"][0]["action"], format!("syncline restore {kept} b.db"));
    let said = scene.run(&format!("undo {mirror} --yes --json"));
    assert_eq!((said.code, said.last()["code"].as_str()), (Some(6), Some("UNDO_STALE")));
    assert!(said.out.contains(&id(&restore)) && said.out.contains(kept), "{}", said.out);
    let said = scene.run(&format!("undo {} --yes --json", id(&restore)));
    assert_eq!((said.code, said.last()["code"].as_str()), (Some(2), Some("NOTHING_TO_UNDO")));
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM t WHERE v = 'mirrored'"), 2);

    let shown = scene.ok(&format!("runs show {mirror}"));
    assert!(shown.contains("cannot be undone any more") && !shown.contains("undo: syncline"), "{shown}");
    let shown = scene.json(&format!("runs show {mirror} --json"));
    assert_eq!((shown["incarnation"].as_u64(), &shown["superseded_by"]), (Some(1), &restore["id"]));
    assert!(scene.ok("runs list").contains(&format!("superseded by {}", id(&restore))));
    for command in ["resume", "retry"] {
        let said = scene.run(&format!("runs {command} {}", id(&restore)));
        assert_eq!(said.code, Some(2), "{}{}", said.out, said.err);
    }
    assert_eq!(scene.run("verify").code, Some(0), "the newest copy or mirror, not the restore");
    assert_eq!(scene.run(&format!("verify {}", id(&restore))).code, Some(2));
    for shown in ["show", "logs"].map(|command| scene.ok(&format!("runs {command} {}", id(&restore)))) {
        assert!(shown.contains("replaced what the database held; this began its incarnation 2"), "{shown}");
    }

    // What came after the restore is undone as ever, and no further.
    scene.sql("a.db", "UPDATE t SET v = 'again'");
    scene.ok("mirror a.db b.db");
    assert_eq!(newest(&scene, "mirror")["incarnation"], 2);
    scene.ok("undo --yes");
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM t WHERE v = 'mirrored'"), 2);
    assert_eq!(scene.run("undo --yes").code, Some(2));
}

/// Even where the restored rows are those that the plan rests on.
#[test]
fn a_plan_from_before_a_restore_is_stale() {
    for restored in ["a.db", "b.db"] {
        let scene = Scene::with_pair(&format!("{ONE}; UPDATE t SET v = 'new'"), ONE);
        scene.ok("plan mirror a.db b.db -o plan.ndjson");
        scene.ok(&format!("backup {restored} -o backup.db"));
        scene.ok(&format!("restore backup.db {restored} --yes"));
        let said = scene.run("apply plan.ndjson --yes");
        assert_eq!(said.code, Some(6), "{}{}", said.out, said.err);
        assert!(
            said.err.contains("error[PLAN_STALE]") && said.err.contains("was restored from a backup since"),
            "{}",
            said.err
        );
        assert_eq!(scene.number("b.db", "SELECT count(*) FROM t WHERE v = 'new'"), 0);
        scene.ok("plan mirror a.db b.db -o plan.ndjson");
        scene.ok("apply plan.ndjson --yes");
        assert_eq!(scene.number("b.db", "SELECT count(*) FROM t WHERE v = 'new'"), 2);
    }
}

/// Held rows outlive a restore: whether they differ is looked at anew.
#[test]
fn held_rows_are_tried_again_on_the_restored_content() {
    let checked = "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT CHECK (v <> 'b')); INSERT INTO t VALUES (1, 'old')";
    let scene = Scene::with_pair(ONE, checked);
    scene.ok("backup b.db -o backup.db");
    assert_eq!(scene.run("mirror a.db b.db").code, Some(3));
    assert_eq!(scene.json("conflicts list --json")["data"].as_array().unwrap().len(), 1);
    scene.ok("restore backup.db b.db --yes");
    assert_eq!(scene.run("conflicts retry").code, Some(3), "the restored table refuses the row, too");
    scene.sql("a.db", "UPDATE t SET v = 'c' WHERE id = 2");
    scene.ok("conflicts retry");
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM t WHERE v IN ('old', 'c')"), 2);
    assert!(scene.json("conflicts list --json")["data"].as_array().unwrap().is_empty());
}

/// Whether a backup is made says nothing about what is carried.
#[test]
fn a_run_with_a_backup_settles_what_one_without_has_held() {
    let checked = "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT CHECK (v <> 'b'))";
    let scene = Scene::with_pair(ONE, checked);
    assert_eq!(scene.run("copy a.db b.db").code, Some(3));
    scene.sql("a.db", "UPDATE t SET v = 'c' WHERE id = 2");
    scene.ok("copy a.db b.db --backup");
    assert!(scene.json("conflicts list --json")["data"].as_array().unwrap().is_empty());
}

/// A backup that fails must not cost the plan.
#[test]
fn a_plan_is_not_spent_by_a_backup_that_fails() {
    let scene = Scene::with_pair(&format!("{ONE}; UPDATE t SET v = 'new'"), ONE);
    std::fs::write(scene.path("file"), "").unwrap();
    scene.ok("plan mirror a.db b.db --backup -o plan.ndjson");
    refused(&scene, "apply plan.ndjson --yes --backup-root file", 4, "STORE_DENIED");
    scene.ok("apply plan.ndjson --yes");
    assert_eq!(std::fs::read_dir(scene.path("state/backups")).unwrap().count(), 1);
}

#[test]
fn a_restore_of_one_database_leaves_the_runs_of_others() {
    let scene = Scene::with_pair(ONE, OTHER);
    scene.sql("c.db", OTHER);
    scene.ok("copy a.db c.db");
    let copy = id(&newest(&scene, "copy"));
    scene.ok("backup a.db -o backup.db");
    scene.ok("restore backup.db b.db --yes");
    let said = scene.run("undo --yes --json");
    assert_eq!(said.code, Some(2), "the newest is the restore, and to pass it over in silence is not what undo means");
    assert_eq!(said.last()["next"][1]["action"], format!("syncline undo {copy}"));
    scene.ok(&format!("undo {copy} --yes"));
    assert_eq!(scene.number("c.db", "SELECT count(*) FROM sqlite_schema WHERE name = 't'"), 0);
}

/// A backup taken while a run was cut off carries the mark of how far that run had come.
#[test]
fn marks_of_runs_in_a_backup_mislead_nobody() {
    let scene =
        Scene::with_pair(LARGE, "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (0, 'old')");
    scene.ok("mirror a.db b.db --max-delete 5");
    scene.sql("a.db", "UPDATE t SET v = 'new' WHERE id % 4 = 0");
    scene.ok("mirror a.db b.db");
    let known = id(&newest(&scene, "mirror"));
    let mark = |database: &str, run: &str| {
        scene.sql(
            database,
            &format!(
                "CREATE TABLE _syncline_checkpoint (run TEXT PRIMARY KEY NOT NULL, batch INTEGER NOT NULL, seq INTEGER NOT NULL);
                 INSERT INTO _syncline_checkpoint VALUES ('{run}', 1, 1)"
            ),
        );
    };
    let left = "SELECT count(*) FROM sqlite_schema WHERE name = '_syncline_checkpoint'";
    mark("b.db", &known);
    scene.ok("backup b.db -o known.db");
    assert_eq!(scene.number("known.db", left), 1, "a backup is what was there");
    scene.ok("restore known.db b.db --yes");
    assert_eq!(scene.number("b.db", left), 0, "the run has ended: its mark is tidied away");
    assert_eq!(scene.run("verify a.db b.db").code, Some(0));

    // One of another state directory is left for it: there it says what is true of this content.
    scene.sql("b.db", "UPDATE t SET v = 'meanwhile' WHERE id = 4");
    mark("b.db", "r_00000000");
    scene.ok("backup b.db -o foreign.db");
    scene.ok("restore foreign.db b.db --yes");
    assert_eq!(scene.number("b.db", left), 1);
    let summary = scene.run("mirror a.db b.db --json").last();
    assert_eq!(summary["continues"], Value::Null, "{summary}");
    assert_eq!(summary["tables"][0]["updated"], 1);
    scene.ok("undo --yes");
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM t WHERE v = 'meanwhile'"), 1);
}

#[test]
fn a_failed_restore_supersedes_nothing() {
    let scene = Scene::with_pair(ONE, OTHER);
    scene.ok("copy a.db b.db");
    std::fs::write(scene.path("file"), "").unwrap();
    refused(&scene, "restore a.db b.db --yes --backup-root file", 4, "STORE_DENIED");
    let failed = newest(&scene, "restore");
    assert_eq!((failed["status"].as_str(), failed["incarnation"].as_u64()), (Some("failed"), Some(1)));
    scene.ok("undo --yes");
}
