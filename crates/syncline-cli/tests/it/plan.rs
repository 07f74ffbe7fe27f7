//! `syncline plan` and `syncline apply`: seeing the change before it happens, and making exactly that change.

mod cut_off;
mod elsewhere;
mod referenced;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;
use serde_json::Value;
use syncline::error::Result;
use syncline::event::EventSink;
use syncline::summary::Summary;
use syncline::{Cancel, Syncline};

use crate::scene::{Scene, steady};

const DEMO: &str = "syncline-demo/hq.db syncline-demo/branch.db";
const BRANCH: &str = "syncline-demo/branch.db";

/// The lines of a plan.
fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What a plan or a diff names: table, operation, key.
fn named(lines: &[Value]) -> BTreeSet<String> {
    let rows = lines.iter().filter(|line| line["type"] == "row");
    rows.map(|row| format!("{} {} {}", row["table"], row["operation"], row["key"])).collect()
}

/// All rows of a table as text, one a line, read without Syncline.
fn dump(scene: &Scene, database: &str, table: &str) -> Vec<String> {
    let conn = Connection::open(scene.path(database)).unwrap();
    let mut statement = conn.prepare(&format!("SELECT * FROM {table}")).unwrap();
    let width = statement.column_count();
    let rows = statement.query_map([], |row| {
        (0..width).map(|column| Ok(format!("{:?}", row.get_ref(column)?))).collect::<rusqlite::Result<Vec<_>>>()
    });
    let mut rows: Vec<_> = rows.unwrap().map(|row| row.unwrap().join("|")).collect();
    rows.sort();
    rows
}

/// Applies `p.plan` through the library, watched by whoever listens.
fn apply_watched(scene: &Scene, events: Arc<dyn EventSink>, cancel: Cancel) -> Result<Summary> {
    let settings = scene.settings(events, cancel);
    let apply = async { Syncline::open(settings).await?.apply_plan(Path::new("p.plan")).await };
    tokio::runtime::Runtime::new().unwrap().block_on(apply)
}

fn bytes(scene: &Scene, database: &str) -> Vec<u8> {
    fs::read(scene.path(database)).unwrap()
}

#[test]
fn a_plan_names_exactly_the_rows_of_the_diff_and_changes_nothing() {
    let scene = Scene::with_demo();
    let before = bytes(&scene, BRANCH);
    let diff = lines(&scene.ok(&format!("diff {DEMO} --format ndjson")));
    let plan = lines(&scene.ok(&format!("plan mirror {DEMO} --format json")));
    assert_eq!(named(&plan), named(&diff));
    assert_eq!(named(&plan).len(), 31);
    let copy = lines(&scene.ok(&format!("plan copy {DEMO} --json")));
    assert!(named(&copy).iter().all(|row| !row.contains("\"delete\"")));
    assert_eq!(named(&copy).len(), 27);
    assert_eq!(bytes(&scene, BRANCH), before);
    assert!(scene.ok("runs list --json").contains("\"data\":[]"));
}

#[test]
fn a_plan_is_printed_for_people() {
    let scene = Scene::with_demo();
    let shown = scene.ok(&format!("plan mirror {DEMO} --tables products"));
    let head = "\
hq.db -> branch.db  plan of a mirror
TABLE     + INSERT  ~ UPDATE  - DELETE  UNCHANGED  HOW
products         1         5         0         95  compare: the target has rows
products
  ~ ";
    assert!(shown.starts_with(head), "{shown}");
    assert_eq!(shown.lines().filter(|line| line.starts_with("  ~ ")).count(), 5);
    let dry = scene.ok(&format!("mirror {DEMO} --tables products --dry-run"));
    assert_eq!(dry, shown);
}

