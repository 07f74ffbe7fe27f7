//! The diff as one JSON document.

use std::time::Duration;

use syncline::error::Result;
use syncline::row_difference::{RowDifference, RowSink};
use syncline::summary::DiffReport;

use super::{Frame, View};
use crate::render::json;
use crate::render::spool::Spool;

/// The view.
pub(super) struct Document {
    frame: Frame,
    rows: Spool,
}

impl Document {
    /// A view of one diff.
    pub(super) fn new(frame: Frame) -> Self {
        Self { frame, rows: Spool::new() }
    }
}

impl RowSink for Document {
    fn row(&mut self, row: RowDifference) -> Result<()> {
        let comma = if self.rows.is_new(&row.table) { "" } else { "," };
        self.rows.put(&row.table, &format!("{comma}{}", json::line(&json::Row(&row))))
    }
}

impl View for Document {
    fn finish(&mut self, report: &DiffReport, _took: Duration) -> Result<()> {
        let output = &self.frame.output;
        if !self.frame.with_rows {
            return output.json(report);
        }
        // Put together by hand: the rows are more than memory should hold.
        output.stream(&format!(r#"{{"format":{},"type":"diff","equal":{},"tables":["#, report.format, report.equal))?;
        for (at, table) in report.tables.iter().enumerate() {
            let object = json::line(table);
            let open = object.strip_suffix('}').unwrap_or(&object);
            output.stream(&format!(r#"{}{open},"rows":["#, if at == 0 { "" } else { "," }))?;
            self.rows.take(&table.table, output)?;
            output.stream("]}")?;
        }
        output.stream("],")?;
        if !report.schema.is_empty() {
            output.stream(&format!("\"schema\":{},", json::line(&report.schema)))?;
        }
        output.stream(&format!("\"notes\":{}}}\n", json::line(&report.notes)))?;
        output.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Format;
    use super::super::testing::shown;

    #[test]
    fn the_summary_is_the_one_of_the_contract() {
        let expected = concat!(
            r#"{"format":1,"type":"diff","equal":false,"tables":["#,
            r#"{"table":"customers","same":48210,"only_source":1,"only_target":0,"changed":1,"comparable":true},"#,
            r#"{"table":"invoices","same":0,"only_source":0,"only_target":0,"changed":0,"comparable":false,"#,
            r#""note":"vat_rate is missing in branch.db"},"#,
            r#"{"table":"orders","same":391004,"only_source":0,"only_target":1,"changed":0,"comparable":true}],"#,
            r#""schema":[{"table":"invoices","kind":"column-missing","column":"vat_rate","severity":"minor","stops":true,"#,
            r#""what":"the target's invoices has no column vat_rate","remedy":"--schema add adds it"}],"#,
            r#""notes":["view totals is not compared"]}"#,
            "\n"
        );
        assert_eq!(shown(Format::Json, false), expected);
    }

    #[test]
    fn rows_stand_in_their_tables() {
        let document: serde_json::Value = serde_json::from_str(&shown(Format::Json, true)).unwrap();
        let tables = document["tables"].as_array().unwrap();
        let counts: Vec<usize> = tables.iter().map(|table| table["rows"].as_array().unwrap().len()).collect();
        assert_eq!(counts, [2, 0, 1]);
        assert_eq!(tables[0]["same"], 48_210);
        assert_eq!(tables[0]["rows"][0]["changed"], serde_json::json!(["email", "credit"]));
        assert_eq!(tables[2]["rows"][0]["target"]["credit"]["bytes_base16"], "0a");
        assert_eq!(document["schema"][0]["kind"], "column-missing");
        assert_eq!(document["notes"][0], "view totals is not compared");
    }
}
