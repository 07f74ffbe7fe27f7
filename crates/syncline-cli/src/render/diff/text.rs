//! The diff as people read it. Columns and lines are named after the databases, never "added" or "removed".

use std::time::Duration;

use syncline::error::Result;
use syncline::row_difference::{RowDifference, RowSink};
use syncline::summary::{DiffReport, TableDiff};
use syncline::{Difference, Operation};

use super::{Frame, View};
use crate::render::cell;
use crate::render::spool::Spool;
use crate::render::table::{numbers, table, words};
use crate::render::text::{count, counted, duration, escape, quote};

/// Columns of a row that only one side has; the rest is counted.
const COLUMNS_SHOWN: usize = 6;

/// The view.
pub(super) struct Text {
    frame: Frame,
    rows: Spool,
}

impl Text {
    /// A view of one diff.
    pub(super) fn new(frame: Frame) -> Self {
        Self { frame, rows: Spool::new() }
    }

    fn changed(&self, row: &RowDifference) -> String {
        let (source, target) = (&self.frame.labels.source, &self.frame.labels.target);
        let cells = row.changed_cells();
        let side = source.chars().count().max(target.chars().count());
        let widest = cells.iter().map(|(column, _, _)| escape(column).chars().count()).max().unwrap_or(0);
        let key = key(row);
        let indent = key.chars().count();
        let mut lines = String::new();
        for (at, (column, ours, theirs)) in cells.into_iter().enumerate() {
            let (ours, theirs) = cell::pair(ours, theirs);
            let (key, column) = (if at == 0 { key.as_str() } else { "" }, escape(column));
            lines += &format!("  {key:indent$}  {column:widest$}  {source:side$}  {ours}\n");
            lines += &format!("  {:indent$}  {:widest$}  {target:side$}  {theirs}\n", "", "");
        }
        lines
    }

    fn only_in(&self, side: &str, row: &RowDifference) -> String {
        let values = row.source.as_ref().or(row.target.as_ref()).into_iter().flatten();
        let cells = row.columns.iter().zip(values).enumerate().filter(|(at, _)| !row.key.contains(at));
        let cells: Vec<String> =
            cells.map(|(_, (column, value))| format!("{}={}", escape(column), cell::cell(value))).collect();
        let hidden = cells.len().saturating_sub(COLUMNS_SHOWN);
        let key = if row.is_copy() { String::new() } else { key(row) + "  " };
        let mut line = format!("  {key}only in {side}  {}", cells[..cells.len() - hidden].join("  "));
        if hidden > 0 {
            line += &format!("  … {} more", counted(hidden as u64, "column"));
        }
        line.trim_end().to_owned() + "\n"
    }

    fn totals(&self, report: &DiffReport) -> String {
        let labels = &self.frame.labels;
        let headings = [
            words("TABLE"),
            numbers("SAME"),
            numbers(format!("ONLY {}", labels.source)),
            numbers("CHANGED"),
            numbers(format!("ONLY {}", labels.target)),
            words("NOTE"),
        ];
        let row = |table: &TableDiff| {
            let number = |number| if table.comparable { count(number) } else { "-".to_owned() };
            let numbers = [table.same, table.only_source, table.changed, table.only_target].map(number);
            let mut cells = vec![table.table.clone()];
            cells.extend(numbers);
            cells.push(table.note.clone().unwrap_or_default());
            cells
        };
        table(&headings, &report.tables.iter().map(row).collect::<Vec<_>>())
    }

    fn verdict(&self, report: &DiffReport, took: Duration) -> String {
        let paint = self.frame.paint;
        let compared: u64 =
            report.tables.iter().map(|table| table.same + table.only_source + table.only_target + table.changed).sum();
        let unclear = report.tables.iter().filter(|table| !table.comparable).count() as u64;
        let differ = report.tables.iter().filter(|table| table.comparable && !table.is_equal()).count() as u64;
        let mut findings = Vec::new();
        if differ > 0 {
            findings.push(format!("{} {}", counted(differ, "table"), if differ == 1 { "differs" } else { "differ" }));
        }
        if unclear > 0 {
            findings.push(format!("{} cannot be compared", count(unclear)));
        }
        let finding = match findings.as_slice() {
            [] if report.equal => paint.good("equal"),
            [] => paint.odd("different"),
            findings => paint.odd(&findings.join(", ")),
        };
        format!("{finding}. {} compared in {}.\n", counted(compared, "row"), duration(took))
    }

