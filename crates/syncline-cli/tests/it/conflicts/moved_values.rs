//! Changes that would take away what rows of others reference: a unique value that is not the key.

use serde_json::Value;

use super::all;
use crate::scene::Scene;

const CHILD: &str = "CREATE TABLE c (id INTEGER PRIMARY KEY, code TEXT REFERENCES p (code));";

/// Two tables on both sides, of which the target's parent may demand more.
fn pair(demand: &str, source: &str, target: &str) -> Scene {
    let schema = |demand| {
        format!(
            "PRAGMA foreign_keys = OFF; CREATE TABLE p (id INTEGER PRIMARY KEY, code TEXT UNIQUE, n {demand}); {CHILD}"
        )
    };
    Scene::with_pair(&format!("{} {source}", schema("")), &format!("{} {target}", schema(demand)))
}

/// What is held, and that nothing points at nothing.
fn held(scene: &Scene) -> Vec<String> {
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM pragma_foreign_key_check"), 0);
    let word = |entry: &Value, name: &str| entry[name].as_str().unwrap().to_owned();
    let line = |entry: &Value| {
        let (table, operation, kind) = (word(entry, "table"), word(entry, "operation"), word(entry, "kind"));
        format!("{table} {} {operation} {kind}", entry["key"]["id"])
    };
    let mut held: Vec<String> = all(scene, "conflicts list --json --limit 1000").iter().map(line).collect();
    held.sort_unstable();
    held
}

/// A run that carries some rows and holds others.
fn partial(scene: &Scene, line: &str) -> Vec<String> {
    let said = scene.run(&format!("{line} --json"));
    assert_eq!(said.code, Some(3), "{line}: {}{}", said.out, said.err);
    assert_eq!(said.last()["verified"], "equal-except", "{line}: {}", said.out);
    held(scene)
}

#[test]
fn a_value_that_others_reference_stays() {
    for line in [
        "copy a.db b.db",
        "copy a.db b.db --strategy full",
        "copy a.db b.db --tables p",
        "copy a.db b.db --batch-size 1",
        "mirror a.db b.db --tables p",
        "mirror a.db b.db --tables p --strategy full",
    ] {
        let scene = pair(
            "",
            "INSERT INTO p VALUES (1, 'y', 0), (2, 'z', 1), (3, 'w', 1)",
            "INSERT INTO p VALUES (1, 'x', 0), (2, 'v', 0); INSERT INTO c VALUES (5, 'x')",
        );
        assert_eq!(partial(&scene, line), ["p 1 update foreign-key"], "{line}");
        assert_eq!(scene.rows("b.db", "SELECT id, code FROM p ORDER BY id"), ["1|x", "2|z", "3|w"], "{line}");
        let shown = scene.ok("conflicts show c_1");
        assert!(shown.contains("rows of c still reference it (code)"), "{shown}");
        assert_eq!(scene.run("conflicts retry").code, Some(3), "{line}");
        assert_eq!(held(&scene), ["p 1 update foreign-key"], "{line}");
        scene.sql("b.db", "DELETE FROM c");
        scene.ok("conflicts retry");
        assert_eq!(held(&scene), [] as [&str; 0], "{line}");
        assert_eq!(scene.rows("b.db", "SELECT code FROM p ORDER BY id"), ["y", "z", "w"], "{line}");
    }
}

#[test]
fn a_plan_holds_it_too() {
    let scene =
        pair("", "INSERT INTO p VALUES (1, 'y', 0)", "INSERT INTO p VALUES (1, 'x', 0); INSERT INTO c VALUES (5, 'x')");
    scene.ok("plan copy a.db b.db -o plan.json");
    assert_eq!(partial(&scene, "apply plan.json"), ["p 1 update foreign-key"]);
}

