//! Held rows as a script: one that runs, in the one database that it is for.

use rusqlite::Connection;

use super::CHECKED;
use crate::scene::{Said, Scene};

const SOURCE: &str = "CREATE TABLE t (id INTEGER PRIMARY KEY, v INTEGER, note TEXT); INSERT INTO t VALUES (1, -1, 'x')";

#[test]
fn a_script_is_for_one_target() {
    let scene = Scene::with_pair(SOURCE, CHECKED);
    scene.sql("c.db", CHECKED);
    assert_eq!(scene.run("copy a.db b.db").code, Some(3));
    assert_eq!(scene.run("copy a.db c.db").code, Some(3));
    let said = scene.run("conflicts export --format sql");
    assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{}", said.err);
    for part in ["USAGE_INVALID", "  why ", "  state ", "  next ", "held for 2 targets", "--filter target:c.db"] {
        assert!(said.err.contains(part), "{part}\n{}", said.err);
    }
    let said = scene.run("conflicts export --format sql --filter kind:check");
    assert!(said.code == Some(2) && said.err.contains("--filter 'kind:check target:b.db'"), "{}", said.err);
    let script = scene.ok("conflicts export --format sql --filter target:c.db");
    assert!(script.contains("-- in c.db\n") && !script.contains("b.db"), "{script}");
    let lines = scene.ok("conflicts export --filter target:b.db");
    assert_eq!(lines.matches(",a.db,b.db\r\n").count(), lines.lines().count() - 1, "{lines}");
    assert!(scene.ok("conflicts list --filter target:c.db").contains("1 row"));
    assert_eq!(scene.run("conflicts export --format sql --filter target:none.db").code, Some(0));
    // What is shown as JSON or CSV names the databases of each row.
    assert_eq!(scene.json("conflicts export --json")["data"].as_array().unwrap().len(), 2);
    scene.sql("c.db", "INSERT INTO t VALUES (1, 1, 'x')");
    scene.sql("a.db", "UPDATE t SET v = 1");
    scene.ok("conflicts retry --filter target:c.db");
    assert!(scene.ok("conflicts export --format sql").contains("-- in b.db\n"));
}

#[test]
fn targets_of_one_name_in_two_directories_are_two() {
    let scene = Scene::with_pair(SOURCE, CHECKED);
    std::fs::create_dir(scene.path("inner")).unwrap();
    scene.sql("inner/b.db", CHECKED);
    assert_eq!(scene.run("copy a.db b.db").code, Some(3));
    let inner =
        scene.command(&["copy", "../a.db", "b.db", "--json"]).current_dir(scene.path("inner")).output().unwrap();
    let inner = Said::from(inner);
    assert_eq!(inner.code, Some(3), "{}", inner.out);
    let run = inner.last()["run"].as_str().unwrap().to_owned();
    let said = scene.run("conflicts export --format sql --filter target:b.db");
    assert!(said.code == Some(2) && said.err.contains(&format!("'target:b.db run:{run}'")), "{}", said.err);
    let script = scene.ok(&format!("conflicts export --format sql --filter run:{run}"));
    assert_eq!(script.matches("INSERT INTO").count(), 1, "{script}");
}

/// Lists show the last part of a name; the whole one means nothing else.
#[test]
fn a_target_is_chosen_by_what_lists_call_it() {
    let scene = Scene::with_pair(SOURCE, CHECKED);
    std::fs::create_dir(scene.path("inner")).unwrap();
    scene.sql("inner/b.db", CHECKED);
    assert_eq!(scene.run("copy a.db inner/b.db").code, Some(3));
    let count = |name: &str| {
        let listed = scene.json(&format!("conflicts list --json --filter target:{name}"));
        listed["data"].as_array().unwrap().len()
    };
    assert_eq!(["b.db", "inner/b.db", ".db", "a.db"].map(count), [1, 1, 0, 0]);
    assert_eq!(scene.run("copy a.db b.db").code, Some(3));
    assert_eq!(["b.db", "inner/b.db"].map(count), [1, 1]);
}

#[test]
fn rows_that_reference_each_other_go_in_together() {
    let tables = |check: &str| {
        format!(
            "CREATE TABLE a (id INTEGER PRIMARY KEY, b INTEGER REFERENCES b (id), x INTEGER {check});
             CREATE TABLE b (id INTEGER PRIMARY KEY, a INTEGER REFERENCES a (id))"
        )
    };
    let rows = "PRAGMA foreign_keys = OFF; INSERT INTO a VALUES (2, 2, -2); INSERT INTO b VALUES (2, 2)";
    let scene = Scene::with_pair(&format!("{};{rows}", tables("")), &tables("CHECK (x > 0)"));
    assert_eq!(scene.run("copy a.db b.db").code, Some(3));
    let script = scene.ok("conflicts export --format sql").replace(".bail on\n", "");
    let run = |script: &str| Connection::open(scene.path("b.db")).unwrap().execute_batch(script);
    // As it stands it is refused, and leaves nothing.
    assert!(run(&script).is_err());
    assert_eq!(scene.number("b.db", "SELECT (SELECT count(*) FROM a) + (SELECT count(*) FROM b)"), 0);
    run(&script.replace("-2", "22")).unwrap();
    assert_eq!(scene.rows("b.db", "SELECT a.*, b.* FROM a JOIN b ON a.b = b.id AND b.a = a.id"), ["2|2|22|2|2"]);
    // A reference that nothing makes good is found at the end.
    scene.sql("b.db", "PRAGMA foreign_keys = OFF; DELETE FROM a; DELETE FROM b");
    let half: String =
        script.lines().filter(|line| !line.contains("INTO \"a\"")).map(|line| format!("{line}\n")).collect();
    assert!(run(&half).is_err());
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM b"), 0);
}
