//! `copy --keep-existing`: rows that both sides have stay as the target has them.

use crate::scene::Scene;

const A: &str = "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'same'), (2, 'a2'), (3, 'a3'), (4, 'new');";
const B: &str = "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT CHECK (v <> 'bad')); INSERT INTO t VALUES (1, 'same'), (2, 'b2'), (3, 'b3'), (9, 'own');";
const ROWS: &str = "SELECT * FROM t ORDER BY id";

#[test]
fn only_missing_rows_are_added() {
    let scene = Scene::with_pair(A, B);
    let said = scene.run("copy a.db b.db --keep-existing --json");
    assert_eq!(
        (said.code, said.last()["verified"].as_str()),
        (Some(0), Some("equal-except")),
        "{}{}",
        said.out,
        said.err
    );
    let table = &said.last()["tables"][0];
    let counts = ["inserted", "updated", "unchanged", "kept", "held"].map(|count| table[count].as_u64().unwrap());
    assert_eq!(counts, [1, 0, 1, 2, 0]);
    assert!(said.last()["notes"].to_string().contains("2 rows of t kept as in the target"), "{}", said.out);
    assert_eq!(scene.rows("b.db", ROWS), ["1|same", "2|b2", "3|b3", "4|new", "9|own"]);
    assert!(scene.ok("conflicts list --json").contains("\"data\":[]"), "kept as asked is nothing to decide");
    let verify = scene.run("verify");
    assert_eq!(verify.code, Some(10));
    assert!(verify.out.contains("equal-except: 1 of 1 tables"), "{}", verify.out);
    scene.ok("undo --yes");
    assert_eq!(scene.rows("b.db", ROWS), ["1|same", "2|b2", "3|b3", "9|own"]);
}

#[test]
fn what_is_kept_is_shown_and_the_rest_verified() {
    let scene = Scene::with_pair(A, B);
    let shown = scene.ok("copy a.db b.db --keep-existing");
    assert!(shown.contains("KEPT") && shown.contains("2 rows kept  verified equal-except"), "{shown}");
    // A row that is missing all the same is a difference.
    scene.sql("b.db", "DELETE FROM t WHERE id = 4");
    assert!(scene.run("verify").out.contains("different: 1 of 1 tables"));
    let plan = scene.ok("plan copy a.db b.db --keep-existing");
    assert!(plan.contains("note: 2 rows of t kept") && plan.contains("+ id=4") && !plan.contains("\n  ~ "), "{plan}");
    scene.ok("plan copy a.db b.db --keep-existing -o it.plan");
    assert_eq!(scene.run("apply it.plan --json").last()["tables"][0]["kept"], 2);
    assert_eq!(scene.rows("b.db", "SELECT * FROM t WHERE id = 4"), ["4|new"]);
}

#[test]
fn a_strategy_of_full_keeps_them_too() {
    let scene = Scene::with_pair(A, B);
    assert_eq!(scene.run("copy a.db b.db --keep-existing --strategy full --json").last()["tables"][0]["kept"], 2);
    assert_eq!(scene.rows("b.db", ROWS), ["1|same", "2|b2", "3|b3", "4|new", "9|own"]);
}

#[test]
fn held_rows_of_such_a_run_stay_theirs() {
    let scene = Scene::with_pair(A, B);
    scene.sql("a.db", "INSERT INTO t VALUES (5, 'bad')");
    assert_eq!(scene.run("copy a.db b.db --keep-existing").code, Some(3));
    // Meanwhile the target gets a row of its own, which is then to be kept.
    scene.sql("b.db", "INSERT INTO t VALUES (5, 'mine')");
    scene.ok("conflicts retry --yes");
    assert_eq!(scene.rows("b.db", "SELECT * FROM t WHERE id = 5"), ["5|mine"]);
    assert!(scene.ok("conflicts list --json").contains("\"data\":[]"));
}

#[test]
fn it_settles_nothing_that_others_hold() {
    let scene = Scene::with_pair(A, B);
    scene.sql("a.db", "UPDATE t SET v = 'bad' WHERE id = 2");
    assert_eq!(scene.run("copy a.db b.db").code, Some(3));
    scene.ok("copy a.db b.db --keep-existing");
    assert!(scene.ok("conflicts list").contains("check"), "the row still differs, and nobody has written it");
}
