//! One run at a time on a target, whoever began it: other state directories, other users, other names of the same file.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use syncline_testkit::process::Running;

use crate::bad_input::{files, refused};
use crate::prove::state::Dump;
use crate::scene::{Said, Scene};

const SOURCE: &str = "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT NOT NULL);
    INSERT INTO t VALUES (1, 'one'), (2, 'two'), (3, 'bad')";

const TARGET: &str = "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT NOT NULL CHECK (v <> 'bad'));
    INSERT INTO t VALUES (1, 'former')";

/// A run that has claimed its target, and is stopped.
struct Stopped {
    running: Running,
    id: u32,
}

impl Stopped {
    /// Begins a mirror of `a.db` to `b.db` with the state directory `state`, and stops it while it waits for a lock.
    fn begin(scene: &Scene) -> Self {
        let lock = Connection::open(scene.path("b.db")).unwrap();
        lock.execute_batch("BEGIN IMMEDIATE").unwrap();
        let running = Running::start(scene.command(&["mirror", "a.db", "b.db"]));
        let id = running.id();
        let began = Instant::now();
        while !std::fs::read_to_string(claim(scene)).is_ok_and(|note| note.contains("mirror r_")) {
            assert!(began.elapsed() < Duration::from_secs(60), "it never claimed its target");
            std::thread::yield_now();
        }
        signal("STOP", id);
        Self { running, id }
    }

    /// Kills it, so that it cannot tidy up.
    fn kill(self) {
        drop(self.running);
    }
}

fn signal(name: &str, process: u32) {
    assert!(Command::new("kill").args([format!("-{name}"), process.to_string()]).status().unwrap().success());
}

fn claim(scene: &Scene) -> PathBuf {
    scene.path("b.db-syncing")
}

fn names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// A pair with a history in the state directory `other`: a run to be undone, a row to be tried again, a plan, a backup.
fn scene() -> Scene {
    let scene = Scene::with_pair(SOURCE, TARGET);
    assert_eq!(scene.run("mirror a.db b.db --state-dir other").code, Some(3));
    scene.sql("a.db", "UPDATE t SET v = 'newer' WHERE id = 2");
    scene.ok("plan mirror a.db b.db -o plan --state-dir other -q");
    scene.ok("backup a.db -o backup.db");
    std::fs::create_dir(scene.path("sub")).unwrap();
    symlink("../b.db", scene.path("sub/link.db")).unwrap();
    scene
}

#[test]
fn a_run_of_another_state_directory_is_kept_out() {
    let scene = scene();
    let held = Stopped::begin(&scene);
    let before = Dump::of(&scene.path("b.db"));
    for line in [
        "mirror a.db b.db",
        "copy a.db b.db",
        "mirror a.db sub/link.db",
        "mirror a.db sub/../b.db",
        "mirror a.db sqlite:b.db",
        "apply plan --yes",
        "undo --yes",
        "conflicts retry --yes",
        "restore backup.db b.db --yes",
        "restore backup.db sub/link.db --yes --no-safety-backup",
    ] {
        let said = refused(&scene, &format!("{line} --state-dir other"), 8, "RUN_LOCKED");
        let holder = format!(", process {}, since 20", held.id);
        assert!(said.err.contains("mirror r_") && said.err.contains(&holder), "{line}\n{}", said.err);
        let why = said.err.lines().find(|line| line.starts_with("  why")).unwrap();
        assert!(!why.contains("a.db"), "{line} tells what another user's run reads\n{why}");
    }
    let from_below = scene.command(&["mirror", "../a.db", "link.db"]).current_dir(scene.path("sub")).output().unwrap();
    assert_eq!(from_below.status.code(), Some(8));
    Dump::of(&scene.path("b.db")).must_be(&before, "what another run works on");
    // What only reads goes on.
    assert_eq!(scene.run("diff a.db b.db --exit-code --state-dir other").code, Some(10));
    assert_eq!(scene.run("verify a.db b.db --state-dir other").code, Some(10));
    scene.ok("mirror a.db b.db --dry-run --state-dir other");
    scene.ok("backup b.db -o another.db");
    // With the same state directory the holder is named in full.
    let said = refused(&scene, "mirror a.db b.db", 8, "RUN_LOCKED");
    assert!(said.err.contains("mirror a.db -> b.db, process"), "{}", said.err);

    held.kill();
    assert!(claim(&scene).exists(), "a killed run cannot tidy up");
    assert_eq!(scene.run("mirror a.db b.db --state-dir other").code, Some(3));
    assert!(!claim(&scene).exists(), "{:?}", names(&scene.path("")));
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM t WHERE v = 'newer'"), 1);
    // The state directory of the run that was killed takes note of that, and goes on.
    assert_eq!(scene.run("mirror a.db b.db").code, Some(3));
}

