//! Values as literals of SQLite.

use syncline_core::value::{ValueRef, fit};

use super::hex;

/// Appends the literal that SQLite reads as this value.
pub(super) fn literal(value: ValueRef<'_>, sql: &mut String) {
    match value {
        ValueRef::Null => sql.push_str("NULL"),
        ValueRef::Bool(value) => sql.push(if value { '1' } else { '0' }),
        ValueRef::Int(value) => sql.push_str(&value.to_string()),
        ValueRef::Real(value) => sql.push_str(&real(value)),
        ValueRef::Text(bytes) => text(bytes, sql),
        ValueRef::Bytes(bytes) => blob(bytes, sql),
        value => {
            let mut notation = String::new();
            fit::write_notation(value, &mut notation);
            text(notation.as_bytes(), sql);
        }
    }
}

fn real(value: f64) -> String {
    if value.is_nan() {
        "'NaN'".to_owned()
    } else if value.is_infinite() {
        // SQLite has no word for infinity; a literal beyond the largest double is one.
        if value > 0.0 { "9e999".to_owned() } else { "-9e999".to_owned() }
    } else {
        // The shortest digits that give the same double back, always with a point or an exponent.
        format!("{value:?}")
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
            sql.push_str("CAST(");
            blob(bytes, sql);
            sql.push_str(" AS TEXT)");
        }
    }
}

/// Characters that a literal in quotes may lose or that act on the terminal it is shown on: SQLite ends a statement at
/// NUL, and its shell drops the CR of a line that ends in CR LF.
fn is_lost_on_the_way(c: char) -> bool {
    c.is_ascii_control() && !matches!(c, '\n' | '\t')
}

fn blob(bytes: &[u8], sql: &mut String) {
    sql.push_str("X'");
    hex(bytes, b"0123456789ABCDEF", sql);
    sql.push('\'');
}

#[cfg(test)]
mod tests;
