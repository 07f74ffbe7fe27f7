//! References that appear after planning to rows that the plan deletes.

use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::Connection;
use syncline::Cancel;
use syncline::error::{Code, Result};
use syncline::event::{Event, EventSink, Point};
use syncline::summary::Summary;

use crate::scene::Scene;

const P: &str = "CREATE TABLE p (id INTEGER PRIMARY KEY, code TEXT COLLATE NOCASE UNIQUE, v)";
const C: &str = "CREATE TABLE c (id INTEGER PRIMARY KEY, p REFERENCES p (id), code REFERENCES p (code))";

/// The plan deletes rows 7 and 8 of p, and row 70 of c which references row 7; it changes row 1.
fn scene(flags: &str) -> Scene {
    let scene = Scene::with_pair(
        &format!(
            "{P}; {C}; INSERT INTO p VALUES (1, 'a', 'new'), (2, 'b', 'x');
             INSERT INTO c VALUES (5, 1, 'a')"
        ),
        &format!(
            "{P}; {C}; INSERT INTO p VALUES (1, 'a', 'old'), (2, 'b', 'x'), (7, 'G', 'x'), (8, 'H', 'x');
             INSERT INTO c VALUES (5, 1, 'a'), (70, 7, 'G')"
        ),
    );
    scene.sql("b.db", "CREATE TABLE own (n INTEGER PRIMARY KEY, p INT REFERENCES p (id))");
    scene.ok(&plan(flags));
    scene
}

fn plan(flags: &str) -> String {
    format!("plan mirror a.db b.db {flags} -o p.plan").replace("  ", " ")
}

#[test]
fn they_make_it_stale_before_anything_is_written() {
    for flags in ["", "--strategy full", "--batch-size 1"] {
        for reference in [
            "INSERT INTO c VALUES (71, 8, NULL)",
            "INSERT INTO c VALUES (71, 7, NULL)",
            "INSERT INTO c VALUES (71, NULL, 'H')",
            "INSERT INTO own VALUES (1, 8)",
        ] {
            let scene = scene(flags);
            scene.sql("b.db", reference);
            let said = scene.run("apply p.plan");
            assert_eq!(said.code, Some(6), "{flags} {reference}\n{}{}", said.out, said.err);
            assert!(said.err.contains("error[PLAN_STALE]"), "{flags} {reference}\n{}", said.err);
            assert!(said.err.contains("and did not when it was made"), "{flags} {reference}\n{}", said.err);
            assert_eq!(scene.number("b.db", "SELECT count(*) FROM p WHERE v = 'new'"), 0, "{flags} {reference}");
            assert_eq!(scene.number("b.db", "SELECT count(*) FROM sqlite_schema WHERE name LIKE '_syncline%'"), 0);
        }
    }
}

#[test]
fn those_that_were_there_are_in_the_plan_and_are_held() {
    let scene = scene("");
    scene.sql("b.db", "INSERT INTO own VALUES (1, 8)");
    let saved = scene.ok("plan mirror a.db b.db -o p.plan");
    assert!(saved.contains("1 delete of p will be held: rows that stay still reference what is to go"), "{saved}");
    let said = scene.run("apply p.plan");
    assert_eq!(said.code, Some(3), "{}{}", said.out, said.err);
    assert_eq!(scene.rows("b.db", "SELECT id FROM p"), ["1", "2", "8"]);
    // A second row that references it changes nothing.
    let scene = self::scene("");
    scene.sql("b.db", "INSERT INTO own VALUES (1, 8)");
    scene.ok("plan mirror a.db b.db -o p.plan");
    scene.sql("b.db", "INSERT INTO own VALUES (2, 8)");
    assert_eq!(scene.run("apply p.plan").code, Some(3));
}

/// Writes a reference once everything is decided.
struct Intruder(PathBuf);

impl EventSink for Intruder {
    fn emit(&self, event: Event) {
        if matches!(event, Event::Reached(Point::Decided)) {
            Connection::open(&self.0).unwrap().execute_batch("INSERT INTO c VALUES (71, 8, NULL)").unwrap();
        }
    }
}

fn apply_beside_intruder(scene: &Scene) -> Result<Summary> {
    super::apply_watched(scene, Arc::new(Intruder(scene.path("b.db"))), Cancel::new())
}

