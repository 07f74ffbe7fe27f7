//! Plans and held rows, seen through a mapping.

use std::fs;

use crate::scene::Scene;

const SOURCE: &str = "CREATE TABLE users (id INTEGER PRIMARY KEY, mail TEXT, state TEXT, secret TEXT);
     INSERT INTO users VALUES (1, 'ada@plaintext.example', 'open', 's1'), (2, 'bob@plaintext.example', 'open', 's2'),
         (3, 'cyd@plaintext.example', 'shut', 's3')";

const RULES: [&str; 8] = [
    "--where",
    "users: state = 'open'",
    "--columns",
    "users: !secret",
    "--rename",
    "users=members",
    "--mask",
    "users.mail=fake",
];

#[test]
fn a_plan_holds_what_the_mapping_shows_and_is_carried_out_so() {
    let scene = Scene::with_pair(
        SOURCE,
        "CREATE TABLE members (id INTEGER PRIMARY KEY, mail TEXT, state TEXT, secret TEXT DEFAULT 'own');
         INSERT INTO members VALUES (2, 'old', 'open', 'mine'), (8, 'gone', 'open', 'gone'), (9, 'stays', 'shut', 'mine')",
    );
    let before = fs::read(scene.path("b.db")).unwrap();
    let shown = scene.ok_with("plan mirror a.db b.db", &RULES);
    assert!(shown.contains("(where: users; columns: users; renamed: users -> members; masked: users.mail)"), "{shown}");
    assert!(!shown.contains("plaintext"), "{shown}");
    scene.ok_with("plan mirror a.db b.db -o a.plan", &RULES);
    assert!(fs::read(scene.path("b.db")).unwrap() == before);
    let plan = fs::read_to_string(scene.path("a.plan")).unwrap();
    assert!(!plan.contains("plaintext") && plan.contains("user-"), "{plan}");
    scene.sql("a.db", "UPDATE users SET state = 'shut' WHERE id = 3");
    scene.ok("apply a.plan --yes");
    let rows = scene.rows("b.db", "SELECT id, mail LIKE 'user-%@example.com', state, secret FROM members ORDER BY id");
    assert_eq!(rows, ["1|1|open|own", "2|1|open|mine", "9|0|shut|mine"]);
    assert_eq!(scene.run("verify").code, Some(0));
    assert_eq!(scene.run_with("diff a.db b.db --exit-code", &RULES).code, Some(0));
    scene.ok("undo --yes");
    assert_eq!(
        scene.rows("b.db", "SELECT id, mail, secret FROM members"),
        ["2|old|mine", "8|gone|gone", "9|stays|mine"]
    );
}

#[test]
fn a_row_that_left_the_filter_makes_a_plan_stale() {
    let scene = Scene::with_pair(
        SOURCE,
        "CREATE TABLE members (id INTEGER PRIMARY KEY, mail TEXT, state TEXT); INSERT INTO members VALUES (7, 'x', 'shut')",
    );
    scene.ok_with("plan mirror a.db b.db -o a.plan", &RULES);
    scene.sql("a.db", "UPDATE users SET state = 'shut' WHERE id = 1");
    assert_eq!(scene.run("apply a.plan --yes").code, Some(6));
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM members"), 1);
}

#[test]
fn a_plan_as_sql_speaks_of_the_target() {
    let scene = Scene::with_pair(SOURCE, "");
    let script = scene.ok_with("plan copy a.db c.db --format sql", &RULES);
    assert!(script.contains("CREATE TABLE \"members\"") && !script.contains("secret"), "{script}");
    scene.sql("c.db", &script.replace(".bail on", ""));
    assert_eq!(scene.run_with("diff a.db c.db --exit-code", &RULES).code, Some(0), "{script}");
}

#[test]
fn a_plan_knows_the_moment_it_was_made() {
    let source = "CREATE TABLE t (id INTEGER PRIMARY KEY, at REAL); INSERT INTO t VALUES (1, julianday('now') + 1)";
    let scene = Scene::with_pair(source, "");
    scene.ok_with("plan copy a.db b.db -o a.plan", &["--where", "t: at > now()"]);
    let plan = fs::read_to_string(scene.path("a.plan")).unwrap();
    assert!(plan.contains("\"as_of_ms\":"), "{plan}");
    scene.ok("apply a.plan --yes");
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM t"), 1);
}

#[test]
fn a_row_outside_the_filter_is_held_and_released() {
    let scene = Scene::with_pair(
        SOURCE,
        "CREATE TABLE members (id INTEGER PRIMARY KEY, mail TEXT, state TEXT); INSERT INTO members VALUES (1, 'mine', 'shut')",
    );
    let said = scene.run_with("mirror a.db b.db", &RULES);
    assert!(matches!(said.code, Some(3 | 7)), "{}{}", said.out, said.err);
    let held = scene.ok("conflicts list --json");
    assert!(held.contains("out-of-filter") && !held.contains("plaintext"), "{held}");
    assert_eq!(scene.rows("b.db", "SELECT mail, state FROM members WHERE id = 1"), ["mine|shut"]);
    scene.sql("b.db", "UPDATE members SET state = 'open' WHERE id = 1");
    scene.ok("conflicts retry --yes");
    assert_eq!(scene.rows("b.db", "SELECT mail LIKE 'user-%', state FROM members ORDER BY id"), ["1|open", "1|open"]);
    assert!(scene.ok("conflicts list --json").contains("\"data\":[]"));
}

