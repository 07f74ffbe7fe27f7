//! The synchronization log, and hooks that are told the same.

use std::fs;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use syncline::event::Silent;
use syncline::request::{RunRequest, Verb};
use syncline::state::LogLevel;
use syncline::{Cancel, Syncline};

use crate::scene::Scene;

const TABLE: &str = "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT CHECK (v <> 'bad'))";

/// The lines of the log, without their times.
fn log(scene: &Scene) -> Vec<String> {
    let text = fs::read_to_string(scene.path("state/logs/synchronization.log")).unwrap_or_default();
    text.lines().map(|line| line.split_once(' ').unwrap().1.trim_start().to_owned()).collect()
}

/// A source with a row that the target refuses, and one that it does not.
fn scene() -> Scene {
    let source = "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'bad'), (2, 'good secret')";
    Scene::with_pair(source, TABLE)
}

#[test]
fn runs_and_what_they_leave_are_logged_without_rows() {
    let scene = scene();
    assert_eq!(scene.run("mirror a.db b.db").code, Some(3));
    scene.ok("undo --yes");
    let lines = log(&scene);
    let events: Vec<_> = lines
        .iter()
        .map(|line| line.split(' ').filter(|word| !word.is_empty()).take(2).collect::<Vec<_>>().join(" "))
        .collect();
    let expected =
        ["INFO sync_start", "WARN conflict_skip", "INFO sync_complete", "INFO sync_start", "INFO sync_complete"];
    assert_eq!(events, expected, "{lines:#?}");
    assert!(lines[0].ends_with("verb=\"mirror\" source=\"a.db\" target=\"b.db\""), "{}", lines[0]);
    assert!(lines[1].contains("table=\"t\" held=1 changed_meanwhile=0"), "{}", lines[1]);
    assert!(
        lines[2].contains("status=\"partial\" verified=\"equal-except\" inserted=1 updated=0 deleted=0"),
        "{}",
        lines[2]
    );
    assert!(lines[3].contains("verb=\"undo\""), "{}", lines[3]);
    assert!(lines.iter().all(|line| line.contains("run=\"r_") && !line.contains("secret")), "{lines:#?}");
}

#[test]
fn what_could_not_begin_is_logged_too() {
    let scene = scene();
    fs::write(scene.path("b.db"), "this is no database, however long one looks at it").unwrap();
    let said = scene.run("mirror a.db b.db");
    assert_ne!(said.code, Some(0));
    let lines = log(&scene);
    assert!(lines.len() == 1 && lines[0].starts_with("ERROR sync_error code=\""), "{lines:#?}");
    assert!(!lines[0].contains("run="), "{}", lines[0]);
}

#[test]
fn a_run_that_died_is_logged_by_the_next_one() {
    let rows = "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);
        INSERT INTO t WITH n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) SELECT i, 'v' FROM n";
    let scene = Scene::with_pair(rows, "");
    let mut victim = scene.command(&["mirror", "a.db", "b.db", "--rate", "10"]).stderr(Stdio::null()).spawn().unwrap();
    let began = Instant::now();
    while log(&scene).is_empty() {
        assert!(began.elapsed() < Duration::from_secs(60), "it does not begin");
        thread::sleep(Duration::from_millis(5));
    }
    victim.kill().unwrap();
    victim.wait().unwrap();
    scene.ok("mirror a.db b.db");
    let lines = log(&scene);
    let run = lines[0].split(' ').find(|word| word.starts_with("run=")).unwrap();
    assert!(
        lines[1].contains("sync_error") && lines[1].contains(run) && lines[1].contains("its process died"),
        "{lines:#?}"
    );
    assert!(lines[2].contains("sync_start") && lines[3].contains("sync_complete"), "{lines:#?}");
}

/// Opens a session as a program does, with a hook, and mirrors.
fn mirror_with(
    scene: &Scene,
    hook: impl Fn(LogLevel, &str) -> Result<(), Box<dyn std::error::Error + Send + Sync>> + Send + Sync + 'static,
) {
    let settings = scene.settings(Arc::new(Silent), Cancel::default());
    let request = RunRequest::new(Verb::Mirror, "a.db", "b.db");
    let run = async { Syncline::open(settings).await?.with_log_hook(hook).run(&request).await };
    tokio::runtime::Runtime::new().unwrap().block_on(run).unwrap();
}

#[test]
fn a_hook_is_told_every_line() {
    let scene = scene();
    let told = Arc::<Mutex<Vec<String>>>::default();
    let to = Arc::clone(&told);
    mirror_with(&scene, move |level, line| {
        to.lock().unwrap().push(format!("{level:?} {line}"));
        Ok(())
    });
    let (told, logged) = (told.lock().unwrap(), log(&scene));
    assert_eq!(told.len(), 3);
    for (told, logged) in told.iter().zip(&logged) {
        assert_eq!(told.split_once(' ').unwrap().1, logged.split_once(' ').unwrap().1.trim_start());
    }
    assert!(told[1].starts_with("Warn conflict_skip"), "{told:#?}");
}

#[test]
fn a_hook_that_fails_stops_nothing() {
    for fails in
        [(|| Err("no room in the hook".into())) as fn() -> Result<(), Box<dyn std::error::Error + Send + Sync>>, || {
            panic!("a hook")
        }]
    {
        let scene = scene();
        mirror_with(&scene, move |_, _| fails());
        assert_eq!(scene.number("b.db", "SELECT count(*) FROM t"), 1);
        let lines = log(&scene);
        let errors = lines.iter().filter(|line| line.contains("log_hook_error run=\"r_")).count();
        assert_eq!((errors, lines.len()), (3, 6), "{lines:#?}");
    }
}

#[test]
fn a_log_that_cannot_be_written_stops_nothing() {
    let scene = scene();
    scene.ok("runs list");
    fs::write(scene.path("state/logs"), "in the way").unwrap();
    let said = scene.run("mirror a.db b.db");
    assert_eq!(said.code, Some(3), "{}{}", said.out, said.err);
    assert!(said.err.contains("synchronization.log cannot be written"), "{}", said.err);
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM t"), 1);
}
