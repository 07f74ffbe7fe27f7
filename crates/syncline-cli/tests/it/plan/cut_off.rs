//! An apply that is cut off: applied again, the plan is gone on with exactly where it was left.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::Connection;
use syncline::Cancel;
use syncline::event::{Event, EventSink, Point};
use syncline::summary::Status;
use syncline_testkit::process;

use crate::prove::victim::{self, Place, Work};
use crate::scene::{Said, Scene};

/// Tables of every kind: with a key, referenced, without a key, yet to be made, with unique values to exchange.
pub(super) const A: &str = "
    CREATE TABLE p (id INTEGER PRIMARY KEY, v TEXT);
    CREATE TABLE c (id INTEGER PRIMARY KEY, p REFERENCES p (id), v TEXT);
    CREATE TABLE log (what TEXT, n INTEGER);
    CREATE TABLE made (id TEXT PRIMARY KEY, v) WITHOUT ROWID;
    CREATE TABLE x (id INTEGER PRIMARY KEY, u INTEGER UNIQUE);
    WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300) INSERT INTO p SELECT i, 'new' FROM n;
    INSERT INTO c SELECT id, id, v FROM p;
    INSERT INTO log SELECT 'twice', id % 40 FROM p;
    INSERT INTO made SELECT id, v FROM p WHERE id <= 50;
    INSERT INTO x SELECT id, 31 - id FROM p WHERE id <= 30;";
pub(super) const B: &str = "
    CREATE TABLE p (id INTEGER PRIMARY KEY, v TEXT);
    CREATE TABLE c (id INTEGER PRIMARY KEY, p REFERENCES p (id), v TEXT);
    CREATE TABLE log (what TEXT, n INTEGER);
    CREATE TABLE x (id INTEGER PRIMARY KEY, u INTEGER UNIQUE);
    WITH n(i) AS (SELECT 101 UNION ALL SELECT i + 1 FROM n WHERE i < 400) INSERT INTO p SELECT i, 'old' FROM n;
    INSERT INTO c SELECT id, id, v FROM p;
    INSERT INTO log SELECT 'twice', id % 40 FROM p WHERE id < 250;
    INSERT INTO log SELECT 'own', id % 3 FROM p WHERE id < 200;
    INSERT INTO x SELECT id - 100, id - 100 FROM p WHERE id <= 130;";
const TABLES: [&str; 5] = ["p", "c", "log", "made", "x"];
/// Those that the target has from the beginning.
const KEPT: [&str; 4] = ["p", "c", "log", "x"];
pub(super) const MIRROR: &str = "plan mirror a.db b.db --batch-size 60 --max-delete 100% -o p.plan";

/// What the plan comes to.
const ROWS: u64 = 1_130;

fn kill(scene: &Scene, place: Place) {
    let work = Work::Apply(Path::new("p.plan"));
    let victim = victim::start(&scene.path(""), &scene.path("state"), Some(place), work).finish(process::DEADLINE);
    assert_eq!(victim.code, None, "{place:?} was not reached: {}{}", victim.stdout, victim.stderr);
}

fn run_of(scene: &Scene) -> String {
    scene.json("runs list --json")["data"][0]["id"].as_str().unwrap().to_owned()
}

fn ended_well(said: &Said, what: &str) {
    assert_eq!(said.code, Some(0), "{what}\n{}{}", said.out, said.err);
    assert_eq!(said.last()["verified"].as_str(), Some("equal"), "{what}\n{}", said.out);
}

fn written(scene: &Scene, run: &str) -> u64 {
    scene.json(&format!("runs show {run} --json"))["written_rows"].as_u64().unwrap()
}

/// Everything in the target, without Syncline.
fn content(scene: &Scene, tables: &[&str]) -> Vec<Vec<String>> {
    let leftovers = "SELECT count(*) FROM sqlite_schema WHERE name LIKE '_syncline%'";
    assert_eq!(scene.number("b.db", leftovers), 0, "something was left in the target");
    tables.iter().map(|table| super::dump(scene, "b.db", table)).collect()
}

