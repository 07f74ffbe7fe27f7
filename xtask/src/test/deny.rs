//! The supply-chain step: which crates, licences and sources may enter the build (`deny.toml`).

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, ensure};

use super::packages;
use crate::cargo;

/// The version that is installed where none is present.
const VERSION: &str = "0.20.2";

/// Where it is installed, below the root of the workspace.
const TOOLS: &str = "target/tools";

/// Runs `cargo deny check`; `advisories` are asked for apart, because they need the network.
pub(super) fn run(advisories: bool) -> Result<u8> {
    let mut command = Command::new(program()?);
    command.current_dir(cargo::root()).args(checks(advisories));
    cargo::status(&mut command)
}

fn checks(advisories: bool) -> Vec<&'static str> {
    let mut args = vec!["check", "bans", "licenses", "sources"];
    if advisories {
        args.push("advisories");
    }
    args
}

/// Returns the `cargo-deny` on the path, else the one of an earlier run, else installs it.
fn program() -> Result<PathBuf> {
    if let Some(found) = packages::on_path("cargo-deny") {
        return Ok(found);
    }
    let own = cargo::root().join(TOOLS).join("bin/cargo-deny");
    if !own.is_file() {
        install()?;
    }
    Ok(own)
}

fn install() -> Result<()> {
    println!("installing cargo-deny {VERSION} into {TOOLS}");
    // Unoptimised, it is there in half the time, and what it does takes a second.
    let mut command = cargo::cargo(&["install", "cargo-deny", "--locked", "--debug"]);
    command.args(["--version", VERSION, "--root", TOOLS]);
    ensure!(
        cargo::status(&mut command)? == 0,
        "cannot install cargo-deny {VERSION}; install it by hand with `cargo install cargo-deny --locked`"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advisories_are_checked_only_on_request() {
        assert_eq!(checks(false), ["check", "bans", "licenses", "sources"]);
        assert!(checks(true).contains(&"advisories"));
    }
}
