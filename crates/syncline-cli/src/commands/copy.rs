//! `syncline copy`: adds and updates, never deletes.

use clap::Args;
use syncline::error::Result;
use syncline::request::Verb;

use super::transfer::{self, TransferArgs};
use crate::console::Console;
use crate::exit::Exit;

/// Copies every row of the source into the target.
///
/// Rows that are new are added and rows that differ are updated; rows that only the target has stay. Missing tables are
/// created. The run can be taken back with undo.
#[derive(Debug, Args)]
pub(crate) struct CopyArgs {
    #[command(flatten)]
    transfer: TransferArgs,
}

/// Does it.
pub(super) async fn run(args: CopyArgs, console: &Console) -> Result<Exit> {
    transfer::run(args.transfer.request(Verb::Copy)?, console).await
}
