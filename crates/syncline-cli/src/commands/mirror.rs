//! `syncline mirror`: makes the target equal, deletes included.

use clap::Args;
use syncline::error::Result;
use syncline::request::Verb;

use super::transfer::RunArgs;
use crate::console::Console;
use crate::exit::Exit;

/// Makes the target equal to the source.
///
/// Like copy, and rows that only the target has are deleted. Guards stop the run before anything is written: above 20 rows
/// and 10 % of a table, or above 10,000 rows in all, and when a source table is empty. The run can be taken back with undo.
#[derive(Debug, Args)]
pub(crate) struct MirrorArgs {
    #[command(flatten)]
    run: RunArgs,
}

/// Does it.
pub(super) async fn run(args: MirrorArgs, console: &Console) -> Result<Exit> {
    args.run.run(Verb::Mirror, console).await
}
