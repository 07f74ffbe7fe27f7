//! Tables without a key, carried as multisets.

use syncline::event::Point;
use syncline_testkit::process;

use crate::prove::victim::{self, Place, Work};
use crate::scene::{Scene, StopOnDrop};

const TABLE: &str = "CREATE TABLE t (a, b TEXT COLLATE NOCASE)";

/// Rows that look alike, some of them several times; another order than in the target.
const OURS: &str =
    "INSERT INTO t VALUES (1, 'x'), (1, 'x'), (1, 'x'), (1.0, 'x'), (NULL, NULL), (NULL, NULL), ('1', 'x'),
     (x'31', 'x'), (1, 'X'), (9e999, 'it''s')";
const THEIRS: &str = "INSERT INTO t VALUES (2, 'gone'), (1, 'x'), (NULL, NULL), (2, 'gone'), (1.0, 'x'), (1.0, 'x')";

fn pair() -> Scene {
    Scene::with_pair(&format!("{TABLE}; {OURS}"), &format!("{TABLE}; {THEIRS}"))
}

/// Everything, row numbers included.
fn dump(scene: &Scene, database: &str) -> Vec<String> {
    scene.rows(database, "SELECT rowid, quote(a), quote(b) FROM t ORDER BY rowid")
}

fn counts(scene: &Scene, line: &str) -> [i64; 5] {
    let table = &scene.run(line).last()["tables"][0];
    ["inserted", "updated", "deleted", "unchanged", "conflicts"].map(|name| table[name].as_i64().unwrap())
}

/// Entries of the ledger.
fn held(scene: &Scene) -> usize {
    scene.json("conflicts list --json")["data"].as_array().unwrap().len()
}

fn is_equal(scene: &Scene) -> bool {
    scene.run("diff a.db b.db --exit-code").code == Some(0)
}

#[test]
fn a_diff_counts_copies_and_shows_each() {
    let scene = pair();
    let table = &scene.json("diff a.db b.db --json")["tables"][0];
    let count = |name: &str| table[name].as_i64().unwrap();
    assert_eq!([count("same"), count("only_source"), count("only_target"), count("changed")], [3, 7, 3, 0]);
    let shown = scene.run("diff a.db b.db --rows").out;
    assert_eq!(
        shown.matches("\n  only in a.db  a=1  b=x\n").count() + shown.matches("a=1  b=x\n  only").count(),
        2 + 1
    );
    assert_eq!(shown.matches("  only in b.db  a=2  b=gone\n").count(), 2, "{shown}");
}

#[test]
fn a_copy_adds_what_is_missing_and_a_mirror_makes_equal() {
    let scene = pair();
    assert_eq!(counts(&scene, "copy a.db b.db --json"), [7, 0, 0, 3, 0]);
    assert_eq!(counts(&scene, "copy a.db b.db --json"), [0, 0, 0, 10, 0]);
    assert_eq!(counts(&scene, "mirror a.db b.db --json"), [0, 0, 3, 10, 0]);
    assert!(is_equal(&scene));
    assert_eq!(scene.run("verify a.db b.db").code, Some(0));
}

#[test]
fn an_undo_puts_every_copy_back_where_it_was() {
    let scene = pair();
    let before = dump(&scene, "b.db");
    scene.ok("mirror a.db b.db --batch-size 2");
    let after = dump(&scene, "b.db");
    scene.ok("undo --yes");
    assert_eq!(dump(&scene, "b.db"), before);
    let undo = scene.json("runs list --json")["data"][0]["id"].as_str().unwrap().to_owned();
    scene.ok(&format!("undo {undo} --yes"));
    assert_eq!(dump(&scene, "b.db"), after, "and the undo can be undone");
}

