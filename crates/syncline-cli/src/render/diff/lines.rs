//! The diff as one JSON object a row, written as it is found; the last line is the summary.

use std::time::Duration;

use syncline::error::Result;
use syncline::row_difference::{RowDifference, RowSink};
use syncline::summary::DiffReport;

use super::{Frame, View};
use crate::render::json;

/// The view.
pub(super) struct Lines {
    frame: Frame,
}

impl Lines {
    /// A view of one diff.
    pub(super) fn new(frame: Frame) -> Self {
        Self { frame }
    }
}

impl RowSink for Lines {
    fn row(&mut self, row: RowDifference) -> Result<()> {
        self.frame.output.stream(&(json::line(&json::Row(&row)) + "\n"))
    }
}

impl View for Lines {
    fn finish(&mut self, report: &DiffReport, _took: Duration) -> Result<()> {
        self.frame.output.json(report)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Format;
    use super::super::testing::shown;

    #[test]
    fn a_line_a_row_and_the_summary_last() {
        let shown = shown(Format::Ndjson, false);
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines.len(), 4);
        assert!(lines[..3].iter().all(|line| line.starts_with(r#"{"format":1,"type":"row","table":""#)));
        assert!(lines[3].starts_with(r#"{"format":1,"type":"diff","equal":false,"tables":["#));
        assert!(
            lines[1]
                .ends_with(r#""source":{"id":812,"email":"=1+1, \"x\"\n","credit":null},"target":null,"changed":[]}"#)
        );
    }
}
