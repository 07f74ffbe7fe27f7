//! `syncline undo`.

mod loads;
mod references;

use crate::scene::{Scene, steady};

const DEMO: &str = "syncline-demo/hq.db syncline-demo/branch.db";

#[test]
fn it_shows_its_plan_and_takes_the_run_back() {
    let scene = Scene::with_demo();
    scene.ok(&format!("mirror {DEMO}"));
    let shown = steady(&scene.ok("undo --yes"));
    assert!(shown.starts_with("undo of run r_RUN  hq.db -> branch.db  of 20"), "{shown}");
    assert!(shown.contains("customers           1         6         3\n"), "{shown}");
    assert!(shown.ends_with("not verified  run r_RUN\n"), "{shown}");
    assert_eq!(scene.json(&format!("diff {DEMO} --json"))["tables"][0]["changed"], 6);
}

#[test]
fn an_undo_can_be_undone() {
    let scene = Scene::with_demo();
    scene.ok(&format!("mirror {DEMO}"));
    scene.ok("undo --yes");
    let undo = scene.json("runs list --json")["data"][0]["id"].as_str().unwrap().to_owned();
    scene.ok(&format!("undo {undo} --yes"));
    assert_eq!(scene.run(&format!("diff {DEMO} --exit-code")).code, Some(0));
}

#[test]
fn without_a_terminal_it_names_the_flag() {
    let scene = Scene::with_demo();
    scene.ok(&format!("mirror {DEMO}"));
    let said = scene.run("undo");
    assert_eq!(said.code, Some(2));
    let expected = "\
error[CONFIRMATION_NEEDED]: this asks before it changes something
  why    standard input is no terminal
  state  nothing was changed
  next   syncline undo r_RUN --yes     agree beforehand
";
    assert_eq!(steady(&said.err), expected);
    let said = scene.run("undo --state-dir ./state");
    assert!(said.err.contains(" --yes --state-dir ./state     agree"), "{}", said.err);
    assert_eq!(said.err.matches("--state-dir").count(), 1, "{}", said.err);
    assert_eq!(scene.run(&format!("diff {DEMO} --exit-code")).code, Some(0));
}

