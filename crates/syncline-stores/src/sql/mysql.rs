//! Values as literals of MySQL and MariaDB, in sessions that are set to `utf8mb4` and to UTC.

use syncline_core::value::{ValueRef, calendar, fit};

use super::hex;
use crate::mysql::codec;

/// Appends the literal that MySQL reads as this value.
pub(super) fn literal(value: ValueRef<'_>, sql: &mut String) {
    match value {
        ValueRef::Null => sql.push_str("NULL"),
        ValueRef::Bool(value) => sql.push_str(if value { "TRUE" } else { "FALSE" }),
        ValueRef::Int(value) => sql.push_str(&value.to_string()),
        ValueRef::Decimal(digits) if is_number(digits) => sql.push_str(digits),
        // With an exponent it is a double; without one it would be a decimal first.
        ValueRef::Real(value) if value.is_finite() => sql.push_str(&format!("{value:e}")),
        // There is none of these: as text they are refused rather than changed.
        ValueRef::Real(value) => text(real(value).as_bytes(), sql),
        ValueRef::Text(bytes) => text(bytes, sql),
        ValueRef::Bytes(bytes) => blob(bytes, sql),
        ValueRef::Date(days) => moment(calendar::date(days), codec::date(i64::from(days)), sql),
        // In the session's zone, which is UTC, and without one of its own: a literal with a zone is no text to older servers.
        ValueRef::Timestamp(micros) | ValueRef::Instant(micros) => {
            moment(calendar::timestamp(micros), codec::timestamp(micros), sql);
        }
        ValueRef::Other { type_name, text: bits } if type_name.starts_with("bit(") && is_binary(bits) => {
            sql.push_str("b'");
            sql.push_str(bits);
            sql.push('\'');
        }
        ValueRef::Other { text: place, .. } if place.starts_with(SRID) => match geometry(place) {
            Some(bytes) => blob(&bytes, sql),
            None => text(place.as_bytes(), sql),
        },
        value => {
            let mut notation = String::new();
            fit::write_notation(value, &mut notation);
            text(notation.as_bytes(), sql);
        }
    }
}

/// What the text of a geometry begins with: `SRID=4326;` and then its well-known binary form in hexadecimal digits.
pub(crate) const SRID: &str = "SRID=";

/// A geometry as the engines store it: the number of its reference system, lowest byte first, then the well-known binary.
pub(crate) fn geometry(text: &str) -> Option<Vec<u8>> {
    let (srid, digits) = text.strip_prefix(SRID)?.split_once(';')?;
    let mut bytes = srid.parse::<u32>().ok()?.to_le_bytes().to_vec();
    if !digits.is_ascii() || digits.len() % 2 != 0 {
        return None;
    }
    for at in (0..digits.len()).step_by(2) {
        bytes.push(u8::from_str_radix(&digits[at..at + 2], 16).ok()?);
    }
    Some(bytes)
}

/// A geometry as text; `None` where the bytes are none.
pub(crate) fn geometry_text(bytes: &[u8]) -> Option<String> {
    let (srid, binary) = bytes.split_first_chunk::<4>()?;
    let mut text = format!("{SRID}{};", u32::from_le_bytes(*srid));
    hex(binary, DIGITS, &mut text);
    Some(text)
}

/// A text as MariaDB prints it, in sessions where a backslash is one.
pub(crate) fn printed(text: &str) -> String {
    let mut sql = String::with_capacity(text.len() + 2);
    sql.push('\'');
    for c in text.chars() {
        match c {
            '\0' => sql.push_str("\\0"),
            '\n' => sql.push_str("\\n"),
            '\r' => sql.push_str("\\r"),
            '\'' | '\\' => sql.extend(['\\', c]),
            c => sql.push(c),
        }
    }
    sql.push('\'');
    sql
}

const DIGITS: &[u8; 16] = b"0123456789ABCDEF";

/// The year before the year 1 is the year 0 here. What the server has no year for is text that it refuses.
fn moment(notation: String, ours: Option<String>, sql: &mut String) {
    let written = ours.filter(|_| notation.ends_with(" BC")).unwrap_or(notation);
    text(written.as_bytes(), sql);
}

