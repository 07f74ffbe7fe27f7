//! `syncline runs resume`.

use clap::Args;
use syncline::error::Result;

use crate::commands::transfer::{self, ConflictsArgs, Title};
use crate::console::Console;
use crate::exit::Exit;

/// Goes on with a run that was interrupted, cancelled or failed, as it was asked for.
#[derive(Debug, Args)]
pub(crate) struct ResumeArgs {
    /// The run
    run: String,
    #[command(flatten)]
    conflicts: ConflictsArgs,
}

/// Does it.
pub(super) async fn run(args: ResumeArgs, console: &Console) -> Result<Exit> {
    let progress = console.progress_of_run();
    let session = console.open(&progress).await?;
    let title = Title::of_record(&session, &args.run, args.conflicts).await?;
    transfer::show(console, &progress, title, session.resume_run(&args.run)).await
}
