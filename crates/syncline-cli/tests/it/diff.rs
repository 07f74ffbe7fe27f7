//! `syncline diff`.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::scene::{Scene, keys, steady};

const DEMO: &str = "syncline-demo/hq.db syncline-demo/branch.db";

#[test]
fn totals_are_named_after_the_databases() {
    let expected = "\
hq.db -> branch.db
TABLE      SAME  ONLY hq.db  CHANGED  ONLY branch.db
customers   194           3        6               1
orders      894           6        6               3
products     95           1        5               0
3 tables differ. 1,214 rows compared in TIME s.
next:  syncline mirror syncline-demo/hq.db syncline-demo/branch.db          make branch.db equal to hq.db
       syncline copy syncline-demo/hq.db syncline-demo/branch.db            add and update, delete nothing
       syncline diff syncline-demo/hq.db syncline-demo/branch.db --rows     show the rows that differ
";
    assert_eq!(steady(&Scene::with_demo().ok(&format!("diff {DEMO}"))), expected);
}

#[test]
fn commands_are_advised_only_for_what_was_compared() {
    let scene = Scene::with_demo();
    let said = scene.ok(&format!("diff {DEMO} --state-dir elsewhere"));
    assert!(said.contains(&format!("syncline mirror {DEMO} --state-dir elsewhere ")), "{said}");
    // A mirror of all tables is not what follows from a look at one, or through a filter.
    assert!(!scene.ok(&format!("diff {DEMO} --tables customers")).contains("next:"));
    assert!(!scene.run_with(&format!("diff {DEMO}"), &["--where", "customers: id > 1"]).out.contains("next:"));
}

#[test]
fn rows_say_which_side_has_what() {
    let shown = Scene::with_demo().ok(&format!("diff {DEMO} --rows --tables customers"));
    for expected in [
        "  id=73  city    hq.db      Antwerp\n                 branch.db  Malmö\n",
        "  id=202  only in hq.db  name=Jun Sato  email=jun.sato@mail.example  city=Osaka  credit=0\n",
        "  id=300  only in branch.db  name=Walk-in customer  email=till.2@branch.example  city=NULL  credit=0\n",
    ] {
        assert!(shown.contains(expected), "{shown}");
    }
}

#[test]
fn the_exit_code_tells_only_when_asked() {
    let scene = Scene::with_demo();
    assert_eq!(scene.run(&format!("diff {DEMO}")).code, Some(0));
    assert_eq!(scene.run(&format!("diff {DEMO} --exit-code")).code, Some(10));
    assert_eq!(scene.run("diff syncline-demo/hq.db syncline-demo/hq.db --exit-code").code, Some(0));
}

#[test]
fn json_is_one_document_of_the_contract() {
    let scene = Scene::with_demo();
    let said = scene.run(&format!("diff {DEMO} --json"));
    assert!(said.err.is_empty(), "{}", said.err);
    assert_eq!(said.out.lines().count(), 1);
    assert_eq!(keys(said.out.trim())[..4], ["format", "type", "equal", "tables"]);
    let table = &said.last()["tables"][0];
    let expected = r#"{"table":"customers","same":194,"only_source":3,"only_target":1,"changed":6,"comparable":true}"#;
    assert_eq!(table, &serde_json::from_str::<serde_json::Value>(expected).unwrap());
    assert!(said.out.contains(expected));
    let with_rows = scene.json(&format!("diff {DEMO} --format json --rows"));
    assert_eq!(with_rows["tables"][0]["rows"].as_array().unwrap().len(), 10);
}

#[test]
fn ndjson_ends_with_the_summary() {
    let said = Scene::with_demo().run(&format!("diff {DEMO} --format ndjson"));
    assert_eq!(said.out.lines().count(), 32);
    assert_eq!(said.last()["type"], "diff");
    let first = said.out.lines().next().unwrap();
    assert_eq!(keys(first), ["format", "type", "table", "operation", "key", "source", "target", "changed"]);
}

