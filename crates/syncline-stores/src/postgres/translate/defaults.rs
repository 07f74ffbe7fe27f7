//! Defaults of SQLite's columns in PostgreSQL's words.

use syncline_core::value::{Kind, Value, ValueRef, fit};

use crate::sql::Dialect;
use crate::sql::conditions::literal;

/// The default for a column of this kind, none for NULL; `None` where it has no words for it.
///
/// SQLite's present moment is that of Greenwich, in whatever zone a session is.
pub(super) fn translated(default: &str, kind: &Kind) -> Option<Option<String>> {
    let default = without_parentheses(default.trim());
    let moment = match default.to_ascii_lowercase().as_str() {
        "current_timestamp" | "datetime('now')" => Some(Moment::Both),
        "current_date" | "date('now')" => Some(Moment::Date),
        "current_time" | "time('now')" => Some(Moment::Time),
        _ => None,
    };
    if let Some(moment) = moment {
        return present(&moment, kind).map(|expression| Some(expression.to_owned()));
    }
    match literal(default, Dialect::Sqlite)? {
        Value::Null => Some(None),
        value => constant(&value, kind).map(Some),
    }
}

pub(super) enum Moment {
    Both,
    Date,
    Time,
}

/// Written as the server prints it.
pub(super) fn present(moment: &Moment, kind: &Kind) -> Option<&'static str> {
    Some(match (moment, kind) {
        (Moment::Both, Kind::Timestamp { .. }) => "(now() AT TIME ZONE 'UTC'::text)",
        (Moment::Both, Kind::Instant { .. }) => "CURRENT_TIMESTAMP",
        (Moment::Both, Kind::Text { max_chars: None, .. }) => {
            "to_char((now() AT TIME ZONE 'UTC'::text), 'YYYY-MM-DD HH24:MI:SS'::text)"
        }
        (Moment::Date, Kind::Date) => "((now() AT TIME ZONE 'UTC'::text))::date",
        (Moment::Date, Kind::Text { max_chars: None, .. }) => {
            "to_char((now() AT TIME ZONE 'UTC'::text), 'YYYY-MM-DD'::text)"
        }
        (Moment::Time, Kind::Time { .. }) => "((now() AT TIME ZONE 'UTC'::text))::time without time zone",
        (Moment::Time, Kind::Text { max_chars: None, .. }) => {
            "to_char((now() AT TIME ZONE 'UTC'::text), 'HH24:MI:SS'::text)"
        }
        _ => return None,
    })
}

/// A constant as a column of this kind holds it. SQLite makes text of a number that a column of text is given.
pub(super) fn constant(value: &Value, kind: &Kind) -> Option<String> {
    let given = match (value, kind) {
        (Value::Int(number), Kind::Text { .. }) => Value::text(number.to_string()),
        (Value::Bool(truth), Kind::Int { .. } | Kind::Decimal { .. } | Kind::Real { .. }) => {
            Value::Int((*truth).into())
        }
        (value, _) => value.clone(),
    };
    let mut scratch = String::new();
    let fitted = fit::fit(given.as_ref(), kind, &mut scratch).ok()?;
    let literal = match fitted {
        ValueRef::Bool(truth) => truth.to_string(),
        fitted => Dialect::Postgres.literal(fitted),
    };
    let cast = match kind {
        Kind::Text { padded: true, .. } => "::bpchar",
        Kind::Text { max_chars: Some(_), .. } => "::character varying",
        Kind::Text { .. } => "::text",
        Kind::Json { normalised: true } => "::jsonb",
        Kind::Json { .. } => "::json",
        _ => "",
    };
    Some(literal + cast)
}

fn without_parentheses(text: &str) -> &str {
    match text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        Some(inside) if !inside.contains(['(', ')']) || literal(inside.trim(), Dialect::Sqlite).is_some() => {
            inside.trim()
        }
        _ => text,
    }
}
