//! `cargo xtask bench sqlite`: Syncline between two SQLite files beside what the engine itself can do.
//!
//! Ours is the release binary, started as a process; the other side of each pair is a bare loop in a process of its own,
//! with the same bundled SQLite, so that processor time and memory are counted the same way. Pairs are interleaved, and
//! what counts is the ratio of medians.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark talks to its terminal")]
#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on has nothing better to do than to stop")]

mod bare;
mod measure;
mod options;
mod orders;
mod parts;
mod report;

use std::path::Path;

use crate::options::Options;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, name, rest @ ..] = args.as_slice()
        && flag == bare::FLAG
    {
        let paths: Vec<&Path> = rest.iter().map(Path::new).collect();
        return bare::run(name, &paths);
    }
    let options = match Options::parse(&args) {
        Ok(options) => options,
        Err(why) => {
            eprintln!("{why}\n\n{}", options::USAGE);
            std::process::exit(2);
        }
    };
    let dataset = orders::Dataset::of(options.rows);
    println!("{}\n", report::heading(&options, &dataset));
    let mut lines = Vec::new();
    for part in parts::ALL.iter().filter(|part| options.wants(part.name)) {
        lines.push(parts::run(part, &dataset, options.pairs));
    }
    println!("\n{}", report::table(&lines));
}
