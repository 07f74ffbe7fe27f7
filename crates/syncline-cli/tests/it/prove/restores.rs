//! The proof that a restore which dies leaves the old content or the new, never a mixture: SIGKILL at random instants and
//! once the transaction has begun, with both kinds of journal, while a reader looks on.
//!
//! `cargo xtask prove kill-restore` runs 500 rounds, `cargo test` ten.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OptionalExtension};
use syncline_testkit::deterministic::Numbers;
use syncline_testkit::process::{self, Killed, Running};
use syncline_testkit::prove::rounds;

use crate::scene::Scene;

/// Rounds of the full form.
const ROUNDS: u32 = 500;

/// Rounds that are enough to see everything once.
const ROTATION: u32 = 10;

/// What came of all rounds.
#[derive(Debug, Default)]
struct Tally {
    kills: u32,
    in_transaction: u32,
    left_old: u32,
    left_new: u32,
    left_none: u32,
    refused_undos: u32,
    undone: u32,
    looks: u64,
}

/// One round: the target holds the old content, the backup the new.
struct Round {
    scene: Scene,
    numbers: Numbers,
    journal: &'static str,
    /// The target is not there when the restore begins.
    is_missing: bool,
    /// The run that has made the old content what it is.
    run: Option<String>,
}

#[test]
fn kill_restore() {
    let rounds = rounds(ROUNDS);
    let mut tally = Tally::default();
    match std::env::var("SYNCLINE_PROVE_SEED") {
        Ok(seed) => play(seed.parse().expect("SYNCLINE_PROVE_SEED is a number"), &mut tally),
        Err(_) => (0..rounds).for_each(|seed| play(seed, &mut tally)),
    }
    super::say(&tally.to_string());
    if rounds >= ROTATION {
        tally.must_mean_something();
    }
}

fn play(seed: u32, tally: &mut Tally) {
    println!("seed {seed}");
    let mut round = Round::new(seed);
    let killed = round.kill(seed, tally);
    let content = round.content(tally);
    if !killed.ended_before {
        tally.kills += 1;
    } else {
        assert_eq!(killed.finished.code, Some(0), "{}{}", killed.finished.stdout, killed.finished.stderr);
        assert_eq!(content.as_deref(), Some("new"), "it said that it was done");
    }
    round.try_undo(content.as_deref(), tally);
    round.again();
}

impl Round {
    fn new(seed: u32) -> Self {
        let mut numbers = Numbers::new(u64::from(seed));
        let journal = if seed.is_multiple_of(2) { "wal" } else { "delete" };
        let is_missing = seed % 5 == 4;
        let scene = Scene::new();
        let sizes = [200, 3_000, 24_000];
        let (old, new) = (*numbers.pick(&sizes), *numbers.pick(&sizes));
        // With a write-ahead log the pages must be of one size.
        let page = if journal == "delete" && seed % 3 == 1 { 1024 } else { 4096 };
        fill(&scene.path("old.db"), "delete", 4096, "old", old);
        // Marked for a write-ahead log, it must not turn a target with a rollback journal into one with a log.
        let marked = if seed.is_multiple_of(3) { "wal" } else { "delete" };
        fill(&scene.path("new.db"), marked, page, "new", new);
        scene.ok("backup new.db -o backup.db");
        let mut run = None;
        if !is_missing {
            // The old content comes from a run, which must not be undone once the new one is there.
            fill(&scene.path("target.db"), journal, 4096, "former", old);
            run = scene.run("mirror old.db target.db --no-verify --json").last()["run"].as_str().map(str::to_owned);
        }
        Self { scene, numbers, journal, is_missing, run }
    }

    fn target(&self) -> PathBuf {
        self.scene.path("target.db")
    }

    fn start(&self) -> Running {
        Running::start(self.scene.command(&["restore", "backup.db", "target.db", "--yes"]))
    }

    /// Kills a restore: every other time once its transaction has begun, then once it is committed where that can be seen,
    /// else anywhere.
    fn kill(&mut self, seed: u32, tally: &mut Tally) -> Killed {
        let (done, target) = (AtomicBool::new(false), self.target());
        std::thread::scope(|scope| {
            let reader = (!self.is_missing).then(|| scope.spawn(|| read_on(&target, &done)));
            let began = Instant::now();
            let running = self.start();
            let killed = match seed % 4 {
                0 | 1 if !self.is_missing => {
                    let seen = self.wait_for_transaction(began, true);
                    let killed = process::kill_after(running, Duration::from_micros(self.numbers.below(3_000)));
                    tally.in_transaction += u32::from(seen && !killed.ended_before);
                    killed
                }
                // With these the journal is one that goes with the commit.
                3 if !self.is_missing => {
                    let committed = self.wait_for_transaction(began, true) && self.wait_for_transaction(began, false);
                    let delay = if committed { 0 } else { self.numbers.below(150_000) };
                    process::kill_after(running, Duration::from_micros(delay))
                }
                _ => process::kill_after(running, Duration::from_micros(self.numbers.below(150_000))),
            };
            done.store(true, Ordering::Release);
            tally.looks +=
                reader.map_or(0, |reader| reader.join().unwrap_or_else(|why| std::panic::resume_unwind(why)));
            killed
        })
    }

    /// Waits until the journal or the log holds something, or until there is none any more, for a while.
    fn wait_for_transaction(&self, began: Instant, is_open: bool) -> bool {
        let suffix = if self.journal == "wal" { "target.db-wal" } else { "target.db-journal" };
        let path = self.scene.path(suffix);
        while began.elapsed() < Duration::from_secs(5) {
            if path.metadata().is_ok_and(|file| file.len() > 0) == is_open {
                return true;
            }
        }
        false
    }