#[test]
fn nothing_is_left_beside_the_target() {
    let scene = scene();
    let before = names(&scene.path(""));
    assert_eq!(scene.run("mirror a.db b.db --state-dir other").code, Some(3));
    assert_eq!(scene.run("mirror a.db sub/link.db --state-dir other").code, Some(3));
    assert_eq!(scene.run("conflicts retry --yes --state-dir other").code, Some(3));
    scene.ok("undo --yes --state-dir other");
    scene.ok("restore backup.db b.db --yes --state-dir other");
    assert_eq!(names(&scene.path("")), before);
    assert_eq!(names(&scene.path("sub")), ["link.db"]);
}

#[test]
fn runs_of_many_state_directories_take_turns() {
    let scene = Scene::with_pair(SOURCE, TARGET);
    scene.sql("a.db", "DELETE FROM t WHERE v = 'bad'");
    let start = |at: usize| {
        let state = format!("state-{at}");
        Running::start(scene.command(&["mirror", "a.db", "b.db", "--state-dir", &state]))
    };
    let begun: Vec<_> = (0..6).map(start).collect();
    let ends: Vec<_> = begun.into_iter().map(|running| running.finish(Duration::from_secs(120))).collect();
    for end in &ends {
        assert!(matches!(end.code, Some(0 | 8)), "{end:?}");
    }
    assert!(ends.iter().any(|end| end.code == Some(0)), "{ends:?}");
    assert!(!claim(&scene).exists());
    scene.ok("mirror a.db b.db");
    assert_eq!(scene.run("diff a.db b.db --exit-code").code, Some(0));
}

#[test]
fn what_stands_in_the_way_is_not_removed() {
    let scene = Scene::with_pair(SOURCE, TARGET);
    let refuse = || {
        let said = refused(&scene, "mirror a.db b.db", 1, "STORE_FAILED");
        assert!(said.err.contains("b.db-syncing"), "{}", said.err);
    };
    std::fs::write(claim(&scene), "somebody's").unwrap();
    refuse();
    std::fs::rename(claim(&scene), scene.path("precious")).unwrap();
    symlink(scene.path("precious"), claim(&scene)).unwrap();
    refuse();
    std::fs::remove_file(claim(&scene)).unwrap();
    std::fs::hard_link(scene.path("precious"), claim(&scene)).unwrap();
    refuse();
    std::fs::remove_file(claim(&scene)).unwrap();
    std::fs::create_dir(claim(&scene)).unwrap();
    refuse();
    std::fs::remove_dir(claim(&scene)).unwrap();
    assert_eq!(std::fs::read(scene.path("precious")).unwrap(), b"somebody's");
    // An empty file, and what a run has left that was killed, or cut off by a power cut.
    for left in
        ["", "sync", "\0\0\0\0\0\0\0\0\0\0\0\0", "syncline: mirror r_0, process 1, since 2026-11-21T14:00:00Z\n"]
    {
        std::fs::write(claim(&scene), left).unwrap();
        assert_eq!(scene.run("mirror a.db b.db").code, Some(3));
        assert!(!claim(&scene).exists());
    }
}

/// Runs a line as a user without rights; `None` when this user may not do that.
fn as_nobody(scene: &Scene, line: &str) -> Option<Said> {
    const NOBODY: u32 = 65_534;
    let mut command = scene.command(&line.split(' ').collect::<Vec<_>>());
    let output = command.uid(NOBODY).gid(NOBODY).output();
    match output {
        Ok(output) => Some(output.into()),
        Err(error) => {
            println!("not allowed to run as another user: not tried ({error})");
            None
        }
    }
}

#[test]
fn another_user_is_kept_out_and_takes_over() {
    let scene = scene();
    let allow = |name: &str, mode: u32| {
        std::fs::set_permissions(scene.path(name), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    ["", "a.db", "b.db"].into_iter().zip([0o777, 0o666, 0o666]).for_each(|(name, mode)| allow(name, mode));
    let held = Stopped::begin(&scene);
    let before = files(&scene.path("."));
    let Some(said) = as_nobody(&scene, "mirror a.db b.db --state-dir nobody") else { return };
    assert_eq!(said.code, Some(8), "{}{}", said.out, said.err);
    assert!(said.err.contains("mirror r_"), "{}", said.err);
    assert_eq!(files(&scene.path(".")), before);
    held.kill();
    let said = as_nobody(&scene, "mirror a.db b.db --state-dir nobody").unwrap();
    assert_eq!(said.code, Some(3), "{}{}", said.out, said.err);
    assert!(!claim(&scene).exists());
    // Where nothing can be made beside the database, SQLite could not write it either.
    scene.sql("a.db", "UPDATE t SET v = 'newest' WHERE id = 2");
    allow("", 0o755);
    allow("nobody", 0o777);
    let said = as_nobody(&scene, "mirror a.db b.db --state-dir nobody").unwrap();
    assert_eq!(said.code, Some(4), "{}{}", said.out, said.err);
    assert!(said.err.contains("error[STORE_READ_ONLY]") && said.err.contains("b.db-syncing"), "{}", said.err);
}