#[test]
fn csv_guards_formulas_in_text_and_leaves_numbers() {
    let table = "CREATE TABLE t (id INTEGER PRIMARY KEY, v)";
    let rows = "INSERT INTO t VALUES (1, '=HYPERLINK(\"x\")'), (2, -5), (3, 'a,b'), (4, NULL), (5, x'00ff')";
    let scene = Scene::with_pair(&format!("{table};{rows}"), table);
    let expected = "\
table,operation,key,column,source,target\r
t,insert,id=1,id,1,\r
t,insert,id=1,v,\"'=HYPERLINK(\"\"x\"\")\",\r
t,insert,id=2,id,2,\r
t,insert,id=2,v,-5,\r
t,insert,id=3,id,3,\r
t,insert,id=3,v,\"a,b\",\r
t,insert,id=4,id,4,\r
t,insert,id=4,v,,\r
t,insert,id=5,id,5,\r
t,insert,id=5,v,x'00ff',\r
";
    assert_eq!(scene.ok("diff a.db b.db --format csv"), expected);
}

#[test]
fn the_script_makes_the_target_equal() {
    let scene = Scene::with_demo();
    let script = scene.ok(&format!("diff {DEMO} --format sql"));
    assert!(is_taken_by_the_shell(&scene, "syncline-demo/branch.db", &script));
    assert_eq!(scene.run(&format!("diff {DEMO} --exit-code")).code, Some(0));
}

/// Pipes a script into the sqlite3 shell, with foreign keys on as some builds have them; whether it went through.
fn is_taken_by_the_shell(scene: &Scene, database: &str, script: &str) -> bool {
    let mut shell = Command::new("sqlite3");
    shell.args(["-init", "/dev/null", "-cmd", "PRAGMA foreign_keys = ON"]).arg(scene.path(database));
    shell.stdin(Stdio::piped()).stderr(Stdio::null());
    let mut shell = shell.spawn().expect("the sqlite3 shell is needed for this test");
    // A shell that gives up early closes the pipe.
    let _ = shell.stdin.take().unwrap().write_all(script.as_bytes());
    shell.wait().unwrap().success()
}

#[test]
fn the_script_exchanges_unique_values_and_keeps_every_byte_of_text() {
    let tables = "PRAGMA foreign_keys = OFF;
                  CREATE TABLE t (id INTEGER PRIMARY KEY, u TEXT UNIQUE, v TEXT);
                  CREATE TABLE k (name TEXT PRIMARY KEY COLLATE NOCASE, v TEXT);
                  CREATE TABLE child (id INTEGER PRIMARY KEY, t INTEGER REFERENCES t (id) ON DELETE CASCADE);
                  INSERT INTO child VALUES (1, 1), (2, 2);";
    let source = "INSERT INTO t VALUES (1, 'b', 'x'), (2, 'a', 'one' || char(13, 10) || '.quit' || char(10) || ';'),
                                       (3, 'c', char(27, 0, 127)), (5, 'q', NULL);
                  INSERT INTO k VALUES ('line' || char(13, 10) || 'two', 'new'), ('Q', 'same'), ('r', 'r');
                  CREATE TABLE here_only (id INTEGER PRIMARY KEY);";
    let target = "INSERT INTO t VALUES (1, 'a', 'x'), (2, 'b', ''), (3, 'q', ''), (4, 'c', 'goes');
                  INSERT INTO k VALUES ('line' || char(13, 10) || 'two', 'old'), ('q', 'same'),
                                       ('gone' || char(13, 10), 'old');
                  CREATE TABLE there_only (id INTEGER PRIMARY KEY);";
    let scene = Scene::with_pair(&format!("{tables}{source}"), &format!("{tables}{target}"));
    let script = scene.ok("diff a.db b.db --format sql");
    for note in ["-- here_only is left out: not in b.db\n", "-- there_only is left out: not in a.db\n"] {
        assert!(script.contains(note), "{script}");
    }
    assert!(!script.contains(|c: char| c.is_control() && c != '\n'), "{script:?}");
    assert!(is_taken_by_the_shell(&scene, "b.db", &script), "{script}");
    let diff = scene.command(&["diff", "a.db", "b.db", "--exit-code", "--tables", "*,!*_only"]).output().unwrap();
    assert_eq!(diff.status.code(), Some(0), "{script}{}", String::from_utf8_lossy(&diff.stdout));
}

