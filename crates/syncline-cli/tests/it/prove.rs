//! The proof that a run which dies leaves nothing wrong behind: SIGKILL at random instants and at each named point, in
//! mirrors and in undos, over and over.
//!
//! `cargo xtask prove kill-sqlite` runs 500 rounds, `cargo test` ten. A failing round prints its seed;
//! `SYNCLINE_PROVE_SEED=N` runs that round alone. Its databases and edits are the same again, its instants are of the
//! same spans.
//!
//! SIGKILL leaves what the process had handed to the operating system, so nothing here is about power cuts.

mod found;
mod reader;
mod round;
mod state;
mod tally;
mod victim;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use syncline_testkit::prove::rounds;

use self::round::Round;
use self::tally::Tally;

/// Rounds of the full form.
const ROUNDS: u32 = 500;

/// Rounds that are enough to see everything once.
const ROTATION: u64 = 10;

#[test]
fn kill_sqlite() {
    let mut tally = Tally::default();
    if let Ok(seed) = std::env::var("SYNCLINE_PROVE_SEED") {
        play(seed.parse().expect("SYNCLINE_PROVE_SEED is a number"), &mut tally);
        return say(&tally.to_string());
    }
    for seed in 0..u64::from(rounds(ROUNDS)) {
        play(seed, &mut tally);
    }
    say(&tally.to_string());
    if tally.rounds >= ROTATION {
        tally.must_mean_something();
    }
}

fn play(seed: u64, tally: &mut Tally) {
    let round = Round::new(seed, tally);
    let title = round.title();
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| round.run())) {
        say(&format!("round failed ({title}); again with SYNCLINE_PROVE_SEED={seed}"));
        resume_unwind(panic);
    }
}

/// Figures are what a proof is run for.
#[allow(clippy::print_stdout, reason = "shown on failure, and by `cargo xtask prove` always")]
fn say(text: &str) {
    println!("{text}");
}
