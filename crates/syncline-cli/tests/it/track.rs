//! `syncline track`, `untrack`, `status`, and runs that go by the change log.

mod cursors;
mod held;
mod hostile;
mod links;

use crate::scene::Scene;

/// A shop and its branch, tracked and brought in line once.
fn linked(verb: &str) -> Scene {
    let scene = Scene::new();
    scene.sql(
        "a.db",
        "CREATE TABLE customer (id INTEGER PRIMARY KEY, name TEXT UNIQUE, note);
         CREATE TABLE invoice (id INTEGER PRIMARY KEY, customer REFERENCES customer, total REAL);
         CREATE TABLE tag (a TEXT, b TEXT, PRIMARY KEY (a, b)) WITHOUT ROWID;
         WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
         INSERT INTO customer SELECT i, 'customer ' || i, NULL FROM n;
         INSERT INTO invoice SELECT id * 10, id, id * 1.5 FROM customer; INSERT INTO tag SELECT name, 'x' FROM customer",
    );
    scene.ok("track a.db");
    scene.ok(&incremental(verb));
    scene
}

fn incremental(verb: &str) -> String {
    format!("{verb} a.db b.db --strategy incremental")
}

/// What is said of a table: how it was carried, and how many rows were inserted, updated and deleted.
fn carried(scene: &Scene, line: &str, table: &str) -> (String, [i64; 3]) {
    let summary = summary(scene, line);
    let tables = summary["tables"].as_array().unwrap();
    let of = tables.iter().find(|of| of["table"] == table).unwrap_or_else(|| panic!("{summary}"));
    let rows = ["inserted", "updated", "deleted"].map(|name| of[name].as_i64().unwrap());
    (of["strategy"].as_str().unwrap().to_owned(), rows)
}

/// The summary of a run.
fn summary(scene: &Scene, line: &str) -> serde_json::Value {
    let said = scene.run(&format!("{line} --json"));
    let summary = said.last();
    assert_eq!(summary["type"], "summary", "{}{}", said.out, said.err);
    summary
}

fn equal(scene: &Scene) {
    let said = scene.run("diff a.db b.db --exit-code");
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
}

#[test]
fn only_what_was_touched_is_carried() {
    let scene = linked("mirror");
    scene.sql(
        "a.db",
        "UPDATE customer SET note = 'n' WHERE id <= 3; DELETE FROM invoice WHERE id = 5000; DELETE FROM customer WHERE id = 500;
         INSERT INTO customer VALUES (900, 'new', 1); UPDATE tag SET b = 'y' WHERE a = 'customer 7';
         UPDATE customer SET note = note WHERE id = 20",
    );
    let run = incremental("mirror");
    assert_eq!(carried(&scene, &run, "customer").1, [1, 3, 1]);
    equal(&scene);
    let (how, rows) = carried(&scene, &run, "invoice");
    assert_eq!((how.as_str(), rows), ("incremental: nothing was touched", [0, 0, 0]));
    let shown = scene.ok("status a.db");
    assert!(shown.starts_with("a.db  up to date: everything that was logged has been carried\n"), "{shown}");
}

#[test]
fn a_copy_leaves_what_was_deleted() {
    let scene = linked("copy");
    scene.sql("a.db", "DELETE FROM invoice WHERE id < 100; UPDATE invoice SET total = 0 WHERE id = 100");
    assert_eq!(carried(&scene, &incremental("copy"), "invoice").1, [0, 1, 0]);
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM invoice"), 500);
    // A mirror of the same two is another link, and compares once.
    let (how, rows) = carried(&scene, &incremental("mirror"), "invoice");
    assert_eq!((how.as_str(), rows), ("compare: the first run that goes by its log", [0, 0, 9]));
}

#[test]
fn idle_databases_are_not_written_to() {
    let scene = linked("mirror");
    scene.sql("a.db", "UPDATE customer SET note = 1 WHERE id = 1");
    scene.ok(&incremental("mirror"));
    let bytes = || ["a.db", "b.db"].map(|name| std::fs::read(scene.path(name)).unwrap());
    let before = bytes();
    for _ in 0..3 {
        assert!(scene.ok(&incremental("mirror")).contains("nothing was touched"));
    }
    assert!(before == bytes(), "an idle run has written something");
}

