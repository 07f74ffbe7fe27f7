//! `--schema add`: columns that the target lacks are added, and nothing else is.

use std::fs;

use serde_json::Value;

use crate::scene::Scene;

const A: &str = "CREATE TABLE p (id INTEGER PRIMARY KEY); INSERT INTO p VALUES (1);
    CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, kind TEXT COLLATE NOCASE, stock INTEGER NOT NULL DEFAULT 7 CHECK (stock > 0),
        p INTEGER REFERENCES p(id), twice INTEGER AS (stock * 2));
    INSERT INTO t (id, name, kind, stock, p) VALUES (1, 'one', NULL, 7, NULL), (2, 'two', 'x', 7, 1), (3, 'three', NULL, 9, NULL), (4, 'four', NULL, 7, NULL);";
const B: &str = "CREATE TABLE p (id INTEGER PRIMARY KEY); INSERT INTO p VALUES (1);
    CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT);
    INSERT INTO t VALUES (1, 'one'), (2, 'two'), (3, 'three'), (9, 'own');";
const ROWS: &str = "SELECT id, name, kind, stock, p, twice FROM t ORDER BY id";

fn definition(scene: &Scene) -> Vec<String> {
    scene.rows("b.db", "SELECT name, sql FROM sqlite_schema ORDER BY name")
}

#[test]
fn columns_come_with_their_rules_and_only_rows_that_differ_are_written() {
    let scene = Scene::with_pair(A, B);
    let said = scene.run("copy a.db b.db --schema add --json");
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    let summary = said.last();
    let table = &summary["tables"][1];
    // Row 1 already holds what the new columns say of themselves.
    assert_eq!((&table["inserted"], &table["updated"], &table["unchanged"]), (&1.into(), &2.into(), &1.into()));
    assert_eq!(table["added_columns"], serde_json::json!(["kind", "stock", "p", "twice"]));
    assert_eq!(summary["verified"], "equal");
    let expected = [
        "1|one|NULL|7|NULL|14",
        "2|two|x|7|1|14",
        "3|three|NULL|9|NULL|18",
        "4|four|NULL|7|NULL|14",
        "9|own|NULL|7|NULL|14",
    ];
    assert_eq!(scene.rows("b.db", ROWS), expected);
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM t WHERE kind = 'X'"), 1, "the collation came along");
    let sql = definition(&scene).join("\n");
    assert!(sql.contains("CHECK (stock > 0)") && sql.contains("REFERENCES \"p\" (\"id\")"), "{sql}");
    assert!(scene.json("diff a.db b.db --json").get("schema").is_none());
    let again = scene.run("mirror a.db b.db --schema add --max-delete 1 --json").last();
    assert!(again["tables"][1].get("added_columns").is_none(), "{again}");
}

#[test]
fn a_plan_shows_the_statements_and_apply_carries_out_these() {
    let scene = Scene::with_pair(A, B);
    let before = definition(&scene);
    let shown = scene.ok("plan copy a.db b.db --schema add");
    assert!(shown.contains("  ALTER TABLE main.\"t\" ADD COLUMN \"kind\" TEXT COLLATE \"NOCASE\";\n"), "{shown}");
    assert!(shown.contains("  ~ id=2  kind: NULL -> x  p: NULL -> 1\n"), "{shown}");
    assert!(scene.ok("plan copy a.db b.db --schema add --format sql").contains("ADD COLUMN \"kind\""));
    scene.ok("plan copy a.db b.db --schema add -o it.plan");
    assert_eq!(definition(&scene), before);
    let said = scene.run("apply it.plan --json");
    assert_eq!((said.code, said.last()["verified"].as_str()), (Some(0), Some("equal")), "{}{}", said.out, said.err);
    let head: Value =
        serde_json::from_str(fs::read_to_string(scene.path("it.plan")).unwrap().lines().next().unwrap()).unwrap();
    assert_eq!(head["tables"][1]["alters"].as_array().unwrap().len(), 4);
}

#[test]
fn the_script_of_a_plan_does_what_the_run_does() {
    let scene = Scene::with_pair(A, B);
    let script = scene.ok("plan copy a.db b.db --schema add --format sql");
    let script: String = script.lines().filter(|line| !line.starts_with('.')).map(|line| format!("{line}\n")).collect();
    scene.sql("b.db", &script);
    let by_script = scene.rows("b.db", ROWS);
    let other = Scene::with_pair(A, B);
    other.ok("copy a.db b.db --schema add");
    assert_eq!(by_script, other.rows("b.db", ROWS));
}