fn is_number(digits: &str) -> bool {
    digits.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'.'))
}

fn is_binary(digits: &str) -> bool {
    !digits.is_empty() && digits.bytes().all(|byte| matches!(byte, b'0' | b'1'))
}

fn real(value: f64) -> &'static str {
    match value {
        value if value.is_nan() => "NaN",
        value if value > 0.0 => "Infinity",
        _ => "-Infinity",
    }
}

fn text(bytes: &[u8], sql: &mut String) {
    match std::str::from_utf8(bytes) {
        Ok(string) if !string.contains(is_lost_on_the_way) => {
            sql.reserve(bytes.len() + 2);
            sql.push('\'');
            for (number, part) in string.split('\'').enumerate() {
                sql.push_str(if number == 0 { "" } else { "''" });
                sql.push_str(part);
            }
            sql.push('\'');
        }
        _ => {
            sql.push_str("_utf8mb4 ");
            blob(bytes, sql);
        }
    }
}

/// Characters that a literal in quotes may lose, or that act on the terminal it is shown on. Whether a backslash stands for
/// itself depends on `sql_mode`.
fn is_lost_on_the_way(c: char) -> bool {
    c == '\\' || c.is_ascii_control() && !matches!(c, '\n' | '\t')
}

fn blob(bytes: &[u8], sql: &mut String) {
    sql.push_str("X'");
    hex(bytes, DIGITS, sql);
    sql.push('\'');
}

#[cfg(test)]
mod tests {
    use super::super::Dialect;
    use super::*;

    #[test]
    fn values_are_written_so_that_settings_do_not_change_them() {
        let cases: [(ValueRef<'_>, &str); 19] = [
            (ValueRef::Null, "NULL"),
            (ValueRef::Bool(true), "TRUE"),
            (ValueRef::Int(i64::MIN), "-9223372036854775808"),
            (ValueRef::Decimal("18446744073709551615"), "18446744073709551615"),
            (ValueRef::Decimal("NaN"), "'NaN'"),
            (ValueRef::Real(0.1), "1e-1"),
            (ValueRef::Real(-0.0), "-0e0"),
            (ValueRef::Real(f64::NEG_INFINITY), "'-Infinity'"),
            (ValueRef::Text("it's".as_bytes()), "'it''s'"),
            (ValueRef::Text(b"a\\"), "_utf8mb4 X'615C'"),
            (ValueRef::Text(b"\xff"), "_utf8mb4 X'FF'"),
            (ValueRef::Bytes(b"\x00\xff"), "X'00FF'"),
            (ValueRef::Instant(0), "'1970-01-01 00:00:00'"),
            (ValueRef::Date(-719_528), "'0000-01-01'"),
            (ValueRef::Timestamp(-719_528 * 86_400_000_000), "'0000-01-01 00:00:00'"),
            (ValueRef::Date(i32::MAX), "'infinity'"),
            (ValueRef::Time(-3_600_000_000), "'-01:00:00'"),
            (ValueRef::Other { type_name: "bit(4)", text: "0101" }, "b'0101'"),
            (ValueRef::Other { type_name: "point", text: "SRID=1;0101" }, "X'010000000101'"),
        ];
        for (value, expected) in cases {
            assert_eq!(Dialect::Mysql.literal(value), expected, "{value:?}");
        }
    }

    #[test]
    fn what_only_looks_like_bits_or_a_place_is_text() {
        let other = |type_name, text| Dialect::Mysql.literal(ValueRef::Other { type_name, text });
        assert_eq!(other("bit(4)", "01'); DROP TABLE x; --"), "'01''); DROP TABLE x; --'");
        assert_eq!(other("point", "SRID=1;zz"), "'SRID=1;zz'");
        assert_eq!(other("point", "SRID=1;é"), "'SRID=1;é'");
    }

    #[test]
    fn a_geometry_comes_back() {
        let bytes = [230, 16, 0, 0, 1, 1, 0, 0, 0, 255];
        let text = geometry_text(&bytes).unwrap();
        assert_eq!(text, "SRID=4326;0101000000FF");
        assert_eq!(geometry(&text).unwrap(), bytes);
        assert_eq!(geometry_text(&[1, 2]), None);
    }
}
