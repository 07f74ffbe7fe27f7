//! A connection's name stands wherever a database stands.

use std::fs;

use super::refused;
use crate::scene::Scene;

#[test]
fn a_name_stands_wherever_a_database_stands() {
    let scene = Scene::with_connections();
    assert!(scene.ok("diff hq branch").contains("ONLY hq"), "{}", scene.ok("diff hq branch"));
    assert!(scene.ok("copy hq branch").starts_with("hq -> branch  1 table  copy\n"));
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM t"), 2);
    scene.ok("verify hq branch");
    scene.ok("verify");
    assert!(scene.ok("runs list").contains("hq -> branch"));
    scene.ok("undo --yes");
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM t"), 0);
    scene.ok("plan mirror hq branch -o p.plan");
    scene.ok("apply p.plan");
    scene.ok("mirror connection:hq connection:branch");
    scene.ok("mirror hq b.db --dry-run");
    scene.ok("doctor hq");
    scene.ok("backup hq -o saved.db");
    scene.sql("b.db", "DELETE FROM t");
    scene.ok("restore saved.db branch --yes");
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM t"), 2);
    scene.sql("a.db", "INSERT INTO t VALUES (3, 'c')");
    scene.ok("copy hq new.db");
    assert_eq!(scene.run("diff hq branch --exit-code").code, Some(10));
}

#[test]
fn held_rows_are_tried_again_by_name() {
    let scene = Scene::with_connections();
    scene.sql("b.db", "DROP TABLE t; CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT CHECK (v <> 'b'))");
    assert_eq!(scene.run("copy hq branch").code, Some(3));
    assert!(scene.ok("conflicts list").contains("check"));
    scene.sql("a.db", "UPDATE t SET v = 'c' WHERE v = 'b'");
    scene.ok("conflicts retry --filter target:branch --yes");
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM t"), 2);
}

#[test]
fn paths_count_from_the_file_and_runs_are_found_again_from_anywhere() {
    let scene = Scene::with_connections();
    fs::create_dir_all(scene.path("deep/er")).unwrap();
    fs::create_dir_all(scene.path("elsewhere")).unwrap();
    let said = scene.run_in("deep/er", "copy hq branch");
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM t"), 2);
    // Where no configuration is found, the run still knows its own.
    fs::rename(scene.path("syncline.toml"), scene.path("deep/named.toml")).unwrap();
    let said = scene.run_in("elsewhere", "undo --yes");
    refused(&said, 2, "CONFIG_FAILED");
    assert!(said.err.contains("the connection branch"), "{}", said.err);
    fs::rename(scene.path("deep/named.toml"), scene.path("syncline.toml")).unwrap();
    let apart = Scene::new();
    let mut undo = scene.command(&["undo", "--yes"]);
    let done = undo.current_dir(apart.path("")).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM t"), 0);
}

#[test]
fn a_connection_that_leads_elsewhere_by_now_is_not_undone() {
    let scene = Scene::with_connections();
    scene.ok("copy hq branch");
    scene.sql("c.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'a'), (2, 'b')");
    scene.ok("conn edit branch --url c.db");
    refused(&scene.run("undo --yes"), 6, "UNDO_STALE");
    scene.ok("conn rm branch --yes");
    refused(&scene.run("undo --yes"), 2, "CONNECTION_UNKNOWN");
    assert_eq!(scene.number("c.db", "SELECT count(*) FROM t"), 2);
}

#[test]
fn a_name_that_means_two_things_or_none_is_refused() {
    let scene = Scene::with_connections();
    fs::copy(scene.path("a.db"), scene.path("hq")).unwrap();
    let said = scene.run("diff hq branch");
    refused(&said, 2, "CONNECTION_AMBIGUOUS");
    assert!(said.err.contains("connection:hq") && said.err.contains("sqlite:hq"), "{}", said.err);
    scene.ok("diff connection:hq sqlite:hq");
    let said = scene.run("diff branhc a.db");
    refused(&said, 2, "CONNECTION_UNKNOWN");
    assert!(said.err.contains("branch is one"), "{}", said.err);
    refused(&scene.run("diff connection:nobody a.db"), 2, "CONNECTION_UNKNOWN");
    let said = scene.run("diff hq2 a.db --json");
    assert_eq!((said.code, &said.last()["code"]), (Some(2), &"CONNECTION_UNKNOWN".into()));
    fs::remove_file(scene.path("syncline.toml")).unwrap();
    let said = scene.run("diff branch a.db");
    refused(&said, 2, "CONNECTION_UNKNOWN");
    assert!(said.err.contains("there is no syncline.toml here or above"), "{}", said.err);
    // A file alone is what it always was.
    scene.ok("diff hq a.db");
}

#[test]
fn odd_names_are_refused_and_harmless() {
    let scene = Scene::with_connections();
    for odd in ["a b", "a\x1b[2J", "a.db", "é", "$(x)", "-", "a@b", "../hq", "\u{202e}a", "HQ;DROP", ""] {
        let said: crate::scene::Said = scene.command(&["conn", "add", "--", odd, "x.db"]).output().unwrap().into();
        assert_eq!(said.code, Some(2), "{odd:?}: {}", said.err);
        assert!(!said.err.contains(['\x1b', '\u{202e}']), "{odd:?}: {}", said.err);
    }
    assert_eq!(scene.read("syncline.toml"), super::PAIR);
    for fine in ["a.b", "0", "x_y-z", "HQ"] {
        scene.ok(&format!("conn add {fine} a.db"));
        scene.ok(&format!("doctor {fine}"));
    }
    scene.ok("config validate");
}