#[test]
fn a_plan_is_stale_once_somebody_has_added_the_column() {
    let scene = Scene::with_pair(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, n TEXT); INSERT INTO t VALUES (1, 'x')",
        "CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1)",
    );
    scene.ok("plan copy a.db b.db --schema add -o it.plan");
    // Word for word what the plan would do: still, it is not there to be done any more.
    scene.sql("b.db", "ALTER TABLE main.\"t\" ADD COLUMN \"n\" TEXT");
    let said = scene.run("apply it.plan");
    assert_eq!(said.code, Some(6));
    assert!(said.err.contains("error[PLAN_STALE]") && said.err.contains("altered"), "{}", said.err);
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM t WHERE n IS NULL"), 1);
}

#[test]
fn undo_takes_the_rows_back_and_leaves_the_columns() {
    let scene = Scene::with_pair(A, B);
    scene.ok("copy a.db b.db --schema add");
    let undone = scene.ok("undo --yes");
    assert!(undone.contains("note: columns that the run has added stay: t.kind, t.stock, t.p, t.twice\n"), "{undone}");
    let expected = ["1|one|NULL|7|NULL|14", "2|two|NULL|7|NULL|14", "3|three|NULL|7|NULL|14", "9|own|NULL|7|NULL|14"];
    assert_eq!(scene.rows("b.db", ROWS), expected);
}

#[test]
fn a_run_that_added_columns_only_has_no_rows_to_undo() {
    let scene = Scene::with_pair(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, n TEXT); INSERT INTO t VALUES (1, NULL)",
        "CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1)",
    );
    let said = scene.run("copy a.db b.db --schema add --json").last();
    let run = said["run"].as_str().unwrap();
    assert_eq!((&said["tables"][0]["updated"], &said["verified"]), (&0.into(), &"equal".into()));
    let undo = scene.run(&format!("undo {run} --yes"));
    assert!(undo.err.contains("it changed no row; columns that the run has added stay: t.n"), "{}", undo.err);
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM sqlite_schema WHERE name LIKE '_syncline%'"), 0);
}

#[test]
fn an_empty_table_is_loaded_once_it_is_wide_enough() {
    let scene = Scene::with_pair(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, n TEXT); INSERT INTO t VALUES (1, 'x'), (2, 'y')",
        "CREATE TABLE t (id INTEGER PRIMARY KEY)",
    );
    let said = scene.run("mirror a.db b.db --schema add --json");
    assert_eq!((said.code, said.last()["verified"].as_str()), (Some(0), Some("equal")), "{}{}", said.out, said.err);
    assert_eq!(scene.rows("b.db", "SELECT * FROM t"), ["1|x", "2|y"]);
    scene.ok("undo --yes");
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM t"), 0);
}

#[test]
fn what_cannot_be_added_stops_the_run_with_nothing_changed() {
    let cases = [
        ("needed INT NOT NULL", "has no default", ""),
        ("moment TEXT DEFAULT CURRENT_TIMESTAMP", "non-constant", ""),
        ("sum INT AS (id + 1) STORED", "STORED", ""),
        ("other VARCHAR", "--rename 't.other=mine'", ", mine VARCHAR"),
    ];
    for (column, words, extra) in cases {
        let scene = Scene::with_pair(
            &format!("CREATE TABLE t (id INTEGER PRIMARY KEY, fine TEXT, {column})"),
            &format!("CREATE TABLE t (id INTEGER PRIMARY KEY{extra}); INSERT INTO t (id) VALUES (1)"),
        );
        let before = definition(&scene);
        let said = scene.run("copy a.db b.db --schema add");
        assert_eq!(said.code, Some(6), "{column}: {}{}", said.out, said.err);
        assert!(said.err.contains(words), "{column}: {}", said.err);
        assert_eq!(definition(&scene), before, "{column}");
    }
}

#[test]
fn a_row_that_breaks_the_new_condition_keeps_all_columns_out() {
    let scene = Scene::with_pair(
        "CREATE TABLE s (id INTEGER PRIMARY KEY, n TEXT); CREATE TABLE t (id INTEGER PRIMARY KEY, top INT DEFAULT 5 CHECK (top >= id))",
        "CREATE TABLE s (id INTEGER PRIMARY KEY); CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (50)",
    );
    let before = definition(&scene);
    let said = scene.run("copy a.db b.db --schema add");
    assert_eq!(said.code, Some(6), "{}{}", said.out, said.err);
    assert!(said.err.contains("error[SCHEMA_NOT_ADDED]") && said.err.contains("nothing was changed"), "{}", said.err);
    assert_eq!(definition(&scene), before);
}

