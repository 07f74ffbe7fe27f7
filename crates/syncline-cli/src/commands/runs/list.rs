//! `syncline runs list`.

use clap::Args;
use syncline::RunRecord;
use syncline::error::Result;
use syncline::summary::Status;

use crate::console::{Console, Shape};
use crate::exit::Exit;
use crate::render::age;
use crate::render::json::List;
use crate::render::labels::Labels;
use crate::render::summary::{status_name, verb_name, verified_name};
use crate::render::table::{numbers, table, words};
use crate::render::text::{count, quote};

/// Lists runs, newest first.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Runs in one page
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
    /// Where the page begins: next_cursor of the page before
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<String>,
}

/// Does it.
pub(super) async fn run(args: ListArgs, console: &Console) -> Result<Exit> {
    let session = console.open(&console.progress_of_document(false)).await?;
    let page = session.runs(usize::from(args.limit), args.cursor.as_deref()).await?;
    match console.shape {
        Shape::Json => console.output.json(&List::new("runs", &page.runs, page.next_cursor.as_deref()))?,
        Shape::Text => {
            console.output.text(&text(&page.runs, age::now_ms()))?;
            if let Some(cursor) = page.next_cursor.filter(|_| !console.is_quiet) {
                let next = console.command(&format!("runs list --limit {} --cursor {}", args.limit, quote(&cursor)));
                console.output.text(&format!("next: {next}\n"))?;
            }
        }
    }
    Ok(Exit::DONE)
}

fn text(runs: &[RunRecord], now_ms: i64) -> String {
    if runs.is_empty() {
        return "no runs are recorded\n".to_owned();
    }
    let headings = [
        words("RUN"),
        words("STARTED"),
        words("WHAT"),
        words("DATABASES"),
        words("STATUS"),
        words("VERIFIED"),
        numbers("ROWS"),
        words("NOTE"),
    ];
    let row = |run: &RunRecord| {
        vec![
            run.id.clone(),
            age::since(run.started_ms, now_ms),
            verb_name(run.verb).to_owned(),
            Labels::new(&run.source, &run.target).arrow(),
            status_name(run.status).to_owned(),
            verified_name(run.verified).to_owned(),
            rows(run),
            relation(run),
        ]
    };
    table(&headings, &runs.iter().map(row).collect::<Vec<_>>())
}

/// What a run has written whose process died is not known before the next one has looked, nor where no images were kept.
fn rows(run: &RunRecord) -> String {
    let is_unknown = run.ended_ms.is_none() || !run.keeps_images && run.written_rows == 0;
    if run.status == Status::Interrupted && is_unknown { "?".to_owned() } else { count(run.written_rows) }
}

fn relation(run: &RunRecord) -> String {
    let relations = [
        ("undoes", &run.undoes),
        ("undone by", &run.undone_by),
        ("continues", &run.continues),
        ("superseded by", &run.superseded_by),
    ];
    let said = relations.iter().filter_map(|(word, other)| other.as_ref().map(|other| format!("{word} {other}")));
    said.collect::<Vec<_>>().join(", ")
}
