//! `cargo xtask bench track`: what change tracking costs the applications that write, and what it saves the runs.
//!
//! Applications are the engines' own shells, which run one script on a database that is tracked and the same on one that is not, in
//! turn. Runs are the release binary, started as a process; `--sling PATH` measures the program sling beside them, which copies
//! what a column of numbers that only grow says is new and sees no deletes. Beside following from PostgreSQL stands the server's own
//! logical replication.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark talks to its terminal")]
#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on has nothing better to do than to stop")]

mod applications;
mod engine;
mod figure;
mod follow;
mod native;
#[path = "../harness/options.rs"]
mod options;
mod runs;

use std::path::PathBuf;

use crate::applications::Work;
use crate::engine::{Engine, Site};
use crate::figure::Bound;
use crate::options::Options;

const USAGE: &str = "\
usage: cargo xtask bench track [--rows N] [--pairs N] [--only PART,...] [--sling PATH]

  --rows N     rows that runs go over, at least 20000 [default: 1000000]
  --pairs N    interleaved rounds of each part [default: 7]
  --only P,..  parts whose name begins so [default: all]
  --sling PATH measures the program sling beside our runs";

/// Fewer would leave no room for the changes.
const LEAST_ROWS: u64 = 20_000;

/// What is measured.
enum Part {
    /// An application writes to a tracked database, and takes at most so many times as long.
    Application(Engine, Work, f64),
    /// A run with so many changes since the last, within so many seconds.
    Run(Engine, u64, f64),
    /// A follower, while an application writes.
    Follow(Engine),
}

const PARTS: &[(&str, Part)] = &[
    ("sqlite bulk insert", Part::Application(Engine::Sqlite, Work::BulkInsert, 1.8)),
    ("sqlite single insert", Part::Application(Engine::Sqlite, Work::SingleInsert, 1.7)),
    ("sqlite single update", Part::Application(Engine::Sqlite, Work::SingleUpdate, 1.6)),
    ("sqlite bulk update", Part::Application(Engine::Sqlite, Work::BulkUpdate, 1.2)),
    ("postgres bulk insert", Part::Application(Engine::Postgres, Work::BulkInsert, 2.7)),
    ("postgres single insert", Part::Application(Engine::Postgres, Work::SingleInsert, 1.2)),
    ("postgres single update", Part::Application(Engine::Postgres, Work::SingleUpdate, 1.2)),
    ("postgres bulk update", Part::Application(Engine::Postgres, Work::BulkUpdate, 2.3)),
    ("mariadb bulk insert", Part::Application(Engine::Mariadb, Work::BulkInsert, 2.3)),
    ("mariadb single insert", Part::Application(Engine::Mariadb, Work::SingleInsert, 1.6)),
    ("mariadb single update", Part::Application(Engine::Mariadb, Work::SingleUpdate, 1.6)),
    ("mariadb bulk update", Part::Application(Engine::Mariadb, Work::BulkUpdate, 4.5)),
    ("sqlite run 0", Part::Run(Engine::Sqlite, 0, 0.2)),
    ("sqlite run 1000", Part::Run(Engine::Sqlite, 1_000, 0.4)),
    ("sqlite run 10000", Part::Run(Engine::Sqlite, 10_000, 1.0)),
    ("postgres run 0", Part::Run(Engine::Postgres, 0, 0.2)),
    ("postgres run 1000", Part::Run(Engine::Postgres, 1_000, 0.4)),
    ("postgres run 10000", Part::Run(Engine::Postgres, 10_000, 1.0)),
    ("mariadb run 0", Part::Run(Engine::Mariadb, 0, 0.2)),
    ("mariadb run 1000", Part::Run(Engine::Mariadb, 1_000, 0.4)),
    ("mariadb run 10000", Part::Run(Engine::Mariadb, 10_000, 1.0)),
    ("sqlite follow", Part::Follow(Engine::Sqlite)),
    ("postgres follow", Part::Follow(Engine::Postgres)),
    ("mariadb follow", Part::Follow(Engine::Mariadb)),
];

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let names: Vec<_> = PARTS.iter().map(|(name, _)| *name).collect();
    let mut sling = None;
    let parsed = Options::parse(&args, &names, |flag, value| {
        sling = Some(PathBuf::from(value));
        flag == "--sling"
    });
    let enough = |options: Options| match options.rows {
        LEAST_ROWS.. => Ok(options),
        rows => Err(format!("--rows {rows}? At least {LEAST_ROWS}")),
    };
    let options = parsed.and_then(enough).unwrap_or_else(|why| {
        eprintln!("{why}\n\n{USAGE}");
        std::process::exit(2);
    });
    println!("{} rows; {} interleaved rounds; load average before {}\n", options.rows, options.pairs, figure::load());
    println!("{}", figure::HEADING);
    let mut runs: Option<(Engine, runs::Pair)> = None;
    for (name, part) in PARTS.iter().filter(|(name, _)| options.wants(name)) {
        match part {
            Part::Application(engine, work, bound) => {
                let figure = applications::measure(&Site::new(*engine), *work, options.pairs);
                println!("{}", figure.line(name, Bound::Ratio(*bound)));
            }
            Part::Run(engine, changes, bound) => {
                if runs.as_ref().is_none_or(|(of, _)| of != engine) {
                    runs = Some((*engine, runs::Pair::new(*engine, options.rows, sling.as_deref())));
                }
                let (_, pair) = runs.as_mut().unwrap();
                println!("{}", pair.measure(*changes, options.pairs).line(name, Bound::Seconds(*bound)));
            }
            Part::Follow(engine) => follow::measure(*engine, name, options.pairs),
        }
    }
}
