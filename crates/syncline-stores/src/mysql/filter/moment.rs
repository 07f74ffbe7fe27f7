//! Columns compared with a point in time, in whole milliseconds.

use syncline_core::mapping::filter::Comparison;
use syncline_core::value::{Kind, ValueRef};

use super::{Named, number, unless_null};
use crate::mysql::digest::is_odd_day;
use crate::sql::Dialect;
use crate::sql::predicates::sign;

/// Whole numbers below it, either side of zero, are seconds since 1970; the others are milliseconds.
const SECONDS_END: i64 = 100_000_000_000;

/// The Julian day of 1970-01-01, in SQL and here.
const JULIAN_1970: &str = "2440587.5";
const JULIAN_1970_DAYS: f64 = 2_440_587.5;

/// Milliseconds of a day.
const DAY_MILLIS: f64 = 86_400_000.0;

/// `TO_DAYS('1970-01-01')`.
const DAYS_1970: i64 = 719_528;

/// Half a millisecond, by which times are rounded.
const HALF: i64 = 500;

/// Text of this shape is a time, but for the day that its month may not have.
const SHAPE: &str = "\\A(?!0000)[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])\
    ([ T]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\\.[0-9]+)?)?( ?([Zz]|[+-](0[0-9]|1[0-4]):[0-5][0-9]))?)?\\z";

/// A column compared with a point in time, in milliseconds since 1970. What is no point in time is neither before nor after
/// it. `is_kept` as in `Writer::condition`.
pub(super) fn compared(named: &Named<'_>, comparison: Comparison, millis: i64, is_kept: bool) -> String {
    let column = &named.name;
    let number = match &named.column.kind {
        Kind::Instant { .. } | Kind::Timestamp { .. } | Kind::Date => {
            let (bounded, odd) = (bounded(column, comparison, millis), is_odd_day(column));
            return match is_kept {
                // The column stands for itself, so that an index over it can be used.
                true => format!("({bounded} AND NOT ({odd}))"),
                false => format!("CASE WHEN {odd} THEN NULL ELSE {bounded} END"),
            };
        }
        Kind::Real { single } => {
            let moment = |number: f64| ((number - JULIAN_1970_DAYS) * DAY_MILLIS).round();
            let ends = [
                number::first(*single, |number| moment(number) >= millis as f64),
                number::first(*single, |number| moment(number) > millis as f64),
            ];
            let written = number::bounded(column, comparison, ends);
            return written.unwrap_or_else(|always| unless_null(&[named], always));
        }
        kind => number_of(column, kind),
    };
    number.map_or_else(|| "NULL".to_owned(), |number| format!("({number}) {} {millis}", sign(comparison)))
}

/// The latest point in time in a column, in milliseconds since 1970 and rounded down; NULL where there is none.
pub(super) fn highest(named: &Named<'_>) -> String {
    let column = &named.name;
    match &named.column.kind {
        Kind::Instant { .. } | Kind::Timestamp { .. } | Kind::Date => {
            format!("FLOOR(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', MAX({column})) / 1000)")
        }
        Kind::Real { .. } => format!("CAST(FLOOR((MAX({column}) - {JULIAN_1970}) * 86400000) AS SIGNED)"),
        kind => number_of(column, kind)
            .map_or_else(|| "NULL".to_owned(), |number| format!("CAST(FLOOR(MAX({number})) AS SIGNED)")),
    }
}

/// The milliseconds of what is no time by its type; `None` where nothing of the kind is one.
fn number_of(column: &str, kind: &Kind) -> Option<String> {
    Some(match kind {
        Kind::Int { .. } => whole(column),
        Kind::Decimal { .. } => format!(
            "CASE WHEN {column} = TRUNCATE({column}, 0) THEN {} \
             ELSE ROUND(({column} - {JULIAN_1970}) * 86400000) END",
            whole(column)
        ),
        Kind::Text { .. } | Kind::Enum { .. } => written(column),
        _ => return None,
    })
}

/// The ends of what is rounded to the millisecond.
fn bounded(column: &str, comparison: Comparison, millis: i64) -> String {
    let micros = millis.saturating_mul(1_000);
    let moment = |micros| format!("CAST({} AS DATETIME(6))", Dialect::Mysql.literal(ValueRef::Timestamp(micros)));
    let (low, high) = (moment(micros.saturating_sub(HALF)), moment(micros.saturating_add(HALF)));
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
    format!("CASE WHEN {column} > -{SECONDS_END} AND {column} < {SECONDS_END} THEN {column} * 1000 ELSE {column} END")
}

/// Text that is a time; NULL for all other.
fn written(column: &str) -> String {
    let text = format!("CONVERT({column} USING utf8mb4) COLLATE utf8mb4_bin");
    let pattern = |pattern: &str| Dialect::Mysql.literal(ValueRef::Text(pattern.as_bytes()));
    let part = |from: usize, length: usize| format!("CAST(SUBSTR({text}, {from}, {length}) AS SIGNED)");
    // A day too many for its month is one of the next: so SQLite counts.
    let day = format!("(TO_DAYS(CONCAT(SUBSTR({text}, 1, 7), '-01')) - {DAYS_1970} + {} - 1)", part(9, 2));
    let minutes = format!("({day} * 1440 + {} * 60 + {})", part(12, 2), part(15, 2));
    let seconds = format!("IF(SUBSTR({text}, 17, 1) = ':', {}, 0)", part(18, 2));
    let fraction = format!("CONCAT('0', REGEXP_SUBSTR({text}, {}))", pattern("\\.[0-9]+"));
    let zone = format!("REGEXP_SUBSTR({text}, {})", pattern("[+-][0-9]{2}:[0-9]{2}\\z"));
    let ahead = format!(
        "COALESCE(IF(LEFT({zone}, 1) = '-', -1, 1) * \
         (CAST(SUBSTR({zone}, 2, 2) AS SIGNED) * 60 + CAST(SUBSTR({zone}, 5, 2) AS SIGNED)), 0)"
    );
    let shape = pattern(SHAPE);
    format!(
        "CASE WHEN {text} REGEXP {shape} THEN (({minutes} - {ahead}) * 60 + {seconds}) * 1000 \
         + ROUND(COALESCE(CAST({fraction} AS DECIMAL(31, 30)), 0) * 1000) END"
    )
}
