//! `syncline untrack`: a database that is as it was before it was tracked.

use clap::Args;
use syncline::TrackRequest;
use syncline::error::Result;

use super::tables::TablesArgs;
use super::track::text;
use crate::console::Console;
use crate::exit::Exit;

/// Removes change tracking from a database
///
/// Its triggers, its logs and everything else of it go, and so does what runs into it have noted there. Rows stay as they are. Runs that went by the logs
/// compare both sides the next time.
#[derive(Debug, Args)]
pub(crate) struct UntrackArgs {
    /// The database
    database: String,
    #[command(flatten)]
    tables: TablesArgs,
}

/// Does it.
pub(super) async fn run(args: UntrackArgs, console: &Console) -> Result<Exit> {
    let progress = console.progress_of_document(false);
    let session = console.open(&progress).await?;
    let request = TrackRequest { database: args.database, tables: args.tables.patterns()? };
    let report = session.untrack(&request).await;
    progress.finish();
    console.present(&report?, |report| text(report, console.paint))?;
    Ok(Exit::DONE)
}
