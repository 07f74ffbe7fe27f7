//! `syncline conflicts list`.

use clap::Args;
use syncline::conflicts::{Conflict, ConflictPage};
use syncline::error::Result;

use super::filter::FilterArgs;
use crate::console::{Console, Shape};
use crate::exit::Exit;
use crate::render::conflict;
use crate::render::json::List;
use crate::render::text::{count, counted, quote};

/// Lists the rows that wait, oldest first.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    choice: FilterArgs,
    /// Show the settled ones, too
    #[arg(long)]
    all: bool,
    /// Rows in one page
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
    /// Where the page begins: next_cursor of the page before
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<String>,
}

/// Does it.
pub(super) async fn run(args: ListArgs, console: &Console) -> Result<Exit> {
    let filter = args.choice.parse()?;
    let filter = if args.all { filter.in_all_states() } else { filter };
    let session = console.open(&console.progress_of_document(false)).await?;
    let page = session.conflicts(&filter, usize::from(args.limit), args.cursor.as_deref()).await?;
    match console.shape {
        Shape::Json => {
            let entries: Vec<_> = page.conflicts.iter().map(conflict::Entry).collect();
            console.output.json(&List::new("conflicts", &entries, page.next_cursor.as_deref()))?;
        }
        Shape::Text => {
            let hints = if console.is_quiet { String::new() } else { hints(&args, &page, console) };
            console.output.text(&(text(&page, &args) + &hints))?;
        }
    }
    Ok(Exit::DONE)
}

fn text(page: &ConflictPage, args: &ListArgs) -> String {
    if page.total == 0 {
        let is_narrow = args.choice.filter.is_some();
        return if is_narrow { "no row is held that the filter lets through\n" } else { "no row waits\n" }.to_owned();
    }
    let is_waiting = |entry: &Conflict| entry.state == syncline::conflicts::ConflictState::Open;
    let waits = if page.conflicts.iter().all(is_waiting) { " that waits" } else { "" };
    let waits = if page.total > 1 && !waits.is_empty() { " that wait" } else { waits };
    let shown = match page.conflicts.len() as u64 {
        shown if shown < page.total => format!(", {} shown", count(shown)),
        _ => String::new(),
    };
    format!("{}{}{waits}{shown}\n", conflict::list(&page.conflicts), counted(page.total, "row"))
}

fn hints(args: &ListArgs, page: &ConflictPage, console: &Console) -> String {
    let mut hints = String::new();
    let Some(first) = page.conflicts.first() else { return hints };
    let mut hint = |command: String, effect: &str| {
        let lead = if hints.is_empty() { "next:" } else { "" };
        hints += &format!("{lead:5}  {}     {effect}\n", console.command(&command));
    };
    hint(format!("conflicts show {}", first.id), "both values, and why");
    hint("conflicts retry".to_owned(), "try again, once the cause is mended");
    if let Some(cursor) = &page.next_cursor {
        let filter = args.choice.filter.iter().map(|filter| format!(" --filter {}", quote(filter)));
        let all = if args.all { " --all" } else { "" };
        let filter = filter.collect::<String>();
        hint(format!("conflicts list --limit {}{all}{filter} --cursor {}", args.limit, quote(cursor)), "the next page");
    }
    hints
}
