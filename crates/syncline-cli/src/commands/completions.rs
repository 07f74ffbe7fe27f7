//! `syncline completions`: what the shell needs to complete commands and flags.

use clap::Args;
use clap_complete::Shell;
use serde::Serialize;
use syncline::error::Result;

use crate::args;
use crate::console::Console;
use crate::exit::Exit;
use crate::render::json::Document;

/// Prints completions for a shell; where to put them is the shell's matter.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

#[derive(Serialize)]
struct Script {
    shell: String,
    script: String,
}

/// Does it.
pub(super) fn run(args: &CompletionsArgs, console: &Console) -> Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut args::command(), "syncline", &mut script);
    let script = Script { shell: args.shell.to_string(), script: String::from_utf8_lossy(&script).into_owned() };
    console.present(&Document::new("completions", &script), |_| script.script.clone())?;
    Ok(Exit::DONE)
}