#[test]
fn a_script_that_fails_commits_nothing() {
    let table = "CREATE TABLE t (id INTEGER PRIMARY KEY, v";
    let rows = "INSERT INTO t VALUES (1, 5), (2, -5), (3, 5)";
    let scene = Scene::with_pair(&format!("{table}); {rows}"), &format!("{table} CHECK (v > 0))"));
    let script = scene.ok("diff a.db b.db --format sql");
    assert!(!is_taken_by_the_shell(&scene, "b.db", &script));
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM t"), 0);
}

#[test]
fn hostile_names_and_values_reach_no_terminal_raw() {
    let table = "CREATE TABLE \"t\x1b[2J\nx\" (id INTEGER PRIMARY KEY, v TEXT)";
    let row = "INSERT INTO \"t\x1b[2J\nx\" VALUES (1, 'a' || char(27) || '[31m' || char(10) || char(8238))";
    let scene = Scene::with_pair(&format!("{table};{row}"), table);
    for format in ["text", "json", "ndjson"] {
        let shown = scene.ok(&format!("diff a.db b.db --rows --format {format}"));
        let raw = shown.chars().find(|c| (c.is_control() && *c != '\n') || *c == '\u{202e}');
        assert_eq!(raw, None, "{format}: {shown:?}");
    }
    let shown = scene.ok("diff a.db b.db --rows");
    assert!(shown.contains("t\\x1b[2J\\nx\n  id=1  only in a.db  v='a\\x1b[31m\\n\\u{202e}'\n"), "{shown}");
}

#[test]
fn text_is_cut_for_people_and_never_for_programs() {
    let table = "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)";
    let scene = Scene::with_pair(&format!("{table}; INSERT INTO t VALUES (1, printf('%.5000c', 'x'))"), table);
    let whole = "x".repeat(5_000);
    assert!(!scene.ok("diff a.db b.db --rows").contains(&"x".repeat(61)));
    for format in ["json", "ndjson", "csv", "sql"] {
        assert!(scene.ok(&format!("diff a.db b.db --rows --format {format}")).contains(&whole), "{format}");
    }
}

#[test]
fn json_and_another_format_contradict_each_other() {
    let said = Scene::with_demo().run(&format!("diff {DEMO} --json --format csv"));
    assert_eq!((said.code, said.last()["code"].as_str()), (Some(2), Some("USAGE_INVALID")));
}

#[test]
fn a_missing_database_is_an_error_in_the_shape_of_the_output() {
    let scene = Scene::with_demo();
    let said = scene.run("diff syncline-demo/hq.db missing.db");
    assert_eq!((said.code, said.out.as_str()), (Some(5), ""));
    assert!(said.err.starts_with("error[STORE_MISSING]: "), "{}", said.err);
    let said = scene.run("diff syncline-demo/hq.db missing.db --json");
    assert_eq!((said.code, said.err.as_str()), (Some(5), ""));
    assert_eq!((said.last()["type"].as_str(), said.last()["code"].as_str()), (Some("error"), Some("STORE_MISSING")));
    assert!(!scene.path("missing.db").exists());
}

#[test]
fn a_csv_says_beside_it_what_it_leaves_out() {
    let table = "CREATE TABLE t (k TEXT PRIMARY KEY, v INTEGER)";
    let scene = Scene::with_pair(&format!("{table}; INSERT INTO t VALUES (NULL, 1)"), table);
    for flags in ["--format csv", "--format csv -q"] {
        let said = scene.run(&format!("diff a.db b.db {flags}"));
        let expected = "warning: t is left out: a row of t has NULL in its key column k\n";
        assert_eq!((said.code, said.err.as_str()), (Some(0), expected), "{flags}");
        assert_eq!(said.out, "table,operation,key,column,source,target\r\n");
    }
    assert_eq!(scene.run("diff a.db b.db --format csv --exit-code").code, Some(10));
    assert_eq!(scene.run("diff a.db a.db --format text").err, "");
}
