//! Columns compared with a point in time, in whole milliseconds.

use syncline_core::error::Result;
use syncline_core::mapping::filter::Comparison;
use syncline_core::value::{Kind, ValueRef};

use crate::sql::Dialect;
use crate::sql::predicates::sign;

/// Whole numbers below it, either side of zero, are seconds since 1970; the others are milliseconds.
const SECONDS_END: i64 = 100_000_000_000;

/// The Julian day of 1970-01-01.
const JULIAN_1970: &str = "2440587.5";

/// Half a millisecond, by which times are rounded.
const HALF: i64 = 500;

/// Text of this shape is a time, but for the day that its month may not have.
const SHAPE: &str = "^(?!0000)[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])\
    ([ T]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\\.[0-9]+)?)?( ?([Zz]|[+-](0[0-9]|1[0-4]):[0-5][0-9]))?)?$";

/// A column compared with a point in time, in milliseconds since 1970. What is no point in time is neither before nor after
/// it.
pub(super) fn compared(column: &str, kind: &Kind, comparison: Comparison, millis: i64) -> Result<String> {
    match kind {
        Kind::Instant { .. } => return Ok(bounded(column, comparison, millis, ValueRef::Instant)),
        Kind::Timestamp { .. } | Kind::Date => return Ok(bounded(column, comparison, millis, ValueRef::Timestamp)),
        _ => {}
    }
    let compared = |number: String| format!("({number}) {} {millis}", sign(comparison));
    Ok(number(column, kind).map_or_else(|| "NULL::boolean".to_owned(), compared))
}

/// The latest point in time in a column, in milliseconds since 1970 and rounded down; NULL where there is none.
pub(super) fn highest(column: &str, kind: &Kind) -> String {
    match kind {
        Kind::Instant { .. } | Kind::Timestamp { .. } | Kind::Date => format!(
            "pg_catalog.floor(pg_catalog.date_part('epoch', pg_catalog.max({column})::timestamp{})::numeric * 1000)::bigint",
            if matches!(kind, Kind::Instant { .. }) { "tz" } else { "" }
        ),
        kind => number(column, kind).map_or_else(
            || "NULL::bigint".to_owned(),
            |number| format!("pg_catalog.floor(pg_catalog.max({number}))::bigint"),
        ),
    }
}

/// The milliseconds of what is no time by its type; `None` where nothing of the kind is one.
fn number(column: &str, kind: &Kind) -> Option<String> {
    Some(match kind {
        Kind::Int { .. } => whole(column),
        Kind::Decimal { .. } => format!(
            "CASE WHEN {column}::text IN ('NaN', 'Infinity', '-Infinity') THEN NULL \
             WHEN {column} = pg_catalog.trunc({column}) THEN {} ELSE {} END",
            whole(column),
            julian(column)
        ),
        Kind::Real { .. } => format!(
            "CASE WHEN {column}::text NOT IN ('NaN', 'Infinity', '-Infinity') THEN {} END",
            julian(&format!("{column}::text::numeric"))
        ),
        Kind::Text { .. } | Kind::Enum { .. } => written(column),
        _ => return None,
    })
}

/// A column of times itself is compared, so that an index over it can be used: with the ends of what is rounded to the
/// millisecond.
fn bounded(column: &str, comparison: Comparison, millis: i64, moment: fn(i64) -> ValueRef<'static>) -> String {
    let micros = millis.saturating_mul(1_000);
    let low = Dialect::Postgres.literal(moment(micros.saturating_sub(HALF)));
    let high = Dialect::Postgres.literal(moment(micros.saturating_add(HALF)));
    match comparison {
        Comparison::Less => format!("{column} < {low}"),
        Comparison::LessOrEqual => format!("{column} < {high}"),
        Comparison::Greater => format!("{column} >= {high}"),
        Comparison::GreaterOrEqual => format!("{column} >= {low}"),
        Comparison::Equal => format!("({column} >= {low} AND {column} < {high})"),
        Comparison::NotEqual => format!("({column} < {low} OR {column} >= {high})"),
    }
}

fn whole(column: &str) -> String {
    format!(
        "CASE WHEN {column} > -{SECONDS_END} AND {column} < {SECONDS_END} \
         THEN {column}::numeric * 1000 ELSE {column}::numeric END"
    )
}

fn julian(column: &str) -> String {
    format!("pg_catalog.round(({column} - {JULIAN_1970}) * 86400000)")
}

/// Text that is a time; NULL for all other.
fn written(column: &str) -> String {
    let text = format!("{column}::text");
    let part = |from: usize, to: usize| format!("pg_catalog.substr({text}, {from}, {to})::integer");
    // A day too many for its month is one of the next: so SQLite counts, and no reading fails by it.
    let day = format!("(pg_catalog.make_date({}, {}, 1) + {} - 1)", part(1, 4), part(6, 2), part(9, 2));
    let shape = Dialect::Postgres.literal(ValueRef::Text(SHAPE.as_bytes()));
    format!(
        "CASE WHEN {text} COLLATE \"C\" ~ {shape} THEN pg_catalog.round(pg_catalog.date_part('epoch', \
         ({day}::text || pg_catalog.substr({text}, 11))::timestamptz)::numeric * 1000) END"
    )
}
