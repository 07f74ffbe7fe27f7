//! Errors in their four parts, for people and for programs.

use std::error::Error as StdError;

use serde::Serialize;
use syncline::error::Error;
use syncline::summary::{ErrorReport, NextReport};

use super::text::escape;
use crate::paint::Paint;

/// An error as the last line of output under `--json`.
#[derive(Serialize)]
pub(crate) struct ErrorLine<'a> {
    format: u32,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(flatten)]
    report: &'a ErrorReport,
}

impl<'a> ErrorLine<'a> {
    /// Frames a report.
    pub(crate) fn new(report: &'a ErrorReport) -> Self {
        Self { format: 1, kind: "error", report }
    }
}

/// The four parts; with the chain of causes beneath them where that is asked for.
pub(crate) fn form(error: &Error, paint: Paint, with_causes: bool) -> String {
    form_with_causes(&ErrorReport::from(error), error, paint, with_causes)
}

/// As [`form`], of a report that was made of the error.
pub(crate) fn form_with_causes(report: &ErrorReport, error: &Error, paint: Paint, with_causes: bool) -> String {
    let mut form = form_of_report(report, paint);
    let mut cause = StdError::source(error).filter(|_| with_causes);
    while let Some(beneath) = cause {
        form += &line(paint, "cause", &beneath.to_string());
        cause = beneath.source();
    }
    form
}

/// The four parts of an error that is data already.
pub(crate) fn form_of_report(report: &ErrorReport, paint: Paint) -> String {
    let head = paint.bad(&format!("error[{}]", escape(&report.code)));
    let mut form = format!("{head}: {}\n", escape(&report.what));
    let parts = [("where", &report.place), ("why", &report.why), ("state", &report.state)];
    for (name, part) in parts {
        if let Some(part) = part {
            form += &line(paint, name, part);
        }
    }
    form + &next_steps(&report.next, paint)
}

/// What to do, one step a line.
pub(crate) fn next_steps(steps: &[NextReport], paint: Paint) -> String {
    // Only a step with an effect needs its column; long advice without one stays out of the measure.
    let explained = steps.iter().filter(|step| !step.effect.is_empty());
    let width = explained.map(|step| escape(&step.action).chars().count()).max().unwrap_or(0);
    let mut lines = String::new();
    for (at, step) in steps.iter().enumerate() {
        let action = escape(&step.action);
        let text = match step.effect.as_str() {
            "" => action.into_owned(),
            effect => format!("{action:width$}     {}", escape(effect)),
        };
        lines += &line(paint, if at == 0 { "next" } else { "" }, &text);
    }
    lines
}

/// A part on a line of its own.
pub(crate) fn line(paint: Paint, name: &str, text: &str) -> String {
    format!("  {}  {}\n", paint.dim(&format!("{name:5}")), escape(text))
}

#[cfg(test)]
mod tests {
    use syncline::error::Code;

    use super::*;
    use crate::render::json;

    fn sample() -> Error {
        Error::new(Code::SchemaColumnMissing, "branch.invoices has no column vat_rate (hq: numeric(5,2))")
            .at("table 3 of 12, hq -> branch")
            .leaving("2 tables finished and kept; invoices untouched")
            .next("syncline mirror hq branch --schema add", "add the column")
    }

    #[test]
    fn the_form_is_the_one_of_the_contract() {
        let contract = "\
error[SCHEMA_COLUMN_MISSING]: branch.invoices has no column vat_rate (hq: numeric(5,2))
  where  table 3 of 12, hq -> branch
  state  2 tables finished and kept; invoices untouched
  next   syncline mirror hq branch --schema add     add the column
";
        assert_eq!(form(&sample(), Paint::PLAIN, false), contract);
    }

    #[test]
    fn several_steps_are_aligned_and_causes_come_last() {
        let error = Error::new(Code::StoreFailed, "it failed")
            .because("disk I/O error")
            .next("a", "does this")
            .next("longer", "does that")
            .next("or ask someone", "")
            .caused_by(std::io::Error::other("read failed"));
        let expected = "\
error[STORE_FAILED]: it failed
  why    disk I/O error
  next   a          does this
         longer     does that
         or ask someone
  cause  read failed
";
        assert_eq!(form(&error, Paint::PLAIN, true), expected);
    }

    #[test]
    fn the_words_of_a_database_cannot_act_on_the_terminal() {
        let error = Error::new(Code::StoreFailed, "row \x1b[2J of t").because("line\nbreak").next("ask\x07", "");
        let expected = "error[STORE_FAILED]: row \\x1b[2J of t\n  why    line\\nbreak\n  next   ask\\x07\n";
        assert_eq!(form(&error, Paint::PLAIN, false), expected);
    }

    #[test]
    fn the_usual_reason_and_step_are_shown_where_none_was_said() {
        let error = Error::new(Code::StoreLocked, "a.db is locked");
        let expected = "\
error[STORE_LOCKED]: a.db is locked
  why    another program is writing to it
  next   run the command again when the other program is done
";
        assert_eq!(form(&error, Paint::PLAIN, false), expected);
    }

    #[test]
    fn programs_get_the_same_object() {
        assert_eq!(
            json::line(&ErrorLine::new(&ErrorReport::from(&sample()))),
            concat!(
                r#"{"format":1,"type":"error","code":"SCHEMA_COLUMN_MISSING","#,
                r#""what":"branch.invoices has no column vat_rate (hq: numeric(5,2))","#,
                r#""where":"table 3 of 12, hq -> branch","state":"2 tables finished and kept; invoices untouched","#,
                r#""next":[{"action":"syncline mirror hq branch --schema add","effect":"add the column"}]}"#
            )
        );
    }
}