#[test]
fn a_held_row_is_held_as_the_mapping_shows_it() {
    let scene = Scene::with_pair(
        SOURCE,
        "CREATE TABLE members (id INTEGER PRIMARY KEY, mail TEXT, state TEXT, secret TEXT DEFAULT 'own', CHECK (id <> 2))",
    );
    assert_eq!(scene.run_with("mirror a.db b.db", &RULES).code, Some(3));
    let id = scene.json("conflicts list --json")["data"][0]["id"].as_str().unwrap().to_owned();
    let mut said = scene.ok(&format!("conflicts show {id}"));
    said += &scene.ok("conflicts export");
    let script = scene.ok("conflicts export --format sql");
    assert!(script.contains("INSERT INTO") && !script.contains("OR REPLACE"), "{script}");
    said += &script;
    assert!(said.contains("user-") && !said.contains("plaintext"), "{said}");
    let state = fs::read(scene.path("state/state.db")).unwrap();
    let log = fs::read(scene.path("state/state.db-wal")).unwrap_or_default();
    assert!(![state, log].concat().windows(9).any(|window| window == b"plaintext"));
    scene.sql(
        "b.db",
        "PRAGMA writable_schema = ON;
        UPDATE sqlite_master SET sql = replace(sql, 'CHECK (id <> 2)', 'CHECK (id <> 77)') WHERE name = 'members'",
    );
    scene.ok("conflicts retry --yes");
    assert_eq!(scene.rows("b.db", "SELECT id, secret FROM members"), ["1|own", "2|own"]);
    assert_eq!(scene.run_with("diff a.db b.db --exit-code", &RULES).code, Some(0));
    scene.ok("undo --yes");
    assert_eq!(scene.rows("b.db", "SELECT id FROM members"), ["1"]);
}

/// One row that comes, one whose place is taken by a row outside the filter.
fn with_one_outside() -> Scene {
    Scene::with_pair(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, state TEXT, v); INSERT INTO t VALUES (1, 'open', 'a'), (2, 'open', 'b')",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, state TEXT, v); INSERT INTO t VALUES (2, 'shut', 'mine')",
    )
}

const OPEN: [&str; 2] = ["--where", "t: state = 'open'"];

#[test]
fn a_plan_shows_what_will_be_held_outside_the_filter() {
    let scene = with_one_outside();
    for verb in ["copy", "mirror"] {
        let shown = scene.ok_with(&format!("plan {verb} a.db b.db"), &OPEN);
        assert!(shown.contains("+ INSERT  ~ UPDATE  - DELETE  UNCHANGED  ! HELD"), "{shown}");
        assert!(shown.contains("  + id=1  state=open  v=a\n"), "{shown}");
        assert!(shown.contains("  ! id=2  held: the target's row with this key lies outside the filter\n"), "{shown}");
        let script = scene.ok_with(&format!("plan {verb} a.db b.db --format sql"), &OPEN);
        assert!(
            script.contains("-- left out: t id=2: the target's row with this key lies outside the filter\n"),
            "{script}"
        );
        assert!(script.ends_with("-- 1 row, 1 left out\n"), "{script}");
        let lines = scene.ok_with(&format!("plan {verb} a.db b.db --format json"), &OPEN);
        assert!(
            lines.lines().any(|line| line.contains(r#""key":{"id":2}"#) && line.contains(r#""held":"out-of-filter""#))
        );
        let first: serde_json::Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
        assert_eq!((first["tables"][0]["insert"].as_u64(), first["tables"][0]["held"].as_u64()), (Some(1), Some(1)));
    }
    let script = scene.ok_with("plan mirror a.db b.db --format sql", &OPEN);
    scene.sql("b.db", &script.replace(".bail on", ""));
    assert_eq!(scene.rows("b.db", "SELECT * FROM t ORDER BY id"), ["1|open|a", "2|shut|mine"]);
}

#[test]
fn what_a_plan_shows_as_held_is_held() {
    let scene = with_one_outside();
    scene.ok_with("plan mirror a.db b.db -o a.plan", &OPEN);
    let said = scene.run("apply a.plan --yes --json");
    let table = &said.last()["tables"][0];
    let counts = ["inserted", "held", "conflicts"].map(|number| table[number].as_u64().unwrap());
    assert_eq!((counts, said.code), ([1, 1, 0], Some(3)), "{}{}", said.out, said.err);
    assert!(scene.ok("conflicts list --json").contains("out-of-filter"));
    assert_eq!(scene.rows("b.db", "SELECT * FROM t ORDER BY id"), ["1|open|a", "2|shut|mine"]);
}

#[test]
fn what_a_plan_shows_as_held_is_never_written() {
    let scene = with_one_outside();
    scene.ok_with("plan mirror a.db b.db -o a.plan", &OPEN);
    // The way is free now, but nobody has agreed to that row.
    scene.sql("b.db", "DELETE FROM t; INSERT INTO t VALUES (9, 'shut', 'mine')");
    assert_eq!(scene.run("apply a.plan --yes").code, Some(7));
    assert_eq!(scene.rows("b.db", "SELECT * FROM t ORDER BY id"), ["1|open|a", "9|shut|mine"]);
}
