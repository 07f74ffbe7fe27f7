//! One value as a field for the server, or why it cannot be one.

use std::fmt;

use bytes::{BufMut, BytesMut};
use syncline_core::limits::COPY_ROW_BYTES_MAX;
use syncline_core::value::{ValueRef, single};

use super::Codec;
use super::JSONB_VERSION;
use super::epoch::{self, Moment};
use super::numeric::{self, NotNumeric};

/// Why a value cannot be a field of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refused {
    /// It is a value of another kind.
    Kind,
    /// It lies beyond what the type holds.
    Range,
    /// The type would hold another number.
    Inexact,
    /// It should be a number, and is not written as one.
    NotANumber,
    /// It has a NUL character, which no text of PostgreSQL can have.
    Nul,
    /// It is longer than anything that a server can hold.
    TooLong,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Refused::Kind => "it is of another kind",
            Refused::Range => "it is out of range",
            Refused::Inexact => "it would become another number",
            Refused::NotANumber => "it is not a number",
            Refused::Nul => "it has a NUL character",
            Refused::TooLong => "it is longer than a server can hold",
        })
    }
}

impl std::error::Error for Refused {}

/// Appends the length and the bytes of a value. What was appended of a refused one is for the caller to take back.
///
/// Beside values of the type's own kind it takes those that lose nothing: integers and doubles where numerics are, integers
/// where floating-point numbers hold them. A type that travels as text takes the text of any such type.
#[inline]
pub(super) fn write(codec: &Codec, value: ValueRef<'_>, out: &mut BytesMut) -> Result<(), Refused> {
    use ValueRef as V;
    match (codec, value) {
        (_, V::Null) => out.put_i32(-1),
        (Codec::Bool, V::Bool(value)) => short([u8::from(value)], out),
        (Codec::Int2, V::Int(value)) => short(narrow::<i16>(value)?.to_be_bytes(), out),
        (Codec::Int4, V::Int(value)) => short(narrow::<i32>(value)?.to_be_bytes(), out),
        (Codec::Int8, V::Int(value)) => short(value.to_be_bytes(), out),
        (Codec::Oid, V::Int(value)) => short(narrow::<u32>(value)?.to_be_bytes(), out),
        (Codec::Float4, V::Int(_) | V::Real(_)) => short(narrowed(real(value)?)?.to_be_bytes(), out),
        (Codec::Float8, V::Int(_) | V::Real(_)) => short(real(value)?.to_be_bytes(), out),
        (Codec::Numeric, V::Decimal(digits)) => decimal(digits, out)?,
        (Codec::Numeric, V::Int(value)) => decimal(&value.to_string(), out)?,
        (Codec::Numeric, V::Real(value)) => decimal(&as_written(value), out)?,
        (Codec::Text, V::Text(bytes)) => text(&[], bytes, out)?,
        (Codec::Text | Codec::Json, V::Json(json)) => text(&[], json.as_bytes(), out)?,
        (Codec::Text | Codec::OtherText(_), V::Other { text: other, .. }) => text(&[], other.as_bytes(), out)?,
        (Codec::Jsonb, V::Json(json)) => text(&[JSONB_VERSION], json.as_bytes(), out)?,
        (Codec::Bytea, V::Bytes(bytes)) => long(&[], bytes, out)?,
        (Codec::Date, V::Date(days)) => short(in_range(epoch::date_for_server(days))?.to_be_bytes(), out),
        (Codec::Time, V::Time(micros)) => short(in_range(epoch::time(micros))?.to_be_bytes(), out),
        (Codec::Timestamp, V::Timestamp(micros)) | (Codec::Timestamptz, V::Instant(micros)) => {
            moment(Moment::Micros(micros), out)?;
        }
        (Codec::Timestamp | Codec::Timestamptz, V::Other { type_name, text }) if type_name == codec.type_name() => {
            moment(epoch::read_beyond(text, *codec == Codec::Timestamptz).ok_or(Refused::Kind)?, out)?;
        }
        (Codec::Uuid, V::Uuid(bytes)) => short(bytes, out),
        _ => return Err(Refused::Kind),
    }
    Ok(())
}

#[inline]
fn short<const N: usize>(bytes: [u8; N], out: &mut BytesMut) {
    out.put_i32(N as i32);
    out.put_slice(&bytes);
}

fn text(prefix: &[u8], text: &[u8], out: &mut BytesMut) -> Result<(), Refused> {
    if text.contains(&0) {
        return Err(Refused::Nul);
    }
    long(prefix, text, out)
}

fn long(prefix: &[u8], bytes: &[u8], out: &mut BytesMut) -> Result<(), Refused> {
    let len = prefix.len() + bytes.len();
    if len > COPY_ROW_BYTES_MAX {
        return Err(Refused::TooLong);
    }
    out.put_i32(len as i32);
    out.put_slice(prefix);
    out.put_slice(bytes);
    Ok(())
}

fn decimal(digits: &str, out: &mut BytesMut) -> Result<(), Refused> {
    let start = out.len();
    out.put_i32(0);
    numeric::write(digits, out).map_err(|not| match not {
        NotNumeric::NotANumber => Refused::NotANumber,
        NotNumeric::TooLong => Refused::Range,
    })?;
    let len = (out.len() - start - 4) as i32;
    out[start..start + 4].copy_from_slice(&len.to_be_bytes());
    Ok(())
}

fn moment(moment: Moment, out: &mut BytesMut) -> Result<(), Refused> {
    short(in_range(epoch::moment_for_server(moment))?.to_be_bytes(), out);
    Ok(())
}

/// The shortest digits that read back as the same double, as everywhere a double becomes a decimal.
fn as_written(value: f64) -> String {
    if value.is_infinite() {
        return if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    value.to_string()
}

fn narrow<N: TryFrom<i64>>(value: i64) -> Result<N, Refused> {
    in_range(N::try_from(value).ok())
}

fn in_range<T>(value: Option<T>) -> Result<T, Refused> {
    value.ok_or(Refused::Range)
}

fn real(value: ValueRef<'_>) -> Result<f64, Refused> {
    match value {
        ValueRef::Real(value) => Ok(value),
        // Through 128 bits, because a double that has become the first beyond 64 would be cut back to the same integer.
        ValueRef::Int(value) if (value as f64) as i128 == i128::from(value) => Ok(value as f64),
        ValueRef::Int(_) => Err(Refused::Inexact),
        _ => Err(Refused::Kind),
    }
}

/// The float that is read back as the same double.
fn narrowed(value: f64) -> Result<f32, Refused> {
    let float = value as f32;
    let is_same = value.is_nan() || single::as_double(float).to_bits() == value.to_bits();
    if is_same {
        Ok(float)
    } else if float.is_infinite() {
        Err(Refused::Range)
    } else {
        Err(Refused::Inexact)
    }
}
