//! `cargo xtask bench stores`: Syncline between SQLite and PostgreSQL beside the engines' own tools.
//!
//! Ours is the release binary, started as a process; beside it stand `psql`, `sqlite3` and `diff` in pipelines that move
//! or compare the same data between the same places, and what else of its kind is installed. The sides take turns, and
//! what counts is the ratio of medians. Each time Syncline has written, the engines' shells look at what arrived.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark talks to its terminal")]
#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on has nothing better to do than to stop")]

mod beside;
mod check;
#[path = "../harness/measure.rs"]
mod measure;
#[path = "../harness/options.rs"]
mod options;
#[path = "../harness/orders.rs"]
mod orders;
mod parts;
#[path = "../harness/report.rs"]
mod report;
#[path = "../harness/sides.rs"]
mod sides;
mod target;
mod world;

use std::path::PathBuf;

use crate::options::Options;
use crate::orders::{Dataset, Form};
use crate::world::World;

const USAGE: &str = "\
usage: cargo xtask bench stores [--rows N] [--pairs N] [--only PART,...] [--sling PATH]

  --rows N     rows of the dataset, at least 2000 [default: 1000000]
  --pairs N    interleaved rounds of each part [default: 7]
  --only P,..  parts whose name begins so [default: all]
  --sling PATH measures the program sling beside ours

pgloader and reladiff are measured where they are on the PATH.";

/// Types that a table of PostgreSQL keeps, declared the way applications declare them in SQLite.
const ORDERS: Form = Form {
    name: "stores",
    table: "CREATE TABLE orders (
        id INTEGER PRIMARY KEY,
        customer_id INTEGER NOT NULL,
        status TEXT NOT NULL,
        amount DECIMAL(12,2) NOT NULL,
        note TEXT,
        created_at TIMESTAMP NOT NULL,
        updated_at TIMESTAMP NOT NULL,
        payload JSON NOT NULL
    )",
    between: ' ',
};

/// Fewer would leave no room for the changes.
const LEAST_ROWS: u64 = 2_000;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let names: Vec<_> = parts::ALL.iter().map(|part| part.name).collect();
    let mut sling = None;
    let parsed = Options::parse(&args, &names, |flag, value| {
        if flag == "--sling" {
            sling = Some(PathBuf::from(value));
        }
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
    let world = World::new(Dataset::of(&ORDERS, options.rows), sling);
    let versions = world.versions();
    println!(
        "{} rows; {} interleaved rounds; {versions}; load average before {}\n",
        options.rows,
        options.pairs,
        report::load()
    );
    let mut lines = Vec::new();
    for part in parts::ALL.iter().filter(|part| options.wants(part.name)) {
        lines.push(parts::run(part, &world, options.pairs));
    }
    println!("\n{}", report::table(&lines));
}
