//! `cargo xtask bench sqlite`: Syncline between two SQLite files beside what the engine itself can do.
//!
//! Ours is the release binary, started as a process; the other side of each pair is a bare loop in a process of its own,
//! with the same bundled SQLite, so that processor time and memory are counted the same way. Pairs are interleaved, and
//! what counts is the ratio of medians.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark talks to its terminal")]
#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on has nothing better to do than to stop")]

mod bare;
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

use std::fs;
use std::path::Path;

use crate::options::Options;
use crate::orders::{Dataset, Form};

const USAGE: &str = "\
usage: cargo xtask bench sqlite [--rows N] [--pairs N] [--only PART,...]

  --rows N    rows of the dataset [default: 1000000]
  --pairs N   interleaved pairs of each part [default: 7]
  --only P,.. parts whose name begins so [default: all]";

const ORDERS: Form = Form {
    name: "sqlite",
    table: "CREATE TABLE orders (
        id INTEGER PRIMARY KEY,
        customer_id INTEGER NOT NULL,
        status TEXT NOT NULL,
        amount NUMERIC NOT NULL,
        note TEXT,
        created_at TEXT NOT NULL,
        updated_at TEXT NOT NULL,
        payload TEXT NOT NULL
    )",
    between: 'T',
};

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, name, rest @ ..] = args.as_slice()
        && flag == bare::FLAG
    {
        let paths: Vec<&Path> = rest.iter().map(Path::new).collect();
        return bare::run(name, &paths);
    }
    let names: Vec<_> = parts::ALL.iter().map(|part| part.name).collect();
    let options = match Options::parse(&args, &names, |_, _| false) {
        Ok(options) => options,
        Err(why) => {
            eprintln!("{why}\n\n{USAGE}");
            std::process::exit(2);
        }
    };
    let dataset = Dataset::of(&ORDERS, options.rows);
    println!("{}\n", heading(&options, &dataset));
    let mut lines = Vec::new();
    for part in parts::ALL.iter().filter(|part| options.wants(part.name)) {
        lines.push(parts::run(part, &dataset, options.pairs));
    }
    println!("\n{}", report::table(&lines));
}

/// What is measured where.
fn heading(options: &Options, dataset: &Dataset) -> String {
    let bytes = fs::metadata(dataset.file("orders")).unwrap().len();
    format!(
        "{} rows, {:.1} MB; {} interleaved pairs; SQLite {}; load average before {}",
        dataset.rows,
        bytes as f64 / 1e6,
        options.pairs,
        rusqlite::version(),
        report::load()
    )
}
