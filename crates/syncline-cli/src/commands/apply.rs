//! `syncline apply`: carries out a plan, once.

use std::path::PathBuf;

use clap::Args;
use syncline::error::Result;

use super::jobs::JobsArgs;
use super::pace::PaceArgs;
use super::transfer::{self, ConflictsArgs, Title};
use crate::console::Console;
use crate::exit::Exit;
use crate::render::labels::Labels;

/// Carries out a plan, once.
///
/// Exactly the rows of the plan are written. When one of them, a table or a database is not as it was when the plan was made,
/// nothing is written and the command exits with 6; rows that differ beside the plan are left alone and counted. After an
/// apply that was cut off, the next one does what is left of the plan. The run can be taken back with undo.
#[derive(Debug, Args)]
pub(crate) struct ApplyArgs {
    /// The plan, as `syncline plan ... -o FILE` has made it
    file: PathBuf,
    #[command(flatten)]
    jobs: JobsArgs,
    #[command(flatten)]
    pace: PaceArgs,
    #[command(flatten)]
    conflicts: ConflictsArgs,
}

/// Does it.
pub(super) async fn run(args: ApplyArgs, console: &Console) -> Result<Exit> {
    let progress = console.progress_of_run();
    let session = args.jobs.hold(args.pace.hold(console.open(&progress).await?)?);
    let plan = session.read_plan(&args.file)?;
    let title = Title {
        heading: Labels::new(&plan.source.label, &plan.target.label).arrow(),
        verb: format!("{} by plan {}", plan.request.verb.name(), plan.plan),
        keeps_images: plan.request.undo,
        has_ledger: true,
        again: None,
        conflicts: args.conflicts,
    };
    transfer::show(console, &progress, title, session.apply_plan(&args.file)).await
}
