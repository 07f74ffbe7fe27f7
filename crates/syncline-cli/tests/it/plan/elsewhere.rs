//! A plan and state directories that know nothing of each other: what protects the target then is what the plan expects.

use super::cut_off::{A, B, MIRROR};
use crate::scene::Scene;

fn stale_elsewhere(scene: &Scene) {
    let before = super::bytes(scene, "b.db");
    let said = scene.run("apply p.plan --state-dir elsewhere");
    assert_eq!(said.code, Some(6), "{}{}", said.out, said.err);
    assert!(said.err.contains("error[PLAN_STALE]"), "{}", said.err);
    assert!(super::bytes(scene, "b.db") == before, "the target was touched");
}

#[test]
fn what_was_carried_out_is_stale_everywhere_else() {
    let scene = Scene::with_pair(A, B);
    scene.ok(MIRROR);
    scene.ok("apply p.plan");
    stale_elsewhere(&scene);
    let left = "SELECT count(*) FROM sqlite_schema WHERE name LIKE '_syncline%'";
    assert_eq!(scene.number("b.db", left), 0);
}

#[test]
fn every_single_kind_of_change_is_stale_once_made() {
    let t = "CREATE TABLE t (id INTEGER PRIMARY KEY, v)";
    let log = "CREATE TABLE log (v)";
    for (a, b, flags) in [
        (format!("{t}; INSERT INTO t VALUES (1, 'x'), (2, 'y')"), format!("{t}; INSERT INTO t VALUES (1, 'x')"), ""),
        (format!("{t}; INSERT INTO t VALUES (1, 'x')"), format!("{t}; INSERT INTO t VALUES (1, 'y')"), ""),
        (t.to_owned(), format!("{t}; INSERT INTO t VALUES (1, 'y')"), "--allow-empty-source"),
        (format!("{t}; INSERT INTO t VALUES (1, 'x')"), t.to_owned(), ""),
        (t.to_owned(), String::new(), ""),
        (format!("{t}; INSERT INTO t VALUES (1, 'x')"), String::new(), ""),
        (format!("{log}; INSERT INTO log VALUES (1), (1), (1)"), format!("{log}; INSERT INTO log VALUES (1)"), ""),
        (format!("{log}; INSERT INTO log VALUES (1)"), format!("{log}; INSERT INTO log VALUES (1), (1), (1)"), ""),
        (t.to_owned(), "CREATE TABLE t (id INTEGER PRIMARY KEY)".to_owned(), "--schema add"),
    ] {
        let scene = Scene::with_pair(&a, &b);
        scene.ok(&format!("plan mirror a.db b.db {flags} -o p.plan").replace("  ", " "));
        scene.ok("apply p.plan");
        stale_elsewhere(&scene);
    }
}

#[test]
fn where_it_was_taken_back_another_one_may_carry_it_out() {
    let scene = Scene::with_pair(A, B);
    scene.ok(MIRROR);
    scene.ok("apply p.plan");
    scene.ok("undo --yes");
    // Here it is known to be spent. There nothing is known of it, and everything is as it expects.
    assert!(scene.run("apply p.plan").err.contains("error[PLAN_SPENT]"));
    scene.ok("apply p.plan --state-dir elsewhere");
    assert_eq!(scene.run("diff a.db b.db --exit-code").code, Some(0));
}

#[test]
fn what_was_begun_is_gone_on_with_where_it_was_begun() {
    let scene = super::cut_off::cut_off();
    stale_elsewhere(&scene);
    scene.ok("apply p.plan");
    assert_eq!(scene.run("diff a.db b.db --exit-code").code, Some(0));
}
