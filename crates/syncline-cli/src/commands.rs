//! One file a command, each with what can be typed and a `run` that does it.

mod apply;
mod backup;
mod completions;
mod config;
mod conflicts;
mod conn;
mod copy;
mod demo;
mod diff;
mod doctor;
mod explain;
mod follow;
mod init;
mod jobs;
mod man;
mod mapping;
mod mirror;
mod pace;
mod plan;
mod restore;
mod runs;
mod status;
mod tables;
mod track;
mod transfer;
mod undo;
mod untrack;
mod verify;

use clap::Subcommand;
use syncline::error::Result;

use crate::console::{Console, Shape};
use crate::exit::Exit;

/// What to do. Help describes each command with the words on its arguments.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Demo(demo::DemoArgs),
    Diff(diff::DiffArgs),
    Copy(copy::CopyArgs),
    Mirror(mirror::MirrorArgs),
    Verify(verify::VerifyArgs),
    Plan(plan::PlanArgs),
    Apply(apply::ApplyArgs),
    Undo(undo::UndoArgs),
    Backup(backup::BackupArgs),
    Restore(restore::RestoreArgs),
    Track(track::TrackArgs),
    Untrack(untrack::UntrackArgs),
    Status(status::StatusArgs),
    Doctor(doctor::DoctorArgs),
    Init(init::InitArgs),
    #[command(subcommand)]
    Conn(conn::ConnCommand),
    #[command(subcommand)]
    Config(config::ConfigCommand),
    #[command(subcommand)]
    Runs(runs::RunsCommand),
    #[command(subcommand)]
    Conflicts(conflicts::ConflictsCommand),
    Explain(explain::ExplainArgs),
    Completions(completions::CompletionsArgs),
    Man(man::ManArgs),
}

impl Command {
    /// The shape that the command's own flags ask for.
    pub(crate) fn shape(&self) -> Shape {
        match self {
            Command::Diff(args) if args.asks_for_json() => Shape::Json,
            Command::Plan(args) if args.asks_for_json() => Shape::Json,
            Command::Conflicts(command) => command.shape(),
            _ => Shape::Text,
        }
    }
}

/// Does it.
///
/// # Errors
/// What the command failed with; nothing of it has been shown yet.
pub(crate) async fn run(command: Command, console: &Console) -> Result<Exit> {
    match command {
        Command::Demo(args) => demo::run(&args, console),
        Command::Diff(args) => diff::run(args, console).await,
        Command::Copy(args) => copy::run(args, console).await,
        Command::Mirror(args) => mirror::run(args, console).await,
        Command::Verify(args) => verify::run(args, console).await,
        Command::Plan(args) => plan::run(args, console).await,
        Command::Apply(args) => apply::run(args, console).await,
        Command::Undo(args) => undo::run(args, console).await,
        Command::Backup(args) => backup::run(args, console).await,
        Command::Restore(args) => restore::run(args, console).await,
        Command::Track(args) => track::run(args, console).await,
        Command::Untrack(args) => untrack::run(args, console).await,
        Command::Status(args) => status::run(args, console).await,
        Command::Doctor(args) => doctor::run(args, console).await,
        Command::Init(args) => init::run(&args, console),
        Command::Conn(command) => conn::run(command, console).await,
        Command::Config(command) => config::run(command, console),
        Command::Runs(command) => runs::run(command, console).await,
        Command::Conflicts(command) => conflicts::run(command, console).await,
        Command::Explain(args) => explain::run(&args, console),
        Command::Completions(args) => completions::run(&args, console),
        Command::Man(args) => man::run(&args, console),
    }
}
