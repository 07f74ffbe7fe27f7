//! `cargo xtask <command>`: the house rules, the test command, the proofs and the benchmarks.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool talks to its terminal")]

mod bench;
mod cargo;
mod prove;
mod test;
mod tidy;

use std::process::ExitCode;

use anyhow::{Result, bail};

const USAGE: &str = "\
usage: cargo xtask <command>

  tidy                      check the house rules
  test [--advisories] [..]  everything a change must pass; further arguments go to `cargo test`
  prove [NAME] [--rounds N] run a proof at full length; without a name, list them
  bench [NAME] [..]         run a benchmark; without a name, list them";

fn main() -> ExitCode {
    match run() {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the command that was asked for and returns its exit code.
fn run() -> Result<u8> {
    let mut args = std::env::args().skip(1);
    let mode = args.next().unwrap_or_else(|| "help".to_owned());
    let rest: Vec<String> = args.collect();
    match mode.as_str() {
        "tidy" => tidy::run(&rest),
        "test" => test::run(&rest),
        "prove" => prove::run(&rest),
        "bench" => bench::run(&rest),
        "help" | "--help" | "-h" => {
            println!("{USAGE}");
            Ok(0)
        }
        unknown => bail!("unknown command `{unknown}`; known: tidy, test, prove, bench"),
    }
}
