//! Column lists.

use crate::scene::Scene;

const SOURCE: &str = "CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT UNIQUE, ssn TEXT);
     INSERT INTO customers VALUES (1, 'ada', '111'), (2, 'bob', '222'), (3, 'cyd', '333')";

fn target(scene: &Scene) -> Vec<String> {
    scene.rows("b.db", "SELECT * FROM customers ORDER BY id")
}

#[test]
fn a_new_table_has_only_the_columns_that_are_carried() {
    for rule in ["customers: !ssn", "customers: name, id"] {
        let scene = Scene::with_pair(SOURCE, "");
        let shown = scene.ok_with("copy a.db b.db", &["--columns", rule]);
        assert!(shown.contains("copy  (columns: customers)") && shown.contains("verified equal"), "{shown}");
        assert_eq!(target(&scene), ["1|ada", "2|bob", "3|cyd"]);
        assert_eq!(scene.run_with("diff a.db b.db --exit-code", &["--columns", rule]).code, Some(0));
        assert_eq!(scene.run("verify").code, Some(0));
        scene.ok_with("mirror a.db b.db", &["--columns", rule]);
        scene.ok("undo --yes");
        assert_eq!(scene.number("b.db", "SELECT count(*) FROM sqlite_master"), 0);
    }
}

#[test]
fn what_the_target_has_in_other_columns_stays_and_comes_back() {
    let scene = Scene::with_pair(
        SOURCE,
        "CREATE TABLE customers (ssn TEXT DEFAULT 'none', id INTEGER PRIMARY KEY, name TEXT UNIQUE);
         INSERT INTO customers VALUES ('own', 2, 'old'), ('gone', 9, 'zoe')",
    );
    let before = target(&scene);
    let rules = ["--columns", "customers: !ssn"];
    scene.ok_with("mirror a.db b.db", &rules);
    assert_eq!(target(&scene), ["none|1|ada", "own|2|bob", "none|3|cyd"]);
    assert!(scene.ok_with("mirror a.db b.db", &rules).contains("nothing to write"));
    scene.ok("undo --yes");
    assert_eq!(target(&scene), before, "a deleted row comes back with what it had");
}

#[test]
fn an_empty_table_with_more_columns_is_filled_and_emptied_again() {
    let scene =
        Scene::with_pair(SOURCE, "CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT UNIQUE, ssn DEFAULT 5)");
    scene.ok_with("copy a.db b.db", &["--columns", "customers: !ssn"]);
    assert_eq!(target(&scene), ["1|ada|5", "2|bob|5", "3|cyd|5"]);
    scene.sql("b.db", "UPDATE customers SET ssn = 'mine' WHERE id = 2");
    let said = scene.run("undo --yes --json");
    assert_eq!(target(&scene), ["2|bob|mine"], "what somebody has put there since is not lost");
    assert_eq!(said.last()["status"], "conflicts", "{}", said.out);
}

#[test]
fn rows_that_exchange_unique_values_keep_their_other_cells() {
    let scene = Scene::with_pair(
        SOURCE,
        "CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT UNIQUE, ssn TEXT);
         INSERT INTO customers VALUES (1, 'bob', 'x1'), (2, 'ada', x'02'), (3, 'cyd', NULL)",
    );
    let before = target(&scene);
    scene.ok_with("mirror a.db b.db", &["--columns", "customers: !ssn"]);
    assert_eq!(target(&scene), ["1|ada|x1", "2|bob|[2]", "3|cyd|NULL"]);
    scene.ok("undo --yes");
    assert_eq!(target(&scene), before);
}

#[test]
fn a_column_that_the_target_cannot_fill_stops_the_run() {
    let scene =
        Scene::with_pair(SOURCE, "CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, ssn TEXT NOT NULL)");
    let said = scene.run_with("copy a.db b.db", &["--columns", "customers: !ssn"]);
    assert_eq!(said.code, Some(6), "{}", said.err);
    assert!(said.err.contains("error[SCHEMA_COLUMN_REQUIRED]"), "{}", said.err);
}

