//! `syncline conflicts export`.

use clap::Args;
use syncline::conflicts::HeldTarget;
use syncline::error::{Code, Error, Result};
use syncline::limits;

use super::filter::FilterArgs;
use crate::console::{Console, Shape};
use crate::exit::Exit;
use crate::render::conflict::export::{Export, Format};
use crate::render::text::{counted, quote};

/// Writes held rows out, for a spreadsheet, a program or by hand.
///
/// Exporting changes nothing: the rows go on waiting.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    choice: FilterArgs,
    /// The format of the output [default: csv]
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
}

impl ExportArgs {
    /// Whether the output is for programs that read JSON.
    pub(super) fn asks_for_json(&self) -> bool {
        self.format.is_some_and(Format::is_json)
    }

    fn format(&self, shape: Shape) -> Result<Format> {
        match (self.format, shape) {
            (None, Shape::Text) => Ok(Format::Csv),
            (None, Shape::Json) => Ok(Format::Json),
            (Some(format), Shape::Json) if !format.is_json() => {
                Err(Error::new(Code::UsageInvalid, "--json goes with --format json or ndjson only")
                    .because("CSV and SQL are no JSON")
                    .next("leave one of the two flags away", ""))
            }
            (Some(format), _) => Ok(format),
        }
    }
}

/// Does it. Rows are read page by page, so that any number of them fits into memory.
pub(super) async fn run(args: ExportArgs, console: &Console) -> Result<Exit> {
    let mut filter = args.choice.parse()?;
    let format = args.format(console.shape)?;
    let session = console.open(&console.progress_of_document(true)).await?;
    if format == Format::Sql {
        // Before the first byte: a script cannot say in which database each of its statements is to be run.
        match &session.held_targets(&filter).await?[..] {
            [] => {}
            // What is held for another target from now on does not come in.
            [target] => filter = filter.of_target(target),
            targets => return Err(several(targets, args.choice.filter.as_deref())),
        }
    }
    let mut export = Export::begin(format, console.output.clone())?;
    let mut cursor = None;
    loop {
        let page = session.conflicts(&filter, limits::CONFLICT_PAGE, cursor.as_deref()).await?;
        for entry in &page.conflicts {
            export.row(&session.conflict_row(&entry.id).await?)?;
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    export.finish()?;
    Ok(Exit::DONE)
}

/// The error for rows of several targets, with a filter for each of the first of them.
fn several(targets: &[HeldTarget], filter: Option<&str>) -> Error {
    let what = format!("the chosen rows are held for {} targets", targets.len());
    let error = Error::new(Code::UsageInvalid, what)
        .because("a script is run in one database, and would write the rows of one into another")
        .leaving("nothing was written out");
    targets.iter().take(limits::SAMPLE_ROWS).fold(error, |error, target| {
        let chosen: Vec<String> = filter.map(str::to_owned).into_iter().chain([word(target, targets)]).collect();
        let command = format!("syncline conflicts export --format sql --filter {}", quote(&chosen.join(" ")));
        error.next(command, format!("{} held for {}", counted(target.rows, "row"), target.label))
    })
}

/// The filter word for a target. Where its label does not tell it apart, or would need quotes of its own, the run that
/// held its rows does.
fn word(target: &HeldTarget, targets: &[HeldTarget]) -> String {
    let is_plain = !target.label.contains(|c: char| c.is_whitespace() || matches!(c, '"' | '\''));
    let is_alone = targets.iter().filter(|other| other.label == target.label).count() == 1;
    if is_plain && is_alone { format!("target:{}", target.label) } else { format!("run:{}", target.run) }
}
