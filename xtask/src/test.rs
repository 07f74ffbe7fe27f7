//! `cargo xtask test`: everything a change must pass, on a fresh Debian 12 with Rust and gcc.

mod deny;
mod packages;

use std::time::Instant;

use anyhow::Result;

use crate::{cargo, tidy};

/// One step: what is printed above it, and what runs.
struct Step {
    heading: &'static str,
    run: Box<dyn FnOnce() -> Result<u8>>,
}

/// Installs what is missing, then runs the steps in order up to the first that fails.
pub(crate) fn run(args: &[String]) -> Result<u8> {
    packages::install_missing()?;
    for step in steps(&Request::from(args)) {
        println!("\n== {}", step.heading);
        let start = Instant::now();
        let code = (step.run)()?;
        let seconds = start.elapsed().as_secs_f64();
        if code != 0 {
            println!("== {}: FAILED after {seconds:.1} s", step.heading);
            return Ok(code);
        }
        println!("== {}: {seconds:.1} s", step.heading);
    }
    Ok(0)
}

/// What was typed after `test`.
#[derive(Debug, PartialEq)]
struct Request {
    advisories: bool,
    test_args: Vec<String>,
}

impl From<&[String]> for Request {
    fn from(args: &[String]) -> Self {
        let own = |arg: &&String| *arg == "--advisories";
        Self {
            advisories: args.iter().any(|arg| own(&arg)),
            test_args: args.iter().filter(|arg| !own(arg)).cloned().collect(),
        }
    }
}

/// The steps in order: the cheap ones first, so that a slip is told within seconds.
fn steps(request: &Request) -> Vec<Step> {
    let mut test = cargo::cargo(&["test", "--workspace"]);
    test.args(&request.test_args);
    if std::env::var_os(THREADS).is_none() {
        test.env(THREADS, threads().to_string());
    }
    let mut doc = cargo::cargo(&["doc", "--workspace", "--no-deps"]);
    doc.env("RUSTDOCFLAGS", "-D warnings");
    let advisories = request.advisories;
    vec![
        cargo_step("format", &["fmt", "--all", "--check"]),
        cargo_step("clippy", CLIPPY),
        step("tidy", || tidy::run(&[])),
        step("deny", move || deny::run(advisories)),
        cargo_step("build", &["build", "--workspace", "--bins"]),
        step("test", move || cargo::status(&mut test)),
        step("doc", move || cargo::status(&mut doc)),
    ]
}

const THREADS: &str = "RUST_TEST_THREADS";

/// Tests wait for servers, disks and locks half of their time.
fn threads() -> usize {
    2 * std::thread::available_parallelism().map_or(1, usize::from)
}

const CLIPPY: &[&str] = &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];

fn cargo_step(heading: &'static str, args: &'static [&'static str]) -> Step {
    step(heading, move || cargo::status(&mut cargo::cargo(args)))
}

fn step(heading: &'static str, run: impl FnOnce() -> Result<u8> + 'static) -> Step {
    Step { heading, run: Box::new(run) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(text: &str) -> Request {
        let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        Request::from(words.as_slice())
    }

    #[test]
    fn trailing_arguments_go_to_cargo_test() {
        assert_eq!(
            request("-p syncline-core --advisories -- fold"),
            Request { advisories: true, test_args: ["-p", "syncline-core", "--", "fold"].map(str::to_owned).to_vec() }
        );
        assert!(!request("").advisories);
    }

    #[test]
    fn the_steps_run_in_the_promised_order() {
        let headings: Vec<_> = steps(&request("")).iter().map(|s| s.heading).collect();
        assert_eq!(headings, ["format", "clippy", "tidy", "deny", "build", "test", "doc"]);
    }
}
