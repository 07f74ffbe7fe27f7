//! `syncline runs show`.

use clap::Args;
use syncline::RunRecord;
use syncline::error::Result;
use syncline::state::RunVerb;

use crate::console::{Console, Shape};
use crate::exit::Exit;
use crate::render::json::Document;
use crate::render::labels::{Labels, title};
use crate::render::summary::{self, Setting, status_name, verb_name};
use crate::render::text::{escape, quote};
use crate::render::{age, error};

/// Shows one run: when, what, how it ended, and what can be done about it.
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// The run
    run: String,
}

/// Does it.
pub(super) async fn run(args: ShowArgs, console: &Console) -> Result<Exit> {
    let session = console.open(&console.progress_of_document(false)).await?;
    let record = session.run_record(&args.run).await?;
    match console.shape {
        Shape::Json => console.output.json(&Document::new("run", &record))?,
        Shape::Text => console.output.text(&text(&record, console))?,
    }
    Ok(Exit::DONE)
}

fn text(record: &RunRecord, console: &Console) -> String {
    let mut shown = String::new();
    let mut fact = |name: &str, value: &str| shown += &format!("{name:9}  {}\n", escape(value));
    fact("run", &record.id);
    fact("what", verb_name(record.verb));
    fact("source", &record.source);
    fact("target", &record.target);
    fact("status", status_name(record.status));
    fact("started", &age::moment(record.started_ms));
    record.ended_ms.inspect(|ended| fact("ended", &age::moment(*ended)));
    let relations = [("continues", &record.continues), ("undoes", &record.undoes), ("undone by", &record.undone_by)];
    relations.iter().for_each(|(name, run)| run.iter().for_each(|run| fact(name, run)));
    record.backup.iter().for_each(|file| fact("backup", file));
    if let Some(restore) = &record.superseded_by {
        fact("superseded", &format!("by {restore}, a restore of the target: this run cannot be undone any more"));
    }
    if let Some(ended) = &record.summary {
        shown += "\n";
        shown += &match record.verb {
            // It goes through no table.
            RunVerb::Restore => ended.notes.iter().map(|note| format!("note: {}\n", escape(note))).collect(),
            _ => summary::summary(ended, &setting(record, console)),
        };
        let errors = ended.tables.iter().filter_map(|table| table.error.as_ref());
        errors.for_each(|report| shown += &error::form_of_report(report, console.paint));
    }
    if let Some(report) = &record.error {
        shown += "\n";
        shown += &error::form_of_report(report, console.paint);
    }
    shown
}

fn setting(record: &RunRecord, console: &Console) -> Setting {
    let run = quote(&record.id);
    let can_undo = record.undone_by.is_none() && record.keeps_images && record.superseded_by.is_none();
    Setting {
        heading: Labels::new(&record.source, &record.target).arrow(),
        verb: match &record.request {
            Some(request) => title(verb_name(record.verb), &request.mapping),
            None => verb_name(record.verb).to_owned(),
        },
        undo: can_undo.then(|| console.command(&format!("undo {run}"))),
        resume: console.command(&format!("runs resume {run}")),
        retry: console.command(&format!("runs retry {run}")),
        held: (record.verb != RunVerb::Undo).then(|| console.command(&format!("conflicts list --filter run:{run}"))),
        is_quiet: console.is_quiet,
        paint: console.paint,
    }
}