#[test]
fn programs_get_the_plan_first_and_the_end_last() {
    let scene = Scene::with_demo();
    scene.ok(&format!("mirror {DEMO}"));
    let said = scene.run("undo --json");
    assert!(said.out.starts_with(r#"{"format":1,"type":"undo-plan","run":"r_"#), "{}", said.out);
    assert_eq!((said.code, said.last()["code"].as_str()), (Some(2), Some("CONFIRMATION_NEEDED")));
    assert_eq!(said.err, "");
    let said = scene.run("undo --json --yes");
    assert!(said.out.starts_with(r#"{"format":1,"type":"undo-plan","run":"r_"#), "{}", said.out);
    assert_eq!((said.code, said.last()["type"].as_str()), (Some(0), Some("summary")));
}

#[test]
fn with_nothing_to_undo_it_says_so() {
    let said = Scene::with_demo().run("undo --yes --json");
    assert_eq!((said.code, said.last()["code"].as_str()), (Some(2), Some("NOTHING_TO_UNDO")));
}

const TABLE: &str = "CREATE TABLE t (id INTEGER PRIMARY KEY, v)";

/// A mirror of two rows into an empty table of this definition.
fn mirrored(source: &str, target: &str) -> Scene {
    let scene = Scene::with_pair(source, target);
    scene.ok("mirror a.db b.db");
    scene
}

#[test]
fn the_two_sides_may_spell_a_name_differently() {
    let scene = mirrored(
        "CREATE TABLE Foo (id INTEGER PRIMARY KEY, v); INSERT INTO Foo VALUES (1, 2)",
        "CREATE TABLE fOO (ID INTEGER PRIMARY KEY, V); INSERT INTO foo VALUES (1, 3)",
    );
    assert_eq!(scene.number("b.db", "SELECT v FROM foo"), 2);
    scene.ok("undo --yes");
    assert_eq!(scene.number("b.db", "SELECT v FROM foo"), 3);
}

#[test]
fn what_could_not_be_taken_back_can_be_once_it_is_as_it_was() {
    // Of a load those rows go that are as they were loaded.
    let scene = mirrored(&format!("{TABLE}; INSERT INTO t VALUES (1, 1), (2, 2)"), TABLE);
    scene.sql("b.db", "UPDATE t SET v = 7 WHERE id = 1");
    let said = scene.run("undo --yes");
    assert_eq!(said.code, Some(7), "{}{}", said.out, said.err);
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM t"), 1);
    scene.sql("b.db", "UPDATE t SET v = 1 WHERE id = 1");
    scene.ok("undo --yes");
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM t"), 0);
    // Differences are taken back row by row.
    scene.sql("b.db", "INSERT INTO t VALUES (1, 5), (2, 5)");
    scene.ok("mirror a.db b.db");
    scene.sql("b.db", "UPDATE t SET v = 7 WHERE id = 1");
    assert_eq!(scene.run("undo --yes").code, Some(7));
    let said = scene.run("undo --yes --conflicts-ok");
    assert_eq!((said.code, said.out.contains("1 row left as changed meanwhile")), (Some(0), true), "{}", said.out);
    assert_eq!(scene.number("b.db", "SELECT v * 10 + (SELECT v FROM t WHERE id = 2) FROM t WHERE id = 1"), 75);
    scene.sql("b.db", "UPDATE t SET v = 1 WHERE id = 1");
    scene.ok("undo --yes");
    assert_eq!(scene.number("b.db", "SELECT sum(v) FROM t"), 10);
    assert_eq!(scene.run("undo --yes").code, Some(2));
}

#[test]
fn what_somebody_put_into_a_new_column_stays() {
    for target in [TABLE, "CREATE TABLE other (x)", &format!("{TABLE}; INSERT INTO t VALUES (3, 3)")] {
        let scene = mirrored(&format!("{TABLE}; INSERT INTO t VALUES (1, 1), (3, 3)"), target);
        scene.sql("b.db", "ALTER TABLE t ADD COLUMN note; UPDATE t SET note = 'precious'");
        let said = scene.run("undo --yes");
        assert_eq!(said.code, Some(6), "{}{}", said.out, said.err);
        assert_eq!(scene.number("b.db", "SELECT count(*) FROM t WHERE note = 'precious'"), 2);
    }
}

#[test]
fn another_file_in_its_place_is_not_the_target() {
    let scene =
        mirrored(&format!("{TABLE}; INSERT INTO t VALUES (1, 1)"), &format!("{TABLE}; INSERT INTO t VALUES (1, 9)"));
    std::fs::rename(scene.path("b.db"), scene.path("kept.db")).unwrap();
    scene.sql("b.db", &format!("{TABLE}; INSERT INTO t VALUES (1, 1)"));
    assert_eq!(scene.run("undo --yes").code, Some(6));
    assert_eq!(scene.number("b.db", "SELECT v FROM t"), 1);
    std::fs::rename(scene.path("kept.db"), scene.path("b.db")).unwrap();
    scene.ok("undo --yes");
    assert_eq!(scene.number("b.db", "SELECT v FROM t"), 9);
}

#[test]
fn a_key_comes_back_as_it_was_written() {
    for without in ["", "WITHOUT ROWID"] {
        let table = format!("CREATE TABLE t (k PRIMARY KEY NOT NULL, v) {without}");
        let scene = mirrored(
            &format!("{table}; INSERT INTO t VALUES (1, 1), (0, 2)"),
            &format!("{table}; INSERT INTO t VALUES (1.0, 1), (-0.0, 2)"),
        );
        assert_eq!(scene.number("b.db", "SELECT count(*) FROM t WHERE typeof(k) = 'integer'"), 2);
        scene.ok("undo --yes");
        assert_eq!(scene.number("b.db", "SELECT count(*) FROM t WHERE typeof(k) = 'real'"), 2);
    }
}

#[test]
fn a_schema_that_changed_since_is_no_crash() {
    let scene = mirrored(&format!("{TABLE}; INSERT INTO t VALUES (1, 1)"), "CREATE TABLE other (x)");
    scene.sql("b.db", "CREATE TABLE c (p INT REFERENCES t(id) ON DELETE CASCADE); INSERT INTO c VALUES (1)");
    let said = scene.run("undo --yes --json");
    assert_eq!(
        (said.code, said.last()["tables"][0]["error"]["code"].as_str().unwrap()),
        (Some(3), "FOREIGN_KEY_BROKEN".to_owned().as_str())
    );
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM c"), 1);

    let keyed = "CREATE TABLE t (k TEXT PRIMARY KEY, v)";
    let scene = mirrored(
        &format!("{keyed}; INSERT INTO t VALUES ('a', 1)"),
        &format!("{keyed}; INSERT INTO t VALUES ('a', 2)"),
    );
    scene.sql("b.db", "DROP TABLE t; CREATE TABLE t (k TEXT, v); INSERT INTO t VALUES ('a', 1)");
    assert_eq!(scene.run("undo --yes").code, Some(6));
}

#[test]
fn a_state_that_dangled_before_dangles_again() {
    let tables = "PRAGMA foreign_keys = OFF; CREATE TABLE p (id INTEGER PRIMARY KEY, v); CREATE TABLE c (id INTEGER PRIMARY KEY, p INT REFERENCES p(id))";
    let scene = mirrored(
        &format!("{tables}; INSERT INTO p VALUES (1, 1); INSERT INTO c VALUES (1, 1)"),
        &format!("{tables}; INSERT INTO p VALUES (1, 2); INSERT INTO c VALUES (1, 77)"),
    );
    scene.ok("undo --yes");
    assert_eq!(scene.number("b.db", "SELECT p FROM c"), 77);
}

#[test]
fn a_newer_run_without_before_images_is_not_passed_over_in_silence() {
    let scene =
        mirrored(&format!("{TABLE}; INSERT INTO t VALUES (1, 1)"), &format!("{TABLE}; INSERT INTO t VALUES (1, 9)"));
    scene.sql("a.db", "UPDATE t SET v = 2");
    scene.ok("mirror a.db b.db --no-undo");
    let said = scene.run("undo --yes");
    assert_eq!(said.code, Some(2));
    assert!(said.err.contains("syncline undo r_"), "{}", said.err);
    assert_eq!(scene.number("b.db", "SELECT v FROM t"), 2);
}

#[test]
fn a_run_with_nothing_to_do_is_nothing_to_undo() {
    let empty = "CREATE TABLE e (id INTEGER PRIMARY KEY)";
    let scene = mirrored(
        &format!("{TABLE}; {empty}; INSERT INTO t VALUES (1, 1)"),
        &format!("{TABLE}; {empty}; INSERT INTO t VALUES (1, 9)"),
    );
    scene.ok("mirror a.db b.db");
    scene.ok("undo --yes");
    assert_eq!(scene.number("b.db", "SELECT v FROM t"), 9);
}

#[test]
fn a_table_it_made_stays_while_others_have_built_on_it() {
    let table = "CREATE TABLE p (id INTEGER PRIMARY KEY, u); INSERT INTO p VALUES (1, 1), (2, 2);
         CREATE TABLE q (id INTEGER PRIMARY KEY); INSERT INTO q VALUES (1)";
    for (made, dropped, why) in [
        ("CREATE VIEW v AS SELECT * FROM p", "DROP VIEW v", "the view v reads it"),
        ("CREATE TRIGGER tr AFTER INSERT ON p BEGIN SELECT 1; END", "DROP TRIGGER tr", "the trigger tr stands on it"),
    ] {
        let scene = Scene::with_pair(table, "CREATE VIEW broken AS SELECT * FROM nowhere");
        scene.ok("copy a.db b.db");
        scene.sql("b.db", made);
        let said = scene.run("undo --yes");
        assert_eq!(said.code, Some(6), "{}{}", said.out, said.err);
        assert!(said.err.contains("UNDO_STALE") && said.err.contains(why), "{}", said.err);
        // The other table is taken back, the one in use is as it was.
        let tables = "SELECT count(*) FROM sqlite_schema WHERE type = 'table'";
        assert_eq!((scene.number("b.db", tables), scene.number("b.db", "SELECT count(*) FROM p")), (1, 2));
        scene.sql("b.db", dropped);
        scene.ok("undo --yes");
        assert_eq!(scene.number("b.db", tables), 0);
    }
}

/// Two tables of which one gets its rows and the other refuses them all.
fn one_refuses() -> Scene {
    Scene::with_pair(
        "CREATE TABLE o (id INTEGER PRIMARY KEY); INSERT INTO o VALUES (1), (2);
         CREATE TABLE p (id INTEGER PRIMARY KEY, v INT); INSERT INTO p VALUES (1, -1)",
        "CREATE TABLE o (id INTEGER PRIMARY KEY); CREATE TABLE p (id INTEGER PRIMARY KEY, v INT CHECK (v > 0))",
    )
}

#[test]
fn a_run_that_only_held_rows_is_none_to_undo() {
    let scene = one_refuses();
    assert_eq!(scene.run("copy a.db b.db").code, Some(3));
    assert_eq!(scene.run("copy a.db b.db").code, Some(3));
    scene.ok("undo --yes");
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM o"), 0);
}

#[test]
fn nor_is_a_retry_whose_rows_went_out_again() {
    // The child is refused after it was written: its parent is held.
    let scene = Scene::with_pair(
        "CREATE TABLE o (id INTEGER PRIMARY KEY); INSERT INTO o VALUES (1);
         CREATE TABLE p (id INTEGER PRIMARY KEY, v INT); INSERT INTO p VALUES (1, 1), (7, -1);
         CREATE TABLE c (id INTEGER PRIMARY KEY, p REFERENCES p); INSERT INTO c VALUES (1, 1), (7, 7)",
        "CREATE TABLE o (id INTEGER PRIMARY KEY); CREATE TABLE p (id INTEGER PRIMARY KEY, v INT CHECK (v > 0));
         CREATE TABLE c (id INTEGER PRIMARY KEY, p REFERENCES p)",
    );
    assert_eq!(scene.run("copy a.db b.db").code, Some(3));
    assert_eq!(scene.run("conflicts retry").code, Some(3));
    assert_eq!(scene.run("conflicts retry --filter table:c").code, Some(3));
    scene.ok("undo --yes");
    assert_eq!(scene.number("b.db", "SELECT (SELECT count(*) FROM o) + (SELECT count(*) FROM c)"), 0);
}

#[test]
fn the_plan_counts_the_rows_of_a_table_that_was_empty() {
    let scene = one_refuses();
    assert_eq!(scene.run("copy a.db b.db").code, Some(3));
    let shown = scene.ok("undo --yes");
    assert!(shown.contains("o               0         0         2  the table was empty, and will be\n"), "{shown}");
}
