//! JSON: every document on one line, with nothing in it that could act on a terminal.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::Formatter;
pub(crate) use syncline::row_json::{Cell, Cells, Row, base16, operation, operation_name, real_name, uuid};

use super::text;

/// A list as every command gives it.
#[derive(Serialize)]
pub(crate) struct List<'a, T> {
    format: u32,
    #[serde(rename = "type")]
    kind: &'a str,
    data: &'a [T],
    next_cursor: Option<&'a str>,
}

/// One object with its frame.
#[derive(Serialize)]
pub(crate) struct Document<'a, T> {
    format: u32,
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(flatten)]
    data: &'a T,
}

impl<'a, T> List<'a, T> {
    /// A page of a list.
    pub(crate) fn new(kind: &'a str, data: &'a [T], next_cursor: Option<&'a str>) -> Self {
        Self { format: 1, kind, data, next_cursor }
    }
}

impl<'a, T> Document<'a, T> {
    /// Frames an object.
    pub(crate) fn new(kind: &'a str, data: &'a T) -> Self {
        Self { format: 1, kind, data }
    }
}

/// The document on one line, without its end.
pub(crate) fn line(document: &impl Serialize) -> String {
    let mut bytes = Vec::with_capacity(256);
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, Harmless);
    document.serialize(&mut serializer).expect("BUG: a document has string keys and a Vec takes any bytes");
    String::from_utf8(bytes).expect("BUG: JSON is written from strings")
}

/// JSON escapes only C0 by itself; this writes the other characters a terminal could act on as `\u....`, too.
struct Harmless;

impl Formatter for Harmless {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(text::is_hostile) {
            let (before, after) = rest.split_at(at);
            writer.write_all(before.as_bytes())?;
            let mut characters = after.chars();
            let mut units = [0; 2];
            for unit in characters.next().into_iter().flat_map(|c| c.encode_utf16(&mut units).to_vec()) {
                write!(writer, "\\u{unit:04x}")?;
            }
            rest = characters.as_str();
        }
        writer.write_all(rest.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use syncline::row_difference::RowDifference;

    use syncline::{Operation, Value};

    use super::*;

    #[test]
    fn every_value_has_one_form() {
        let line = |value: Value| line(&Cell(&value));
        assert_eq!(line(Value::Null), "null");
        assert_eq!(line(Value::Int(i64::MAX)), "9223372036854775807");
        assert_eq!(line(Value::Real(1.0)), "1.0");
        assert_eq!(line(Value::Real(-0.0)), "-0.0");
        assert_eq!(line(Value::Real(f64::NAN)), r#"{"real":"NaN"}"#);
        assert_eq!(line(Value::Real(f64::NEG_INFINITY)), r#"{"real":"-Infinity"}"#);
        assert_eq!(
            line(Value::text("a\"b\0\x1b\u{9b}\u{202e}\u{e0041}")),
            r#""a\"b\u0000\u001b\u009b\u202e\udb40\udc41""#
        );
        assert_eq!(line(Value::Text(vec![0xff, 0x41])), r#"{"text_base16":"ff41"}"#);
        assert_eq!(line(Value::Bytes(vec![0, 10])), r#"{"bytes_base16":"000a"}"#);
        assert_eq!(line(Value::Decimal("1.50".into())), r#"{"decimal":"1.50"}"#);
        assert_eq!(line(Value::Date(0)), r#"{"date":"1970-01-01"}"#);
        assert_eq!(line(Value::Uuid([17; 16])), r#"{"uuid":"11111111-1111-1111-1111-111111111111"}"#);
    }

    #[test]
    fn rows_keep_the_order_of_columns() {
        let row = RowDifference {
            table: "t".into(),
            operation: Operation::Update,
            columns: vec!["z".into(), "a".into()],
            key: vec![0],
            source: Some(vec![Value::Int(1), Value::text("new")]),
            target: Some(vec![Value::Int(1), Value::Null]),
            dialect: syncline::Dialect::Sqlite,
            in_target: None,
            place: None,
            given: Vec::new(),
            held: None,
        };
        assert_eq!(
            line(&Row(&row)),
            concat!(
                r#"{"format":1,"type":"row","table":"t","operation":"update","key":{"z":1},"#,
                r#""source":{"z":1,"a":"new"},"target":{"z":1,"a":null},"changed":["a"]}"#
            )
        );
    }

    #[test]
    fn lists_are_those_of_the_contract() {
        #[derive(Serialize)]
        struct Conflict {
            id: &'static str,
        }
        assert_eq!(
            line(&List::new("conflicts", &[Conflict { id: "c_1" }], None)),
            r#"{"format":1,"type":"conflicts","data":[{"id":"c_1"}],"next_cursor":null}"#
        );
    }
}