#[test]
fn one_that_comes_in_the_last_instant() {
    // What was written before stays, and the delete is held.
    let scene = self::scene("");
    let summary = apply_beside_intruder(&scene).unwrap();
    let of_p = summary.tables.iter().find(|table| table.table == "p").unwrap();
    assert_eq!((of_p.updated, of_p.deleted, of_p.held), (1, 1, 1));
    // In one transaction nothing has been written yet, and nothing is.
    let scene = self::scene("--strategy full");
    let error = apply_beside_intruder(&scene).unwrap_err();
    assert_eq!((error.code(), error.state()), (Code::PlanStale, Some("nothing more was written")));
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM p"), 4);
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM p WHERE v = 'new'"), 0);
    scene.sql("b.db", "DELETE FROM c WHERE id = 71");
    scene.ok("apply p.plan");
}

#[test]
fn a_table_that_failed_can_be_gone_on_with() {
    let tables = "CREATE TABLE p (id INTEGER PRIMARY KEY, v); CREATE TABLE c (p TEXT REFERENCES p (id))";
    let scene = Scene::with_pair(
        &format!("{tables}; INSERT INTO p VALUES (1, 'new')"),
        &format!("{tables}; INSERT INTO p VALUES (1, 'old'), (7, 'x')"),
    );
    scene.ok("plan mirror a.db b.db --tables p -o p.plan");
    // Only the target takes the two for the same.
    scene.sql("b.db", "INSERT INTO c VALUES ('7')");
    let said = scene.run("apply p.plan --json");
    assert_eq!(said.code, Some(3), "{}{}", said.out, said.err);
    assert_eq!(scene.rows("b.db", "SELECT v FROM p"), ["new", "x"]);
    scene.sql("b.db", "DELETE FROM c");
    scene.ok(&format!("runs retry {}", said.last()["run"].as_str().unwrap()));
    assert_eq!(scene.rows("b.db", "SELECT v FROM p"), ["new"]);
    assert!(scene.run("apply p.plan").err.contains("error[PLAN_SPENT]"));
}

#[test]
fn a_delete_alone_is_refused_when_it_is_tried() {
    let scene = Scene::with_pair(&format!("{P}; {C}"), &format!("{P}; {C}; INSERT INTO p VALUES (7, 'G', 'x')"));
    scene.ok("plan mirror a.db b.db --tables p --allow-empty-source -o p.plan");
    scene.sql("b.db", "INSERT INTO c VALUES (71, NULL, 'g')");
    let said = scene.run("apply p.plan");
    assert_eq!(said.code, Some(6), "{}{}", said.out, said.err);
    assert!(said.err.contains("rows of c reference rows of p"), "{}", said.err);
    scene.sql("b.db", "DELETE FROM c");
    scene.ok("apply p.plan");
}

#[test]
fn a_row_that_is_held_makes_no_plan_stale() {
    // What takes the place of the deleted row is refused, so the rows that reference it hold on to the old one.
    let keyed = "id INTEGER PRIMARY KEY, code TEXT REFERENCES p (code), x INTEGER";
    let keyless = "id INTEGER, code TEXT REFERENCES p (code), x INTEGER";
    for (strategy, child) in [("full", keyed), ("compare", keyed), ("full", keyless)] {
        let tables = |check: &str| {
            format!(
                "CREATE TABLE p (id INTEGER PRIMARY KEY, code TEXT UNIQUE, n INTEGER {check}); CREATE TABLE c ({child})"
            )
        };
        let scene = Scene::with_pair(
            &format!("{}; INSERT INTO p VALUES (6, 'A', -1); INSERT INTO c VALUES (7, 'A', 1)", tables("")),
            &format!("{}; INSERT INTO p VALUES (4, 'A', 1); INSERT INTO c VALUES (7, 'A', 0)", tables("CHECK (n > 0)")),
        );
        std::fs::copy(scene.path("b.db"), scene.path("direct.db")).unwrap();
        let flags = format!("--strategy {strategy} --max-delete 100%");
        scene.ok(&format!("plan mirror a.db b.db {flags} -o p.plan"));
        let said = scene.run("apply p.plan");
        assert_eq!(said.code, Some(3), "{strategy} {child}\n{}{}", said.out, said.err);
        // It does what a run without a plan does.
        assert_eq!(scene.run(&format!("mirror a.db direct.db {flags}")).code, Some(3));
        let rows = |database| [scene.rows(database, "SELECT * FROM p"), scene.rows(database, "SELECT * FROM c")];
        assert_eq!(rows("b.db"), rows("direct.db"), "{strategy} {child}");
    }
}
