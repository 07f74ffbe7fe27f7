//! `--watch`: what changes in the source is in the target a moment later, until somebody stops it.

mod servers;

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::scene::{Said, Scene};

/// Longer than anything takes on a busy machine.
const SOON: Duration = Duration::from_secs(60);

/// A command that follows, and what it has said so far.
pub(crate) struct Follower {
    child: Child,
    out: Arc<Mutex<String>>,
    err: Arc<Mutex<String>>,
    readers: Vec<JoinHandle<()>>,
}

impl Follower {
    /// Begins, and has gone through all that was there.
    fn start(scene: &Scene, line: &str) -> Self {
        let line = format!("{line} --watch --json");
        let mut command = scene.command(&line.split(' ').collect::<Vec<_>>());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (out, err) = (Arc::<Mutex<String>>::default(), Arc::<Mutex<String>>::default());
        let readers = vec![
            gather(child.stdout.take().unwrap(), Arc::clone(&out)),
            gather(child.stderr.take().unwrap(), Arc::clone(&err)),
        ];
        let follower = Self { child, out, err, readers };
        until("it follows", || !follower.followed().is_empty());
        follower
    }

    /// What was carried, line by line.
    fn followed(&self) -> Vec<Value> {
        let lines = self.out.lock().unwrap();
        let lines = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.filter(|line| line["type"] == "followed").collect()
    }

    fn said(&self) -> String {
        self.out.lock().unwrap().clone() + &self.err.lock().unwrap()
    }

    /// Stops it as a person or a service does, and it ends well.
    fn stop(self, signal: &str) -> Value {
        self.signal(signal);
        let said = self.ended();
        assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
        said.last()
    }

    fn signal(&self, signal: &str) {
        Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
    }