#[test]
fn apply_does_what_the_plan_says_and_no_more() {
    let scene = Scene::with_demo();
    let saved = steady(&scene.ok(&format!("plan mirror {DEMO} -o day.plan")));
    assert!(saved.contains("saved day.plan, valid until a row it names changes\nnext:  syncline apply day.plan\n"));
    // Another program writes other rows, in the source and in the target.
    scene.sql("syncline-demo/hq.db", "UPDATE customers SET name = 'later' WHERE id = 150");
    scene.sql("syncline-demo/hq.db", "INSERT INTO customers (id, name, email) VALUES (90001, 'new', 'new@later')");
    scene.sql(BRANCH, "INSERT INTO customers (id, name, email) VALUES (90002, 'own', 'own@later')");
    let planned = named(&lines(&fs::read_to_string(scene.path("day.plan")).unwrap()));
    let said = scene.run("apply day.plan --json");
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    let summary = said.last();
    assert_eq!((&summary["status"], &summary["verified"]), (&"succeeded".into(), &"equal-except".into()));
    let written: u64 = summary["tables"].as_array().unwrap().iter().map(written).sum();
    assert_eq!(written, planned.len() as u64);
    let notes = summary["notes"].to_string();
    assert!(notes.contains("3 rows differ beside the plan, and were left alone"), "{notes}");
    let left = named(&lines(&scene.ok(&format!("diff {DEMO} --format ndjson"))));
    assert_eq!(left.len(), 3, "{left:?}");
    assert!(left.is_disjoint(&planned));
}

fn written(table: &Value) -> u64 {
    ["inserted", "updated", "deleted"].iter().map(|count| table[*count].as_u64().unwrap()).sum()
}

#[test]
fn a_row_changed_in_between_makes_it_stale_and_nothing_is_written() {
    for (database, change) in [
        ("a.db", "UPDATE t SET v = 'again' WHERE id = 2"),
        ("b.db", "UPDATE t SET v = 'again' WHERE id = 2"),
        ("a.db", "DELETE FROM t WHERE id = 2"),
        ("b.db", "INSERT INTO t VALUES (3, 'mine')"),
        ("b.db", "DELETE FROM t WHERE id = 9"),
        ("a.db", "INSERT INTO t VALUES (9, 'back')"),
        ("b.db", "ALTER TABLE t ADD COLUMN more"),
        ("b.db", "ALTER TABLE t RENAME COLUMN v TO w"),
        ("a.db", "ALTER TABLE t DROP COLUMN v"),
        ("a.db", "DROP TABLE t; CREATE TABLE other (id INTEGER PRIMARY KEY)"),
        ("a.db", "DROP TABLE t"),
        ("b.db", "DROP TABLE t"),
        ("b.db", "DROP TABLE t; CREATE VIEW t AS SELECT 1 AS id, 2 AS v"),
        ("b.db", "DELETE FROM t"),
    ] {
        let table = "CREATE TABLE t (id INTEGER PRIMARY KEY, v)";
        let scene = Scene::with_pair(
            &format!("{table}; INSERT INTO t VALUES (1, 'same'), (2, 'new'), (3, 'only')"),
            &format!("{table}; INSERT INTO t VALUES (1, 'same'), (2, 'old'), (9, 'gone')"),
        );
        scene.ok("plan mirror a.db b.db -o p.plan");
        scene.sql(database, change);
        let before = (bytes(&scene, "a.db"), bytes(&scene, "b.db"));
        let said = scene.run("apply p.plan");
        assert_eq!(said.code, Some(6), "{change}\n{}{}", said.out, said.err);
        assert!(said.err.contains("error[PLAN_STALE]"), "{change}\n{}", said.err);
        assert!(said.err.contains("make the plan anew"), "{change}\n{}", said.err);
        assert_eq!((bytes(&scene, "a.db"), bytes(&scene, "b.db")), before, "{change}");
        // It was not carried out, so it is not spent.
        assert_eq!(scene.run("apply p.plan").code, Some(6), "{change}");
    }
}

