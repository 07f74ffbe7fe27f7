//! `syncline status`: how a database stands that logs its changes.

use std::time::Duration;

use clap::Args;
use syncline::error::Result;
use syncline::{ConsumerStatus, StatusReport, Verdict};

use crate::console::Console;
use crate::exit::Exit;
use crate::paint::Paint;
use crate::render::text::{bytes, count, counted, duration, escape};

/// Tells how a tracked database stands
///
/// One verdict with the reason, how large its logs are, and who is slowest to read them.
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// The database
    database: String,
}

/// Does it.
pub(super) async fn run(args: StatusArgs, console: &Console) -> Result<Exit> {
    let progress = console.progress_of_document(false);
    let session = console.open(&progress).await?;
    let report = session.status(&args.database).await;
    progress.finish();
    console.present(&report?, |report| text(report, console.paint))?;
    Ok(Exit::DONE)
}

fn text(report: &StatusReport, paint: Paint) -> String {
    let verdict = match report.verdict {
        Verdict::UpToDate => paint.good("up to date"),
        Verdict::Behind => paint.odd("behind"),
        Verdict::Unread => paint.odd("not read yet"),
        Verdict::NotTracked => paint.odd("not tracked"),
        Verdict::Growing => paint.bad("growing"),
        Verdict::Blocked => paint.bad("blocked"),
    };
    let mut text = format!("{}  {verdict}: {}\n", escape(&report.database), escape(&report.reason));
    if report.verdict == Verdict::NotTracked {
        return text;
    }
    let (tables, entries) = (counted(report.tables.len() as u64, "table"), entries(report.entries));
    text += &format!("  {tables} tracked, {entries} in the logs, about {}\n", bytes(report.bytes));
    report.consumers.iter().for_each(|consumer| text += &line(consumer));
    text
}

fn line(consumer: &ConsumerStatus) -> String {
    let ago = duration(Duration::from_millis(consumer.seen_ms_ago));
    let lag = consumer.lag_ms.map(|lag| format!(", {} late", duration(Duration::from_millis(lag)))).unwrap_or_default();
    format!("  {}  {} behind{lag}; read {ago} ago\n", escape(&consumer.consumer), entries(consumer.behind))
}

fn entries(number: u64) -> String {
    if number == 1 { "1 entry".to_owned() } else { format!("{} entries", count(number)) }
}
