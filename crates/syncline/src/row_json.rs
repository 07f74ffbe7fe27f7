//! Rows as JSON, so that every value can be told from every other and nothing is lost.

use std::fmt::{self, Display, Formatter};

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use syncline_core::change::Operation;
use syncline_core::value::{Value, calendar};

use crate::row_difference::RowDifference;

/// One value, so that it can be told from every other: what JSON has no form for is an object that names its type.
pub struct Cell<'a>(pub &'a Value);

/// One row that differs.
pub struct Row<'a>(pub &'a RowDifference);

/// The cells of a row by column.
pub struct Cells<'a> {
    /// The columns.
    pub columns: &'a [String],
    /// Their values.
    pub values: &'a [Value],
}

struct Key<'a>(&'a RowDifference);

/// The operation's name: what would make the target's row equal to the source's.
pub fn operation(row: &RowDifference) -> &'static str {
    operation_name(row.operation)
}

/// The name of an operation.
pub fn operation_name(operation: Operation) -> &'static str {
    match operation {
        Operation::Insert => "insert",
        Operation::Update => "update",
        Operation::Delete => "delete",
    }
}

/// Digits of base 16.
pub fn base16(bytes: &[u8]) -> String {
    Base16(bytes).to_string()
}

/// Bytes shown in base 16, piece by piece: the digits of a huge value need not be held.
struct Base16<'a>(&'a [u8]);

impl Display for Base16<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        const AT_ONCE: usize = 2_048;
        let digit = |value: u8| char::from(DIGITS[usize::from(value)]);
        let mut digits = String::with_capacity(2 * AT_ONCE.min(self.0.len()));
        for bytes in self.0.chunks(AT_ONCE) {
            digits.clear();
            for byte in bytes {
                digits.extend([digit(byte >> 4), digit(byte & 15)]);
            }
            f.write_str(&digits)?;
        }
        Ok(())
    }
}

impl Serialize for Base16<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
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
        if let Some(reason) = row.held {
            map.serialize_entry("held", reason.name())?;
        }
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
                Err(_) => serializer.collect_map([("text_base16", Base16(bytes))]),
            },
            Value::Bytes(bytes) => serializer.collect_map([("bytes_base16", Base16(bytes))]),
            Value::Date(days) => named_text(serializer, "date", &calendar::date(*days)),
            Value::Time(micros) => named_text(serializer, "time", &calendar::time(*micros)),
            Value::Timestamp(micros) => named_text(serializer, "timestamp", &calendar::timestamp(*micros)),
            Value::Instant(micros) => named_text(serializer, "instant", &calendar::instant(*micros)),
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
pub fn real_name(value: f64) -> &'static str {
    match value {
        _ if value.is_nan() => "NaN",
        _ if value > 0.0 => "Infinity",
        _ => "-Infinity",
    }
}

/// A UUID in its usual form.
pub fn uuid(bytes: &[u8; 16]) -> String {
    let digits = base16(bytes);
    let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
    parts.join("-")
}

fn named_text<S: Serializer>(serializer: S, name: &str, text: &str) -> Result<S::Ok, S::Error> {
    serializer.collect_map([(name, text)])
}