    fn hints(&self, report: &DiffReport) -> String {
        let labels = &self.frame.labels;
        let (typed, target, flag) = (labels.typed(), &labels.target, &self.frame.place_flags);
        if report.equal || self.frame.is_quiet || !self.frame.is_whole {
            return String::new();
        }
        let mut hints = Vec::new();
        // What cannot be compared cannot be carried either, so nothing is offered that would be refused.
        if report.tables.iter().all(|table| table.comparable) {
            hints.push((format!("syncline mirror {typed}{flag}"), format!("make {target} equal to {}", labels.source)));
            hints.push((format!("syncline copy {typed}{flag}"), "add and update, delete nothing".to_owned()));
        }
        if !self.frame.with_rows {
            hints.push((format!("syncline diff {typed} --rows{flag}"), "show the rows that differ".to_owned()));
        }
        let width = hints.iter().map(|(command, _)| command.chars().count()).max().unwrap_or(0);
        let lead = |at| if at == 0 { "next:" } else { "" };
        let line = |(at, (command, effect))| format!("{:5}  {command:width$}     {effect}\n", lead(at));
        hints.into_iter().enumerate().map(line).collect()
    }
}

impl RowSink for Text {
    fn row(&mut self, row: RowDifference) -> Result<()> {
        let mut lines = if self.rows.is_new(&row.table) { format!("{}\n", escape(&row.table)) } else { String::new() };
        lines += &match row.operation {
            Operation::Insert => self.only_in(&self.frame.labels.source, &row),
            Operation::Delete => self.only_in(&self.frame.labels.target, &row),
            Operation::Update => self.changed(&row),
        };
        self.rows.put(&row.table, &lines)
    }
}

impl View for Text {
    fn finish(&mut self, report: &DiffReport, took: Duration) -> Result<()> {
        let output = self.frame.output.clone();
        output.text(&format!("{}\n{}", self.frame.labels.arrow(), self.totals(report)))?;
        if self.frame.with_rows {
            for table in &report.tables {
                self.rows.take(&table.table, &output)?;
            }
        }
        let notes = report.notes.iter().filter(|_| !self.frame.is_quiet);
        let notes: String = notes.map(|note| format!("note: {}\n", escape(note))).collect();
        output.text(&schema(&report.schema))?;
        output.text(&(notes + &self.verdict(report, took) + &self.hints(report)))
    }
}

/// One line a difference, with a mark on those that stop a run.
fn schema(differences: &[Difference]) -> String {
    let line = |difference: &Difference| {
        let mark = if difference.stops { "stops" } else { "note" };
        let rule = difference.rename.as_ref().map(|rule| format!(": --rename {}", quote(rule))).unwrap_or_default();
        format!("schema {mark}: {}; {}{}\n", escape(&difference.what), escape(&difference.remedy), escape(&rule))
    };
    differences.iter().map(line).collect()
}

fn key(row: &RowDifference) -> String {
    let cells: Vec<String> =
        row.key_cells().map(|(column, value)| format!("{}={}", escape(column), cell::cell(value))).collect();
    cells.join(" ")
}

#[cfg(test)]
mod tests {
    use super::super::Format;
    use super::super::testing::shown;

    #[test]
    fn totals_a_verdict_and_hints() {
        let expected = "\
hq.db -> branch.db
TABLE         SAME  ONLY hq.db  CHANGED  ONLY branch.db  NOTE
customers   48,210           1        1               0
invoices         -           -        -               -  vat_rate is missing in branch.db
orders     391,004           0        0               1
schema stops: the target's invoices has no column vat_rate; --schema add adds it
note: view totals is not compared
2 tables differ, 1 cannot be compared. 439,217 rows compared in 6.1 s.
next:  syncline diff shop/hq.db shop/branch.db --rows     show the rows that differ
";
        assert_eq!(shown(Format::Text, false), expected);
    }

    #[test]
    fn rows_say_which_side_has_what() {
        let expected = "\
customers
  id=731  email   hq.db      ada@new.example
                  branch.db  ada@old.example
          credit  hq.db      -10.5
                  branch.db  '10.5'
  id=812  only in hq.db  email='=1+1, \"x\"\\n'  credit=NULL
orders
  id=9  only in branch.db  email=''  credit=x'0a'
";
        assert!(shown(Format::Text, true).contains(expected), "{}", shown(Format::Text, true));
    }
}
