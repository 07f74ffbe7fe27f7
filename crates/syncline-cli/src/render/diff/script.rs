//! The diff as an SQL script that makes the target equal to the source.

use std::time::Duration;

use syncline::error::Result;
use syncline::row_difference::{RowDifference, RowSink};
use syncline::sql_of;
use syncline::summary::DiffReport;

use super::{Frame, View};
use crate::render::text::{counted, escape};

/// The view.
pub(super) struct Script {
    frame: Frame,
    has_begun: bool,
    rows: u64,
}

impl Script {
    /// A view of one diff.
    pub(super) fn new(frame: Frame) -> Self {
        Self { frame, has_begun: false, rows: 0 }
    }

    fn begin(&mut self) -> Result<()> {
        if std::mem::replace(&mut self.has_begun, true) {
            return Ok(());
        }
        let (source, target) = (&self.frame.labels.source, &self.frame.labels.target);
        // Rows that refer to each other may come in any order: foreign keys are checked at the end.
        self.frame.output.stream(&format!(
            "-- Makes {target} equal to {source}, deletes included, as both were when compared. Run it on {target}.\n\
             -- It checks nothing: `syncline mirror` does the same with guards, before-images and verification.\n\
             BEGIN;\nPRAGMA defer_foreign_keys = ON;\n"
        ))
    }
}

impl RowSink for Script {
    fn row(&mut self, row: RowDifference) -> Result<()> {
        self.begin()?;
        self.rows += 1;
        let statements = sql_of(&row)?;
        self.frame.output.stream(&format!("{}\n", statements.trim_end()))
    }
}

impl View for Script {
    fn finish(&mut self, report: &DiffReport, _took: Duration) -> Result<()> {
        self.begin()?;
        for table in report.tables.iter().filter(|table| !table.comparable) {
            let why = table.note.as_deref().unwrap_or("its rows cannot be compared");
            self.frame.output.stream(&format!("-- {} is left out: {}\n", escape(&table.table), escape(why)))?;
        }
        self.frame.output.stream(&format!("COMMIT;\n-- {}\n", counted(self.rows, "row")))?;
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
        assert!(script.contains("\nBEGIN;\nPRAGMA defer_foreign_keys = ON;\n"), "{script}");
        let end = "-- invoices is left out: vat_rate is missing in branch.db\nCOMMIT;\n-- 3 rows\n";
        assert!(script.ends_with(end), "{script}");
    }
}