/// The plan is carried out to its end, once.
fn must_be_spent(scene: &Scene, what: &str) {
    let again = scene.run("apply p.plan");
    assert_eq!(again.code, Some(6), "{what}\n{}{}", again.out, again.err);
    assert!(again.err.contains("error[PLAN_SPENT]"), "{what}\n{}", again.err);
}

#[test]
fn killed_anywhere_it_is_gone_on_with_and_spent_once() {
    let before = content(&Scene::with_pair(A, B), &KEPT);
    for point in Point::ALL {
        let is_once = matches!(point, Point::Decided | Point::Sealed | Point::Forgotten);
        for nth in if is_once { [1].as_slice() } else { &[1, 4, 9, 16] } {
            let place = Place { point, nth: *nth };
            let what = format!("{place:?}");
            let scene = Scene::with_pair(A, B);
            scene.ok(MIRROR);
            kill(&scene, place);
            let cut_off = run_of(&scene);
            let way =
                if nth % 2 == 1 { format!("runs resume {cut_off} --json") } else { "apply p.plan --json".to_owned() };
            let said = scene.run(&way);
            ended_well(&said, &what);
            assert_eq!(content(&scene, &TABLES), TABLES.map(|table| super::dump(&scene, "a.db", table)), "{what}");
            must_be_spent(&scene, &what);
            // Nothing was done twice, and all of it can be taken back.
            let last = said.last()["run"].as_str().unwrap().to_owned();
            assert_eq!(written(&scene, &cut_off) + written(&scene, &last), ROWS, "{what}");
            for run in [last, cut_off] {
                let undone = scene.run(&format!("undo {run} --yes"));
                assert!(undone.code == Some(0) || undone.err.contains("NOTHING_TO_UNDO"), "{what}\n{}", undone.err);
            }
            assert_eq!(content(&scene, &KEPT), before, "{what}");
        }
    }
}

/// Kills an apply and lets another one go on, which brings the target to where an apply that nobody kills brings it.
fn goes_on(a: &str, b: &str, plan: &str, nths: &[usize]) {
    let whole = Scene::with_pair(a, b);
    whole.ok(plan);
    whole.ok("apply p.plan");
    for nth in nths {
        let place = Place { point: Point::Committed, nth: *nth };
        let scene = Scene::with_pair(a, b);
        scene.ok(plan);
        kill(&scene, place);
        let said = scene.run("apply p.plan");
        assert_eq!(said.code, Some(0), "{plan} {place:?}\n{}{}", said.out, said.err);
        assert!(content(&scene, &["t"]) == content(&whole, &["t"]), "{plan} {place:?}");
        let runs = scene.json("runs list --json");
        let rows = |run: usize| runs["data"][run]["written_rows"].as_u64().unwrap();
        assert!(rows(0) > 0 && rows(1) > 0, "{plan} {place:?} was to be cut off midway\n{runs}");
        must_be_spent(&scene, &format!("{plan} {place:?}"));
    }
}

const ROWS_OF_T: &str = "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)";

#[test]
fn without_images_to_undo_with() {
    let a = format!("CREATE TABLE t (id INTEGER PRIMARY KEY, v); INSERT INTO t {ROWS_OF_T} SELECT i, 'new' FROM n");
    let b = format!("CREATE TABLE t (id INTEGER PRIMARY KEY, v); INSERT INTO t {ROWS_OF_T} SELECT i * 2, 'old' FROM n");
    goes_on(&a, &b, "plan mirror a.db b.db --no-undo --batch-size 100 --max-delete 100% -o p.plan", &[1, 6]);
    // It is kept for the plan only, and goes with it.
    let scene = Scene::with_pair(&a, &b);
    scene.ok("plan mirror a.db b.db --no-undo --batch-size 100 --max-delete 100% -o p.plan");
    kill(&scene, Place { point: Point::Committed, nth: 2 });
    let run = run_of(&scene);
    scene.ok("copy a.db b.db --where t:id>5000");
    let said = scene.run(&format!("undo {run} --yes"));
    assert!(said.err.contains("no before-images of it are kept"), "{}", said.err);
    let images = || scene.number("state/state.db", "SELECT count(*) FROM image");
    assert!(images() > 0);
    scene.ok("apply p.plan");
    scene.ok("copy a.db b.db");
    assert_eq!(images(), 0);
}

