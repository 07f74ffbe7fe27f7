//! Cells as PostgreSQL reads and prints them, without any code of a store.

use syncline_core::value::{Value, calendar};
use tokio_postgres::types::{Kind, Type};

/// A row as `COPY ... FROM STDIN` reads it.
pub(super) fn line(row: &[Value]) -> String {
    let cells: Vec<_> = row.iter().map(cell).collect();
    cells.join("\t") + "\n"
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => "\\N".to_owned(),
        Value::Bool(truth) => truth.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Real(number) => format!("{number:?}"),
        Value::Decimal(text) | Value::Json(text) | Value::Other { text, .. } => escaped(text),
        Value::Text(bytes) => escaped(std::str::from_utf8(bytes).expect("PostgreSQL has no such text")),
        Value::Bytes(bytes) => format!("\\\\x{}", hex(bytes)),
        Value::Date(days) => calendar::date(*days),
        Value::Time(micros) => calendar::time(*micros),
        Value::Timestamp(micros) => calendar::timestamp(*micros),
        Value::Instant(micros) => calendar::instant(*micros),
        Value::Uuid(bytes) => hex(bytes),
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r").replace('\t', "\\t")
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |at: u8| char::from(DIGITS[usize::from(at)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// Whether the values of a type are portable ones, rather than texts under the name of the type.
fn is_portable(kind: &Type) -> bool {
    let portable = [
        Type::BOOL,
        Type::INT2,
        Type::INT4,
        Type::INT8,
        Type::OID,
        Type::FLOAT4,
        Type::FLOAT8,
        Type::NUMERIC,
        Type::TEXT,
        Type::VARCHAR,
        Type::BPCHAR,
        Type::NAME,
        Type::BYTEA,
        Type::DATE,
        Type::TIME,
        Type::TIMESTAMP,
        Type::TIMESTAMPTZ,
        Type::UUID,
        Type::JSON,
        Type::JSONB,
    ];
    portable.contains(kind) || matches!(kind.kind(), Kind::Enum(_)) || *kind.name() == *"citext"
}

/// What the server has printed as a value; `name` is what it calls the type.
pub(super) fn value(text: Option<&str>, kind: &Type, name: &str) -> Value {
    let Some(text) = text else { return Value::Null };
    let other = |type_name: &str| Value::Other { type_name: type_name.to_owned(), text: text.to_owned() };
    match *kind {
        Type::BOOL => Value::Bool(text == "t"),
        Type::INT2 | Type::INT4 | Type::INT8 | Type::OID => Value::Int(text.parse().unwrap()),
        Type::FLOAT4 | Type::FLOAT8 => Value::Real(text.parse().unwrap()),
        Type::NUMERIC => Value::Decimal(text.to_owned()),
        Type::BYTEA => Value::Bytes(bytes(text.strip_prefix("\\x").unwrap())),
        Type::DATE => Value::Date(calendar::parse_date(text).unwrap()),
        Type::TIME => Value::Time(calendar::parse_time(text).unwrap()),
        // What 64 bits do not hold stays as it is printed.
        Type::TIMESTAMP => calendar::parse_timestamp(text).map_or_else(|| other("timestamp"), Value::Timestamp),
        Type::TIMESTAMPTZ => calendar::parse_instant(text).map_or_else(|| other("timestamptz"), Value::Instant),
        Type::UUID => Value::Uuid(bytes(&text.replace('-', "")).try_into().unwrap()),
        Type::JSON | Type::JSONB => Value::Json(text.to_owned()),
        _ if is_portable(kind) => Value::text(text),
        _ => other(name),
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).unwrap() as u8;
    hex.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}
