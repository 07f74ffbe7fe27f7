//! One cell of a row as a value.

use std::fmt::Write;

use mysql_async::Value;
use syncline_core::error::{Code, Error, Result};
use syncline_core::value::{Kind, ValueRef, fit, single};

use super::{Codec, times};
use crate::sql::mysql::geometry_text;

/// What a cell of the binary protocol is. `scratch` is overwritten and holds what has to be written anew.
///
/// # Errors
/// `STORE_FAILED` when the server sends something else than the type of the column.
#[inline]
pub fn cell<'v>(codec: &'v Codec, value: &'v Value, scratch: &'v mut String) -> Result<ValueRef<'v>> {
    Ok(match (codec, value) {
        (_, Value::NULL) => ValueRef::Null,
        (Codec::Int | Codec::Year, Value::Int(number)) => ValueRef::Int(*number),
        (Codec::Int | Codec::Year, Value::UInt(number)) => {
            ValueRef::Int(i64::try_from(*number).map_err(|_| strange(codec))?)
        }
        (Codec::Text, Value::Bytes(bytes)) => ValueRef::Text(bytes),
        (Codec::Bytes { .. }, Value::Bytes(bytes)) => ValueRef::Bytes(bytes),
        (Codec::Decimal, Value::Bytes(digits)) => ValueRef::Decimal(utf8(codec, digits)?),
        (Codec::Decimal, Value::Int(number)) => ValueRef::Decimal(written(scratch, format_args!("{number}"))),
        (Codec::Decimal, Value::UInt(number)) => ValueRef::Decimal(written(scratch, format_args!("{number}"))),
        (Codec::Real { .. }, Value::Float(number)) => ValueRef::Real(single::as_double(*number)),
        (Codec::Real { .. }, Value::Double(number)) => ValueRef::Real(*number),
        (Codec::Date, Value::Date(year, month, day, ..)) => match times::days(*year, *month, *day) {
            Some(days) => ValueRef::Date(days),
            None => odd("date", scratch, times::odd_date(*year, *month, *day)),
        },
        (Codec::Timestamp | Codec::Instant, Value::Date(year, month, day, hour, minute, second, micros)) => {
            let time = times::micros((0, *hour, *minute, *second), *micros);
            match (times::days(*year, *month, *day), codec) {
                (Some(days), Codec::Timestamp) => ValueRef::Timestamp(at(days, time)),
                (Some(days), _) => ValueRef::Instant(at(days, time)),
                (None, _) => {
                    let name = if *codec == Codec::Timestamp { "datetime" } else { "timestamp" };
                    let date = times::odd_date(*year, *month, *day);
                    odd(name, scratch, format!("{date} {}", times::clock(time)))
                }
            }
        }
        (Codec::Time, Value::Time(is_negative, days, hours, minutes, seconds, micros)) => {
            let time = times::micros((*days, *hours, *minutes, *seconds), *micros);
            ValueRef::Time(if *is_negative { -time } else { time })
        }
        (Codec::Uuid, Value::Bytes(text)) => {
            fit::fit(ValueRef::Text(text), &Kind::Uuid, scratch).map_err(|_| strange(codec))?
        }
        (Codec::Json, Value::Bytes(text)) => ValueRef::Json(utf8(codec, text)?),
        (Codec::Bits(width), Value::Bytes(bytes)) => {
            scratch.clear();
            let digits = bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1 == 1));
            let spare = (bytes.len() * 8).saturating_sub(*width as usize);
            scratch.extend(digits.skip(spare).map(|bit| if bit { '1' } else { '0' }));
            return named(codec, scratch);
        }
        (Codec::Geometry(_), Value::Bytes(bytes)) => {
            *scratch = geometry_text(bytes).ok_or_else(|| strange(codec))?;
            return named(codec, scratch);
        }
        (Codec::Other(type_name), Value::Bytes(text)) => ValueRef::Other { type_name, text: utf8(codec, text)? },
        _ => return Err(strange(codec)),
    })
}

/// The text of a type of its own.
fn named<'v>(codec: &'v Codec, text: &'v mut String) -> Result<ValueRef<'v>> {
    match codec {
        Codec::Geometry(type_name) => Ok(ValueRef::Other { type_name, text }),
        Codec::Bits(width) => {
            // The name of the type goes behind the digits, so that both can be borrowed.
            let digits = text.len();
            // Writing to a string does not fail.
            let _ = write!(text, "bit({width})");
            let (text, type_name) = text.split_at(digits);
            Ok(ValueRef::Other { type_name, text })
        }
        _ => Err(strange(codec)),
    }
}

fn at(days: i32, time: i64) -> i64 {
    i64::from(days) * syncline_core::value::calendar::DAY_MICROS + time
}

fn odd<'v>(type_name: &'v str, scratch: &'v mut String, text: String) -> ValueRef<'v> {
    *scratch = text;
    ValueRef::Other { type_name, text: scratch }
}

fn written<'v>(scratch: &'v mut String, what: std::fmt::Arguments<'_>) -> &'v str {
    scratch.clear();
    // Writing to a string does not fail.
    let _ = scratch.write_fmt(what);
    scratch
}

fn utf8<'v>(codec: &Codec, bytes: &'v [u8]) -> Result<&'v str> {
    std::str::from_utf8(bytes).map_err(|_| strange(codec))
}

fn strange(codec: &Codec) -> Error {
    Error::new(Code::StoreFailed, "the server sent a value that its column cannot hold")
        .because(format!("it is read as {codec:?}"))
}
