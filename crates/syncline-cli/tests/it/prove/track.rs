//! The proof that `track` and `untrack` may die at any instant: the application goes on writing without an error, whoever tracks again has
//! every change from then on, and whoever untracks leaves nothing behind.
//!
//! `cargo xtask prove kill-track` runs 150 rounds on all three engines, `cargo test` three. `SYNCLINE_PROVE_SEED=N` runs one alone.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use syncline_testkit::deterministic::Numbers;
use syncline_testkit::process::{self, Finished, Running, Scratch};
use syncline_testkit::prove::rounds;

use super::follow::application::{self, ACCOUNTS, TABLES};
use super::follow::sides::{Servers, Side};
use super::{say, work};
use crate::scene::StopOnDrop;

/// Rounds of the full form.
const ROUNDS: u32 = 150;

/// Kills in a round.
const KILLS: u64 = 8;

/// Kills that are enough for some to have hit.
const ROTATION: u64 = 30;

#[test]
fn kill_track() {
    let begin = || (Servers::start(), Tally::default());
    if let Ok(seed) = std::env::var("SYNCLINE_PROVE_SEED") {
        let mut worker = begin();
        play(seed.parse().expect("SYNCLINE_PROVE_SEED is a number"), &mut worker);
        return say(&worker.1.told());
    }
    let (rounds, began) = (u64::from(rounds(ROUNDS)), Instant::now());
    let tallies = work(rounds, begin, play).into_iter().map(|(_, tally)| tally);
    let tally = tallies.reduce(Tally::and).unwrap_or_default();
    say(&format!("{}\ntime              {} s", tally.told(), began.elapsed().as_secs()));
    if rounds >= ROTATION {
        assert!(tally.engines.len() == 3 && tally.killed > rounds * KILLS / 3, "too little went on: {}", tally.told());
    }
}

fn play(seed: u64, (servers, tally): &mut (Servers, Tally)) {
    servers.up();
    let directory = Scratch::new();
    let source = servers.database(seed, directory.join("source.db"));
    *tally.engines.entry(source.engine()).or_default() += 1;
    let round = Round { directory: &directory, source: &source };
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| round.run(seed, tally))) {
        say(&format!("round failed ({}); again with SYNCLINE_PROVE_SEED={seed}", source.engine()));
        resume_unwind(panic);
    }
}

struct Round<'r> {
    directory: &'r Scratch,
    source: &'r Side<'r>,
}

