//! What the proof has found, each in its smallest form.

use syncline::event::Point;
use syncline_testkit::process::DEADLINE;

use super::victim::{self, Place, Work};
use crate::scene::Scene;

fn kill(scene: &Scene, place: Place, work: Work<'_>) {
    let finished = victim::start(&scene.path("."), &scene.path("state"), Some(place), work).finish(DEADLINE);
    assert_eq!(finished.code, None, "it was not killed\n{}{}", finished.stdout, finished.stderr);
}

fn undo_all(scene: &Scene) {
    let runs = scene.json("runs list --json");
    for run in runs["data"].as_array().unwrap() {
        let said = scene.run(&format!("undo {} --yes --json", run["id"].as_str().unwrap()));
        assert!(said.code == Some(0) || said.last()["code"] == "NOTHING_TO_UNDO", "{}{}", said.out, said.err);
    }
}

/// The row that gives up its unique value goes, and orders that still reference it have had no turn yet: a crash after
/// the exchange left them referencing nothing, and the undo of the next run could not bring them back.
#[test]
fn an_exchange_takes_tables_along_that_reference_what_goes() {
    let schema = "CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT UNIQUE);
         CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER REFERENCES customers (id));
         CREATE TABLE items (id INTEGER PRIMARY KEY, ordered INTEGER REFERENCES orders (id))";
    let scene = Scene::with_pair(
        &format!(
            "{schema}; INSERT INTO customers VALUES (2, 'a'); INSERT INTO orders VALUES (1, 2), (3, 2);
             INSERT INTO items VALUES (1, 1), (2, 3)"
        ),
        &format!(
            "{schema}; INSERT INTO customers VALUES (1, 'a'), (2, 'b'); INSERT INTO orders VALUES (1, 1), (2, 1), (3, 2);
             INSERT INTO items VALUES (1, 1), (2, 2)"
        ),
    );
    let (source, target) = (scene.path("a.db"), scene.path("b.db"));
    kill(&scene, Place { point: Point::Committed, nth: 1 }, Work::Mirror(&source, &target, 100));
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM pragma_foreign_key_check"), 0);
    scene.ok("mirror a.db b.db --max-delete 100%");
    assert_eq!(scene.run("diff a.db b.db --exit-code").code, Some(0));
    undo_all(&scene);
    let all = "(SELECT group_concat(id || email) FROM customers) || (SELECT group_concat(id || customer) FROM orders)
         || (SELECT group_concat(id || ordered) FROM items)";
    assert_eq!(scene.number("b.db", &format!("SELECT {all} = '1a,2b11,21,3211,22'")), 1);
}

/// Rows that referenced nothing before the run came back alone, but not together with an exchange of unique values.
#[test]
fn an_exchange_brings_rows_back_that_referenced_nothing_before() {
    let schema = "CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT UNIQUE);
         CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER REFERENCES customers (id))";
    let scene = Scene::with_pair(
        &format!(
            "{schema}; INSERT INTO customers VALUES (1, 'b'), (2, 'a'), (3, 'c'); INSERT INTO orders VALUES (1, 1)"
        ),
        &format!(
            "PRAGMA foreign_keys = OFF; {schema}; INSERT INTO customers VALUES (1, 'a'), (2, 'b');
             INSERT INTO orders VALUES (1, 1), (9, 77)"
        ),
    );
    scene.ok("mirror a.db b.db");
    scene.ok("undo --yes");
    let all = "(SELECT group_concat(id || email) FROM customers) || (SELECT group_concat(id || customer) FROM orders)";
    assert_eq!(scene.number("b.db", &format!("SELECT {all} = '1a,2b11,977'")), 1);
}

/// A load that a killed undo had taken back already was taken for one that others had changed.
#[test]
fn an_undo_of_loads_goes_on_where_it_was_killed() {
    let rows = "INSERT INTO t VALUES (1); INSERT INTO u VALUES (1); INSERT INTO v VALUES (1)";
    let [t, u, v] = ["t", "u", "v"].map(|name| format!("CREATE TABLE {name} (id INTEGER PRIMARY KEY AUTOINCREMENT)"));
    for place in [(Point::Committed, 1), (Point::Committed, 2), (Point::Committed, 3), (Point::Sealed, 1)] {
        let scene = Scene::with_pair(&format!("{t}; {u}; {v}; {rows}"), &format!("{t}; {v}"));
        scene.ok("mirror a.db b.db");
        let run = scene.json("runs list --json")["data"][0]["id"].as_str().unwrap().to_owned();
        kill(&scene, Place { point: place.0, nth: place.1 }, Work::Undo(&run));
        scene.ok(&format!("undo {run} --yes"));
        let left = "SELECT (SELECT count(*) FROM t) + (SELECT count(*) FROM v) + (SELECT count(*) FROM sqlite_sequence)
             + (SELECT count(*) FROM sqlite_schema WHERE name NOT IN ('t', 'v', 'sqlite_sequence'))";
        assert_eq!(scene.number("b.db", left), 0, "{place:?}");
    }
}
