//! Starting `cargo` and other programs from the root of the workspace.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

/// Returns the root of the workspace.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("BUG: xtask lives in a folder of the workspace")
}

/// Returns `cargo` with `args`, to be run at the root of the workspace.
pub(crate) fn cargo(args: &[&str]) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.args(args).current_dir(root());
    // `cargo run` describes this package in the environment. Build scripts that watch those
    // variables would run again each time the same build is started with and without xtask.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command
}

/// Runs `command` with this terminal and returns its exit code; one that a signal ended counts as 1.
pub(crate) fn status(command: &mut Command) -> Result<u8> {
    let status =
        command.status().with_context(|| format!("cannot start {}", command.get_program().to_string_lossy()))?;
    Ok(status.code().map_or(1, |code| u8::try_from(code).unwrap_or(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_holds_the_workspace_manifest() {
        assert!(root().join("Cargo.toml").is_file());
        assert!(root().join("xtask/Cargo.toml").is_file());
    }

    #[test]
    fn status_passes_the_exit_code_on() {
        let code = |script: &str| status(Command::new("sh").args(["-c", script])).ok();
        assert_eq!(code("exit 0"), Some(0));
        assert_eq!(code("exit 7"), Some(7));
        assert_eq!(code("kill -9 $$"), Some(1));
        assert!(status(&mut Command::new("no-such-program-anywhere")).is_err());
    }
}
