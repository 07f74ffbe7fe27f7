//! A plan, in every format.

mod lines;
mod script;
mod text;

use clap::ValueEnum;
use syncline::plan::{Plan, PlanSink, PlanTable};

use super::labels::Labels;
use super::table::{numbers, table, words};
use super::text::{count, escape};
use crate::console::Console;

/// The formats of a plan that is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Text,
    /// The lines that -o writes to a file
    Json,
    /// Statements that do what the plan says
    Sql,
}

impl Format {
    /// The view of this format.
    pub(crate) fn view(self, console: &Console, labels: &Labels) -> Box<dyn PlanSink> {
        let output = console.output.clone();
        match self {
            Format::Text => Box::new(text::Text::new(output, labels.clone(), console.is_quiet)),
            Format::Json => Box::new(lines::lines(output)),
            Format::Sql => Box::new(script::Script::new(output, labels.clone())),
        }
    }
}

/// What is said of a plan that went to a file.
pub(crate) fn saved(plan: &Plan, file: &str, apply: &str) -> String {
    let heading = Labels::new(&plan.source.label, &plan.target.label).arrow();
    let notes: String = plan.notes.iter().map(|note| format!("note: {}\n", escape(note))).collect();
    format!(
        "{heading}  plan of a {}  {}\n{}{notes}saved {file}, valid until a row it names changes\nnext:  {apply}\n",
        plan.request.verb.name(),
        escape(&plan.plan),
        totals(plan)
    )
}

/// One line a table.
fn totals(plan: &Plan) -> String {
    let headings = [
        words("TABLE"),
        numbers("+ INSERT"),
        numbers("~ UPDATE"),
        numbers("- DELETE"),
        numbers("UNCHANGED"),
        numbers("! HELD"),
        words("HOW"),
    ];
    let row = |table: &PlanTable| {
        let numbers = [table.insert, table.update, table.delete, table.unchanged].map(count);
        // Few plans have any.
        let held = if table.held > 0 { count(table.held) } else { String::new() };
        let how = match &table.error {
            Some(error) => format!("not carried: {}", error.code),
            None => table.how.clone(),
        };
        std::iter::once(table.table.clone()).chain(numbers).chain([held, how]).collect()
    };
    let statements = plan.tables.iter().flat_map(|table| &table.alters);
    let statements: String = statements.map(|statement| format!("  {};\n", escape(statement))).collect();
    table(&headings, &plan.tables.iter().map(row).collect::<Vec<_>>()) + &statements
}