#[test]
fn with_columns_that_are_not_carried() {
    let a = format!("CREATE TABLE t (id TEXT PRIMARY KEY, v); INSERT INTO t {ROWS_OF_T} SELECT i, 'new' FROM n");
    let b = format!(
        "CREATE TABLE t (id TEXT PRIMARY KEY, own DEFAULT 'mine', v);
         INSERT INTO t {ROWS_OF_T} SELECT i * 2, i, 'old' FROM n"
    );
    goes_on(&a, &b, "plan mirror a.db b.db --schema ignore --batch-size 100 --max-delete 100% -o p.plan", &[1, 6]);
    let (a, b) = (a.replace("TEXT PRIMARY KEY", "INT"), b.replace("TEXT PRIMARY KEY", "INT"));
    goes_on(&a, &b, "plan mirror a.db b.db --schema ignore --batch-size 100 --max-delete 100% -o p.plan", &[1, 6]);
}

#[test]
fn with_columns_that_the_plan_adds() {
    let a = format!(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v, w TEXT DEFAULT 'w', n INT CHECK (n > 0));
         INSERT INTO t {ROWS_OF_T} SELECT i, 'new', 'x', i FROM n"
    );
    let b = format!("CREATE TABLE t (id INTEGER PRIMARY KEY, v); INSERT INTO t {ROWS_OF_T} SELECT i, 'old' FROM n");
    goes_on(&a, &b, "plan mirror a.db b.db --schema add --batch-size 100 -o p.plan", &[3]);
    // The columns are there, and nothing else.
    let scene = Scene::with_pair(&a, &b);
    scene.ok("plan mirror a.db b.db --schema add -o p.plan");
    kill(&scene, Place { point: Point::Committed, nth: 1 });
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM t WHERE w IS 'w' AND n IS NULL"), 500);
    ended_well(&scene.run("apply p.plan --json"), "");
    must_be_spent(&scene, "");
}

#[test]
fn with_masks_and_filters() {
    let a = format!(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t {ROWS_OF_T} SELECT i, 'new' || i FROM n"
    );
    let b = format!(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t {ROWS_OF_T} SELECT i * 2, 'old' FROM n"
    );
    goes_on(
        &a,
        &b,
        "plan mirror a.db b.db --mask t.v=last4 --where t:id<400 --batch-size 100 --max-delete 100% -o p.plan",
        &[1, 3],
    );
}

#[test]
fn a_plan_of_ranges() {
    let rows = "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 101000)";
    let a = format!("CREATE TABLE t (id INTEGER PRIMARY KEY, v); INSERT INTO t {rows} SELECT i, 'new' FROM n");
    let b = format!("CREATE TABLE t (id INTEGER PRIMARY KEY, v); INSERT INTO t {rows} SELECT i * 2, 'old' FROM n");
    let plan = "plan mirror a.db b.db --batch-size 30000 --max-delete 100% -o p.plan";
    goes_on(&a, &b, plan, &[5]);
    // Without a key, where copies of a row lie on both sides of the border of a range.
    let a = format!("CREATE TABLE t (v); INSERT INTO t {rows} SELECT i / 12500 FROM n");
    let b = format!("CREATE TABLE t (v); INSERT INTO t {rows} SELECT 'x' || (i / 30000) FROM n");
    goes_on(&a, &b, plan, &[2]);
}

const T: &str = "CREATE TABLE t (id INTEGER PRIMARY KEY, v)";

/// An apply of 40 updates and 10 deletes that was killed after the first 20 rows.
pub(super) fn cut_off() -> Scene {
    let scene = fifty();
    kill(&scene, Place { point: Point::Committed, nth: 1 });
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM t WHERE v = 'new'"), 20);
    scene
}

