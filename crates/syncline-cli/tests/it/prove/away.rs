//! The proof that a reader may stay away for a million changes: what it gets then is all of them, by the log, in the memory that every
//! command has, and the log is short again behind it.
//!
//! `cargo xtask prove away` makes a million changes on each engine, `cargo test` twenty thousand.
#![cfg(target_os = "linux")]

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use syncline_testkit::process::{self, Running, Scratch};
use syncline_testkit::prove::rounds;

use super::follow::sides::{Servers, Side};
use super::say;
use crate::memory;

/// Changes of the full form.
const CHANGES: u32 = 1_000_000;

/// Rows that are changed over and over.
const ROWS: u32 = 5_000;

/// What a command may take, without large values.
const BOUND_MB: u64 = 100;

#[test]
fn away() {
    let (servers, directory) = (Servers::start(), Scratch::new());
    servers.up();
    for engine in 0..3 {
        let source = servers.database(engine, directory.join(format!("source {engine}.db")));
        let target = servers.database(engine + 1, directory.join(format!("target {engine}.db")));
        Pair { source, target, directory: &directory }.play(rounds(CHANGES));
    }
}

struct Pair<'s> {
    source: Side<'s>,
    target: Side<'s>,
    directory: &'s Scratch,
}

impl Pair<'_> {
    fn play(&self, changes: u32) {
        let (source, target) = (self.source.name(), self.target.name());
        let run = ["mirror", &source, &target, "--strategy", "incremental", "--max-delete", "1000000000"];
        self.source.try_write("CREATE TABLE t (id INTEGER PRIMARY KEY, v VARCHAR(40), n INTEGER)").unwrap();
        self.source.try_write(&inserts(1)).unwrap();
        self.ok(&["track", &source]);
        self.ok(&run);
        let made = self.change(changes);
        let began = Instant::now();
        let peak = memory::peak_mb(self.command(&run));
        let (seconds, log) = (began.elapsed().as_secs_f64(), self.log());
        let runs: serde_json::Value = serde_json::from_str(&self.ok(&["runs", "list", "--json"])).unwrap();
        let shown = self.ok(&["runs", "show", runs["data"][0]["id"].as_str().unwrap()]);
        assert!(shown.contains("incremental:") && !shown.contains("compare:"), "{shown}");
        let said = self.ok(&run);
        assert!(said.contains("nothing was touched"), "it went by the log to its end: {said}");
        self.ok(&["diff", &source, &target, "--exit-code"]);
        assert!(peak <= BOUND_MB, "{peak} MB");
        assert!(log <= 1, "{log} entries are left behind the only reader");
        let pair = format!("{} -> {}", self.source.engine(), self.target.engine());
        say(&format!("{pair:<24} {made} entries in {seconds:.1} s, {peak} MB"));
    }

    /// Changes rows in every way until the log has so many entries; how many it has.
    fn change(&self, changes: u32) -> i64 {
        let mut round = 1;
        while self.log() < i64::from(changes) {
            round += 1;
            let half = ROWS / 2;
            self.source.try_write(&format!("UPDATE t SET n = n + 1, v = 'changed {round}'")).unwrap();
            self.source.try_write(&format!("DELETE FROM t WHERE id <= {half}")).unwrap();
            self.source.try_write(&format!("UPDATE t SET id = id + 1000000 WHERE id > {half}")).unwrap();
            self.source.try_write("DELETE FROM t WHERE id > 1000000 AND n % 2 = 0").unwrap();
            self.source.try_write(&format!("DELETE FROM t WHERE id > {}; {}", ROWS * 3, inserts(round))).unwrap();
        }
        self.log()
    }

    /// Entries of the log, or on their way into it.
    fn log(&self) -> i64 {
        let tables: &[&str] = match self.source {
            Side::Maria(_) => &["_syncline_log_1", "_syncline_inbox_1"],
            _ => &["_syncline_log_1"],
        };
        let count = |table: &&str| self.source.numbers(&format!("SELECT COUNT(*) FROM {table}")).unwrap()[0];
        tables.iter().map(count).sum()
    }

    fn ok(&self, words: &[&str]) -> String {
        let said = Running::start(self.command(words)).finish(process::DEADLINE);
        assert_eq!(said.code, Some(0), "{words:?}: {}{}", said.stdout, said.stderr);
        said.stdout
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = process::command(Path::new(env!("CARGO_BIN_EXE_syncline")), words, self.directory.path());
        command.env("SYNCLINE_STATE_DIR", self.directory.join("state"));
        command
    }
}

/// Rows that are not there.
fn inserts(round: u32) -> String {
    let rows: Vec<String> =
        (1..=ROWS).map(|id| format!("({}, 'new in {round}', {id})", ROWS * (round % 3) + id)).collect();
    format!(
        "DELETE FROM t WHERE id BETWEEN {} AND {}; INSERT INTO t VALUES {}",
        ROWS * (round % 3) + 1,
        ROWS * (round % 3 + 1),
        rows.join(",")
    )
}
