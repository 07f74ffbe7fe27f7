//! One round: a follower that is killed again and again, and one that brings the rest.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use syncline::event::Point;
use syncline_testkit::deterministic::Numbers;
use syncline_testkit::process::{self, Running, Scratch};

use super::application::{self, SUM, TABLES};
use super::sides::{Servers, Side};
use crate::prove::victim::{self, Place, Work};
use crate::scene::StopOnDrop;

/// Points that every window comes to.
const OF_WINDOWS: [Point; 4] = [Point::Decided, Point::Written, Point::EvidenceKept, Point::Committed];

/// Windows in which a follower is killed at one of them: with the points these are twenty places.
const WINDOWS: u64 = 5;

/// Kills in a round.
const KILLS: u64 = 4;

/// Longer than anything takes.
const SOON: Duration = Duration::from_secs(120);

/// A round at work.
pub(super) struct Round<'r> {
    seed: u64,
    servers: &'r Servers,
    tally: &'r mut Tally,
    numbers: Numbers,
    directory: Scratch,
    pairing: String,
    /// Source and target, until the round is run.
    sides: Option<(Side<'r>, Side<'r>)>,
}

impl<'r> Round<'r> {
    pub(super) fn new(seed: u64, servers: &'r Servers, tally: &'r mut Tally) -> Self {
        let directory = Scratch::new();
        let source = servers.database(seed, directory.join("source.db"));
        let target = servers.database(seed / 3, directory.join("target.db"));
        let pairing = format!("{} -> {}", source.engine(), target.engine());
        let (numbers, sides) = (Numbers::new(seed ^ 0x666f), Some((source, target)));
        Self { seed, servers, tally, numbers, directory, pairing, sides }
    }

    pub(super) fn title(&self) -> String {
        format!("{}, seed {}", self.pairing, self.seed)
    }

    pub(super) fn run(&mut self) {
        let (source, target) = self.sides.take().expect("a round is run once");
        *self.tally.pairings.entry(self.pairing.clone()).or_default() += 1;
        let begin = if source.is_server() { "" } else { "PRAGMA journal_mode = WAL;" };
        assert!(source.write(&format!("{begin}{TABLES}{}", application::rows())), "the tables are not made");
        self.syncline(&["track", &source.name()]);
        let (stop, done, seed) = (AtomicBool::new(false), AtomicBool::new(false), self.seed);
        let (acknowledged, looks) = thread::scope(|scope| {
            let (at_end, behind) = (StopOnDrop(&stop), StopOnDrop(&done));
            let writer = scope.spawn(|| application::write(&source, seed, &stop));
            let reader = scope.spawn(|| look(&target, &done));
            for _ in 0..KILLS {
                self.kill(&source, &target);
            }
            drop(at_end);
            let acknowledged = writer.join().unwrap();
            self.bring_the_rest(&source, &target);
            drop(behind);
            (acknowledged, reader.join().unwrap())
        });
        let there = target.numbers("SELECT id FROM done").expect("the target can be asked");
        let lost: Vec<_> = acknowledged.iter().filter(|number| !there.contains(number)).collect();
        assert!(lost.is_empty(), "lost: {lost:?}");
        self.tally.acknowledged += acknowledged.len() as u64;
        self.tally.looks += looks;
    }

    /// Starts a follower and ends it, or what it follows.
    fn kill(&mut self, source: &Side<'_>, target: &Side<'_>) {
        let (state, pause) = (self.directory.join("state"), Duration::from_millis(self.numbers.below(300)));
        let (from, to) = (source.name(), target.name());
        let work = Work::Follow(&from, &to);
        let kind = self.numbers.below(5);
        let place = (kind < 2)
            .then(|| Place { point: *self.numbers.pick(&OF_WINDOWS), nth: 1 + self.numbers.below(WINDOWS) as usize });
        let mut follower = victim::start(self.directory.path(), &state, place, work);
        let instant = Duration::from_millis(300 + self.numbers.below(1_500));
        if let Some(place) = place {
            let is_hit = follower.ends_within(Duration::from_secs(10));
            self.tally.at(place, is_hit);
        } else {
            assert!(!follower.ends_within(instant), "a follower ends by itself: {}", told(follower));
            let servers = [source, target].into_iter().filter(|side| side.is_server()).collect::<Vec<_>>();
            match servers.as_slice() {
                [] => {}
                _ if kind == 2 => {}
                all => {
                    let one = *self.numbers.pick(all);
                    self.servers.kill(one, pause);
                    self.tally.servers += 1;
                    // It is to be there again by itself, and goes on until it is killed. One that has not reached a database yet
                    // takes it for wrongly named.
                    if kind == 4 && follower.ends_within(instant) {
                        let told = told(follower);
                        assert!(told.contains("cannot be reached"), "a follower does not wait for a server: {told}");
                        self.tally.unreached += 1;
                        return;
                    }
                }
            }
            self.tally.instants += 1;
        }
        drop(process::kill_after(follower, Duration::ZERO));
    }