#[test]
fn what_was_touched_comes_in_one_step() {
    let scene = linked("mirror");
    scene.sql(
        "a.db",
        "UPDATE customer SET name = 'swap' WHERE id = 1; UPDATE customer SET name = 'customer 1' WHERE id = 2;
        UPDATE customer SET name = 'customer 2' WHERE id = 1; UPDATE invoice SET total = -total, id = -id",
    );
    scene.ok(&format!("{} --batch-size 7 --max-delete 500", incremental("mirror")));
    equal(&scene);
}

#[test]
fn what_was_carried_and_taken_back_comes_again() {
    let scene = linked("mirror");
    scene.sql("a.db", "UPDATE customer SET note = 'n' WHERE id <= 3; DELETE FROM tag WHERE a = 'customer 1'");
    let run = summary(&scene, &incremental("mirror"))["run"].as_str().unwrap().to_owned();
    scene.ok(&format!("undo {run} --yes"));
    assert_eq!(scene.number("b.db", "SELECT count(note) FROM customer"), 0);
    let (how, rows) = carried(&scene, &incremental("mirror"), "customer");
    assert_eq!((how.as_str(), rows), ("compare: what an earlier run had carried was taken back", [0, 3, 0]));
    equal(&scene);
    assert_eq!(carried(&scene, &incremental("mirror"), "customer").0, "incremental: nothing was touched");
}

#[test]
fn guards_count_all_rows_and_not_only_those_that_were_touched() {
    let scene = linked("mirror");
    scene.sql("a.db", "DELETE FROM invoice WHERE id <= 450");
    assert_eq!(carried(&scene, &incremental("mirror"), "invoice").1, [0, 0, 45]);
    scene.sql("a.db", "DELETE FROM invoice WHERE id <= 1000");
    let said = scene.run(&incremental("mirror"));
    assert_eq!(said.code, Some(6), "{}", said.err);
    assert!(said.err.contains("would delete 55 of 455 rows of invoice"), "{}", said.err);
    scene.sql("a.db", "DELETE FROM invoice");
    assert!(scene.run(&incremental("mirror")).err.contains("GUARD_EMPTY_SOURCE"));
    // What a guard has stopped is still to be carried.
    scene.ok(&format!("{} --allow-empty-source --max-delete 1000", incremental("mirror")));
    equal(&scene);
}

#[test]
fn names_values_and_rows_are_mapped_as_in_every_run() {
    let scene = linked("mirror");
    let rules = ["--where", "customer: id > 10", "--rename", "customer.note=remark", "--rename", "customer=client"];
    let mapped = "mirror a.db c.db --strategy incremental --tables customer";
    scene.ok_with(mapped, &rules);
    scene.sql(
        "a.db",
        "PRAGMA foreign_keys = OFF; UPDATE customer SET note = 'x' WHERE id IN (5, 50); UPDATE customer SET id = 3000 WHERE id = 11;
        UPDATE invoice SET customer = 3000 WHERE customer = 11; UPDATE customer SET id = 4 + 3000 WHERE id = 4;
        UPDATE invoice SET customer = 3004 WHERE customer = 4",
    );
    let shown = scene.ok_with(mapped, &rules);
    assert!(shown.contains("incremental: what was touched since the last run"), "{shown}");
    assert_eq!(
        scene.rows("c.db", "SELECT id FROM client WHERE remark = 'x' OR id > 2000 ORDER BY id"),
        ["50", "3000", "3004"]
    );
    assert_eq!(scene.number("c.db", "SELECT count(*) FROM client WHERE id = 11"), 0);
    // Seen in another way it is another link.
    let shown = scene.ok("mirror a.db c2.db --strategy incremental");
    assert!(shown.contains("not in the target yet"), "{shown}");
}
