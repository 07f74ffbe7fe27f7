//! `syncline diff`: how two databases differ.

use std::time::Instant;

use clap::Args;
use syncline::error::{Code, Error, Result};
use syncline::row_difference::RowSink;
use syncline::summary::TableDiff;
use syncline::{DiffRequest, MappingRequest};

use super::jobs::JobsArgs;
use super::mapping::MappingArgs;
use super::pace::PaceArgs;
use super::tables::TablesArgs;
use crate::console::{Console, Shape};
use crate::exit::Exit;
use crate::render::diff::{Format, Frame};
use crate::render::labels::Labels;

/// Shows how two databases differ, and changes neither.
///
/// Rows are named after the database that has them. The formats json and text put differing rows aside until the totals
/// are known: up to 8 MiB in memory, the rest in a temporary file. The formats ndjson, csv and sql write each row at once.
#[derive(Debug, Args)]
pub(crate) struct DiffArgs {
    /// The database that is meant to be right
    source: String,
    /// The database compared with it
    target: String,
    #[command(flatten)]
    tables: TablesArgs,
    #[command(flatten)]
    mapping: MappingArgs,
    #[command(flatten)]
    jobs: JobsArgs,
    #[command(flatten)]
    pace: PaceArgs,
    /// Show every row that differs, too
    #[arg(long)]
    rows: bool,
    /// The format of the output; ndjson, csv and sql are about rows, with or without --rows [default: text]
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// Exit with 10 when there are differences
    #[arg(long)]
    exit_code: bool,
}

impl DiffArgs {
    /// Whether the output is for programs that read JSON.
    pub(crate) fn asks_for_json(&self) -> bool {
        self.format.is_some_and(Format::is_json)
    }

    fn format(&self, shape: Shape) -> Result<Format> {
        match (self.format, shape) {
            (None, Shape::Text) => Ok(Format::Text),
            (None, Shape::Json) => Ok(Format::Json),
            (Some(format), Shape::Json) if !format.is_json() => {
                Err(Error::new(Code::UsageInvalid, "--json goes with --format json or ndjson only")
                    .because("CSV and SQL are no JSON")
                    .leaving("nothing was changed")
                    .next("leave one of the two flags away", ""))
            }
            (Some(format), _) => Ok(format),
        }
    }
}

/// Does it.
pub(super) async fn run(args: DiffArgs, console: &Console) -> Result<Exit> {
    let format = args.format(console.shape)?;
    let with_rows = args.rows || format.is_of_rows();
    let (tables, mapping) = (args.tables.patterns()?, args.mapping.request()?);
    let request = DiffRequest { source: args.source, target: args.target, tables, mapping };
    let mut view = format.view(Frame {
        output: console.output.clone(),
        labels: Labels::new(&request.source, &request.target),
        with_rows,
        is_quiet: console.is_quiet,
        is_whole: request.tables.is_empty() && request.mapping == MappingRequest::default(),
        place_flags: console.place_flags(),
        paint: console.paint,
    });
    let progress = console.progress_of_document(format.is_of_rows());
    let session = args.jobs.hold(args.pace.hold(console.open(&progress).await?)?);
    let began = Instant::now();
    let report = session.diff(&request, with_rows.then_some(&mut *view as &mut dyn RowSink)).await;
    progress.finish();
    let report = report?;
    view.finish(&report, began.elapsed())?;
    if format == Format::Csv {
        // Its lines are rows, and have no place for what is said of a table.
        let left_out = report.tables.iter().filter(|table| !table.comparable);
        left_out.for_each(|table| console.messages.warn(&not_compared(table)));
    }
    Ok(if args.exit_code { Exit::of_diff(&report) } else { Exit::DONE })
}

fn not_compared(table: &TableDiff) -> String {
    let why = table.note.as_deref().unwrap_or("its rows cannot be compared");
    format!("{} is left out: {why}", table.table)
}
