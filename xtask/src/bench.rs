//! `cargo xtask bench [NAME]`: the benchmarks, by name.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::cargo;

/// One benchmark.
struct Bench {
    name: &'static str,
    what: &'static str,
    package: &'static str,
    target: &'static str,
}

const BENCHES: &[Bench] = &[Bench {
    name: "batch",
    what: "row batch layouts under a bare SQLite bind loop; decides the batch type",
    package: "syncline-stores",
    target: "batch",
}];

/// Runs the named benchmark, or lists them all.
pub(crate) fn run(args: &[String]) -> Result<u8> {
    let Some((name, rest)) = args.split_first() else {
        for bench in BENCHES {
            println!("{:<16} {}", bench.name, bench.what);
        }
        return Ok(0);
    };
    ensure!(rest.is_empty(), "bench takes one name");
    cargo::status(&mut command(find(name)?))
}

fn find(name: &str) -> Result<&'static Bench> {
    BENCHES.iter().find(|bench| bench.name == name).with_context(|| {
        let known: Vec<_> = BENCHES.iter().map(|bench| bench.name).collect();
        format!("unknown benchmark `{name}`; known: {}", known.join(", "))
    })
}

fn command(bench: &Bench) -> Command {
    cargo::cargo(&["bench", "-p", bench.package, "--bench", bench.target])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_name_becomes_a_cargo_command() {
        let command = command(find("batch").expect("batch is in the table"));
        let args: Vec<_> = command.get_args().collect();
        assert_eq!(args, ["bench", "-p", "syncline-stores", "--bench", "batch"]);
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let error = run(&["bacth".to_owned()]).expect_err("no such benchmark");
        assert_eq!(format!("{error:#}"), "unknown benchmark `bacth`; known: batch");
    }

    #[test]
    fn one_name_at_a_time() {
        assert!(run(&["batch".to_owned(), "more".to_owned()]).is_err());
    }
}
