//! `syncline conflicts export`.

use clap::Args;
use syncline::error::{Code, Error, Result};
use syncline::limits;

use super::filter::FilterArgs;
use crate::console::{Console, Shape};
use crate::exit::Exit;
use crate::render::conflict::export::{Export, Format};

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
    let filter = args.choice.parse()?;
    let mut export = Export::begin(args.format(console.shape)?, console.output.clone())?;
    let session = console.open(&console.progress_of_document(true)).await?;
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
