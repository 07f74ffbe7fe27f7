//! Values as literals of PostgreSQL, which mean the same whatever the session is set to.

use syncline_core::value::{ValueRef, calendar};

use super::hex;

/// Appends the literal that PostgreSQL reads as this value.
pub(super) fn literal(value: ValueRef<'_>, sql: &mut String) {
    match value {
        ValueRef::Null => sql.push_str("NULL"),
        ValueRef::Bool(value) => sql.push_str(if value { "TRUE" } else { "FALSE" }),
        // A sign is an operator of its own there: without it the number is one too high.
        ValueRef::Int(i64::MIN) => sql.push_str("'-9223372036854775808'::bigint"),
        ValueRef::Int(value) => sql.push_str(&value.to_string()),
        ValueRef::Decimal(digits) => typed(digits, "numeric", sql),
        ValueRef::Real(value) => typed(&real(value), "double precision", sql),
        ValueRef::Text(bytes) => text(bytes, sql),
        ValueRef::Bytes(bytes) => {
            // Backslashes mean the same everywhere in a literal that is marked as having them.
            sql.push_str("E'\\\\x");
            hex(bytes, DIGITS, sql);
            sql.push_str("'::bytea");
        }
        ValueRef::Date(days) => typed(&calendar::date(days), "date", sql),
        ValueRef::Time(micros) => typed(&calendar::time(micros), "time", sql),
        ValueRef::Timestamp(micros) => typed(&calendar::timestamp(micros), "timestamp", sql),
        ValueRef::Instant(micros) => typed(&calendar::instant(micros), "timestamptz", sql),
        ValueRef::Uuid(bytes) => {
            sql.push('\'');
            for (number, part) in
                [&bytes[..4], &bytes[4..6], &bytes[6..8], &bytes[8..10], &bytes[10..]].iter().enumerate()
            {
                sql.push_str(if number == 0 { "" } else { "-" });
                hex(part, DIGITS, sql);
            }
            sql.push_str("'::uuid");
        }
        ValueRef::Json(string) | ValueRef::Other { text: string, .. } => text(string.as_bytes(), sql),
    }
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";

fn typed(string: &str, type_name: &str, sql: &mut String) {
    text(string.as_bytes(), sql);
    sql.push_str("::");
    sql.push_str(type_name);
}

fn real(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "Infinity".to_owned() } else { "-Infinity".to_owned() }
    } else {
        // The shortest digits that give the same double back.
        format!("{value:?}")
    }
}

fn text(bytes: &[u8], sql: &mut String) {
    match std::str::from_utf8(bytes) {
        Ok(string) if !string.contains('\0') => {
            let is_escaped = string.contains(|c| c == '\\' || is_control(c));
            sql.reserve(bytes.len() + 3);
            sql.push_str(if is_escaped { "E'" } else { "'" });
            for c in string.chars() {
                match c {
                    '\'' => sql.push_str("''"),
                    '\\' => sql.push_str("\\\\"),
                    c if is_control(c) => {
                        sql.push_str("\\x");
                        hex(&[c as u8], DIGITS, sql);
                    }
                    c => sql.push(c),
                }
            }
            sql.push('\'');
        }
        _ => {
            sql.push_str("pg_catalog.convert_from(E'\\\\x");
            hex(bytes, DIGITS, sql);
            sql.push_str("'::bytea, 'UTF8')");
        }
    }
}

/// Characters that would act on the terminal they are shown on.
fn is_control(c: char) -> bool {
    c.is_ascii_control() && !matches!(c, '\n' | '\t')
}

#[cfg(test)]
mod tests;