#[test]
fn an_undo_leaves_what_others_have_written_since() {
    let scene = pair();
    scene.ok("mirror a.db b.db");
    // One that came is edited, one is deleted, and one that went finds its number taken.
    scene.sql(
        "b.db",
        "UPDATE t SET b = 'edited' WHERE a = '1'; DELETE FROM t WHERE typeof(a) = 'blob';
                       INSERT INTO t (rowid, a, b) VALUES (1, 'new', 'new')",
    );
    let said = scene.run("undo --yes --json");
    let table = &said.last()["tables"][0];
    assert_eq!([&table["inserted"], &table["deleted"], &table["conflicts"]], [3, 5, 1], "{}", said.out);
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM t WHERE a = 2"), 2);
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM t WHERE b IN ('edited', 'new')"), 2);
    // What is left cannot be taken back any better the second time, and what was done is not done twice.
    scene.run("undo --yes");
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM t WHERE a = 2"), 2);
}

#[test]
fn loads_are_taken_back_whole() {
    let scene = Scene::with_pair(&format!("{TABLE}; {OURS}"), TABLE);
    scene.ok("mirror a.db b.db");
    scene.ok("mirror a.db new.db");
    assert_eq!(scene.run("verify a.db new.db").code, Some(0));
    assert_eq!(dump(&scene, "new.db"), dump(&scene, "a.db"));
    scene.ok("undo --yes");
    scene.ok("undo --yes");
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM t"), 0);
}

#[test]
fn a_plan_binds_copies_one_by_one() {
    let scene = pair();
    scene.ok("plan mirror a.db b.db --max-delete 100% -o p.plan");
    scene.sql("b.db", "INSERT INTO t VALUES ('beside', 'the plan')");
    assert_eq!(counts(&scene, "apply p.plan --yes --json"), [7, 0, 3, 3, 0]);
    assert_eq!(scene.rows("b.db", "SELECT a FROM t EXCEPT SELECT a FROM t WHERE a IS NOT 'beside'"), ["beside"]);
    scene.ok("undo --yes");
    scene.ok("plan mirror a.db b.db --max-delete 100% -o q.plan");
    scene.sql("b.db", "DELETE FROM t WHERE rowid = (SELECT max(rowid) FROM t WHERE a = 2)");
    assert_eq!(scene.run("apply q.plan --yes --json").last()["code"], "PLAN_STALE");
}

#[test]
fn a_script_does_the_same() {
    for line in ["diff a.db b.db --format sql", "plan mirror a.db b.db --max-delete 100% --format sql"] {
        let scene = pair();
        let script = scene.run(line).out.replace(".bail on\n", "");
        scene.sql("b.db", &script);
        assert!(is_equal(&scene), "{script}");
    }
}

#[test]
fn copies_that_somebody_else_has_written_are_counted_anew() {
    // A writer that is at work all the time: whatever it does to the rows, none is carried twice and none too many go.
    let numbers = |to: i64| format!("WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {to})");
    let rows = |to: i64, times: i64| format!("{} INSERT INTO t SELECT i % {times}, 'x' FROM n", numbers(to));
    let scene = Scene::with_pair(
        &format!("{TABLE}; {}", rows(4_000, 500)),
        &format!("PRAGMA journal_mode = wal; {TABLE}; {}; CREATE TABLE other (v)", rows(3_000, 600)),
    );
    let done = std::sync::atomic::AtomicBool::new(false);
    let written = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let conn = rusqlite::Connection::open(scene.path("b.db")).unwrap();
            conn.busy_timeout(std::time::Duration::from_secs(30)).unwrap();
            let mut written = 0;
            while !done.load(std::sync::atomic::Ordering::Acquire) {
                written += conn.execute("INSERT INTO other VALUES (1)", []).unwrap();
            }
            written
        });
        let stop = StopOnDrop(&done);
        scene.ok("mirror a.db b.db --max-delete 100% --batch-size 100 --tables t");
        drop(stop);
        writer.join().unwrap()
    });
    assert!(written > 0);
    assert_eq!(scene.run("diff a.db b.db --tables t --exit-code").code, Some(0));
}