#[test]
fn a_plan_is_applied_while_another_program_writes_other_rows() {
    let rows = "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)";
    let table = "CREATE TABLE t (id INTEGER PRIMARY KEY, v, n INTEGER DEFAULT 0)";
    let fill = |word: &str| {
        format!("PRAGMA journal_mode = WAL; {table}; INSERT INTO t (id, v) {rows} SELECT i, {word} FROM n")
    };
    let scene = Scene::with_pair(&fill("iif(i % 2, 'new', 'same')"), &fill("iif(i % 2, 'old', 'same')"));
    scene.ok("plan mirror a.db b.db --batch-size 2000 -o p.plan");
    let writes = std::thread::scope(|scope| {
        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        let path = scene.path("b.db");
        let writer = scope.spawn(move || {
            let conn = Connection::open(path).unwrap();
            conn.busy_timeout(std::time::Duration::from_secs(30)).unwrap();
            let mut writes = 0;
            while writes < 100 || stopped.try_recv().is_err() {
                conn.execute("UPDATE t SET n = n + 1 WHERE id = ?1", [2 * (writes % 10_000) + 2]).unwrap();
                writes += 1;
            }
            writes
        });
        let said = scene.run("apply p.plan --json");
        stop.send(()).unwrap();
        assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
        let summary = said.last();
        assert_eq!((&summary["tables"][0]["updated"], &summary["verified"]), (&10_000.into(), &"in-flight".into()));
        writer.join().unwrap()
    });
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM t WHERE v = 'new'"), 10_000);
    assert_eq!(scene.number("b.db", "SELECT sum(n) FROM t WHERE v = 'same'"), writes, "no write of theirs is lost");
}

