//! `syncline undo`: takes a run back.

use clap::Args;
use syncline::error::Result;
use syncline::{UndoPlan, UndoTable};

use super::pace::PaceArgs;
use super::transfer::{self, ConflictsArgs, Title};
use crate::console::{Console, Shape};
use crate::exit::Exit;
use crate::render::age;
use crate::render::labels::Labels;
use crate::render::table::{numbers, table, words};
use crate::render::text::{count, escape, quote};

/// Takes a run back: deleted rows return, changed rows become what they were, added rows go.
///
/// Shown as a plan first. Under --json the first line is the plan and the last the summary; without --yes nothing is
/// undone and the last line is the error CONFIRMATION_NEEDED.
#[derive(Debug, Args)]
pub(crate) struct UndoArgs {
    /// The run to take back [default: the newest that changed something and is not undone yet]
    run: Option<String>,
    #[command(flatten)]
    pace: PaceArgs,
    #[command(flatten)]
    conflicts: ConflictsArgs,
}

/// Does it.
pub(super) async fn run(args: UndoArgs, console: &Console) -> Result<Exit> {
    let progress = console.progress_of_run();
    let session = args.pace.hold(console.open(&progress).await?)?;
    let plan = session.undo_plan(args.run.as_deref()).await?;
    show_plan(&plan, console)?;
    if !console.prompt.confirm("Undo it?", &format!("undo {}", quote(&plan.run)))? {
        console.messages.note("nothing was changed");
        return Ok(Exit::FAILED);
    }
    // What could not be taken back can be tried again; taking the undo itself back is not what anybody wants next.
    let again = Some(console.command(&format!("undo {}", quote(&plan.run))));
    let title = Title {
        heading: format!("undo of {}", escape(&plan.run)),
        verb: pair(&plan),
        keeps_images: false,
        has_ledger: false,
        again,
        conflicts: args.conflicts,
    };
    // On the heap, as every run is.
    transfer::show(console, &progress, title, Box::pin(session.undo(&plan))).await
}

fn show_plan(plan: &UndoPlan, console: &Console) -> Result<()> {
    match console.shape {
        Shape::Json => console.output.json(plan),
        // Who is asked must see what about, wherever the output goes.
        Shape::Text if console.prompt.will_ask() => {
            console.messages.show(&text(plan));
            Ok(())
        }
        Shape::Text => console.output.text(&text(plan)),
    }
}

fn pair(plan: &UndoPlan) -> String {
    Labels::new(&plan.source, &plan.target).arrow()
}

fn text(plan: &UndoPlan) -> String {
    let headings = [words("TABLE"), numbers("BRING BACK"), numbers("SET BACK"), numbers("TAKE OUT"), words("NOTE")];
    let row = |table: &UndoTable| {
        let note = match table {
            UndoTable { drops: true, .. } => "the table was made by the run, and goes",
            UndoTable { empties: true, .. } => "the table was empty, and will be",
            _ => "",
        };
        let numbers = [table.restore, table.revert, table.remove].map(count);
        std::iter::once(table.table.clone()).chain(numbers).chain([note.to_owned()]).collect()
    };
    let tables = table(&headings, &plan.tables.iter().map(row).collect::<Vec<_>>());
    let notes: String = plan.notes.iter().map(|note| format!("note: {}\n", escape(note))).collect();
    format!("undo of run {}  {}  of {}\n{tables}{notes}", escape(&plan.run), pair(plan), age::moment(plan.started_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plan_says_what_becomes_of_each_table() {
        let table = |table: &str, restore, drops| UndoTable {
            table: table.into(),
            restore,
            revert: 12,
            remove: 1_200,
            empties: false,
            drops,
        };
        let plan = UndoPlan {
            format: 1,
            kind: "undo-plan".into(),
            run: "r_7f3k".into(),
            source: "/a/hq.db".into(),
            target: "/a/branch.db".into(),
            tables: vec![table("customers", 2, false), table("orders", 0, true)],
            notes: vec!["columns that the run has added stay: customers.vat".into()],
            started_ms: 1_790_000_000_000,
        };
        let expected = "\
undo of run r_7f3k  hq.db -> branch.db  of 2026-09-21 14:13:20 UTC
TABLE      BRING BACK  SET BACK  TAKE OUT  NOTE
customers           2        12     1,200
orders              0        12     1,200  the table was made by the run, and goes
note: columns that the run has added stay: customers.vat
";
        assert_eq!(text(&plan), expected);
    }
}
