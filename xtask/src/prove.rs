//! `cargo xtask prove [NAME] [--rounds N]`: the long proofs, by name.
//!
//! A proof is a test that runs its short form with the other tests and its full form here, where
//! the environment asks for it.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::cargo;

/// One proof.
struct Proof {
    name: &'static str,
    shows: &'static str,
    package: &'static str,
    target: &'static str,
    filter: &'static str,
}

const PROOFS: &[Proof] = &[
    Proof {
        name: "kill-sqlite",
        shows: "SIGKILL at random instants and named points in mirror and undo; nothing lost, nothing doubled",
        package: "syncline-cli",
        target: "it",
        filter: "prove::kill_sqlite",
    },
    Proof {
        name: "kill-postgres",
        shows: "SIGKILL of the process, of the PostgreSQL server and of both; nothing lost, doubled or half refreshed",
        package: "syncline-cli",
        target: "it",
        filter: "prove::servers::kill_postgres",
    },
    Proof {
        name: "kill-mariadb",
        shows: "SIGKILL of the process, of the MariaDB server and of both; nothing lost, doubled or half refreshed",
        package: "syncline-cli",
        target: "it",
        filter: "prove::servers::kill_mariadb",
    },
    Proof {
        name: "kill-follow",
        shows: "SIGKILL of a follower at named points of its windows, and of the servers it follows; nothing lost, doubled or half there",
        package: "syncline-cli",
        target: "it",
        filter: "prove::follow::kill_follow",
    },
    Proof {
        name: "kill-track",
        shows: "SIGKILL amid track and untrack; the application is refused nothing, all is carried afterwards, nothing is left behind",
        package: "syncline-cli",
        target: "it",
        filter: "prove::track::kill_track",
    },
    Proof {
        name: "idle-follow",
        shows: "followers of databases in which nothing happens: for ten minutes nothing is written on either side",
        package: "syncline-cli",
        target: "it",
        filter: "prove::idle::idle_follow",
    },
    Proof {
        name: "away",
        shows: "a reader that stays away for a million changes gets all of them by the log, within the bound of memory",
        package: "syncline-cli",
        target: "it",
        filter: "prove::away::away",
    },
    Proof {
        name: "kill-restore",
        shows: "SIGKILL at random instants and in mid-transaction of a restore; the old content or the new, whole",
        package: "syncline-cli",
        target: "it",
        filter: "prove::restores::kill_restore",
    },
    Proof {
        name: "kill-restore-postgres",
        shows: "SIGKILL in a restore of a PostgreSQL database, of the process and of the server; the old content or the new, whole",
        package: "syncline-cli",
        target: "it",
        filter: "prove::servers::restores::kill_restore",
    },
];

/// Runs the named proof at full length, or lists them all.
pub(crate) fn run(args: &[String]) -> Result<u8> {
    let Request { name, rounds } = parse(args)?;
    let Some(name) = name else {
        for proof in PROOFS {
            println!("{:<22} {}", proof.name, proof.shows);
        }
        return Ok(0);
    };
    let proof = find(&name)?;
    ensure_exists(proof)?;
    cargo::status(&mut command(proof, rounds))
}

/// What was typed after `prove`.
#[derive(Debug, Default, PartialEq)]
struct Request {
    name: Option<String>,
    rounds: Option<u64>,
}

fn parse(args: &[String]) -> Result<Request> {
    let mut request = Request::default();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        if arg == "--rounds" {
            let count = args.next().context("--rounds needs a number")?;
            let rounds = count.parse().with_context(|| format!("--rounds needs a number, not `{count}`"))?;
            request.rounds = Some(rounds);
        } else if arg.starts_with('-') {
            bail!("unknown option `{arg}`; prove knows --rounds N");
        } else {
            ensure!(request.name.is_none(), "prove takes one name");
            request.name = Some(arg.clone());
        }
    }
    ensure!(request.name.is_some() || request.rounds.is_none(), "--rounds needs the name of a proof");
    Ok(request)
}

fn find(name: &str) -> Result<&'static Proof> {
    PROOFS.iter().find(|proof| proof.name == name).with_context(|| {
        let known: Vec<_> = PROOFS.iter().map(|proof| proof.name).collect();
        format!("unknown proof `{name}`; known: {}", known.join(", "))
    })
}

/// Fails unless the test behind `proof` exists: a filter that matches nothing would pass.
fn ensure_exists(proof: &Proof) -> Result<()> {
    let output = test_command(proof).arg("--list").stderr(Stdio::inherit()).output().context("cannot start cargo")?;
    ensure!(output.status.success(), "cannot build the proof `{}`", proof.name);
    ensure!(
        lists(&String::from_utf8_lossy(&output.stdout), proof.filter),
        "no test `{}` in the test target `{}` of {}",
        proof.filter,
        proof.target,
        proof.package
    );
    Ok(())
}

fn lists(listing: &str, test: &str) -> bool {
    let entry = format!("{test}: test");
    listing.lines().any(|line| line == entry)
}

fn command(proof: &Proof, rounds: Option<u64>) -> Command {
    let mut command = test_command(proof);
    command.arg("--nocapture").env("SYNCLINE_PROVE", "full");
    if let Some(rounds) = rounds {
        command.env("SYNCLINE_PROVE_ROUNDS", rounds.to_string());
    }
    command
}

fn test_command(proof: &Proof) -> Command {
    let mut command = cargo::cargo(&["test", "--release", "-p", proof.package]);
    command.args(["--test", proof.target, "--", proof.filter, "--exact"]);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn a_name_and_rounds_are_read_in_any_order() {
        let expected = Request { name: Some("kill-sqlite".to_owned()), rounds: Some(9) };
        for typed in ["kill-sqlite --rounds 9", "--rounds 9 kill-sqlite"] {
            assert_eq!(parse(&words(typed)).ok().as_ref(), Some(&expected));
        }
        assert_eq!(parse(&[]).ok(), Some(Request::default()));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for typed in ["a b", "a --rounds", "a --rounds x", "a --fast", "--rounds 3"] {
            assert!(parse(&words(typed)).is_err(), "{typed}");
        }
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let error = run(&words("kill")).expect_err("no such proof");
        assert_eq!(
            format!("{error:#}"),
            "unknown proof `kill`; known: kill-sqlite, kill-postgres, kill-mariadb, kill-follow, kill-track, idle-follow, away, kill-restore, kill-restore-postgres"
        );
    }

    #[test]
    fn the_command_runs_one_test_in_full() {
        let command = command(find("kill-sqlite").expect("it is in the table"), Some(3));
        let args: Vec<_> = command.get_args().map(|arg| arg.to_string_lossy()).collect();
        assert_eq!(
            args.join(" "),
            "test --release -p syncline-cli --test it -- prove::kill_sqlite --exact --nocapture"
        );
        let set = |name: &str| {
            command
                .get_envs()
                .find(|(key, _)| *key == name)
                .and_then(|(_, value)| value.map(|value| value.to_string_lossy().into_owned()))
        };
        assert_eq!(set("SYNCLINE_PROVE").as_deref(), Some("full"));
        assert_eq!(set("SYNCLINE_PROVE_ROUNDS").as_deref(), Some("3"));
    }

    #[test]
    fn a_listing_names_the_test_exactly() {
        assert!(lists("prove::kill_sqlite: test\n\n1 test\n", "prove::kill_sqlite"));
        assert!(!lists("prove::kill_sqlite_twice: test\n", "prove::kill_sqlite"));
        assert!(!lists("0 tests, 0 benchmarks\n", "prove::kill_sqlite"));
    }
}