#[test]
fn copies_the_target_refuses_are_one_entry_and_come_with_a_retry() {
    let checked = "CREATE TABLE t (a CHECK (a <> 1), b TEXT COLLATE NOCASE)";
    let scene = Scene::with_pair(&format!("{TABLE}; {OURS}"), &format!("{checked}; INSERT INTO t VALUES (5, 'x')"));
    let said = scene.run("mirror a.db b.db --max-delete 100% --json");
    assert_eq!((said.code, &said.last()["tables"][0]["held"]), (Some(3), &5.into()), "{}", said.out);
    assert_eq!(said.last()["verified"], "equal-except");
    let list = scene.json("conflicts list --json");
    assert_eq!(held(&scene), 3, "1 three times, 1.0, and 1 with X");
    assert!(list["data"][0]["key"]["digest"].is_string(), "{list}");
    scene.ok("conflicts show 1");
    let script = scene.run("conflicts export --format sql").out;
    assert_eq!(script.matches("INSERT").count(), 3, "{script}");
    scene.sql(
        "b.db",
        "ALTER TABLE t RENAME TO old; CREATE TABLE t (a, b TEXT COLLATE NOCASE); INSERT INTO t SELECT * FROM old;
                       DROP TABLE old; INSERT INTO t VALUES (1, 'x')",
    );
    scene.ok("conflicts retry");
    assert_eq!(held(&scene), 0);
    assert!(is_equal(&scene));
}

#[test]
fn references_of_rows_without_a_key_are_checked() {
    let parent = "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (p INTEGER REFERENCES p (id), v)";
    let ours = format!(
        "PRAGMA foreign_keys = OFF; {parent}; INSERT INTO p VALUES (1), (2);
                        INSERT INTO c VALUES (1, 'a'), (1, 'a'), (7, 'lost'), (7, 'lost'), (NULL, 'free')"
    );
    for theirs in [parent.to_owned(), format!("{parent}; INSERT INTO p VALUES (1); INSERT INTO c VALUES (1, 'a')")] {
        let scene = Scene::with_pair(&ours, &theirs);
        let said = scene.run("mirror a.db b.db --json");
        assert_eq!(said.code, Some(3), "{}", said.out);
        assert_eq!(said.last()["tables"][0]["held"], 2, "{}", said.out);
        assert_eq!(scene.rows("b.db", "SELECT v FROM c ORDER BY v"), ["a", "a", "free"]);
        assert_eq!(held(&scene), 1);
        scene.ok("undo --yes");
        assert_eq!(scene.number("b.db", "SELECT count(*) FROM c"), i64::from(theirs != parent));
        scene.sql("a.db", "INSERT INTO p VALUES (7)");
        scene.ok("mirror a.db b.db");
        assert!(is_equal(&scene));
        assert_eq!(held(&scene), 0);
    }
}

#[test]
fn unique_values_are_exchanged() {
    let table = "CREATE TABLE t (u UNIQUE, v)";
    let scene = Scene::with_pair(
        &format!("{table}; INSERT INTO t VALUES (NULL, 5), (1, 'b'), (2, 'a'), (NULL, 0), (NULL, 0)"),
        &format!("{table}; INSERT INTO t VALUES (1, 'a'), (2, 'b'), (NULL, 0)"),
    );
    let before = scene.rows("b.db", "SELECT rowid, u, v FROM t ORDER BY rowid");
    scene.ok("mirror a.db b.db");
    assert!(is_equal(&scene));
    scene.ok("undo --yes");
    assert_eq!(scene.rows("b.db", "SELECT rowid, u, v FROM t ORDER BY rowid"), before);
}