#[test]
fn a_stale_plan_names_the_rows() {
    let table = "CREATE TABLE t (id INTEGER PRIMARY KEY, v)";
    let scene = Scene::with_pair(&format!("{table}; INSERT INTO t VALUES (1, 'x'), (2, 'y')"), table);
    scene.sql("b.db", "INSERT INTO t VALUES (7, 'z')");
    scene.ok("plan mirror a.db b.db --max-delete 1 -o p.plan");
    scene.sql("b.db", "UPDATE t SET v = 'w'");
    let said = scene.run("apply p.plan");
    assert!(said.err.contains(r#"1 row of the plan was changed since it was made: {"id":7}"#), "{}", said.err);
}

#[test]
fn a_plan_is_spent_once_applied() {
    let scene = Scene::with_demo();
    scene.ok(&format!("plan mirror {DEMO} -o p.plan"));
    let run = scene.run("apply p.plan --json").last()["run"].as_str().unwrap().to_owned();
    let again = scene.run("apply p.plan");
    assert_eq!(again.code, Some(6));
    assert!(again.err.contains("error[PLAN_SPENT]") && again.err.contains(&run), "{}", again.err);
    // Even where it would fit once more.
    scene.ok("undo --yes");
    assert_eq!(scene.run("apply p.plan").code, Some(6));
    // Nor does its run do more than the plan held.
    assert_eq!(scene.run(&format!("runs resume {run}")).code, Some(2));
}

#[test]
fn a_restore_makes_a_plan_stale() {
    let scene = Scene::with_demo();
    scene.ok(&format!("backup {BRANCH} -o b.backup"));
    scene.ok(&format!("plan mirror {DEMO} -o p.plan"));
    scene.ok(&format!("restore b.backup {BRANCH} --yes"));
    let said = scene.run("apply p.plan");
    assert_eq!(said.code, Some(6), "{}", said.err);
    assert!(said.err.contains("was restored from a backup since"), "{}", said.err);
}

#[test]
fn tables_that_are_missing_are_planned_and_made() {
    let scene = Scene::new();
    scene.sql("a.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, v UNIQUE); CREATE INDEX i ON t (v DESC)");
    scene.sql("a.db", "INSERT INTO t VALUES (1, 'one'), (2, 'two'); CREATE TABLE empty (id INTEGER PRIMARY KEY)");
    let plan = lines(&scene.ok("plan copy a.db new.db --format json"));
    assert!(!scene.path("new.db").exists());
    assert_eq!(plan[0]["target"]["identity"], Value::Null);
    assert_eq!(named(&plan).len(), 2);
    scene.ok("plan copy a.db new.db -o p.plan");
    scene.sql("a.db", "UPDATE t SET v = 'changed' WHERE id = 1");
    assert_eq!(scene.run("apply p.plan").code, Some(6));
    assert!(!scene.path("new.db").exists());
    scene.sql("a.db", "UPDATE t SET v = 'one' WHERE id = 1");
    scene.ok("apply p.plan");
    assert_eq!(dump(&scene, "new.db", "t"), dump(&scene, "a.db", "t"));
    assert_eq!(scene.number("new.db", "SELECT count(*) FROM sqlite_schema WHERE name IN ('i', 'empty')"), 2);
}

#[test]
fn the_script_of_a_plan_does_what_the_plan_does() {
    let scene = Scene::with_demo();
    scene.sql("syncline-demo/hq.db", "CREATE TABLE extra (id INTEGER PRIMARY KEY, v); CREATE INDEX x ON extra (v)");
    scene.sql("syncline-demo/hq.db", "INSERT INTO extra VALUES (1, 'it''s')");
    let script = scene.ok(&format!("plan mirror {DEMO} --format sql"));
    let script = script.replace(".bail on\n", "");
    scene.sql(BRANCH, &script);
    assert_eq!(scene.run(&format!("diff {DEMO} --exit-code")).code, Some(0));
    assert_eq!(scene.number(BRANCH, "SELECT count(*) FROM sqlite_schema WHERE name = 'x'"), 1);
}

#[test]
fn the_script_of_a_copy_deletes_nothing() {
    let table = "CREATE TABLE t (id INTEGER PRIMARY KEY, e UNIQUE, v)";
    let scene = Scene::with_pair(
        &format!("{table}; INSERT INTO t VALUES (1, 'x', 'source')"),
        &format!("{table}; INSERT INTO t VALUES (2, 'x', 'mine')"),
    );
    let script = scene.ok("plan copy a.db b.db --format sql").replace(".bail on\n", "");
    let refused = Connection::open(scene.path("b.db")).unwrap().execute_batch(&script).unwrap_err();
    assert!(refused.to_string().contains("UNIQUE constraint failed: t.e"), "{refused}");
    assert_eq!(scene.run("copy a.db b.db").code, Some(3));
    let script = scene.ok("conflicts export --format sql").replace(".bail on\n", "");
    assert!(Connection::open(scene.path("b.db")).unwrap().execute_batch(&script).is_err());
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM t WHERE v = 'mine'"), 1);
}

#[test]
fn long_plans_hold_ranges() {
    let rows = "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 120000)";
    let table = "CREATE TABLE t (id INTEGER PRIMARY KEY, v)";
    let scene = Scene::with_pair(
        &format!("{table}; INSERT INTO t {rows} SELECT i, 'new' FROM n"),
        &format!("{table}; INSERT INTO t {rows} SELECT i, 'old' FROM n"),
    );
    scene.ok("plan mirror a.db b.db -o p.plan");
    let plan = lines(&fs::read_to_string(scene.path("p.plan")).unwrap());
    assert_eq!(plan.iter().filter(|line| line["type"] == "range").count(), 12);
    assert_eq!(plan.iter().filter(|line| line["type"] == "row").count(), 0);
    assert_eq!(scene.run("plan mirror a.db b.db --format sql").code, Some(2));
    scene.sql("b.db", "UPDATE t SET v = 'mine' WHERE id = 77777");
    let said = scene.run("apply p.plan");
    assert_eq!(said.code, Some(6));
    assert!(said.err.contains(r#"rows between {"id":70001} and {"id":80000} were changed"#), "{}", said.err);
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM t WHERE v = 'new'"), 0);
    scene.sql("b.db", "UPDATE t SET v = 'old' WHERE id = 77777");
    scene.ok("apply p.plan");
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM t WHERE v = 'new'"), 120_000);
}

#[test]
fn a_file_that_is_no_plan_or_was_tampered_with_is_refused() {
    let scene = Scene::with_demo();
    scene.ok(&format!("plan mirror {DEMO} -o p.plan"));
    let plan = fs::read_to_string(scene.path("p.plan")).unwrap();
    let before = bytes(&scene, BRANCH);
    let without_last = &plan[..plan.trim_end().rfind('\n').unwrap() + 1];
    let other_row = plan.replacen("\"insert\"", "\"delete\"", 1);
    for bad in ["", "{}", "\n", &plan[..plan.len() / 2], without_last, &other_row, &format!("{plan}x\n"), "\u{0}\u{1}"]
    {
        fs::write(scene.path("bad.plan"), bad).unwrap();
        let said = scene.run("apply bad.plan");
        assert_eq!(said.code, Some(2), "{}{}", said.out, said.err);
        assert!(said.err.contains("error[PLAN_INVALID]"), "{}", said.err);
    }
    assert_eq!(scene.run("apply none.plan").code, Some(2));
    assert_eq!(scene.run("apply .").code, Some(2));
    assert_eq!(bytes(&scene, BRANCH), before);
    // Nor is a file overwritten that is no plan.
    let said = scene.run(&format!("plan mirror {DEMO} -o {BRANCH}"));
    assert_eq!(said.code, Some(2), "{}", said.err);
    assert_eq!(bytes(&scene, BRANCH), before);
    scene.ok(&format!("plan mirror {DEMO} -o p.plan"));
}

#[test]
fn a_plan_is_not_saved_where_a_database_would_find_it() {
    let table = "CREATE TABLE t (id INTEGER PRIMARY KEY)";
    let scene = Scene::with_pair(&format!("{table}; INSERT INTO t VALUES (1)"), table);
    fs::create_dir(scene.path("d")).unwrap();
    for place in ["a.db-wal", "b.db-shm", "b.db-journal", "b.db-syncing", "./b.db-wal", "d/../a.db-journal"] {
        let said = scene.run(&format!("plan copy a.db b.db -o {place}"));
        assert_eq!(said.code, Some(2), "{place}\n{}", said.err);
        assert!(said.err.contains("error[PLAN_INVALID]"), "{place}\n{}", said.err);
        assert!(!scene.path(place).exists(), "{place}");
    }
    // A database that is yet to be made has its places, too.
    for place in ["new.db", "new.db-wal"] {
        assert_eq!(scene.run(&format!("plan copy a.db new.db -o {place}")).code, Some(2), "{place}");
        assert!(!scene.path(place).exists(), "{place}");
    }
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(scene.path("b.db"), scene.path("d/link.db")).unwrap();
        assert_eq!(scene.run("plan copy a.db d/link.db -o b.db-wal").code, Some(2));
    }
    scene.ok("plan copy a.db b.db -o c.db-wal");
}

#[cfg(unix)]
#[test]
fn a_pipe_is_no_place_for_a_plan() {
    let table = "CREATE TABLE t (id INTEGER PRIMARY KEY)";
    let scene = Scene::with_pair(&format!("{table}; INSERT INTO t VALUES (1)"), table);
    assert!(std::process::Command::new("mkfifo").arg(scene.path("pipe")).status().unwrap().success());
    // It does not wait for somebody at the other end. Standard output is a pipe here, too.
    for place in ["pipe", "/dev/stdout"] {
        let said = scene.run(&format!("plan copy a.db b.db -o {place}"));
        assert_eq!(said.code, Some(2), "{}", said.err);
        assert!(said.err.contains("error[PLAN_INVALID]"), "{}", said.err);
    }
}

#[test]
fn guards_stop_a_plan_too() {
    let table = "CREATE TABLE t (id INTEGER PRIMARY KEY)";
    let many = "INSERT INTO t WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) SELECT i FROM n";
    let scene = Scene::with_pair(&format!("{table}; INSERT INTO t VALUES (1)"), &format!("{table}; {many}"));
    assert_eq!(scene.run("plan mirror a.db b.db -o p.plan").code, Some(6));
    assert!(!scene.path("p.plan").exists());
    scene.ok("plan mirror a.db b.db --max-delete 99 -o p.plan");
    scene.ok("apply p.plan");
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM t"), 1);
}

#[cfg(unix)]
#[test]
fn a_plan_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let scene = Scene::with_demo();
    scene.ok(&format!("plan mirror {DEMO} -o p.plan"));
    assert_eq!(fs::metadata(scene.path("p.plan")).unwrap().permissions().mode() & 0o777, 0o600);
}
