//! Values for people: short, harmless, and never two different values that look the same by kind.

use syncline::Value;
use syncline::calendar;
use syncline::row_difference::RowDifference;

use super::json;
use super::text::{clip, count, escape, is_hostile};

/// Characters of a value that are shown.
const WIDTH: usize = 60;

/// Characters shown before the place where two long values part.
const CONTEXT: usize = 20;

/// The value, cut to a readable length.
pub(crate) fn cell(value: &Value) -> String {
    match value {
        Value::Bytes(bytes) if bytes.len() > CONTEXT => {
            format!("x'{}…' {} bytes", json::base16(&bytes[..CONTEXT]), count(bytes.len() as u64))
        }
        value => clip(&whole(value), WIDTH),
    }
}

/// The key of a row, `id=7 line=2`. Empty where there is none: all cells are shown then.
pub(crate) fn key(row: &RowDifference) -> String {
    if row.is_copy() {
        return String::new();
    }
    let cells: Vec<_> = row.key_cells().map(|(column, value)| format!("{}={}", escape(column), cell(value))).collect();
    cells.join(" ")
}

/// Two values that differ, cut so that the place where they do is seen.
pub(crate) fn pair(source: &Value, target: &Value) -> (String, String) {
    let (source, target) = match (source, target) {
        (Value::Bytes(source), Value::Bytes(target)) => around_parting(source, target),
        _ => (whole(source), whole(target)),
    };
    let alike = source.chars().zip(target.chars()).take_while(|(a, b)| a == b).count();
    let skipped = if alike >= WIDTH - CONTEXT { alike - CONTEXT } else { 0 };
    let cut = |text: &str| {
        let rest: String = text.chars().skip(skipped).collect();
        if skipped == 0 { clip(text, WIDTH) } else { format!("…{}", clip(&rest, WIDTH - 1)) }
    };
    (cut(&source), cut(&target))
}

/// As [`whole`] of both, as far as it will be shown: huge values are not written out for sixty digits.
fn around_parting(source: &[u8], target: &[u8]) -> (String, String) {
    let alike = source.iter().zip(target).take_while(|(a, b)| a == b).count();
    let from = alike.saturating_sub(WIDTH);
    let shown = |bytes: &[u8]| {
        let to = bytes.len().min(alike + WIDTH);
        let (start, end) = (if from == 0 { "x'" } else { "" }, if to == bytes.len() { "'" } else { "" });
        format!("{start}{}{end}", json::base16(&bytes[from..to]))
    };
    (shown(source), shown(target))
}

fn whole(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Real(value) if value.is_finite() => format!("{value:?}"),
        Value::Real(value) => json::real_name(*value).to_owned(),
        Value::Decimal(digits) => digits.clone(),
        Value::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => words(text),
            Err(_) => format!("text x'{}'", json::base16(bytes)),
        },
        Value::Bytes(bytes) => format!("x'{}'", json::base16(bytes)),
        Value::Date(days) => calendar::date(*days),
        Value::Time(micros) => calendar::time(*micros),
        Value::Timestamp(micros) => calendar::timestamp(*micros),
        Value::Instant(micros) => calendar::instant(*micros),
        Value::Uuid(bytes) => json::uuid(bytes),
        Value::Json(text) => words(text),
        Value::Other { type_name, text } => format!("{} {}", escape(type_name), words(text)),
    }
}

/// Text bare where nothing else could be meant, else in quotes: `10` is a number, `'10'` is text.
fn words(text: &str) -> String {
    let looks_otherwise = text.is_empty()
        || text.trim() != text
        || text.starts_with(['\'', '"'])
        || text.contains(is_hostile)
        || text.parse::<f64>().is_ok()
        || ["null", "true", "false"].contains(&text.to_lowercase().as_str());
    if looks_otherwise { format!("'{}'", escape(text)) } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_apart() {
        for (value, shown) in [
            (Value::Null, "NULL"),
            (Value::text("NULL"), "'NULL'"),
            (Value::Int(10), "10"),
            (Value::Real(10.0), "10.0"),
            (Value::text("10"), "'10'"),
            (Value::text(""), "''"),
            (Value::text("Ada"), "Ada"),
            (Value::text("Ada "), "'Ada '"),
            (Value::text("a\nb\x1b[2J"), "'a\\nb\\x1b[2J'"),
            (Value::Text(vec![0xff]), "text x'ff'"),
            (Value::Bytes(vec![1, 2]), "x'0102'"),
            (Value::Real(f64::INFINITY), "Infinity"),
        ] {
            assert_eq!(cell(&value), shown);
        }
        assert_eq!(cell(&Value::Bytes(vec![0; 2_000])), format!("x'{}…' 2,000 bytes", "00".repeat(20)));
    }

    #[test]
    fn long_values_show_where_they_part() {
        let long = |end: &str| Value::text("x".repeat(500) + end);
        assert_eq!(cell(&long("")).chars().count(), 60);
        let (source, target) = pair(&long("new"), &long("old"));
        assert_eq!(source, format!("…{}new", "x".repeat(20)));
        assert_eq!(target, format!("…{}old", "x".repeat(20)));
        let long = |end: u8| Value::Bytes([vec![0; 500], vec![end], vec![9; 500]].concat());
        let (source, target) = pair(&long(0x1a), &long(0x1b));
        assert_eq!(source, format!("…{}a{}…", "0".repeat(19) + "1", "09".repeat(18) + "0"));
        assert_eq!(target, format!("…{}b{}…", "0".repeat(19) + "1", "09".repeat(18) + "0"));
        assert_eq!(pair(&Value::Int(1), &Value::text("1")), ("1".to_owned(), "'1'".to_owned()));
    }
}
