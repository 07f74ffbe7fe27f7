//! `syncline conflicts show`.

use clap::Args;
use syncline::error::Result;

use crate::console::{Console, Shape};
use crate::exit::Exit;
use crate::render::conflict;
use crate::render::json::Document;

/// Shows one held row: both values column by column, the reason, what it waits for and what waits for it.
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// The row, as `conflicts list` names it
    id: String,
}

/// Does it.
pub(super) async fn run(args: ShowArgs, console: &Console) -> Result<Exit> {
    let session = console.open(&console.progress_of_document(false)).await?;
    let detail = session.conflict(&args.id).await?;
    match console.shape {
        Shape::Json => console.output.json(&Document::new("conflict", &conflict::Detail(&detail)))?,
        Shape::Text => {
            let mut shown = conflict::detail(&detail, console.paint);
            if !console.is_quiet {
                shown += &conflict::next_step(&detail, |command| console.command(command));
            }
            console.output.text(&shown)?;
        }
    }
    Ok(Exit::DONE)
}