#[test]
fn what_is_not_carried_is_no_part_of_a_row() {
    let table = "CREATE TABLE t (a, b, own DEFAULT 'made')";
    let scene = Scene::with_pair(
        &format!("{table}; INSERT INTO t VALUES (1, 1, 'p'), (1, 1, 'q'), (2, 2, 'r'), (9, 9, 's')"),
        &format!("{table}; INSERT INTO t VALUES (1, 1, 'kept'), (3, 3, 'gone'), (9, 8, 'outside')"),
    );
    let before = scene.rows("b.db", "SELECT rowid, * FROM t ORDER BY rowid");
    let rules = ["--columns", "t: a, b", "--where", "t: a < 5", "--mask", "t.b=text:m"];
    scene.ok_with("mirror a.db b.db --max-delete 100%", &rules);
    assert_eq!(
        scene.rows("b.db", "SELECT a, b, own FROM t ORDER BY a, own"),
        ["1|m|made", "1|m|made", "2|m|made", "9|8|outside"]
    );
    assert_eq!(scene.run_with("verify a.db b.db", &rules).code, Some(0));
    scene.ok("undo --yes");
    assert_eq!(scene.rows("b.db", "SELECT rowid, * FROM t ORDER BY rowid"), before);
    scene.ok_with("mirror a.db b.db --max-delete 100%", &["--columns", "t: a, b"]);
    assert_eq!(
        scene.rows("b.db", "SELECT a, b, own FROM t ORDER BY a, own"),
        ["1|1|kept", "1|1|made", "2|2|made", "9|9|made"]
    );
}

#[test]
fn a_kill_leaves_nothing_half_done() {
    for point in Point::ALL {
        for nth in
            if matches!(point, Point::Decided | Point::Sealed | Point::Forgotten) { [1].as_slice() } else { &[1, 3] }
        {
            let place = Place { point, nth: *nth };
            let scene = pair();
            let before = dump(&scene, "b.db");
            let (source, target) = (scene.path("a.db"), scene.path("b.db"));
            let work = Work::Mirror(&source, &target, 2);
            let killed =
                victim::start(&scene.path(""), &scene.path("state"), Some(place), work).finish(process::DEADLINE);
            assert_eq!(killed.code, None, "{place:?} was not reached: {}{}", killed.stdout, killed.stderr);
            scene.ok("mirror a.db b.db --max-delete 100% --batch-size 2");
            assert!(is_equal(&scene), "{place:?}");
            while scene.run("undo --yes").code == Some(0) {}
            assert_eq!(dump(&scene, "b.db"), before, "{place:?}");
        }
    }
}

#[test]
fn an_undo_that_is_killed_brings_no_copy_back_twice() {
    for point in
        [Point::Decided, Point::Written, Point::EvidenceKept, Point::Committed, Point::Sealed, Point::Forgotten]
    {
        let scene = pair();
        scene.ok("mirror a.db b.db");
        let run = scene.json("runs list --json")["data"][0]["id"].as_str().unwrap().to_owned();
        // The copies cannot come back to where they were, so nothing in the table tells that they are back.
        scene.sql("b.db", "INSERT INTO t (rowid, a, b) VALUES (1, 'new', 'new'), (4, 'new', 'new')");
        let place = Place { point, nth: 1 };
        let killed = victim::start(&scene.path(""), &scene.path("state"), Some(place), Work::Undo(&run));
        let killed = killed.finish(process::DEADLINE);
        assert_eq!(killed.code, None, "{place:?} was not reached: {}{}", killed.stdout, killed.stderr);
        scene.run(&format!("undo {run} --yes"));
        let left =
            "SELECT count(*) FILTER (WHERE a = 2) * 100 + count(*) FILTER (WHERE a = 'new') * 10 + count(*) FROM t";
        assert_eq!(scene.number("b.db", left), 200 + 20 + 8, "{place:?} {:?}", dump(&scene, "b.db"));
    }
}

#[test]
fn a_full_refresh_makes_equal_and_is_taken_back() {
    for line in [
        "mirror a.db b.db --strategy full --max-delete 100%",
        "mirror a.db b.db --strategy full --truncate-target --max-delete 100%",
    ] {
        let scene = pair();
        let before = dump(&scene, "b.db");
        scene.ok(line);
        assert!(is_equal(&scene));
        scene.ok("undo --yes");
        assert_eq!(dump(&scene, "b.db"), before);
    }
}
