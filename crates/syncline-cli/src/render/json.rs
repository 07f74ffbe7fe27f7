//! JSON: every document on one line, with nothing in it that could act on a terminal.

use std::io::{self, Write};

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::ser::Formatter;
use syncline::Operation;
use syncline::Value;
use syncline::row_difference::RowDifference;

use super::{age, text};

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

/// One value, so that it can be told from every other: what JSON has no form for is an object that names its type.
pub(crate) struct Cell<'a>(pub(crate) &'a Value);

/// One row that differs.
pub(crate) struct Row<'a>(pub(crate) &'a RowDifference);

struct Cells<'a> {
    columns: &'a [String],
    values: &'a [Value],
}

struct Key<'a>(&'a RowDifference);

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

/// The operation's name: what would make the target's row equal to the source's.
pub(crate) fn operation(row: &RowDifference) -> &'static str {
    match row.operation {
        Operation::Insert => "insert",
        Operation::Update => "update",
        Operation::Delete => "delete",
    }
}

/// Digits of base 16.
pub(crate) fn base16(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| char::from(DIGITS[usize::from(value)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let row = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("format", &1)?;
        map.serialize_entry("type", "row")?;
        map.serialize_entry("table", &row.table)?;
        map.serialize_entry("operation", operation(row))?;
        map.serialize_entry("key", &Key(row))?;
        map.serialize_entry("source", &row.source.as_ref().map(|values| Cells { columns: &row.columns, values }))?;
        map.serialize_entry("target", &row.target.as_ref().map(|values| Cells { columns: &row.columns, values }))?;
        let changed: Vec<&str> = row.changed_cells().into_iter().map(|(column, _, _)| column).collect();
        map.serialize_entry("changed", &changed)?;
        map.end()
    }
}

impl Serialize for Cells<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.columns.iter().zip(self.values.iter().map(Cell)))
    }
}

impl Serialize for Key<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.key_cells().map(|(column, value)| (column, Cell(value))))
    }
}

impl Serialize for Cell<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Int(value) => serializer.serialize_i64(*value),
            Value::Real(value) if value.is_finite() => serializer.serialize_f64(*value),
            Value::Real(value) => named_text(serializer, "real", real_name(*value)),
            Value::Decimal(digits) => named_text(serializer, "decimal", digits),
            Value::Text(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => serializer.serialize_str(text),
                Err(_) => named_text(serializer, "text_base16", &base16(bytes)),
            },
            Value::Bytes(bytes) => named_text(serializer, "bytes_base16", &base16(bytes)),
            Value::Date(days) => named_text(serializer, "date", &age::date(i64::from(*days))),
            Value::Time(micros) => named_text(serializer, "time", &age::time(*micros)),
            Value::Timestamp(micros) => named_text(serializer, "timestamp", &age::timestamp(*micros)),
            Value::Instant(micros) => named_text(serializer, "instant", &(age::timestamp(*micros) + "Z")),
            Value::Uuid(bytes) => named_text(serializer, "uuid", &uuid(bytes)),
            Value::Json(text) => named_text(serializer, "json", text),
            Value::Other { type_name, text } => {
                let mut map = serializer.serialize_map(Some(2))?;
                map.serialize_entry("other", text)?;
                map.serialize_entry("of_type", type_name)?;
                map.end()
            }
        }
    }
}

/// NaN and the infinities by name.
pub(crate) fn real_name(value: f64) -> &'static str {
    match value {
        _ if value.is_nan() => "NaN",
        _ if value > 0.0 => "Infinity",
        _ => "-Infinity",
    }
}

/// A UUID in its usual form.
pub(crate) fn uuid(bytes: &[u8; 16]) -> String {
    let digits = base16(bytes);
    let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
    parts.join("-")
}

fn named_text<S: Serializer>(serializer: S, name: &str, text: &str) -> Result<S::Ok, S::Error> {
    serializer.collect_map([(name, text)])
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