#[test]
fn a_value_stays_whose_new_holder_is_held() {
    for way in ["--strategy auto", "--strategy full", "--batch-size 1"] {
        for (one, other) in [(1, 2), (2, 1)] {
            let scene = pair(
                "CHECK (n > 0)",
                &format!("INSERT INTO p VALUES ({one}, 'y', 1), ({other}, 'x', -1); INSERT INTO c VALUES (5, 'x')"),
                &format!("INSERT INTO p VALUES ({one}, 'x', 1); INSERT INTO c VALUES (5, 'x')"),
            );
            let place = format!("{way} {one}");
            let mut held = partial(&scene, &format!("mirror a.db b.db {way}"));
            held.retain(|row| row.starts_with(&format!("p {one} ")));
            assert_eq!(held, [format!("p {one} update foreign-key")], "{place}");
            scene.sql("a.db", "UPDATE p SET n = 1");
            scene.ok("conflicts retry");
            assert_eq!(scene.run("diff a.db b.db --exit-code").code, Some(0), "{place}");
        }
    }
}

#[test]
fn values_move_with_those_that_reference_them() {
    for way in ["--strategy auto", "--strategy full", "--batch-size 1"] {
        // One moves on with its children, two exchange theirs, and one goes behind a child that goes.
        let scene = pair(
            "",
            "INSERT INTO p VALUES (1, 'y', 0), (2, 'b', 0), (3, 'a', 0);
             INSERT INTO c VALUES (5, 'y'), (6, 'a'), (7, 'b'), (8, 'y')",
            "INSERT INTO p VALUES (1, 'x', 0), (2, 'a', 0), (3, 'b', 0), (4, 'g', 0);
             INSERT INTO c VALUES (5, 'x'), (6, 'a'), (7, 'b'), (9, 'g')",
        );
        let before = scene.rows("b.db", "SELECT * FROM p, c");
        scene.ok(&format!("mirror a.db b.db --max-delete 100% {way}"));
        assert_eq!(scene.run("diff a.db b.db --exit-code").code, Some(0), "{way}");
        assert_eq!(held(&scene), [] as [&str; 0], "{way}");
        scene.ok("undo --yes");
        assert_eq!(scene.rows("b.db", "SELECT * FROM p, c"), before, "{way}");
    }
}

#[test]
fn what_the_target_takes_for_equal_is_held_too() {
    let schema = |collation: &str, column: &str| {
        format!(
            "PRAGMA foreign_keys = OFF;
             CREATE TABLE p (id TEXT COLLATE {collation} PRIMARY KEY, code TEXT COLLATE {collation} UNIQUE);
             CREATE TABLE c (id INTEGER PRIMARY KEY, r TEXT REFERENCES p ({column}));"
        )
    };
    for (collation, value) in [("NOCASE", "X"), ("RTRIM", "x  ")] {
        for column in ["id", "code"] {
            let schema = schema(collation, column);
            let scene = Scene::with_pair(
                &format!("{schema} INSERT INTO p VALUES ('a', 'a'), ('y', 'z')"),
                &format!(
                    "{schema} INSERT INTO p VALUES ('x', 'x'), ('y', 'y'), ('w', 'w');
                     INSERT INTO c VALUES (1, '{value}'), (2, 'y')"
                ),
            );
            // What is left of a run of both tables: the parents go, the children stay.
            let line = "mirror a.db b.db --max-delete 100% --tables p --json";
            let said = scene.run(line);
            assert_eq!(said.code, Some(3), "{column}: {}{}", said.out, said.err);
            assert_eq!(scene.number("b.db", "SELECT count(*) FROM pragma_foreign_key_check"), 0, "{column}");
            let held = all(&scene, "conflicts list --json").len();
            assert_eq!(held, if column == "id" { 1 } else { 2 }, "{column}: {}", said.out);
            assert_eq!(scene.run("conflicts retry").code, Some(3), "{column}");
            assert_eq!(all(&scene, "conflicts list --json").len(), held, "{column}");
            assert!(said.last()["tables"][0].get("error").is_none(), "{column}: {}", said.out);
        }
    }
}