#[test]
fn a_filter_by_a_column_that_is_yet_to_come_is_refused() {
    let scene = Scene::with_pair(A, B);
    let said = scene.run_with("copy a.db b.db --schema add", &["--where", "t: stock > 1"]);
    assert_eq!(said.code, Some(2), "{}", said.err);
    assert!(said.err.contains("FILTER_INVALID") && said.err.contains("yet to get"), "{}", said.err);
}

#[test]
fn held_rows_and_new_columns_go_together() {
    let scene = Scene::with_pair(A, B);
    scene.sql("a.db", "PRAGMA foreign_keys = OFF; INSERT INTO t (id, name, p) VALUES (6, 'lost', 99)");
    let said = scene.run("copy a.db b.db --schema add --json");
    assert_eq!(said.code, Some(3), "{}{}", said.out, said.err);
    assert_eq!((&said.last()["tables"][1]["held"], &said.last()["verified"]), (&1.into(), &"equal-except".into()));
    scene.sql("a.db", "INSERT INTO p VALUES (99)");
    scene.sql("b.db", "INSERT INTO p VALUES (99)");
    scene.ok("conflicts retry --yes");
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM t WHERE id = 6"), 1);
}

#[test]
fn renamed_and_masked_columns_are_added_under_their_names() {
    let scene = Scene::with_pair(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, mail TEXT, secret TEXT); INSERT INTO t VALUES (1, 'ada@x.org', 's')",
        "CREATE TABLE u (id INTEGER PRIMARY KEY); INSERT INTO u VALUES (1)",
    );
    let rules =
        ["--rename", "t=u", "--rename", "t.mail=address", "--mask", "t.mail=text:hidden", "--columns", "t: !secret"];
    scene.ok_with("copy a.db b.db --schema add", &rules);
    assert_eq!(scene.rows("b.db", "SELECT * FROM u"), ["1|hidden"]);
}

#[test]
fn rows_that_hold_what_the_defaults_say_are_not_written_again() {
    let columns = "a INT DEFAULT '5', b TEXT DEFAULT 5, c REAL DEFAULT 1, d BLOB DEFAULT X'00ff', e INT DEFAULT TRUE, f INT DEFAULT -1,
        g TEXT DEFAULT \"dq\", h DEFAULT NULL, i NUMERIC DEFAULT +5, j DEFAULT 1e3, k TEXT DEFAULT bare, l TEXT DEFAULT 'it''s é 🦀',
        m NUMERIC DEFAULT '1.50', n INT DEFAULT 9223372036854775807, o REAL DEFAULT 9e999, p INT DEFAULT (7), q TEXT DEFAULT ''";
    let (rows, place) = ("INSERT INTO t (id) VALUES (1), (2)", "CREATE TABLE t (id TEXT PRIMARY KEY NOT NULL");
    for (encoding, options) in [("UTF-8", ""), ("UTF-16le", ""), ("UTF-8", " WITHOUT ROWID")] {
        let scene = Scene::with_pair(
            &format!("{place}, {columns}){options}; {rows}"),
            &format!("PRAGMA encoding = '{encoding}'; {place}){options}; {rows}"),
        );
        let summary = scene.run("copy a.db b.db --schema add --json").last();
        let table = &summary["tables"][0];
        assert_eq!((&table["updated"], &table["unchanged"]), (&0.into(), &2.into()), "{encoding} {summary}");
        assert_eq!(summary["verified"], "equal");
        let all = "SELECT * FROM t";
        assert_eq!(scene.rows("a.db", all), scene.rows("b.db", all));
    }
}

#[test]
fn hostile_names_and_defaults() {
    let names =
        ["it's", "a\"b", "a]b", "two words", "new\nline", "select", "ünï 🦀", "x'); DROP TABLE \"safe\";--", "a.b=c"];
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let columns: Vec<String> =
        names.iter().map(|name| format!("{} TEXT DEFAULT 'x''; DROP TABLE safe; --'", quoted(name))).collect();
    let make = |columns: &str| {
        let tables = names.iter().map(|name| {
            format!(
                "CREATE TABLE {0} (id INTEGER PRIMARY KEY{columns}); INSERT INTO {0} (id) VALUES (1);",
                quoted(name)
            )
        });
        tables.collect::<String>() + "CREATE TABLE safe (id INTEGER PRIMARY KEY)"
    };
    let scene = Scene::with_pair(&make(&format!(", {}", columns.join(", "))), &make(""));
    scene.sql("a.db", &format!("UPDATE {} SET {} = 'changed'", quoted(names[1]), quoted(names[7])));
    assert!(scene.ok("plan copy a.db b.db --schema add").contains("ADD COLUMN \"new\\nline\" TEXT"));
    let said = scene.run("copy a.db b.db --schema add --json");
    assert_eq!((said.code, said.last()["verified"].as_str()), (Some(0), Some("equal")), "{}{}", said.out, said.err);
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM sqlite_schema WHERE name = 'safe'"), 1);
    assert_eq!(scene.run("diff a.db b.db --exit-code").code, Some(0));
    assert!(scene.json("diff a.db b.db --json").get("schema").is_none());
}

