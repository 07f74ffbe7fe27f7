//! How two databases differ, in every format.

mod csv;
mod document;
mod lines;
mod script;
mod text;

use std::time::Duration;

use clap::ValueEnum;
use syncline::error::Result;
use syncline::row_difference::RowSink;
use syncline::summary::DiffReport;

use super::labels::Labels;
use crate::output::Output;
use crate::paint::Paint;

/// The formats of a diff.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Text,
    /// One document
    Json,
    /// One object a row that differs, then the summary
    Ndjson,
    /// One line a column that differs
    Csv,
    /// Statements that make the target equal to the source
    Sql,
}

/// Shows one diff: first its rows, as they are found, then its totals.
pub(crate) trait View: RowSink {
    /// Ends the output.
    ///
    /// # Errors
    /// When it cannot be written.
    fn finish(&mut self, report: &DiffReport, took: Duration) -> Result<()>;
}

/// What a view is made of.
pub(crate) struct Frame {
    /// Where it goes.
    pub(crate) output: Output,
    /// What the two sides are called.
    pub(crate) labels: Labels,
    /// Whether rows are shown one by one.
    pub(crate) with_rows: bool,
    /// Whether hints are left out.
    pub(crate) is_quiet: bool,
    /// Whether both databases are compared whole and as they are. Commands for less would repeat every flag, and without
    /// them would change more than was compared.
    pub(crate) is_whole: bool,
    /// What names places chosen by flag in commands that are advised.
    pub(crate) place_flags: String,
    /// Colour.
    pub(crate) paint: Paint,
}

impl Format {
    /// Whether the format is about single rows, asked for or not.
    pub(crate) fn is_of_rows(self) -> bool {
        matches!(self, Format::Ndjson | Format::Csv | Format::Sql)
    }

    /// Whether programs read it as JSON.
    pub(crate) fn is_json(self) -> bool {
        matches!(self, Format::Json | Format::Ndjson)
    }

    /// The view of this format.
    pub(crate) fn view(self, frame: Frame) -> Box<dyn View> {
        match self {
            Format::Text => Box::new(text::Text::new(frame)),
            Format::Json => Box::new(document::Document::new(frame)),
            Format::Ndjson => Box::new(lines::Lines::new(frame)),
            Format::Csv => Box::new(csv::Csv::new(frame)),
            Format::Sql => Box::new(script::Script::new(frame)),
        }
    }
}

#[cfg(test)]
pub(super) mod testing {
    //! One diff, shown by every view.

    use syncline::row_difference::RowDifference;
    use syncline::summary::TableDiff;
    use syncline::{Difference, DifferenceKind, Operation, Severity, Value};

    use super::*;
    use crate::output::testing::Page;

    /// What a format makes of [`rows`] and [`report`].
    pub(in crate::render) fn shown(format: Format, with_rows: bool) -> String {
        let (output, page) = Page::output(false);
        let labels = Labels::new("shop/hq.db", "shop/branch.db");
        let mut view = format.view(Frame {
            output,
            labels,
            with_rows,
            is_quiet: false,
            is_whole: true,
            place_flags: String::new(),
            paint: Paint::PLAIN,
        });
        if with_rows || format.is_of_rows() {
            rows().into_iter().for_each(|row| view.row(row).unwrap());
        }
        view.finish(&report(), Duration::from_millis(6_100)).unwrap();
        page.text()
    }

    fn rows() -> Vec<RowDifference> {
        let row = |table: &str, operation, source, target| RowDifference {
            table: table.into(),
            operation,
            columns: ["id", "email", "credit"].map(str::to_owned).to_vec(),
            key: vec![0],
            source,
            target,
            dialect: syncline::Dialect::Sqlite,
            in_target: None,
            place: None,
            given: Vec::new(),
            held: None,
        };
        let ada = |email: &str, credit| vec![Value::Int(731), Value::text(email), credit];
        let zoe = vec![Value::Int(812), Value::text("=1+1, \"x\"\n"), Value::Null];
        vec![
            row(
                "customers",
                Operation::Update,
                Some(ada("ada@new.example", Value::Real(-10.5))),
                Some(ada("ada@old.example", Value::text("10.5"))),
            ),
            row("customers", Operation::Insert, Some(zoe), None),
            row("orders", Operation::Delete, None, Some(vec![Value::Int(9), Value::text(""), Value::Bytes(vec![10])])),
        ]
    }

    fn report() -> DiffReport {
        let table = |table: &str, same, only_source, only_target, changed| TableDiff {
            table: table.into(),
            same,
            only_source,
            only_target,
            changed,
            comparable: true,
            note: None,
        };
        let mut invoices = table("invoices", 0, 0, 0, 0);
        invoices.comparable = false;
        invoices.note = Some("vat_rate is missing in branch.db".into());
        DiffReport {
            format: 1,
            kind: "diff".into(),
            equal: false,
            tables: vec![table("customers", 48_210, 1, 0, 1), invoices, table("orders", 391_004, 0, 1, 0)],
            schema: vec![Difference {
                table: "invoices".into(),
                kind: DifferenceKind::ColumnMissing,
                column: Some("vat_rate".into()),
                severity: Severity::Minor,
                stops: true,
                what: "the target's invoices has no column vat_rate".into(),
                remedy: "--schema add adds it".into(),
                rename: None,
            }],
            notes: vec!["view totals is not compared".into()],
        }
    }
}
