//! `syncline copy`: adds and updates, never deletes.

use clap::Args;
use syncline::error::Result;
use syncline::request::Verb;

use super::transfer::RunArgs;
use crate::console::Console;
use crate::exit::Exit;

/// Copies every row of the source into the target.
///
/// Rows that are new are added and rows that differ are updated; rows that only the target has stay. Missing tables are
/// created. The run can be taken back with undo.
#[derive(Debug, Args)]
pub(crate) struct CopyArgs {
    #[command(flatten)]
    run: RunArgs,
}

/// Does it.
pub(super) async fn run(args: CopyArgs, console: &Console) -> Result<Exit> {
    args.run.run(Verb::Copy, console).await
}
