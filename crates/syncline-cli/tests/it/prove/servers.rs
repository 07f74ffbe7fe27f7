//! The proof that neither a run that dies nor a server that dies leaves anything wrong behind, with a server as target,
//! source or both: SIGKILL of the process at named points and at random instants, SIGKILL or another sudden end of the
//! server, and both at once, in mirrors and in undos, while readers look on and an application goes on writing.
//!
//! `cargo xtask prove kill-postgres` and `kill-mariadb` run 300 rounds each, `cargo test` six. A failing round prints its
//! seed, keeps its databases as text, and `SYNCLINE_PROVE_SEED=N` runs it alone.
//!
//! The servers run without waiting for the disk, for nothing here is about power cuts.

mod application;
mod children;
mod content;
mod engine;
mod maria;
mod onlooker;
mod outcome;
mod postgresql;
mod restores;
mod round;
mod soundness;
mod tally;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Instant;

use syncline_testkit::prove::rounds;

use self::round::Round;
use self::tally::Tally;
use self::world::Servers;
use super::{say, work};

/// Rounds of the full form.
const ROUNDS: u32 = 300;

/// Rounds that are enough to see everything once.
const ROTATION: u64 = 60;

#[test]
fn kill_postgres() {
    prove(|| Servers { server: postgresql::start(), other: None });
}

#[test]
fn kill_mariadb() {
    prove(|| Servers { server: maria::start(), other: Some(postgresql::start()) });
}

/// Servers for each worker: the rounds of another must not notice when one is killed.
fn prove(start: impl Fn() -> Servers + Sync) {
    let begin = || (start(), Tally::default());
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
    servers.server.start();
    let mut round = Round::new(seed, servers, tally);
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| round.run())) {
        servers.server.start();
        let kept = round.keep();
        let title = round.title();
        say(&format!("round failed ({title}); again with SYNCLINE_PROVE_SEED={seed}; its files are in {kept}"));
        resume_unwind(panic);
    }
}