fn fifty() -> Scene {
    let n = "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50)";
    let scene = Scene::with_pair(
        &format!("{T}; INSERT INTO t {n} SELECT i, 'new' FROM n WHERE i <= 40"),
        &format!("{T}; INSERT INTO t {n} SELECT i, 'old' FROM n"),
    );
    scene.ok("plan mirror a.db b.db --batch-size 20 --max-delete 100% -o p.plan");
    scene
}

/// Does something once the first transaction is durable.
struct Then<F>(F, AtomicBool);

impl<F: Fn() + Send + Sync> EventSink for Then<F> {
    fn emit(&self, event: Event) {
        if matches!(event, Event::Reached(Point::Committed)) && !self.1.swap(true, Ordering::Relaxed) {
            self.0();
        }
    }
}

#[test]
fn one_that_is_cancelled_is_gone_on_with() {
    let scene = fifty();
    let cancel = Cancel::new();
    let stop = cancel.clone();
    let events = Arc::new(Then(move || stop.cancel(), AtomicBool::new(false)));
    let summary = super::apply_watched(&scene, events, cancel).unwrap();
    assert_eq!((summary.status, summary.tables[0].updated), (Status::Cancelled, 20));
    let said = scene.run(&format!("runs resume {} --json", summary.run));
    ended_well(&said, "");
    assert_eq!(said.last()["continues"].as_str(), Some(summary.run.as_str()));
    must_be_spent(&scene, "");
}

#[test]
fn one_that_fails_midway_says_how_to_go_on() {
    let scene = fifty();
    // So that the definition reads as after the next time.
    scene.sql("b.db", "ALTER TABLE t RENAME TO away; ALTER TABLE away RENAME TO t");
    scene.ok("plan mirror a.db b.db --batch-size 20 --max-delete 100% -o p.plan");
    let path = scene.path("b.db");
    let away = move || Connection::open(&path).unwrap().execute_batch("ALTER TABLE t RENAME TO away").unwrap();
    let events = Arc::new(Then(away, AtomicBool::new(false)));
    let error = super::apply_watched(&scene, events, Cancel::new()).unwrap_err();
    assert_eq!(error.state(), Some("20 rows in 1 table committed and kept"), "{error}");
    let file = scene.path("p.plan");
    let next = format!("syncline apply {}", file.display());
    assert!(error.next_steps().iter().any(|step| step.action == next), "{:?}", error.next_steps());
    scene.sql("b.db", "ALTER TABLE away RENAME TO t");
    ended_well(&scene.run("apply p.plan --json"), "");
    must_be_spent(&scene, "");
}

#[test]
fn what_is_left_of_it_may_be_stale_and_what_was_done_stays() {
    for change in ["UPDATE t SET v = 'mine' WHERE id = 30", "DELETE FROM t WHERE id = 45"] {
        let scene = cut_off();
        let run = run_of(&scene);
        scene.sql("b.db", change);
        for way in ["apply p.plan".to_owned(), format!("runs resume {run}")] {
            let said = scene.run(&way);
            assert_eq!(said.code, Some(6), "{}{}", said.out, said.err);
            assert!(said.err.contains("1 row of the plan was changed since it was made"), "{}", said.err);
            assert!(
                said.err.contains(&format!("nothing more was written; what {run} had written of it stays")),
                "{}",
                said.err
            );
            assert!(said.err.contains(&format!("syncline undo {run}")), "{}", said.err);
        }
        assert_eq!(scene.number("b.db", "SELECT count(*) FROM t WHERE v = 'new'"), 20);
        scene.ok(&format!("undo {run} --yes"));
        assert_eq!(scene.number("b.db", "SELECT count(*) FROM t WHERE v = 'new'"), 0);
    }
}

