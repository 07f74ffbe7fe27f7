//! `syncline runs retry`.

use clap::Args;
use syncline::error::Result;

use crate::commands::transfer::{self, ConflictsArgs, Title};
use crate::console::Console;
use crate::exit::Exit;

/// Tries the tables of a partial run again that failed.
#[derive(Debug, Args)]
pub(crate) struct RetryArgs {
    /// The run
    run: String,
    #[command(flatten)]
    conflicts: ConflictsArgs,
}

/// Does it.
pub(super) async fn run(args: RetryArgs, console: &Console) -> Result<Exit> {
    let progress = console.progress_of_run();
    let session = console.open(&progress).await?;
    let title = Title::of_record(&session, &args.run, args.conflicts).await?;
    transfer::show(console, &progress, title, session.retry_run(&args.run)).await
}