#[test]
fn what_mentions_a_column_that_is_not_there_is_left_out_and_named() {
    let source = "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT NOT NULL DEFAULT 'it''s', b INT, c REAL DEFAULT (1.5 + 1),
             twice INT AS (b * 2), thrice INT AS (twice + b) STORED, long AS (length(a)),
             CHECK (b > 0), CHECK (length(a) < 100), UNIQUE (a, b), UNIQUE (a COLLATE BINARY, c));
         CREATE INDEX by_a ON t (a COLLATE NOCASE, c DESC); CREATE INDEX by_b ON t (b);
         CREATE UNIQUE INDEX some ON t (c) WHERE b > 1; CREATE INDEX other ON t (c) WHERE length(a) > 1;
         INSERT INTO t (id, a, b) VALUES (7, 'x', 1)";
    let scene = Scene::with_pair(source, "");
    let shown = scene.ok_with("copy a.db b.db", &["--columns", "t: !b"]);
    let note = "note: t is created without computed column twice, computed column thrice, UNIQUE (a, b), CHECK (b > 0), \
                index by_b, index some\n";
    assert!(shown.contains(note), "{shown}");
    assert_eq!(scene.rows("b.db", "SELECT id, a, c, long FROM t"), ["7|x|2.5|1"]);
    assert_eq!(
        scene.rows("b.db", "SELECT name FROM sqlite_master WHERE sql LIKE 'CREATE INDEX%' ORDER BY 1"),
        ["by_a", "other"]
    );
    let sql = scene.rows("b.db", "SELECT sql FROM sqlite_master WHERE name = 't'").join("");
    for part in ["PRIMARY KEY AUTOINCREMENT", "DEFAULT ('it''s')", "CHECK (length(a) < 100)", "UNIQUE (\"a\", \"c\")"] {
        assert!(sql.contains(part), "{part}\n{sql}");
    }
    let index = scene.rows("b.db", "SELECT sql FROM sqlite_master WHERE name = 'by_a'").join("");
    assert!(index.contains("\"a\" COLLATE \"NOCASE\", \"c\" COLLATE \"BINARY\" DESC"), "{index}");
    assert!(scene.ok_with("mirror a.db b.db", &["--columns", "t: !b"]).contains("nothing to write"));
}

#[test]
fn every_kind_of_table_can_be_made_anew() {
    let tables = [
        "CREATE TABLE t (a TEXT, b INT, gone, PRIMARY KEY (b, a)) WITHOUT ROWID, STRICT",
        "CREATE TABLE t (a TEXT COLLATE NOCASE, b INT, gone, PRIMARY KEY (a, b))",
        "CREATE TABLE t (a TEXT NOT NULL UNIQUE, b INT, gone)",
        "CREATE TABLE t (a TEXT NOT NULL, b INT, gone); CREATE UNIQUE INDEX u ON t (a)",
        "CREATE TABLE t (a TEXT PRIMARY KEY DESC, b DECIMAL(10, 2), gone)",
    ];
    for table in tables {
        let table = table.replace("gone", "gone TEXT");
        let scene = Scene::with_pair(&format!("{table}; INSERT INTO t VALUES ('x', 1, 's'), ('y', 2, 's')"), "");
        scene.ok_with("copy a.db b.db", &["--columns", "t: !gone"]);
        assert_eq!(scene.rows("b.db", "SELECT a, b FROM t ORDER BY a"), ["x|1", "y|2"], "{table}");
        scene.sql("a.db", "UPDATE t SET b = 3 WHERE a = 'x'");
        scene.ok_with("mirror a.db b.db", &["--columns", "t: !gone"]);
        assert_eq!(scene.rows("b.db", "SELECT a, b FROM t ORDER BY a"), ["x|3", "y|2"], "{table}");
    }
}
