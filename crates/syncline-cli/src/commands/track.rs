//! `syncline track`: a database that logs its own changes.

use clap::Args;
use syncline::error::Result;
use syncline::{TrackReport, TrackRequest};

use super::tables::TablesArgs;
use crate::console::Console;
use crate::exit::Exit;
use crate::paint::Paint;
use crate::render::text::{counted, escape};

/// Has a database log its own changes
///
/// Runs with --strategy incremental, or --watch, then read only what was touched since the last one.
///
/// Plain SQL triggers and tables are installed in the database, under names that begin with _syncline_. They log what any
/// program writes, in its own transaction. Tables that are tracked already stay so; syncline untrack removes everything.
#[derive(Debug, Args)]
pub(crate) struct TrackArgs {
    /// The database to track
    database: String,
    #[command(flatten)]
    tables: TablesArgs,
}

/// Does it.
pub(super) async fn run(args: TrackArgs, console: &Console) -> Result<Exit> {
    let progress = console.progress_of_document(false);
    let session = console.open(&progress).await?;
    let request = TrackRequest { database: args.database, tables: args.tables.patterns()? };
    let report = session.track(&request).await;
    progress.finish();
    let report = report?;
    console.present(&report, |report| text(report, console.paint))?;
    let has_refused = report.tables.iter().any(|table| table.error.is_some());
    Ok(if has_refused { Exit::PARTIAL } else { Exit::DONE })
}

/// What has become of each table, for people.
pub(super) fn text(report: &TrackReport, paint: Paint) -> String {
    let mut text = format!("{}  {}\n", report.kind, escape(&report.database));
    for table in &report.tables {
        let (state, why) = match (&table.error, &table.reason) {
            (Some(error), _) => (paint.bad(table.state), Some(error.why.as_ref().unwrap_or(&error.what))),
            (None, reason) => (paint.good(table.state), reason.as_ref()),
        };
        let why = why.map(|why| format!(": {}", escape(why))).unwrap_or_default();
        text += &format!("  {}  {state}{why}\n", escape(&table.table));
    }
    let number = |refused: bool| report.tables.iter().filter(|table| table.error.is_some() == refused).count() as u64;
    let done = if report.kind == "track" { "tracked" } else { "no longer tracked" };
    text += &format!("{} {done}", counted(number(false), "table"));
    if report.cursors {
        text += "; runs into it compare once";
    }
    text + &(if number(true) > 0 { format!(", {} refused\n", number(true)) } else { "\n".to_owned() })
}
