//! `syncline plan`: what a run would do, without doing it.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use syncline::error::{Code, Error, Result};
use syncline::request::{RunRequest, Verb};

use super::transfer::TransferArgs;
use crate::console::{Console, Shape};
use crate::exit::Exit;
use crate::render::labels::Labels;
use crate::render::plan::{self, Format};
use crate::render::text::quote;

/// Shows what a run would do, row by row, and does nothing.
///
/// With -o the plan goes to a file that `syncline apply` carries out once: exactly the rows it holds, unless one of them was
/// changed in between. The file holds the values of rows, no passwords, and is readable by its owner only.
#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    #[command(subcommand)]
    what: Planned,
}

/// The run that is planned.
#[derive(Debug, Subcommand)]
enum Planned {
    /// Plan a copy: rows to add and update
    Copy(PlannedRun),
    /// Plan a mirror: rows to add, update and delete
    Mirror(PlannedRun),
}

/// A run and where its plan goes.
#[derive(Debug, Args)]
struct PlannedRun {
    #[command(flatten)]
    transfer: TransferArgs,
    /// The file that takes the plan
    #[arg(short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The format of what is printed [default: text]
    #[arg(long, value_name = "FORMAT", conflicts_with = "output")]
    format: Option<Format>,
}

impl PlanArgs {
    /// Whether the output is for programs that read JSON.
    pub(crate) fn asks_for_json(&self) -> bool {
        let (Planned::Copy(run) | Planned::Mirror(run)) = &self.what;
        run.format == Some(Format::Json)
    }
}

/// Does it.
pub(super) async fn run(args: PlanArgs, console: &Console) -> Result<Exit> {
    let (planned, verb) = match args.what {
        Planned::Copy(run) => (run, Verb::Copy),
        Planned::Mirror(run) => (run, Verb::Mirror),
    };
    let request = planned.transfer.request(verb)?;
    match planned.output {
        Some(path) => save(&request, path, console).await,
        None => print(&request, planned.format, console).await,
    }
}

/// Prints the plan of a run.
pub(super) async fn print(request: &RunRequest, format: Option<Format>, console: &Console) -> Result<Exit> {
    let format = match (format, console.shape) {
        (Some(Format::Json) | None, Shape::Json) => Format::Json,
        (Some(_), Shape::Json) => {
            return Err(Error::new(Code::UsageInvalid, "--json goes with --format json only")
                .because("text and SQL are no JSON")
                .leaving("nothing was changed")
                .next("leave one of the two flags away", ""));
        }
        (format, Shape::Text) => format.unwrap_or(Format::Text),
    };
    let progress = console.progress_of_document(format != Format::Text);
    let session = console.open(&progress).await?;
    let mut view = format.view(console, &Labels::new(&request.source, &request.target));
    let planned = session.plan(request, &mut *view).await;
    progress.finish();
    planned?;
    console.output.flush()?;
    Ok(Exit::DONE)
}

async fn save(request: &RunRequest, path: PathBuf, console: &Console) -> Result<Exit> {
    let progress = console.progress_of_document(false);
    let session = console.open(&progress).await?;
    let planned = session.plan_to_file(request, &path).await;
    progress.finish();
    let saved = quote(&path.to_string_lossy());
    let next = console.command(&format!("apply {saved}"));
    console.present(&planned?, |made| plan::saved(made, &saved, &next))?;
    Ok(Exit::DONE)
}
