//! `syncline runs cancel`.

use clap::Args;
use serde::Serialize;
use syncline::error::Result;

use crate::console::Console;
use crate::exit::Exit;
use crate::render::json::Document;
use crate::render::text::escape;

/// Asks a run of another process to stop. It ends after its current batch and keeps what it has committed.
#[derive(Debug, Args)]
pub(crate) struct CancelArgs {
    /// The run
    run: String,
}

#[derive(Serialize)]
struct Asked<'a> {
    run: &'a str,
}

/// Does it.
pub(super) async fn run(args: CancelArgs, console: &Console) -> Result<Exit> {
    let session = console.open(&console.progress_of_document(false)).await?;
    session.cancel_run(&args.run).await?;
    console.present(&Document::new("cancel", &Asked { run: &args.run }), |_| {
        format!("asked {} to stop; it ends after its current batch\n", escape(&args.run))
    })?;
    Ok(Exit::DONE)
}
