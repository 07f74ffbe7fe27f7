//! Stopping a run from outside: it keeps what it has committed, and the next one goes on.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::scene::{Said, Scene};

const ROWS: u32 = 30_000;

/// A mirror with much to write in small batches, caught after its first commits.
fn at_work() -> (Scene, Child) {
    let rows = |value: &str| {
        format!(
            "PRAGMA journal_mode = WAL; CREATE TABLE t (id INTEGER PRIMARY KEY, v);
             WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS}) INSERT INTO t SELECT i, '{value}' FROM n"
        )
    };
    let scene = Scene::with_pair(&rows("new"), &rows("old"));
    let mut command = scene.command(&["mirror", "a.db", "b.db", "--batch-size", "20", "--json", "--progress", "none"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while scene.number("b.db", "SELECT v = 'new' FROM t WHERE id = 1") == 0 {
        assert!(Instant::now() < deadline, "the run has not begun to write");
    }
    (scene, child)
}

fn stopped(child: Child) -> Said {
    child.wait_with_output().unwrap().into()
}

/// The run was stopped on the way, and the next one does the rest and says so.
fn goes_on(scene: &Scene, said: &Said) {
    let summary = said.last();
    assert_eq!(summary["status"], "cancelled", "{summary}");
    let first = summary["tables"][0]["updated"].as_u64().unwrap();
    assert!(first > 0 && first < u64::from(ROWS), "not caught on the way: {first} rows");
    let next = scene.run("mirror a.db b.db --json --progress none").last();
    assert_eq!((&next["continues"], next["verified"].as_str()), (&summary["run"], Some("equal")), "{next}");
    assert_eq!(next["tables"][0]["updated"].as_u64().unwrap() + first, u64::from(ROWS));
}

#[test]
fn an_interrupt_keeps_what_is_committed() {
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let (scene, child) = at_work();
        Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        let said = stopped(child);
        assert_eq!(said.code, Some(code), "{}{}", said.out, said.err);
        goes_on(&scene, &said);
    }
}

#[test]
fn another_process_can_cancel_it() {
    let (scene, child) = at_work();
    let run = scene.json("runs list --json")["data"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(scene.run("mirror a.db b.db").code, Some(8), "two runs on one target");
    for line in ["undo --yes --json", &format!("undo {run} --yes --json")] {
        let said = scene.run(line);
        assert_eq!(
            (said.code, said.last()["code"].as_str()),
            (Some(8), Some("RUN_LOCKED")),
            "{}{}",
            said.out,
            said.err
        );
    }
    scene.ok(&format!("runs cancel {run}"));
    let said = stopped(child);
    assert_eq!(said.code, Some(130), "{}{}", said.out, said.err);
    goes_on(&scene, &said);
}