impl Round<'_> {
    fn run(&self, seed: u64, tally: &mut Tally) {
        let begin = if self.source.is_server() { "" } else { "PRAGMA journal_mode = WAL;" };
        assert!(self.source.write(&format!("{begin}{TABLES}{}", application::rows())), "the tables are not made");
        let (stop, mut numbers) = (AtomicBool::new(false), Numbers::new(seed ^ 0x7472));
        let written = thread::scope(|scope| {
            let at_end = StopOnDrop(&stop);
            let writer = scope.spawn(|| write(self.source, seed, &stop));
            self.killed_again_and_again(&mut numbers, tally);
            self.goes_well(&["track"]);
            self.carried();
            drop(at_end);
            writer.join().unwrap()
        });
        assert!(written > 0, "the application has written nothing");
        tally.written += written;
        self.carried();
        for query in [
            "SELECT total FROM account ORDER BY id",
            "SELECT id FROM done ORDER BY id",
            "SELECT id * 100000 + v FROM moved ORDER BY id",
        ] {
            let there = Side::File(self.directory.join("target.db")).numbers(query);
            assert_eq!(there, self.source.numbers(query), "{query}");
        }
        self.goes_well(&["untrack"]);
        assert_eq!(self.left_behind(), Some(vec![0]), "something of tracking is left");
    }

    /// Tracks and untracks, and dies on the way.
    fn killed_again_and_again(&self, numbers: &mut Numbers, tally: &mut Tally) {
        let began = Instant::now();
        self.goes_well(&["track"]);
        let span = u64::try_from(began.elapsed().as_millis()).unwrap() + 10;
        for _ in 0..KILLS {
            let word = if numbers.below(2) == 0 { "track" } else { "untrack" };
            let instant = Duration::from_millis(numbers.below(span));
            let killed = process::kill_after(Running::start(self.command(&[word, &self.source.name()])), instant);
            tally.killed += u64::from(!killed.ended_before);
            if numbers.below(3) == 0 {
                // Whatever state that has left: what a log does not tell of is compared, or it is said that there is none.
                let said = Running::start(self.command(&self.mirror())).finish(process::DEADLINE);
                assert!(said.code == Some(0) || said.stderr.contains("NOT_TRACKED"), "{said:?}");
            }
        }
    }

    /// Everything that was written by now is in the target, and the second time only what was touched is looked at.
    fn carried(&self) {
        for _ in 0..2 {
            let said = Running::start(self.command(&self.mirror())).finish(process::DEADLINE);
            assert_eq!(said.code, Some(0), "{said:?}");
        }
    }

    fn mirror(&self) -> Vec<String> {
        let line = format!("mirror {} target.db --strategy incremental --max-delete 100000", self.source.name());
        line.split(' ').map(str::to_owned).collect()
    }

    /// How many objects there are of ours.
    fn left_behind(&self) -> Option<Vec<i64>> {
        self.source.numbers(match self.source {
            Side::File(_) => "SELECT count(*) FROM sqlite_schema WHERE name LIKE '\\_syncline%' ESCAPE '\\'",
            Side::Postgres(_) => {
                "SELECT (SELECT count(*) FROM pg_class WHERE relname LIKE '\\_syncline%') + (SELECT count(*) FROM pg_proc WHERE \
                 proname LIKE '\\_syncline%') + (SELECT count(*) FROM pg_trigger WHERE tgname LIKE '\\_syncline%')"
            }
            Side::Maria(_) => {
                "SELECT (SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME LIKE \
                 '\\_syncline%') + (SELECT COUNT(*) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE()) + \
                 (SELECT COUNT(*) FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = DATABASE())"
            }
        })
    }

    fn goes_well(&self, words: &[&str]) -> Finished {
        let name = self.source.name();
        let words: Vec<&str> = words.iter().copied().chain([name.as_str()]).collect();
        let said = Running::start(self.command(&words)).finish(process::DEADLINE);
        assert_eq!(said.code, Some(0), "{words:?}: {said:?}");
        said
    }

    fn command<A: AsRef<std::ffi::OsStr>>(&self, words: &[A]) -> std::process::Command {
        let program = Path::new(env!("CARGO_BIN_EXE_syncline"));
        let mut command = process::command(program, words, self.directory.path());
        command.env("SYNCLINE_STATE_DIR", self.directory.join("state"));
        command
    }
}

/// An application that takes no error for an answer. Returns what it has written.
fn write(source: &Side<'_>, seed: u64, stop: &AtomicBool) -> u64 {
    let mut numbers = Numbers::new(seed);
    for number in 1.. {
        if stop.load(Ordering::Acquire) {
            return number - 1;
        }
        let (account, old, new) = (numbers.below(ACCOUNTS) + 1, numbers.below(60) + 1, numbers.below(60) + 1);
        let mut steps = [
            format!("UPDATE account SET total = total + 1 WHERE id = {account};"),
            format!("INSERT INTO done VALUES ({number}, {account});"),
            format!(
                "DELETE FROM moved WHERE id = {new} AND id <> {old}; UPDATE moved SET id = {new}, v = {number} WHERE id = {old};
                 INSERT INTO moved VALUES ({number} + 1000, 0); DELETE FROM moved WHERE id = {number} + 1000 - 20;"
            ),
        ];
        // In any order, so that tables are come to in another one than they are tracked in, and some take their time.
        numbers.shuffle(&mut steps);
        let pause = if numbers.below(4) == 0 { source.pause() } else { "" };
        let script = format!("BEGIN; {} COMMIT;", steps.join(pause));
        if let Err(why) = source.try_write(&script) {
            panic!("the application was refused its write {number}: {why}");
        }
        thread::sleep(Duration::from_millis(numbers.below(10)));
    }
    0
}

/// What the rounds have come to.
#[derive(Default)]
struct Tally {
    engines: BTreeMap<&'static str, u64>,
    killed: u64,
    written: u64,
}

impl Tally {
    fn and(mut self, other: Self) -> Self {
        for (engine, rounds) in other.engines {
            *self.engines.entry(engine).or_default() += rounds;
        }
        Self { engines: self.engines, killed: self.killed + other.killed, written: self.written + other.written }
    }

    fn told(&self) -> String {
        let engines: Vec<_> = self.engines.iter().map(|(engine, rounds)| format!("{engine} {rounds}")).collect();
        format!(
            "rounds            {}\nkilled            {} times amid track or untrack\nwritten           {} transactions, none refused; \
             all carried, nothing left behind",
            engines.join(", "),
            self.killed,
            self.written
        )
    }
}