#[test]
fn rows_that_were_done_and_changed_since_are_left_alone() {
    let scene = cut_off();
    // One goes its own way, one is put back by hand: neither is written again.
    scene.sql("b.db", "UPDATE t SET v = 'mine' WHERE id = 3; UPDATE t SET v = 'old' WHERE id = 4");
    let said = scene.run("apply p.plan");
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    assert!(said.out.contains("2 rows differ beside the plan, and were left alone"), "{}", said.out);
    assert!(said.out.contains("20 rows were written before by runs of the plan that were cut off"), "{}", said.out);
    assert_eq!(scene.rows("b.db", "SELECT id, v FROM t WHERE v <> 'new'"), ["3|mine", "4|old"]);
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM t"), 40);
    must_be_spent(&scene, "");
}

#[test]
fn once_its_part_is_undone_the_plan_is_whole_again() {
    let scene = cut_off();
    let run = run_of(&scene);
    scene.ok(&format!("undo {run} --yes"));
    let said = scene.run("apply p.plan --json");
    ended_well(&said, "");
    assert_eq!(said.last()["tables"][0]["updated"].as_u64(), Some(40));
    must_be_spent(&scene, "");
    // But not if what it rests on has changed since.
    let scene = cut_off();
    scene.ok("undo --yes");
    scene.sql("b.db", "UPDATE t SET v = 'mine' WHERE id = 3");
    let said = scene.run("apply p.plan");
    assert_eq!(said.code, Some(6), "{}{}", said.out, said.err);
    assert!(said.err.contains("nothing was changed"), "{}", said.err);
}

#[test]
fn an_undo_that_did_not_take_all_back_leaves_the_rest_done() {
    let scene = cut_off();
    let run = run_of(&scene);
    scene.sql("b.db", "UPDATE t SET v = 'mine' WHERE id = 3");
    scene.run(&format!("undo {run} --yes"));
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM t WHERE v = 'old'"), 49);
    let said = scene.run("apply p.plan --json");
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    assert_eq!(said.last()["tables"][0]["updated"].as_u64(), Some(39));
    assert_eq!(scene.rows("b.db", "SELECT id, v FROM t WHERE v <> 'new'"), ["3|mine"]);
}

#[test]
fn without_a_record_of_its_part_it_is_stale() {
    let scene = cut_off();
    let run = run_of(&scene);
    // Another run takes note of what was written; then the images expire.
    scene.ok("copy a.db b.db --where t:id>50");
    scene.sql("state/state.db", "DELETE FROM image; DELETE FROM evidence_table; UPDATE run SET keeps_images = 0");
    let said = scene.run("apply p.plan");
    assert_eq!(said.code, Some(6), "{}{}", said.out, said.err);
    assert!(said.err.contains(&format!("what {run} had written of it is not on record any more")), "{}", said.err);
    assert!(!said.err.contains("syncline undo"), "{}", said.err);
}

#[test]
fn killed_twice_it_still_comes_to_its_end() {
    let scene = cut_off();
    let first = run_of(&scene);
    kill(&scene, Place { point: Point::Committed, nth: 1 });
    let second = run_of(&scene);
    let said = scene.run("apply p.plan --json");
    ended_well(&said, "");
    assert_eq!(said.last()["continues"].as_str(), Some(second.as_str()));
    assert_eq!(said.last()["tables"][0]["deleted"].as_u64(), Some(10));
    // What was cut off says what it had written, and that there is nothing left to go on with.
    let list = scene.ok("runs list");
    for (run, rows) in [(&first, "20"), (&second, "20")] {
        let line = list.lines().find(|line| line.starts_with(run.as_str())).unwrap();
        assert!(line.contains(&format!("  {rows}")), "{list}");
        let said = scene.run(&format!("runs resume {run}"));
        assert!(said.code == Some(6) && said.err.contains("error[PLAN_SPENT]"), "{}", said.err);
    }
}

#[test]
fn a_plan_of_which_nothing_was_written_is_not_spent() {
    let table = "CREATE TABLE t (id INTEGER PRIMARY KEY, v)";
    let scene = Scene::with_pair(&format!("{table}; INSERT INTO t VALUES (1, 'x')"), table);
    scene.ok("plan mirror a.db b.db -o p.plan");
    kill(&scene, Place { point: Point::EvidenceKept, nth: 1 });
    // Until a run has looked, nobody knows what was written.
    let list = scene.ok("runs list");
    assert!(list.split_whitespace().any(|word| word == "?"), "{list}");
    scene.sql("b.db", "INSERT INTO t VALUES (7, 'mine')");
    let said = scene.run("apply p.plan");
    assert!(said.code == Some(6) && said.err.contains("nothing was changed"), "{}", said.err);
    scene.sql("b.db", "DELETE FROM t");
    ended_well(&scene.run("apply p.plan --json"), "");
}

