//! The proof that followers of databases in which nothing happens write nothing: no log grows, no cursor and no reader's mark moves.
//!
//! `cargo xtask prove idle-follow` looks for ten minutes, `cargo test` for twelve seconds.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use syncline_testkit::process::{self, Running, Scratch};
use syncline_testkit::prove::rounds;

use super::follow::application::{self, TABLES};
use super::follow::sides::{Servers, Side};
use super::say;

/// Seconds of the full form.
const SECONDS: u32 = 600;

/// Longer than anything takes.
const SOON: Duration = Duration::from_secs(60);

#[test]
fn idle_follow() {
    let (servers, directory) = (Servers::start(), Scratch::new());
    servers.up();
    let pairs: Vec<Pair<'_>> = (0..3)
        .map(|engine| Pair {
            source: servers.database(engine, directory.join(format!("source {engine}.db"))),
            target: servers.database(engine + 1, directory.join(format!("target {engine}.db"))),
            directory: &directory,
        })
        .collect();
    let followers: Vec<Running> = pairs.iter().map(Pair::begin).collect();
    // How far it has come is told to the source a little after the last change.
    thread::sleep(syncline::limits::FOLLOW_TOLD_EVERY + Duration::from_secs(1));
    let before: Vec<String> = pairs.iter().map(Pair::state).collect();
    let end = Instant::now() + Duration::from_secs(u64::from(rounds(SECONDS)));
    let mut looks = 0;
    while Instant::now() < end {
        thread::sleep(Duration::from_millis(500));
        for (pair, before) in pairs.iter().zip(&before) {
            assert_eq!(pair.state(), *before, "{} -> {}", pair.source.engine(), pair.target.engine());
        }
        looks += 1;
    }
    for (pair, follower) in pairs.iter().zip(followers) {
        pair.end(follower);
    }
    say(&format!(
        "idle              {} s, {looks} looks at three pairs: nothing was written on either side",
        rounds(SECONDS)
    ));
}

struct Pair<'s> {
    source: Side<'s>,
    target: Side<'s>,
    directory: &'s Scratch,
}

impl Pair<'_> {
    /// Tracks the source, and follows it until something was carried.
    fn begin(&self) -> Running {
        assert!(self.source.write(&format!("{TABLES}{}", application::rows())), "the tables are not made");
        let tracked = Running::start(self.command(&["track", &self.source.name()])).finish(process::DEADLINE);
        assert_eq!(tracked.code, Some(0), "{tracked:?}");
        let follower = Running::start(self.command(&["mirror", &self.source.name(), &self.target.name(), "--watch"]));
        self.carries(-1);
        follower
    }

    /// A change of the source is in the target soon.
    fn carries(&self, total: i64) {
        assert!(self.source.write(&format!("UPDATE account SET total = {total} WHERE id = 1")));
        let began = Instant::now();
        while self.target.numbers("SELECT total FROM account WHERE id = 1") != Some(vec![total]) {
            assert!(began.elapsed() < SOON, "nothing is carried");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// What there is of tracking on both sides.
    fn state(&self) -> String {
        let logs = (1..=3)
            .map(|id| self.source.said(&format!("SELECT CONCAT(COUNT(*), ' ', MAX(seq)) FROM _syncline_log_{id}")));
        let read = self.source.said("SELECT CONCAT(COUNT(*), ' ', MAX(seen)) FROM _syncline_consumer");
        let cursors = self
            .target
            .said("SELECT CONCAT(link, source_table, position) FROM _syncline_cursor ORDER BY link, source_table");
        logs.chain([read, cursors]).collect::<Vec<_>>().join("\n")
    }

    /// It follows still, and stops within a second.
    fn end(&self, mut follower: Running) {
        self.carries(-2);
        std::process::Command::new("kill").args(["-INT", &follower.id().to_string()]).status().unwrap();
        assert!(follower.ends_within(Duration::from_secs(5)), "it goes on");
        assert_eq!(follower.finish(process::DEADLINE).code, Some(0));
    }

    fn command(&self, words: &[&str]) -> std::process::Command {
        let program = Path::new(env!("CARGO_BIN_EXE_syncline"));
        let mut command = process::command(program, words, self.directory.path());
        command.env("SYNCLINE_STATE_DIR", self.directory.join("state"));
        command
    }
}
