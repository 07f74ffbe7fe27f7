//! Rows that cannot come because another one has their unique value, and that one is held itself.

use serde_json::Value;

use super::all;
use crate::scene::Scene;

/// Ways to mirror, each with the words for it.
const WAYS: [&str; 2] = ["auto", "full"];

fn mirror(scene: &Scene, way: &str) -> Vec<Value> {
    let said = scene.run(&format!("mirror a.db b.db --max-delete 100% --strategy {way} --json"));
    assert_eq!(said.code, Some(3), "{way}: {}{}", said.out, said.err);
    assert_eq!(said.last()["verified"], "equal-except", "{way}: {}", said.out);
    all(scene, "conflicts list --json --limit 1000")
}

/// `1 update check awaits 0`, and so on.
fn told(held: &[Value]) -> Vec<String> {
    let word = |entry: &Value, name: &str| entry[name].as_str().unwrap().to_owned();
    let line = |entry: &Value| {
        let (operation, kind) = (word(entry, "operation"), word(entry, "kind"));
        format!("{} {operation} {kind} awaits {}", entry["key"]["id"], entry["awaits"])
    };
    let mut told: Vec<String> = held.iter().map(line).collect();
    told.sort_unstable();
    told
}

fn id_of(held: &[Value], key: i64) -> String {
    held.iter().find(|entry| entry["key"]["id"] == key).unwrap()["id"].as_str().unwrap().to_owned()
}

#[test]
fn an_update_that_is_held_holds_those_that_want_its_value() {
    for way in WAYS {
        let scene = Scene::with_pair(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, u, v); INSERT INTO t VALUES (1, 'u7', -1), (2, 'u8', 1), (3, 'u9', 1)",
            "CREATE TABLE t (id INTEGER PRIMARY KEY, u UNIQUE, v CHECK (v > 0)); INSERT INTO t VALUES (1, 'u8', 1)",
        );
        let held = mirror(&scene, way);
        assert_eq!(told(&held), ["1 update check awaits 0", "2 insert unique awaits 1"], "{way}");
        let (first, second) = (id_of(&held, 1), id_of(&held, 2));
        let shown = scene.ok(&format!("conflicts show {second}"));
        assert!(shown.contains(&format!("waits for   t id=1  held too: {first}\n")), "{shown}");
        let shown = scene.ok(&format!("conflicts show {first}"));
        assert!(shown.contains(&format!("awaited by  {second}\n")), "{shown}");
        // What waits for a row comes with it, though only that one is named.
        scene.sql("a.db", "UPDATE t SET v = 1");
        scene.ok(&format!("conflicts retry {first}"));
        assert_eq!(all(&scene, "conflicts list --json").len(), 0);
        assert_eq!(scene.run("diff a.db b.db --exit-code").code, Some(0));
    }
}

#[test]
fn a_delete_that_is_held_holds_those_that_want_its_value() {
    for way in WAYS {
        let scene = Scene::with_pair(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, u); INSERT INTO t VALUES (2, 'x'), (3, 'y')",
            "CREATE TABLE t (id INTEGER PRIMARY KEY, u UNIQUE); INSERT INTO t VALUES (1, 'x'), (3, 'z');
             CREATE TABLE own (t REFERENCES t (id)); INSERT INTO own VALUES (1)",
        );
        let held = mirror(&scene, way);
        assert_eq!(told(&held), ["1 delete foreign-key awaits 0", "2 insert unique awaits 1"], "{way}");
        scene.sql("b.db", "DELETE FROM own");
        scene.ok(&format!("conflicts retry {}", id_of(&held, 1)));
        assert_eq!(all(&scene, "conflicts list --json").len(), 0);
        assert_eq!(scene.run("diff a.db b.db --tables t --exit-code").code, Some(0));
    }
}

#[test]
fn a_row_that_is_not_held_is_named_too() {
    let scene = Scene::with_pair(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, u); INSERT INTO t VALUES (1, 'x'), (2, 'x')",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, u UNIQUE); INSERT INTO t VALUES (1, 'x')",
    );
    let held = mirror(&scene, "auto");
    let shown = scene.ok(&format!("conflicts show {}", id_of(&held, 2)));
    let line = "waits for   t id=1  not held; it has a unique value that this row is to get\n";
    assert!(shown.contains(line), "{shown}");
}

#[test]
fn one_row_at_fault_at_the_end_of_a_chain_fails_no_table() {
    let rows = |shift: i64, from: i64| {
        format!(
            "INSERT INTO t WITH n (i) AS (SELECT {from} UNION ALL SELECT i + 1 FROM n WHERE i < 300) SELECT i, i + {shift} FROM n"
        )
    };
    for way in WAYS {
        // Each row takes the place of the one behind it, and the last may not move; before the gap all may.
        let scene = Scene::with_pair(
            &format!("CREATE TABLE t (id INTEGER PRIMARY KEY, place); {}; DELETE FROM t WHERE id = 100", rows(1, 1)),
            &format!("CREATE TABLE t (id INTEGER PRIMARY KEY, place UNIQUE CHECK (place <= 300)); {}", rows(0, 1)),
        );
        let held = mirror(&scene, way);
        assert_eq!(held.len(), 200, "{way}");
        assert_eq!(scene.number("b.db", "SELECT count(*) FROM t WHERE place = id + 1"), 99);
        scene.sql("a.db", "UPDATE t SET place = 0 WHERE id = 300");
        scene.ok(&format!("conflicts retry {}", id_of(&held, 300)));
        assert_eq!(scene.run("diff a.db b.db --exit-code").code, Some(0));
        assert_eq!(all(&scene, "conflicts list --json").len(), 0);
    }
}

#[test]
fn what_was_in_the_way_of_a_row_and_is_held_itself_is_so_no_longer() {
    let table = |strict: &str, reference: &str| {
        format!(
            "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE t (id INTEGER PRIMARY KEY, u {strict}, p {reference});"
        )
    };
    for theirs in ["", "INSERT INTO t VALUES (4, 'x', NULL)"] {
        for way in ["auto", "full", "full --truncate-target"] {
            // The first takes the value, and points at nothing. The second has it then, and the third cannot.
            let scene = Scene::with_pair(
                &format!(
                    "{} INSERT INTO t VALUES (1, 'x', 9), (2, 'x', NULL), (3, 'x', NULL), (4, 'y', NULL)",
                    table("", "")
                ),
                &format!("{} {theirs}", table("UNIQUE", "REFERENCES p (id)")),
            );
            let held = mirror(&scene, way);
            assert_eq!(told(&held), ["1 insert foreign-key awaits 1", "3 insert unique awaits 1"], "{way}");
            assert_eq!(scene.rows("b.db", "SELECT id, u FROM t ORDER BY id"), ["2|x", "4|y"], "{way}");
        }
    }
}
