//! The diff as an SQL script that makes the target equal to the source.

use std::time::Duration;

use syncline::error::Result;
use syncline::row_difference::{RowDifference, RowSink};
use syncline::summary::{DiffReport, TableDiff};
use syncline::{Clash, Dialect, Operation, sql_of};

use super::{Frame, View};
use crate::render::script::{by_shell, end, left_out, of_constraints, of_triggers, opening};
use crate::render::spool::Spool;
use crate::render::text::escape;

/// The view.
pub(super) struct Script {
    frame: Frame,
    has_begun: bool,
    /// What is deleted, until all else is written: rows that are gone may be referenced until then.
    deletes: Spool,
    rows: u64,
    left_out: u64,
}

impl Script {
    /// A view of one diff.
    pub(super) fn new(frame: Frame) -> Self {
        Self { frame, has_begun: false, deletes: Spool::new(), rows: 0, left_out: 0 }
    }

    fn begin(&mut self, dialect: Dialect) -> Result<()> {
        if std::mem::replace(&mut self.has_begun, true) {
            return Ok(());
        }
        let (source, target) = (&self.frame.labels.source, &self.frame.labels.target);
        let (by_shell, opening) = (by_shell(dialect), opening(dialect, ""));
        let triggers = of_triggers(dialect, target, "mirror");
        let constraints = of_constraints(dialect, source, target);
        self.frame.output.stream(&format!(
            "-- Makes {target} equal to {source}, deletes included, as both were when compared. Run it on {target}\n\
             {by_shell}\
             -- It checks nothing: `syncline mirror` does the same with guards, before-images and verification.\n\
             {triggers}\
             {constraints}; `syncline diff` shows afterwards whether anything is left.\n\
             {opening}"
        ))
    }

    /// What the script is where no row differs.
    fn nothing(&self) -> String {
        let (source, target) = (&self.frame.labels.source, &self.frame.labels.target);
        format!("-- {target} was equal to {source} in every row that was compared: there is nothing to write\n")
    }

    /// Names a table that the script does not make equal, and why.
    fn leave_out(&mut self, table: &TableDiff) -> Result<()> {
        let why = match &table.note {
            Some(note) => note.as_str(),
            None if table.comparable => return Ok(()),
            None => "its rows cannot be compared",
        };
        self.frame.output.stream(&format!("-- {} is left out: {}\n", escape(&table.table), escape(why)))
    }
}

impl RowSink for Script {
    fn row(&mut self, row: RowDifference) -> Result<()> {
        self.begin(row.dialect)?;
        if let Some(comment) = left_out(&row) {
            self.left_out += 1;
            return self.frame.output.stream(&comment);
        }
        self.rows += 1;
        let statement = sql_of(&row, Clash::Evicts)? + "\n";
        match row.operation {
            Operation::Delete => self.deletes.put(&row.table, &statement),
            Operation::Insert | Operation::Update => self.frame.output.stream(&statement),
        }
    }

    fn wants_parents_first(&self) -> bool {
        true
    }
}

impl View for Script {
    fn finish(&mut self, report: &DiffReport, _took: Duration) -> Result<()> {
        self.deletes.take_backwards(&self.frame.output)?;
        report.tables.iter().try_for_each(|table| self.leave_out(table))?;
        let end = match self.has_begun {
            true => end(self.rows, self.left_out),
            false => self.nothing(),
        };
        self.frame.output.stream(&end)?;
        self.frame.output.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Format;
    use super::super::testing::shown;

    #[test]
    fn one_transaction_that_says_what_it_does() {
        let script = shown(Format::Sql, false);
        assert!(script.starts_with("-- Makes branch.db equal to hq.db, "), "{script}");
        assert!(script.contains("\n.bail on\nPRAGMA foreign_keys = OFF;\nBEGIN;\nINSERT OR REPLACE INTO "), "{script}");
        assert!(script.contains("\n-- The triggers of branch.db fire for this script; "), "{script}");
        let end = "-- invoices is left out: vat_rate is missing in branch.db\nCOMMIT;\n-- 3 rows\n";
        assert!(script.ends_with(end), "{script}");
    }
}
