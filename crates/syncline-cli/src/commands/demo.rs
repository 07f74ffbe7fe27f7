//! `syncline demo`: two small shops to try everything on.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use syncline::demo::{self, Demo};
use syncline::error::Result;

use crate::console::Console;
use crate::exit::Exit;
use crate::render::json::Document;
use crate::render::table::{numbers, table, words};
use crate::render::text::{count, quote};

/// Makes two small shops with planted differences.
///
/// Nothing is fetched and nothing else is touched: delete the directory when you are done.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// The directory to make; must not exist yet, or be empty
    #[arg(long, value_name = "DIR", default_value = "syncline-demo")]
    dir: PathBuf,
}

#[derive(Serialize)]
struct Made {
    source: String,
    target: String,
    tables: Vec<MadeTable>,
    next: Vec<String>,
}

#[derive(Serialize)]
struct MadeTable {
    table: &'static str,
    rows: u64,
    only_source: u64,
    only_target: u64,
    changed: u64,
}

/// Does it.
pub(super) fn run(args: &DemoArgs, console: &Console) -> Result<Exit> {
    let made = Made::new(&demo::create(&args.dir)?, console);
    console.present(&Document::new("demo", &made), |_| made.text())?;
    Ok(Exit::DONE)
}

impl Made {
    fn new(demo: &Demo, console: &Console) -> Self {
        let name = |path: &Path| path.to_string_lossy().into_owned();
        let (source, target) = (name(&demo.source), name(&demo.target));
        let pair = format!("{} {}", quote(&source), quote(&target));
        let next = [format!("diff {pair} --rows"), format!("mirror {pair}"), "undo".to_owned()];
        let table = |table: &demo::DemoTable| MadeTable {
            table: table.name,
            rows: table.rows,
            only_source: table.only_source,
            only_target: table.only_target,
            changed: table.changed,
        };
        Self {
            source,
            target,
            tables: demo.tables.iter().map(table).collect(),
            next: next.iter().map(|command| console.command(command)).collect(),
        }
    }

    fn text(&self) -> String {
        let headings =
            [words("TABLE"), numbers("ROWS"), numbers("ONLY hq.db"), numbers("CHANGED"), numbers("ONLY branch.db")];
        let row = |table: &MadeTable| {
            let numbers = [table.rows, table.only_source, table.changed, table.only_target].map(count);
            std::iter::once(table.table.to_owned()).chain(numbers).collect()
        };
        let tables = table(&headings, &self.tables.iter().map(row).collect::<Vec<_>>());
        let effects = ["see what differs", "make the branch equal to headquarters", "take that back"];
        let width = self.next.iter().map(|command| command.chars().count()).max().unwrap_or(0);
        let line = |(command, effect)| format!("  {command:width$}     {effect}\n");
        let next: String = self.next.iter().zip(effects).map(line).collect();
        format!("made {} and {}\n{tables}\nnow try:\n{next}", quote(&self.source), quote(&self.target))
    }
}
