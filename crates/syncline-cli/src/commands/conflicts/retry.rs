//! `syncline conflicts retry`.

use clap::Args;
use syncline::error::Result;

use super::filter::FilterArgs;
use crate::commands::transfer::{self, ConflictsArgs, Title};
use crate::console::{Console, Shape};
use crate::exit::Exit;
use crate::render::conflict::Entry;
use crate::render::json::List;
use crate::render::labels::Labels;
use crate::render::text::counted;

/// Tries held rows again, once their cause is mended.
///
/// The rows are read anew on both sides and written as they are now; what waits for one of them comes along. It is a run
/// of its own for each pair of databases, and can be undone. The exit code is 3 while a row of them is still refused.
#[derive(Debug, Args)]
pub(crate) struct RetryArgs {
    /// The rows, as `conflicts list` names them [default: all that wait]
    #[arg(conflicts_with = "filter")]
    ids: Vec<String>,
    #[command(flatten)]
    choice: FilterArgs,
    #[command(flatten)]
    conflicts: ConflictsArgs,
}

/// Does it.
pub(super) async fn run(args: RetryArgs, console: &Console) -> Result<Exit> {
    let filter = args.choice.parse()?;
    let progress = console.progress_of_run();
    let session = console.open(&progress).await?;
    let retries = session.retry_plan(&args.ids, &filter).await?;
    if retries.is_empty() {
        match console.shape {
            Shape::Json => console.output.json(&List::<Entry<'_>>::new("conflicts", &[], None))?,
            Shape::Text => console.output.text("no row waits, nothing to try again\n")?,
        }
        return Ok(Exit::DONE);
    }
    let mut exits = Vec::new();
    for retry in &retries {
        let title = Title {
            heading: Labels::new(&retry.source, &retry.target).arrow(),
            verb: format!("retry of {}", counted(retry.rows(), "held row")),
            keeps_images: true,
            has_ledger: true,
            again: Some(console.command("conflicts retry")),
            conflicts: args.conflicts,
        };
        match transfer::show(console, &progress, title, session.retry(retry)).await {
            Ok(exit) => exits.push(exit),
            // A pair that cannot be reached keeps no other from going.
            Err(error) if retries.len() > 1 => {
                console.error(&error);
                exits.push(Exit::of_error(&error));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(Exit::first_of(&exits))
}