#[test]
fn a_database_that_the_plan_makes() {
    for point in Point::ALL {
        let scene = Scene::new();
        scene.sql(
            "a.db",
            &format!("{T}; INSERT INTO t VALUES (1, 'x'), (2, 'y'); CREATE TABLE u (id INTEGER PRIMARY KEY)"),
        );
        scene.ok("plan copy a.db b.db -o p.plan");
        kill(&scene, Place { point, nth: 1 });
        let said = scene.run("apply p.plan --json");
        ended_well(&said, &format!("{point:?}"));
        assert_eq!(content(&scene, &["t", "u"]), ["t", "u"].map(|table| super::dump(&scene, "a.db", table)));
        must_be_spent(&scene, &format!("{point:?}"));
    }
}

#[test]
fn a_table_that_it_has_emptied() {
    let t = "CREATE TABLE t (id INTEGER PRIMARY KEY); CREATE TABLE u (id INTEGER PRIMARY KEY)";
    let scene = Scene::with_pair(
        &format!("{t}; INSERT INTO u VALUES (1)"),
        &format!("{t}; INSERT INTO u VALUES (1), (2), (3); INSERT INTO t VALUES (1), (2)"),
    );
    scene.ok("plan mirror a.db b.db --allow-empty-source --max-delete 100% -o p.plan");
    kill(&scene, Place { point: Point::Committed, nth: 1 });
    let left = ["t", "u"].map(|table| scene.number("b.db", &format!("SELECT count(*) FROM {table}")));
    assert!(left == [0, 3] || left == [2, 1], "{left:?}");
    scene.ok("apply p.plan");
    assert_eq!(scene.run("diff a.db b.db --exit-code").code, Some(0));
    // What comes into it later is nobody's business here.
    let scene = Scene::with_pair(&format!("{t}; INSERT INTO u VALUES (1)"), t);
    scene.ok("plan mirror a.db b.db -o p.plan");
    scene.sql("b.db", "INSERT INTO t VALUES (7)");
    let said = scene.run("apply p.plan");
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    assert!(said.out.contains("1 row differs beside the plan"), "{}", said.out);
}

#[test]
fn a_table_that_it_has_loaded_and_somebody_has_emptied() {
    let scene = Scene::with_pair(
        &format!(
            "{T}; INSERT INTO t VALUES (1, 'x'); CREATE TABLE u (id INTEGER PRIMARY KEY); INSERT INTO u VALUES (1)"
        ),
        &format!("{T}; CREATE TABLE u (id INTEGER PRIMARY KEY)"),
    );
    scene.ok("plan mirror a.db b.db -o p.plan");
    kill(&scene, Place { point: Point::Committed, nth: 1 });
    scene.sql("b.db", "DELETE FROM t");
    let said = scene.run("apply p.plan");
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    assert!(said.out.contains("1 row differs beside the plan"), "{}", said.out);
    assert_eq!(scene.number("b.db", "SELECT (SELECT count(*) FROM t) + 10 * (SELECT count(*) FROM u)"), 10);
}

#[test]
fn the_file_may_have_moved() {
    let scene = cut_off();
    let run = run_of(&scene);
    std::fs::rename(scene.path("p.plan"), scene.path("q.plan")).unwrap();
    let said = scene.run(&format!("runs resume {run}"));
    assert_eq!(said.code, Some(2), "{}{}", said.out, said.err);
    assert!(said.err.contains("error[PLAN_INVALID]") && said.err.contains("syncline apply FILE"), "{}", said.err);
    ended_well(&scene.run("apply q.plan --json"), "");
}
