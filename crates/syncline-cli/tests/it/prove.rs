//! The proof that a run which dies leaves nothing wrong behind: SIGKILL at random instants and at each named point, in
//! mirrors and in undos, over and over.
//!
//! `cargo xtask prove kill-sqlite` runs 500 rounds, `cargo test` ten. A failing round prints its seed;
//! `SYNCLINE_PROVE_SEED=N` runs that round alone. Its databases and edits are the same again, its instants are of the
//! same spans.
//!
//! SIGKILL leaves what the process had handed to the operating system, so nothing here is about power cuts.

mod away;
mod follow;
mod found;
mod idle;
mod reader;
mod restores;
mod round;
mod servers;
pub(crate) mod state;
mod tally;
mod track;
pub(crate) mod victim;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use syncline_testkit::prove::rounds;

use self::round::Round;
use self::tally::Tally;

/// Rounds of the full form.
const ROUNDS: u32 = 500;

/// Rounds that are enough to see everything once.
const ROTATION: u64 = 10;

/// Rounds at work at once: most of a round is waiting for the disk.
const WORKERS: usize = 2;

#[test]
fn kill_sqlite() {
    if let Ok(seed) = std::env::var("SYNCLINE_PROVE_SEED") {
        let mut tally = Tally::default();
        play(seed.parse().expect("SYNCLINE_PROVE_SEED is a number"), &mut tally);
        return say(&tally.to_string());
    }
    let (rounds, began) = (u64::from(rounds(ROUNDS)), Instant::now());
    let tally = work(rounds, Tally::default, play).into_iter().reduce(Tally::and).unwrap_or_default();
    say(&format!("{tally}\ntime              {} s", began.elapsed().as_secs()));
    if rounds >= ROTATION {
        tally.must_mean_something();
    }
}

/// Plays rounds until all have been played, several at once, and returns what each worker has made of `begin`.
fn work<T: Send>(rounds: u64, begin: impl Fn() -> T + Sync, play: impl Fn(u64, &mut T) + Sync) -> Vec<T> {
    let next = AtomicU64::new(0);
    let worker = || {
        let mut mine = begin();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= rounds {
                return mine;
            }
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| play(seed, &mut mine))) {
                // The other workers need not go on.
                next.store(rounds, Ordering::Relaxed);
                resume_unwind(panic);
            }
        }
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().map(|worker| worker.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
    })
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