    /// Waits for its end.
    fn ended(mut self) -> Said {
        let mut status = None;
        until("it ends", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        self.readers.drain(..).for_each(|reader| reader.join().unwrap());
        let (out, err) = (self.out.lock().unwrap().clone(), self.err.lock().unwrap().clone());
        Said { code: status.and_then(|status| status.code()), out, err }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        // It has ended already, or the test has failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn gather(from: impl Read + Send + 'static, to: Arc<Mutex<String>>) -> JoinHandle<()> {
    thread::spawn(move || {
        for line in BufReader::new(from).lines() {
            *to.lock().unwrap() += &(line.unwrap() + "\n");
        }
    })
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + SOON;
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}: not within {SOON:?}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Whether both sides are equal.
fn is_equal(scene: &Scene, source: &str, target: &str) -> bool {
    scene.run(&format!("diff {source} {target} --exit-code")).code == Some(0)
}

const RUN: &str = "mirror a.db b.db";

fn scene() -> Scene {
    let scene = Scene::new();
    scene.sql(
        "a.db",
        "PRAGMA journal_mode = WAL; CREATE TABLE p (id INTEGER PRIMARY KEY, v TEXT); CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p);
         WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) INSERT INTO p SELECT i, 'v' FROM n; INSERT INTO c SELECT id, id FROM p",
    );
    scene.ok("track a.db");
    scene
}

#[test]
fn what_changes_is_carried_until_somebody_stops_it() {
    for signal in ["-INT", "-TERM"] {
        let scene = scene();
        let follower = Follower::start(&scene, RUN);
        assert!(is_equal(&scene, "a.db", "b.db"));
        for edit in [
            "INSERT INTO p VALUES (200, 'new'); INSERT INTO c VALUES (200, 200)",
            "UPDATE p SET v = 'other' WHERE id < 5",
            "INSERT INTO p VALUES (300, 'v'); UPDATE c SET p = 300 WHERE p = 50; DELETE FROM p WHERE id = 50",
            "DELETE FROM c WHERE p = 7; DELETE FROM p WHERE id = 7",
        ] {
            let before = follower.followed().len();
            scene.sql("a.db", edit);
            until(edit, || is_equal(&scene, "a.db", "b.db"));
            until("and told", || follower.followed().len() > before);
        }
        let last = follower.followed().pop().unwrap();
        assert!(last["lag_ms"].is_u64() && last["tables"][0]["deleted"] == 1, "{last}");
        let summary = follower.stop(signal);
        assert_eq!((summary["type"].as_str(), summary["status"].as_str()), (Some("summary"), Some("succeeded")));
        assert!(scene.ok("status a.db").contains("up to date"));
    }
}

/// All windows of a run are one run: it is taken back as one.
#[test]
fn undo_takes_back_all_that_a_run_has_carried() {
    let scene = scene();
    let follower = Follower::start(&scene, RUN);
    let content = || scene.rows("b.db", "SELECT * FROM p UNION ALL SELECT * FROM c");
    let before = content();
    for edit in ["UPDATE p SET v = 'x' WHERE id < 5", "DELETE FROM c WHERE id < 5", "UPDATE p SET v = 'y' WHERE id < 9"]
    {
        scene.sql("a.db", edit);
        until(edit, || is_equal(&scene, "a.db", "b.db"));
    }
    let run = follower.stop("-INT")["run"].as_str().unwrap().to_owned();
    scene.ok(&format!("undo {run} --yes"));
    assert_eq!(content(), before);
    scene.ok(&format!("{RUN} --strategy incremental"));
    assert!(is_equal(&scene, "a.db", "b.db"));
}

#[test]
fn one_that_was_killed_is_gone_on_with() {
    let scene = scene();
    for round in 0..6 {
        let follower = Follower::start(&scene, RUN);
        for edit in 0..5 * round {
            scene.sql(
                "a.db",
                &format!(
                    "UPDATE p SET v = '{round} {edit}' WHERE id % 7 = {edit} % 7; DELETE FROM c WHERE id = {}",
                    round * 10 + edit
                ),
            );
        }
        follower.signal("-KILL");
        assert_eq!(follower.ended().code, None);
    }
    let follower = Follower::start(&scene, RUN);
    until("both are equal", || is_equal(&scene, "a.db", "b.db"));
    follower.stop("-TERM");
    let runs = scene.json("runs list --json --limit 50");
    let is_running = |run: &Value| run["status"] == "running";
    assert!(!runs["data"].as_array().unwrap().iter().any(is_running), "{runs}");
}

/// What a person should look at first stops it, with nothing of it carried.
#[test]
fn a_guard_stops_it() {
    let scene = scene();
    let follower = Follower::start(&scene, RUN);
    scene.sql("a.db", "DELETE FROM c WHERE id <= 90");
    let said = follower.ended();
    assert_ne!(said.code, Some(0));
    assert_eq!(said.last()["code"], "GUARD_DELETES", "{}{}", said.out, said.err);
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM c"), 100);
    scene.ok(&format!("{RUN} --strategy incremental --max-delete 90"));
    assert!(is_equal(&scene, "a.db", "b.db"));
}

#[test]
fn a_row_that_is_held_comes_once_it_can() {
    let scene = scene();
    let follower = Follower::start(&scene, RUN);
    scene.sql("b.db", "CREATE UNIQUE INDEX one ON p (v) WHERE v = 'only'; UPDATE p SET v = 'only' WHERE id = 3");
    scene.sql("a.db", "UPDATE p SET v = 'only' WHERE id IN (10, 11)");
    until("one is held", || follower.said().contains("\"held\":1") || follower.said().contains("\"held\":2"));
    scene.sql("b.db", "DROP INDEX one");
    scene.sql("a.db", "UPDATE p SET v = 'go' WHERE id = 1");
    let came = || scene.number("b.db", "SELECT count(*) FROM p WHERE id IN (10, 11) AND v = 'only'") == 2;
    until("it has come", came);
    follower.stop("-INT");
    assert_eq!(scene.json("conflicts list --json")["data"].as_array().unwrap().len(), 0);
}

#[test]
fn columns_that_come_stop_it_or_are_added() {
    for (policy, is_added) in [("stop", false), ("add", true)] {
        let scene = scene();
        let follower = Follower::start(&scene, &format!("{RUN} --schema {policy}"));
        scene.sql("a.db", "ALTER TABLE p ADD COLUMN w TEXT; UPDATE p SET w = 'w' WHERE id = 1");
        if is_added {
            until("it is there", || is_equal(&scene, "a.db", "b.db"));
            scene.sql("a.db", "UPDATE p SET w = 'x' WHERE id = 2");
            until("it is followed", || is_equal(&scene, "a.db", "b.db"));
            follower.stop("-INT");
        } else {
            let said = follower.ended();
            assert_eq!(
                (said.code, said.last()["code"].as_str()),
                (Some(6), Some("SCHEMA_COLUMN_MISSING")),
                "{}{}",
                said.out,
                said.err
            );
        }
    }
}

#[test]
fn what_is_not_logged_is_not_followed() {
    let scene =
        Scene::with_pair("CREATE TABLE t (id INTEGER PRIMARY KEY); CREATE TABLE u (id INTEGER PRIMARY KEY)", "");
    let said = scene.run("mirror a.db b.db --watch --json");
    assert_eq!((said.code, said.last()["code"].as_str()), (Some(2), Some("NOT_TRACKED")), "{}{}", said.out, said.err);
    scene.ok("track a.db --tables t");
    let said = scene.run("mirror a.db b.db --watch --json");
    let what = said.last()["what"].as_str().unwrap().to_owned();
    assert!(said.code == Some(2) && what.contains("u in a.db"), "{what}");
    Follower::start(&scene, "mirror a.db b.db --tables t").stop("-INT");
}

/// Migrations go on beside a follower: what they make comes, and the follower says what is the matter with it.
#[test]
fn tables_that_come_and_get_other_names_are_told_of() {
    let tables = "CREATE TABLE t (id INTEGER PRIMARY KEY); CREATE TABLE old (id INTEGER PRIMARY KEY); INSERT INTO old VALUES (1)";
    let scene = Scene::with_pair(tables, "");
    scene.ok("track a.db");
    let follower = Follower::start(&scene, "mirror a.db b.db");
    scene.sql(
        "a.db",
        "CREATE TABLE new (id INTEGER PRIMARY KEY); INSERT INTO new VALUES (1); ALTER TABLE old RENAME TO renamed",
    );
    until("they come", || {
        scene.rows("b.db", "SELECT name FROM sqlite_schema WHERE name IN ('new', 'renamed')").len() == 2
    });
    scene.sql("a.db", "INSERT INTO new VALUES (2); INSERT INTO renamed VALUES (2)");
    let count = "SELECT (SELECT count(*) FROM new) * 10 + (SELECT count(*) FROM renamed)";
    until("they are followed", || scene.number("b.db", count) == 22);
    let said = follower.said();
    for what in ["new is followed by comparing", "renamed is followed by comparing", "old is not in a.db any more"] {
        assert_eq!(said.matches(what).count(), 1, "{what}: {said}");
    }
    scene.ok("track a.db");
    scene.sql("a.db", "DELETE FROM new WHERE id = 1");
    until("deletes come", || scene.number("b.db", "SELECT count(*) FROM new") == 1);
    follower.stop("-INT");
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM old"), 1, "what nobody has deleted stays");
}

/// With nothing to do it writes nothing, on either side, and no run of its own either.
#[test]
fn while_nothing_changes_nothing_is_written() {
    let scene = scene();
    let follower = Follower::start(&scene, RUN);
    let state = || {
        let files = ["a.db", "a.db-wal", "b.db"].map(|name| std::fs::read(scene.path(name)).ok());
        (files, scene.json("runs list --json")["data"].as_array().unwrap().len())
    };
    let looks = || {
        let before = state();
        thread::sleep(Duration::from_secs(2));
        before == state()
    };
    // The log is shortened once, a little after the start.
    thread::sleep(syncline_core_pause());
    assert!(looks() && looks(), "something was written");
    follower.stop("-INT");
}

/// How long the source is not told how far the target has come, and a little more.
fn syncline_core_pause() -> Duration {
    syncline::limits::FOLLOW_TOLD_EVERY + Duration::from_secs(1)
}

#[test]
fn once_is_until_everything_was_carried() {
    let scene = scene();
    scene.ok(&format!("{RUN} --watch --once"));
    scene.sql("a.db", "UPDATE p SET v = 'z'");
    scene.ok(&format!("{RUN} --watch --once"));
    assert!(is_equal(&scene, "a.db", "b.db"));
    let said = scene.run(&format!("{RUN} --once"));
    assert_eq!(said.code, Some(2), "{}{}", said.out, said.err);
}
