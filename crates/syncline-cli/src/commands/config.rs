//! `syncline config`: what is configured, where, and whether it is sound.

mod path;
mod schema;
mod show;
mod validate;

use clap::Subcommand;
use syncline::error::Result;

use crate::console::Console;
use crate::exit::Exit;

/// Shows the settings in force, finds the files they are in, and checks them.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    Show(show::ShowArgs),
    Path(path::PathArgs),
    Validate(validate::ValidateArgs),
    Schema(schema::SchemaArgs),
}

/// Does it.
pub(super) fn run(command: ConfigCommand, console: &Console) -> Result<Exit> {
    match command {
        ConfigCommand::Show(args) => show::run(&args, console),
        ConfigCommand::Path(args) => path::run(&args, console),
        ConfigCommand::Validate(args) => validate::run(args, console),
        ConfigCommand::Schema(args) => schema::run(&args, console),
    }
}
