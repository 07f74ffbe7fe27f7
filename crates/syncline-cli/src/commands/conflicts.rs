//! `syncline conflicts`: what waits for a person, and how to go on.

mod export;
mod filter;
mod list;
mod retry;
mod show;

use clap::Subcommand;
use syncline::error::Result;

use crate::console::{Console, Shape};
use crate::exit::Exit;

/// Lists, shows, retries and exports the rows that runs have held.
#[derive(Debug, Subcommand)]
pub(crate) enum ConflictsCommand {
    List(list::ListArgs),
    Show(show::ShowArgs),
    Retry(retry::RetryArgs),
    Export(export::ExportArgs),
}

impl ConflictsCommand {
    /// The shape that the command's own flags ask for.
    pub(crate) fn shape(&self) -> Shape {
        match self {
            ConflictsCommand::Export(args) if args.asks_for_json() => Shape::Json,
            _ => Shape::Text,
        }
    }
}

/// Does it.
pub(super) async fn run(command: ConflictsCommand, console: &Console) -> Result<Exit> {
    match command {
        ConflictsCommand::List(args) => list::run(args, console).await,
        ConflictsCommand::Show(args) => show::run(args, console).await,
        ConflictsCommand::Retry(args) => retry::run(args, console).await,
        ConflictsCommand::Export(args) => export::run(args, console).await,
    }
}
