//! The proof that a follower which dies, or whose servers die, loses nothing and doubles nothing: SIGKILL of the process at named points
//! of its first windows and at random instants, of the source's server, of the target's and of several, while an application goes
//! on writing and a reader of the target never sees a part of a transaction.
//!
//! `cargo xtask prove kill-follow` runs 300 rounds in all nine pairings, `cargo test` six. `SYNCLINE_PROVE_SEED=N` runs one alone: the
//! same pairing and the same kills, at instants that are not the same.

pub(super) mod application;
mod round;
pub(super) mod sides;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Instant;

use syncline_testkit::prove::rounds;

use self::round::{Round, Tally};
use self::sides::Servers;
use super::{say, work};

/// Rounds of the full form.
const ROUNDS: u32 = 300;

/// Rounds that are enough to see everything once.
const ROTATION: u64 = 60;

#[test]
fn kill_follow() {
    let begin = || (Servers::start(), Tally::default());
    if let Ok(seed) = std::env::var("SYNCLINE_PROVE_SEED") {
        let mut worker = begin();
        play(seed.parse().expect("SYNCLINE_PROVE_SEED is a number"), &mut worker);
        return say(&worker.1.to_string());
    }
    let (rounds, began) = (u64::from(rounds(ROUNDS)), Instant::now());
    let tallies = work(rounds, begin, play).into_iter().map(|(_, tally)| tally);
    let tally = tallies.reduce(Tally::and).unwrap_or_default();
    say(&format!("{tally}\ntime              {} s", began.elapsed().as_secs()));
    if rounds >= ROTATION {
        tally.must_mean_something();
    }
}

fn play(seed: u64, (servers, tally): &mut (Servers, Tally)) {
    servers.up();
    let mut round = Round::new(seed, servers, tally);
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| round.run())) {
        say(&format!("round failed ({}); again with SYNCLINE_PROVE_SEED={seed}", round.title()));
        resume_unwind(panic);
    }
}
