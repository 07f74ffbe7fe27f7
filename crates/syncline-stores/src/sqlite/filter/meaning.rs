//! Cells compared by what they mean to the other side of a pair: SQL functions of ours, because SQLite has no types for it.
//!
//! A kind goes to them as JSON, which is read once a statement.

#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::sync::Arc;

use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::{Connection, Error as SqliteError};
use syncline_core::error::{Code, Error, Result};
use syncline_core::mapping::filter::seen;
use syncline_core::value::{Coercion, Kind, Value, ValueRef, fit};

use crate::sql::Dialect;
use crate::sql::predicates::misplaced;
use crate::sqlite::types;

/// `(a, kind of a, b, kind of b)`: below zero, zero or above it, as `a` is below, equal to or above `b`; NULL where either is NULL.
const ORDER: &str = "_syncline_order";

/// `(cell, kind)`: milliseconds since 1970, NULL for what is no point in time.
const MILLIS: &str = "_syncline_millis";

/// Lets a connection use these functions.
pub(in crate::sqlite) fn register(conn: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    conn.create_scalar_function(ORDER, 4, flags, |context| {
        let (of_a, of_b) = (kind(context, 1)?, kind(context, 3)?);
        let (a, b) = (types::value(context.get_raw(0)), types::value(context.get_raw(2)));
        Ok(seen::order((a, &of_a), (b, &of_b)).map(|order| match order {
            Ordering::Less => -1,
            Ordering::Equal => 0,
            Ordering::Greater => 1,
        }))
    })?;
    conn.create_scalar_function(MILLIS, 2, flags, |context| {
        Ok(seen::millis(types::value(context.get_raw(0)), &*kind(context, 1)?))
    })
}

/// A cell and what it is seen as, both as SQL.
pub(super) struct Seen {
    cell: String,
    kind: String,
}

impl Seen {
    /// A column that is seen as of a kind.
    pub(super) fn column(quoted: String, kind: &Kind) -> Result<Self> {
        Ok(Self { cell: quoted, kind: written(kind)? })
    }

    /// A value that a column of this kind is compared with.
    pub(super) fn value(value: &Value, kind: &Kind) -> Result<Self> {
        let is_number = matches!(value, Value::Int(_) | Value::Decimal(_) | Value::Real(_));
        let kind = match kind {
            // One that the column has no room for is above or below all of it.
            kind if is_number && kind.is_numeric() => &Kind::Decimal { limit: None },
            kind => kind,
        };
        let mut scratch = String::new();
        let refused = |why: String| {
            Error::new(Code::FilterInvalid, format!("the filter compares {kind} with what it cannot")).because(why)
        };
        let plain = plain(value);
        let fitted =
            fit::fit(plain.as_ref(), kind, &mut scratch).map_err(|misfit| refused(misfit.to_string()))?.to_owned();
        // Kept so that it means the same to whoever sees it as of that kind.
        let any = Kind::Flexible(Coercion::None);
        let cell = fit::fit(fitted.as_ref(), &any, &mut scratch).map_err(|misfit| refused(misfit.to_string()))?;
        if cell == ValueRef::Null {
            return Err(misplaced());
        }
        Ok(Self { cell: Dialect::Sqlite.literal(cell), kind: written(kind)? })
    }

    /// How it compares with another: an integer around zero.
    pub(super) fn order(&self, other: &Self) -> String {
        format!("{ORDER}({}, {}, {}, {})", self.cell, self.kind, other.cell, other.kind)
    }

    /// The point in time that it is.
    pub(super) fn millis(&self) -> String {
        format!("{MILLIS}({}, {})", self.cell, self.kind)
    }
}

/// A number without the power of ten that may be typed with it, which is no notation of decimals.
fn plain(value: &Value) -> Value {
    match value {
        Value::Decimal(digits) if digits.contains(['e', 'E', '+']) => Value::Decimal(expanded(digits)),
        Value::Decimal(digits) if digits.ends_with('.') => Value::Decimal(format!("{digits}0")),
        other => other.clone(),
    }
}

/// The digits of a number with a power of ten, which its parser keeps below that of the largest double.
fn expanded(digits: &str) -> String {
    let (mantissa, power) = digits.split_once(['e', 'E']).unwrap_or((digits, "0"));
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    // Of powers that are as good as zero, so many digits tell enough.
    let power: i64 = power.parse().unwrap_or(SMALLEST_POWER).max(SMALLEST_POWER);
    let all = format!("{whole}{fraction}");
    let point = whole.len() as i64 + power;
    if point <= 0 {
        let zeros = "0".repeat(point.unsigned_abs() as usize);
        return format!("{sign}0.{zeros}{all}");
    }
    let zeros = "0".repeat((point - all.len() as i64).max(0) as usize);
    let padded = format!("{all}{zeros}");
    let (whole, fraction) = padded.split_at(point as usize);
    format!("{sign}{whole}.{}", if fraction.is_empty() { "0" } else { fraction })
}

const SMALLEST_POWER: i64 = -2_000;

fn kind(context: &Context<'_>, argument: i32) -> rusqlite::Result<Arc<Kind>> {
    context.get_or_create_aux(argument, |text| -> std::result::Result<Kind, SqliteError> {
        serde_json::from_str(text.as_str()?).map_err(|error| SqliteError::UserFunctionError(Box::new(error)))
    })
}

fn written(kind: &Kind) -> Result<String> {
    let json = serde_json::to_string(kind)
        .map_err(|error| Error::new(Code::Internal, "a kind cannot be written").because(error.to_string()))?;
    Ok(Dialect::Sqlite.literal(ValueRef::Text(json.as_bytes())))
}