    /// Which content the target holds, whole; `None` for no content at all.
    fn content(&self, tally: &mut Tally) -> Option<String> {
        let content = self.side();
        match content.as_deref() {
            Some("old") => tally.left_old += 1,
            Some("new") => tally.left_new += 1,
            Some(other) => panic!("{other} is in the target"),
            None => {
                assert!(self.is_missing, "everything is gone");
                tally.left_none += 1;
            }
        }
        content
    }

    fn side(&self) -> Option<String> {
        if !self.target().exists() {
            return None;
        }
        let connection = super::state::open(&self.target());
        let sound: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(sound, "ok");
        if !super::state::exists(&connection, "t") {
            return None;
        }
        let side: String = connection.query_row("SELECT side FROM t LIMIT 1", [], |row| row.get(0)).unwrap();
        let expected = self.scene.path(&format!("{side}.db"));
        connection.execute("ATTACH ?1 AS expected", [expected.to_str().unwrap()]).unwrap();
        for (here, there) in [("main", "expected"), ("expected", "main")] {
            let sql = format!("SELECT 1 FROM (SELECT * FROM {here}.t EXCEPT SELECT * FROM {there}.t)");
            let differs = connection.query_row(&sql, [], |_| Ok(())).optional().unwrap();
            assert!(differs.is_none(), "rows of {here} are not in {there}: a mixture");
        }
        Some(side)
    }

    /// A run that wrote the old content is never undone on the new.
    fn try_undo(&self, content: Option<&str>, tally: &mut Tally) {
        let Some(run) = &self.run else { return };
        let said = self.scene.run(&format!("undo {run} --yes --json"));
        match said.code {
            Some(6) => {
                assert_eq!(said.last()["code"], "UNDO_STALE", "{}", said.out);
                tally.refused_undos += 1;
                assert_eq!(self.side().as_deref(), content, "refused, and yet it changed something");
            }
            Some(0) => {
                assert_eq!(content, Some("old"), "undone on content it did not write");
                tally.undone += 1;
            }
            other => panic!("{other:?}: {}{}", said.out, said.err),
        }
    }

    /// The next restore comes to its end, and every backup that has a name is whole.
    fn again(&self) {
        self.scene.ok("restore backup.db target.db --yes -q");
        assert_eq!(self.side().as_deref(), Some("new"));
        let journal = "SELECT journal_mode FROM pragma_journal_mode";
        let journal: String = super::state::open(&self.target()).query_row(journal, [], |row| row.get(0)).unwrap();
        assert!(self.is_missing || journal == self.journal, "the target works with {journal}");
        let left = std::fs::read_dir(self.scene.path("")).unwrap().map(|entry| entry.unwrap().file_name());
        let left: Vec<_> = left.filter(|name| name.to_string_lossy().contains(".syncline-draft")).collect();
        assert!(left.is_empty(), "{left:?} is left of what was killed");
        let Ok(kept) = std::fs::read_dir(self.scene.path("state/backups")) else { return };
        for file in kept.map(|entry| entry.unwrap().path()) {
            if file.extension().is_some_and(|extension| extension == "db") {
                let connection = Connection::open(&file).unwrap();
                let sound: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
                assert_eq!(sound, "ok", "{}", file.display());
            }
        }
    }
}

fn fill(path: &Path, journal: &str, page: u32, side: &str, rows: u32) {
    let connection = Connection::open(path).unwrap();
    connection
        .execute_batch(&format!(
            "PRAGMA page_size = {page}; PRAGMA journal_mode = {journal};
             CREATE TABLE t (id INTEGER PRIMARY KEY, side TEXT, filler TEXT); CREATE INDEX t_side ON t (side, id);
             WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
             INSERT INTO t SELECT i, '{side}', printf('%0400d', i * 7) FROM n"
        ))
        .unwrap();
}

/// Looks at the target all the time: it always holds one content, whole. Returns how often it looked.
fn read_on(target: &Path, done: &AtomicBool) -> u64 {
    let connection = super::state::open(target);
    let mut looks = 0;
    let mut counts: Vec<(String, i64)> = Vec::new();
    while !done.load(Ordering::Acquire) {
        let look = "SELECT min(side), max(side), count(*) FROM t";
        let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        let (first, last, count): (String, String, i64) = connection.query_row(look, [], row).unwrap();
        assert_eq!(first, last, "a reader saw a mixture");
        match counts.iter().find(|(side, _)| *side == first) {
            Some((_, known)) => assert_eq!(*known, count, "a reader saw a part of the {first} content"),
            None => counts.push((first, count)),
        }
        looks += 1;
        std::thread::sleep(Duration::from_millis(3));
    }
    looks
}

impl Tally {
    /// Panics unless what the proof is about has happened.
    fn must_mean_something(&self) {
        assert!(self.kills > 0, "nothing was killed");
        assert!(self.in_transaction > 0, "nothing was killed while it wrote");
        assert!(self.left_old > 0 && self.left_new > 0, "only one content was ever left");
        assert!(self.refused_undos > 0, "no undo was refused");
        assert!(self.looks > 0, "nobody looked on");
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "kills             {}, {} of them while it wrote", self.kills, self.in_transaction)?;
        writeln!(f, "left              {} old, {} new, {} nothing", self.left_old, self.left_new, self.left_none)?;
        writeln!(f, "undos             {} refused, {} done on the old content", self.refused_undos, self.undone)?;
        write!(f, "reader            {} looks", self.looks)
    }
}