#[test]
fn strict_tables_get_the_types_they_know() {
    let pair = |column: &str| {
        Scene::with_pair(
            &format!("CREATE TABLE t (id INTEGER PRIMARY KEY, {column}); INSERT INTO t VALUES (1, '5')"),
            "CREATE TABLE t (id INTEGER PRIMARY KEY) STRICT; INSERT INTO t VALUES (1)",
        )
    };
    assert_eq!(pair("v TEXT").run("copy a.db b.db --schema add").code, Some(0));
    // Without STRICT, ANY is a column of numbers.
    for column in ["v VARCHAR(5)", "v ANY"] {
        let scene = pair(column);
        let said = scene.run("copy a.db b.db --schema add");
        assert_eq!(said.code, Some(6), "{column} {}", said.out);
        assert_eq!(scene.rows("b.db", "SELECT * FROM t"), ["1"]);
    }
}

#[test]
fn a_full_refresh_finds_the_columns_there() {
    for flags in ["--strategy full", "--strategy full --truncate-target"] {
        let scene = Scene::with_pair(A, B);
        let said = scene.run(&format!("mirror a.db b.db --schema add --json {flags}"));
        assert_eq!((said.code, said.last()["verified"].as_str()), (Some(0), Some("equal")), "{}{}", said.out, said.err);
        assert_eq!(scene.rows("a.db", ROWS), scene.rows("b.db", ROWS));
        scene.ok("undo --yes");
        let expected =
            ["1|one|NULL|7|NULL|14", "2|two|NULL|7|NULL|14", "3|three|NULL|7|NULL|14", "9|own|NULL|7|NULL|14"];
        assert_eq!(scene.rows("b.db", ROWS), expected, "{flags}");
    }
}

#[test]
fn views_triggers_and_indexes_of_the_target_are_not_in_the_way() {
    let scene = Scene::with_pair(
        A,
        &format!(
            "{B} CREATE TABLE child (id INTEGER PRIMARY KEY, t INTEGER REFERENCES t(id)); INSERT INTO child VALUES (1, 1);
             CREATE VIEW v AS SELECT * FROM t; CREATE VIEW broken AS SELECT gone FROM nowhere;
             CREATE TRIGGER g AFTER UPDATE ON t BEGIN DELETE FROM child; END;
             CREATE INDEX lowered ON t (lower(name)); CREATE UNIQUE INDEX some ON t (name) WHERE name > 'zz';"
        ),
    );
    let said = scene.run("copy a.db b.db --schema add --json");
    assert_eq!((said.code, said.last()["verified"].as_str()), (Some(0), Some("equal")), "{}{}", said.out, said.err);
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM child"), 1, "the trigger fired");
    assert_eq!(
        scene.number("b.db", "SELECT count(*) FROM sqlite_schema WHERE type IN ('view', 'trigger', 'index')"),
        5
    );
}

#[test]
fn tables_without_a_key_are_widened_too() {
    let scene = Scene::with_pair(
        "CREATE TABLE t (a TEXT, n INT DEFAULT 3); INSERT INTO t VALUES ('x', 3), ('x', 3), ('y', 4)",
        "CREATE TABLE t (a TEXT); INSERT INTO t VALUES ('x'), ('z')",
    );
    let said = scene.run("mirror a.db b.db --schema add --json");
    assert_eq!((said.code, said.last()["verified"].as_str()), (Some(0), Some("equal")), "{}{}", said.out, said.err);
    let table = &said.last()["tables"][0];
    assert_eq!((&table["inserted"], &table["deleted"], &table["unchanged"]), (&2.into(), &1.into(), &1.into()));
    scene.ok("undo --yes");
    assert_eq!(scene.rows("b.db", "SELECT * FROM t ORDER BY a"), ["x|3", "z|3"]);
}
