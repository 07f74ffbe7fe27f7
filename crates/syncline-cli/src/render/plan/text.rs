//! The plan as people read it.

use syncline::Operation;
use syncline::error::Result;
use syncline::plan::{ColumnContract, Plan, PlanLoad, PlanRange, PlanSink, PlanTable};
use syncline::row_difference::RowDifference;

use super::totals;
use crate::output::Output;
use crate::render::cell::{self, key};
use crate::render::labels::{Labels, title};
use crate::render::text::{count, counted, escape};

/// Rows of one table that are shown; a person reads on in a file.
const ROWS_SHOWN: u64 = 50;

/// Columns of a table that are named because their values are checked; the rest is counted.
const CONTRACTS_SHOWN: usize = 8;

/// Columns of a row that is added or deleted; the rest is counted.
const COLUMNS_SHOWN: usize = 6;

/// The view.
pub(super) struct Text {
    output: Output,
    labels: Labels,
    is_quiet: bool,
    /// The table whose rows are being shown, and how many there were.
    table: Option<(String, u64)>,
}

impl Text {
    /// A view of one plan.
    pub(super) fn new(output: Output, labels: Labels, is_quiet: bool) -> Self {
        Self { output, labels, is_quiet, table: None }
    }

    /// Begins a table, unless it has begun, and counts one more line of it.
    fn count(&mut self, table: &str) -> Result<u64> {
        match &mut self.table {
            Some((current, rows)) if current == table => {
                *rows += 1;
                return Ok(*rows);
            }
            _ => self.close()?,
        }
        self.output.text(&format!("{}\n", escape(table)))?;
        self.table = Some((table.to_owned(), 1));
        Ok(1)
    }

    fn close(&mut self) -> Result<()> {
        match self.table.take() {
            Some((_, rows)) if rows > ROWS_SHOWN => {
                let more = counted(rows - ROWS_SHOWN, "more row");
                self.output.text(&format!("  … {more}; --format json and -o FILE hold them all\n"))
            }
            _ => Ok(()),
        }
    }
}

impl PlanSink for Text {
    fn plan(&mut self, plan: &Plan) -> Result<()> {
        let verb = escape(&title(plan.request.verb.name(), &plan.request.mapping)).into_owned();
        let mut text = format!("{}  plan of a {verb}\n{}", self.labels.arrow(), totals(plan));
        for note in plan.notes.iter().filter(|_| !self.is_quiet) {
            text += &format!("note: {}\n", escape(note));
        }
        for table in plan.tables.iter().filter(|table| !self.is_quiet && !table.checked.is_empty()) {
            text += &format!("note: {}\n", escape(&checked(table)));
        }
        for error in plan.tables.iter().filter_map(|table| table.error.as_ref()) {
            text += &format!("{}: {}\n", error.code, escape(&error.what));
        }
        self.output.text(&text)
    }

    fn row(&mut self, row: RowDifference, _digest: Option<u128>) -> Result<()> {
        if self.count(&row.table)? > ROWS_SHOWN {
            return Ok(());
        }
        let line = match row.operation {
            _ if row.why_held().is_some() => {
                format!("  ! {}  held: {}\n", key(&row), row.why_held().unwrap_or_default())
            }
            Operation::Insert => format!("  + {}\n", whole(&row)),
            Operation::Update => format!("  ~ {}\n", changed(&row)),
            Operation::Delete => format!("  - {}\n", whole(&row)),
        };
        self.output.text(&line)
    }

    fn range(&mut self, range: PlanRange) -> Result<()> {
        self.count(&range.table)?;
        let sign = if range.kind == "delete" { "-" } else { "+~" };
        let rows = counted(range.changes, "row");
        let span = format!("from {} to {}", range.first, range.last);
        self.output.text(&format!("  {sign} {rows} {}\n", escape(&span)))
    }

