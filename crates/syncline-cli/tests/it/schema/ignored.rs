//! `--schema ignore`: columns that only one side has are left out.

use crate::scene::Scene;

const A: &str = "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, only_a TEXT);
    INSERT INTO t VALUES (1, 'one', 'x'), (2, 'two', 'y'), (3, 'three', 'z');";
const B: &str = "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, only_b INT DEFAULT 5);
    INSERT INTO t VALUES (1, 'one', 11), (2, 'old', 12), (9, 'own', 19);";

#[test]
fn the_targets_columns_keep_their_values_and_get_their_defaults() {
    let scene = Scene::with_pair(A, B);
    let said = scene.run("mirror a.db b.db --schema ignore --json");
    assert_eq!((said.code, said.last()["verified"].as_str()), (Some(0), Some("equal")), "{}{}", said.out, said.err);
    assert_eq!(scene.rows("b.db", "SELECT * FROM t ORDER BY id"), ["1|one|11", "2|two|12", "3|three|5"]);
    let notes = said.last()["notes"].to_string();
    assert!(notes.contains("t.only_a is left out, only the source has it"), "{notes}");
    assert!(notes.contains("t.only_b is left out, only the target has it"), "{notes}");
    assert!(scene.ok("verify").contains("equal: 1 of 1 tables"));
    scene.ok("undo --yes");
    assert_eq!(scene.rows("b.db", "SELECT * FROM t ORDER BY id"), ["1|one|11", "2|old|12", "9|own|19"]);
}

#[test]
fn a_plan_is_made_and_applied_so() {
    let scene = Scene::with_pair(A, B);
    scene.ok("plan copy a.db b.db --schema ignore -o it.plan");
    scene.ok("apply it.plan");
    assert_eq!(scene.rows("b.db", "SELECT id, name FROM t ORDER BY id"), ["1|one", "2|two", "3|three", "9|own"]);
}

#[test]
fn a_column_that_must_have_a_value_stops_the_run() {
    let scene = Scene::with_pair(
        "CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1)",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, n INT NOT NULL)",
    );
    let said = scene.run("copy a.db b.db --schema ignore");
    assert_eq!(said.code, Some(6));
    assert!(said.err.contains("error[SCHEMA_COLUMN_REQUIRED]"), "{}", said.err);
    assert!(said.err.contains("give n a default in the target"), "{}", said.err);
}

#[test]
fn the_key_and_types_are_never_ignored() {
    let cases = [
        ("CREATE TABLE t (id INTEGER PRIMARY KEY, name INT)", "SCHEMA_TYPE_DIFFERS"),
        ("CREATE TABLE t (id INTEGER, name TEXT PRIMARY KEY)", "SCHEMA_KEY_DIFFERS"),
        ("CREATE TABLE t (other INTEGER PRIMARY KEY, name TEXT)", "SCHEMA_KEY_DIFFERS"),
    ];
    for (target, code) in cases {
        let scene = Scene::with_pair(A, target);
        let said = scene.run("copy a.db b.db --schema ignore --json");
        assert_eq!((said.code, said.last()["code"].as_str()), (Some(6), Some(code)), "{}", said.out);
    }
}

#[test]
fn a_rename_is_guessed_at_and_never_made() {
    let scene = Scene::with_pair(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, state TEXT); INSERT INTO t VALUES (1, 'x')",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, status TEXT); INSERT INTO t VALUES (1, 'y')",
    );
    let said = scene.run("copy a.db b.db --schema ignore --json").last();
    assert!(said["notes"].to_string().contains("--rename 't.state=status'"), "{said}");
    assert_eq!(scene.rows("b.db", "SELECT * FROM t"), ["1|y"]);
}

#[test]
fn what_was_held_so_is_settled_by_those_who_see_it_so() {
    let b = "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT CHECK (name <> 'two'))";
    let scene = Scene::with_pair(A, b);
    assert_eq!(scene.run("copy a.db b.db --schema ignore").code, Some(3));
    scene.sql("a.db", "UPDATE t SET name = 'second' WHERE id = 2");
    scene.ok("conflicts retry --yes");
    assert_eq!(scene.rows("b.db", "SELECT * FROM t WHERE id = 2"), ["2|second"]);
    assert!(scene.ok("conflicts list --json").contains("\"data\":[]"));
}
