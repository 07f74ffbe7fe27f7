//! The diff as CSV (RFC 4180), one line a value: `table,operation,key,column,source,target`.
//!
//! A value is never cut. NULL and a side without the row are empty, empty text is `""`. Spreadsheets run cells as
//! formulas when they begin with `=`, `+`, `-`, `@`, a tab or a carriage return: such *text* gets a `'` in front,
//! which spreadsheets take as "this is text" and show without it. Numbers are left as they are. Bytes, and text that is
//! no UTF-8, are written in base 16: `x'00ff'`, `text x'ff'`.

use std::borrow::Cow;
use std::time::Duration;

use syncline::Value;
use syncline::calendar;
use syncline::error::Result;
use syncline::row_difference::{RowDifference, RowSink};
use syncline::summary::DiffReport;

use super::{Frame, View};
use crate::render::csv::{line_end, quoted};
use crate::render::json;

const HEADER: &str = "table,operation,key,column,source,target";

/// The view.
pub(super) struct Csv {
    frame: Frame,
    has_begun: bool,
}

impl Csv {
    /// A view of one diff.
    pub(super) fn new(frame: Frame) -> Self {
        Self { frame, has_begun: false }
    }

    fn begin(&mut self) -> Result<()> {
        if std::mem::replace(&mut self.has_begun, true) { Ok(()) } else { self.line(HEADER) }
    }

    fn line(&self, line: &str) -> Result<()> {
        self.frame.output.stream(&format!("{line}{}", line_end(&self.frame.output)))
    }
}

impl RowSink for Csv {
    fn row(&mut self, row: RowDifference) -> Result<()> {
        self.begin()?;
        let key: Vec<String> = row.key_cells().map(|(name, value)| format!("{name}={}", plain(value))).collect();
        let start = [quoted(&row.table), json::operation(&row).into(), quoted(&key.join(" "))].join(",");
        let side = |values: &Option<Vec<Value>>, at: usize| {
            values.as_ref().and_then(|values| values.get(at)).map_or_else(String::new, field)
        };
        let is_shown = |at: usize| match (&row.source, &row.target) {
            (Some(source), Some(target)) => source.get(at) != target.get(at),
            _ => true,
        };
        for at in (0..row.columns.len()).filter(|at| is_shown(*at)) {
            let (source, target) = (side(&row.source, at), side(&row.target, at));
            self.line(&format!("{start},{},{source},{target}", quoted(&row.columns[at])))?;
        }
        Ok(())
    }
}

impl View for Csv {
    fn finish(&mut self, _report: &DiffReport, _took: Duration) -> Result<()> {
        self.begin()?;
        self.frame.output.flush()
    }
}

fn field(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Text(_) | Value::Json(_) | Value::Other { .. } => quoted(&plain(value)),
        _ => plain(value).into_owned(),
    }
}

fn plain(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Null => "NULL".into(),
        Value::Bool(value) => value.to_string().into(),
        Value::Int(value) => value.to_string().into(),
        Value::Real(value) if value.is_finite() => format!("{value:?}").into(),
        Value::Real(value) => json::real_name(*value).into(),
        Value::Decimal(digits) => digits.into(),
        Value::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => text.into(),
            Err(_) => format!("text x'{}'", json::base16(bytes)).into(),
        },
        Value::Bytes(bytes) => format!("x'{}'", json::base16(bytes)).into(),
        Value::Date(days) => calendar::date(*days).into(),
        Value::Time(micros) => calendar::time(*micros).into(),
        Value::Timestamp(micros) => calendar::timestamp(*micros).into(),
        Value::Instant(micros) => calendar::instant(*micros).into(),
        Value::Uuid(bytes) => json::uuid(bytes).into(),
        Value::Json(text) | Value::Other { text, .. } => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Format;
    use super::super::testing::shown;
    use super::*;

    #[test]
    fn long_form() {
        let expected = "\
table,operation,key,column,source,target\r
customers,update,id=731,email,ada@new.example,ada@old.example\r
customers,update,id=731,credit,-10.5,10.5\r
customers,insert,id=812,id,812,\r
customers,insert,id=812,email,\"'=1+1, \"\"x\"\"\n\",\r
customers,insert,id=812,credit,,\r
orders,delete,id=9,id,,9\r
orders,delete,id=9,email,,\"\"\r
orders,delete,id=9,credit,,x'0a'\r
";
        assert_eq!(shown(Format::Csv, false), expected);
    }

    #[test]
    fn text_that_spreadsheets_would_run_is_guarded_and_numbers_are_not() {
        for (value, shown) in [
            (Value::text("=cmd"), "'=cmd"),
            (Value::text("+1"), "'+1"),
            (Value::text("-1"), "'-1"),
            (Value::text("@a"), "'@a"),
            (Value::text("\tx"), "'\tx"),
            (Value::text("\rx"), "\"'\rx\""),
            (Value::text("a=b"), "a=b"),
            (Value::Int(-1), "-1"),
            (Value::Real(-1.5), "-1.5"),
            (Value::Text(vec![0xff]), "text x'ff'"),
            (Value::Null, ""),
            (Value::text(""), "\"\""),
        ] {
            assert_eq!(field(&value), shown);
        }
    }
}