    fn load(&mut self, load: PlanLoad) -> Result<()> {
        if self.table.as_ref().is_some_and(|(table, _)| *table == load.table) || load.rows == 0 {
            return Ok(());
        }
        self.count(&load.table)?;
        self.output.text(&format!("  + all {} rows of the source\n", count(load.rows)))
    }

    fn end(&mut self) -> Result<()> {
        self.close()
    }
}

/// What is said about the columns of a table that may hold values the target cannot.
fn checked(table: &PlanTable) -> String {
    let untyped = |declared: &str| if declared.is_empty() { "untyped" } else { declared }.to_owned();
    let column = |column: &ColumnContract| {
        format!("{} ({} -> {})", column.column, untyped(&column.source), untyped(&column.target))
    };
    let named: Vec<_> = table.checked.iter().take(CONTRACTS_SHOWN).map(column).collect();
    let mut what = named.join(", ");
    if let Some(more) = table.checked.len().checked_sub(CONTRACTS_SHOWN).filter(|more| *more > 0) {
        what += &format!(" and {}", counted(more as u64, "more column"));
    }
    format!("{}: a row is held if a value does not fit: {what}", table.table)
}

fn whole(row: &RowDifference) -> String {
    let values = row.source.as_ref().or(row.target.as_ref()).into_iter().flatten();
    let cells = row.columns.iter().zip(values).enumerate().filter(|(at, _)| !row.key.contains(at));
    let cells: Vec<_> = cells.map(|(_, (column, value))| format!("{}={}", escape(column), cell::cell(value))).collect();
    let hidden = cells.len().saturating_sub(COLUMNS_SHOWN);
    let mut line = format!("{}  {}", key(row), cells[..cells.len() - hidden].join("  "));
    if hidden > 0 {
        line += &format!("  … {} more", counted(hidden as u64, "column"));
    }
    line.trim().to_owned()
}

fn changed(row: &RowDifference) -> String {
    let cells: Vec<_> = row
        .changed_cells()
        .into_iter()
        .map(|(column, ours, theirs)| {
            let (ours, theirs) = cell::pair(ours, theirs);
            format!("{}: {theirs} -> {ours}", escape(column))
        })
        .collect();
    format!("{}  {}", key(row), cells.join("  "))
}

#[cfg(test)]
mod tests {
    use syncline::Value;

    use super::*;
    use crate::output::testing::Page;

    fn row(operation: Operation, source: Option<&str>, target: Option<&str>) -> RowDifference {
        let values = |text: &str| vec![Value::Int(7), Value::text(text)];
        RowDifference {
            table: "t".into(),
            operation,
            columns: vec!["id".into(), "name".into()],
            dialect: syncline::Dialect::Sqlite,
            in_target: None,
            place: None,
            given: Vec::new(),
            held: None,
            key: vec![0],
            source: source.map(values),
            target: target.map(values),
        }
    }

    #[test]
    fn each_operation_has_its_sign() {
        let (output, page) = Page::output(false);
        let mut view = Text::new(output, Labels::new("a.db", "b.db"), false);
        view.row(row(Operation::Insert, Some("new"), None), None).unwrap();
        view.row(row(Operation::Update, Some("new"), Some("old")), None).unwrap();
        view.row(row(Operation::Delete, None, Some("\x1b[31mold")), None).unwrap();
        view.end().unwrap();
        let expected = "\
t
  + id=7  name=new
  ~ id=7  name: old -> new
  - id=7  name='\\x1b[31mold'
";
        assert_eq!(page.text(), expected);
    }

    #[test]
    fn rows_beyond_the_bound_are_counted() {
        let (output, page) = Page::output(false);
        let mut view = Text::new(output, Labels::new("a.db", "b.db"), false);
        for _ in 0..ROWS_SHOWN + 3 {
            view.row(row(Operation::Insert, Some("new"), None), None).unwrap();
        }
        view.end().unwrap();
        assert_eq!(page.text().lines().count() as u64, ROWS_SHOWN + 2);
        assert!(page.text().ends_with("  … 3 more rows; --format json and -o FILE hold them all\n"), "{}", page.text());
    }
}
