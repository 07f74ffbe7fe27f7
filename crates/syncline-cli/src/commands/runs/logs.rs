//! `syncline runs logs`.

use clap::Args;
use syncline::LogLine;
use syncline::error::Result;
use syncline::state::LogLevel;

use crate::console::{Console, Shape};
use crate::exit::Exit;
use crate::render::age;
use crate::render::json::List;
use crate::render::text::escape;

/// Shows what a run logged.
#[derive(Debug, Args)]
pub(crate) struct LogsArgs {
    /// The run
    run: String,
}

/// Does it.
pub(super) async fn run(args: LogsArgs, console: &Console) -> Result<Exit> {
    let session = console.open(&console.progress_of_document(false)).await?;
    let logs = session.run_logs(&args.run).await?;
    match console.shape {
        Shape::Json => console.output.json(&List::new("logs", &logs, None))?,
        Shape::Text => console.output.text(&logs.iter().map(line).collect::<String>())?,
    }
    Ok(Exit::DONE)
}

fn line(log: &LogLine) -> String {
    format!("{}  {:7}  {}\n", age::moment(log.at_ms), level_name(log.level), escape(&log.message))
}

fn level_name(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Info => "info",
        LogLevel::Warn => "warning",
        LogLevel::Error => "error",
    }
}
