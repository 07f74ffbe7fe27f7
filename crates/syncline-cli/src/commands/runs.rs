//! `syncline runs`: what ran, how it went, and how to go on.

mod cancel;
mod list;
mod logs;
mod resume;
mod retry;
mod show;

use clap::Subcommand;
use syncline::error::Result;

use crate::console::Console;
use crate::exit::Exit;

/// Lists, shows, cancels, resumes and retries runs.
#[derive(Debug, Subcommand)]
pub(crate) enum RunsCommand {
    List(list::ListArgs),
    Show(show::ShowArgs),
    Logs(logs::LogsArgs),
    Cancel(cancel::CancelArgs),
    Resume(resume::ResumeArgs),
    Retry(retry::RetryArgs),
}

/// Does it.
pub(super) async fn run(command: RunsCommand, console: &Console) -> Result<Exit> {
    match command {
        RunsCommand::List(args) => list::run(args, console).await,
        RunsCommand::Show(args) => show::run(args, console).await,
        RunsCommand::Logs(args) => logs::run(args, console).await,
        RunsCommand::Cancel(args) => cancel::run(args, console).await,
        RunsCommand::Resume(args) => resume::run(args, console).await,
        RunsCommand::Retry(args) => retry::run(args, console).await,
    }
}