    /// A follower that nobody kills brings what is left, and ends as it should.
    fn bring_the_rest(&self, source: &Side<'_>, target: &Side<'_>) {
        let (from, to) = (source.name(), target.name());
        let mut command = process::command(
            std::path::Path::new(env!("CARGO_BIN_EXE_syncline")),
            ["mirror", &from, &to, "--watch", "--max-delete", "100000"],
            self.directory.path(),
        );
        command.env("SYNCLINE_STATE_DIR", self.directory.join("state"));
        let follower = Running::start(command);
        let began = Instant::now();
        while self.diff(&from, &to) != Some(0) {
            assert!(began.elapsed() < SOON, "the rest does not come: {}", told(follower));
            thread::sleep(Duration::from_millis(50));
        }
        std::process::Command::new("kill").args(["-TERM", &follower.id().to_string()]).status().unwrap();
        let ended = follower.finish(process::DEADLINE);
        // Stopped before its first window, it was a run that was cut off.
        assert!(matches!(ended.code, Some(0 | 143)), "{}{}", ended.stdout, ended.stderr);
        assert_eq!(self.diff(&from, &to), Some(0), "the end has changed something");
        let runs = self.syncline(&["runs", "list", "--json", "--limit", "100"]);
        assert!(!runs.contains("\"running\""), "a run that nobody has closed: {runs}");
        assert!(self.syncline(&["status", &from]).contains("up to date"));
    }

    fn diff(&self, from: &str, to: &str) -> Option<i32> {
        self.command(&["diff", from, to, "--exit-code"]).code
    }

    /// What Syncline says, which goes well.
    fn syncline(&self, args: &[&str]) -> String {
        let said = self.command(args);
        assert_eq!(said.code, Some(0), "{args:?}: {}{}", said.stdout, said.stderr);
        said.stdout
    }

    fn command(&self, args: &[&str]) -> process::Finished {
        let program = std::path::Path::new(env!("CARGO_BIN_EXE_syncline"));
        let mut command = process::command(program, args, self.directory.path());
        command.env("SYNCLINE_STATE_DIR", self.directory.join("state"));
        Running::start(command).finish(process::DEADLINE)
    }
}

fn told(follower: Running) -> String {
    let finished = process::kill_after(follower, Duration::ZERO).finished;
    format!("{}{}", finished.stdout, finished.stderr)
}

/// Looks at the target until it is told to stop: whatever a reader sees, no transfer is half there.
fn look(target: &Side<'_>, done: &AtomicBool) -> u64 {
    let mut looks = 0;
    while !done.load(Ordering::Acquire) {
        if let Some([sum]) = target.numbers("SELECT SUM(total) FROM account").as_deref() {
            assert_eq!(*sum, SUM, "a part of a transfer was seen");
            looks += 1;
        }
        thread::sleep(Duration::from_millis(5));
    }
    looks
}

/// What the rounds have come to.
#[derive(Default)]
pub(super) struct Tally {
    pairings: BTreeMap<String, u64>,
    /// By point and window: how often a follower was to be killed there, and how often it came there.
    places: BTreeMap<String, (u64, u64)>,
    instants: u64,
    servers: u64,
    /// Followers that had not reached their databases yet.
    unreached: u64,
    acknowledged: u64,
    looks: u64,
}

impl Tally {
    fn at(&mut self, place: Place, is_hit: bool) {
        let (tried, hit) = self.places.entry(format!("{:?} {}", place.point, place.nth)).or_default();
        *tried += 1;
        *hit += u64::from(is_hit);
    }

    pub(super) fn and(mut self, other: Self) -> Self {
        for (pairing, rounds) in other.pairings {
            *self.pairings.entry(pairing).or_default() += rounds;
        }
        for (place, (tried, hit)) in other.places {
            let mine = self.places.entry(place).or_default();
            *mine = (mine.0 + tried, mine.1 + hit);
        }
        self.instants += other.instants;
        self.servers += other.servers;
        self.unreached += other.unreached;
        self.acknowledged += other.acknowledged;
        self.looks += other.looks;
        self
    }

    /// Of a full rotation: everything was met.
    pub(super) fn must_mean_something(&self) {
        assert_eq!(self.pairings.len(), 9, "pairings were left out: {self}");
        let hit = self.places.values().filter(|(_, hit)| *hit > 0).count();
        assert!(hit >= OF_WINDOWS.len() * WINDOWS as usize * 3 / 4, "places were not come to: {self}");
        assert!(
            self.servers > 10 && self.unreached * 4 < self.servers && self.looks > 1_000 && self.acknowledged > 1_000,
            "too little went on: {self}"
        );
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pairings: Vec<_> = self.pairings.iter().map(|(pairing, rounds)| format!("{pairing} {rounds}")).collect();
        let places: Vec<_> =
            self.places.iter().map(|(place, (tried, hit))| format!("{place} {hit} of {tried}")).collect();
        writeln!(f, "rounds            {}", pairings.join(", "))?;
        writeln!(f, "killed at         {}", places.join(", "))?;
        writeln!(
            f,
            "at any instant    {}, a server {}, before it was reached {}",
            self.instants, self.servers, self.unreached
        )?;
        writeln!(f, "acknowledged      {} transfers", self.acknowledged)?;
        write!(f, "readers           {} looks, no transfer half there; nothing lost or doubled", self.looks)
    }
}
