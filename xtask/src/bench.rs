//! `cargo xtask bench [NAME]`: the benchmarks, by name.

use std::process::Command;

use anyhow::{Context, Result};

use crate::cargo;

/// One benchmark.
struct Bench {
    name: &'static str,
    what: &'static str,
    package: &'static str,
    target: &'static str,
}

const BENCHES: &[Bench] = &[
    Bench {
        name: "batch",
        what: "row batch layouts under a bare SQLite bind loop; decides the batch type",
        package: "syncline-stores",
        target: "batch",
    },
    Bench {
        name: "sqlite",
        what: "copy, diff and mirror between SQLite files beside SQLite's own means [--rows N] [--pairs N] [--only PART,..]",
        package: "syncline-cli",
        target: "sqlite",
    },
    Bench {
        name: "stores",
        what: "copy and diff between SQLite and PostgreSQL beside the engines' own tools [--rows N] [--pairs N] [--only PART,..] [--sling PATH]",
        package: "syncline-cli",
        target: "stores",
    },
    Bench {
        name: "track",
        what: "applications on tracked databases, runs by the log, a follower [--rows N] [--pairs N] [--only PART,..]",
        package: "syncline-cli",
        target: "track",
    },
];

/// Runs the named benchmark with the arguments that follow its name, or lists them all.
pub(crate) fn run(args: &[String]) -> Result<u8> {
    let Some((name, rest)) = args.split_first() else {
        for bench in BENCHES {
            println!("{:<16} {}", bench.name, bench.what);
        }
        return Ok(0);
    };
    cargo::status(&mut command(find(name)?, rest))
}

fn find(name: &str) -> Result<&'static Bench> {
    BENCHES.iter().find(|bench| bench.name == name).with_context(|| {
        let known: Vec<_> = BENCHES.iter().map(|bench| bench.name).collect();
        format!("unknown benchmark `{name}`; known: {}", known.join(", "))
    })
}

fn command(bench: &Bench, args: &[String]) -> Command {
    let mut command = cargo::cargo(&["bench", "-p", bench.package, "--bench", bench.target]);
    if !args.is_empty() {
        command.arg("--").args(args);
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_name_becomes_a_cargo_command() {
        let bench = find("batch").expect("batch is in the table");
        let plain: Vec<_> = command(bench, &[]).get_args().map(|arg| arg.to_owned()).collect();
        assert_eq!(plain, ["bench", "-p", "syncline-stores", "--bench", "batch"]);
        let with_argument: Vec<_> =
            command(bench, &["--quick".to_owned()]).get_args().map(|arg| arg.to_owned()).collect();
        assert_eq!(with_argument[5..], ["--", "--quick"]);
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let error = run(&["bacth".to_owned()]).expect_err("no such benchmark");
        assert_eq!(format!("{error:#}"), "unknown benchmark `bacth`; known: batch, sqlite, stores, track");
    }
}
