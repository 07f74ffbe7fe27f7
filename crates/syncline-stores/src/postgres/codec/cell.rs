//! One field from the server as a value.

use std::str;

use syncline_core::value::{ValueRef, single};

use super::Codec;
use super::epoch::{self, Moment};
use super::numeric;

/// Reads a field that is not NULL; `None` where its bytes are not what the type has. Text that has to be made goes into
/// `scratch`.
#[inline]
pub(super) fn read<'v>(codec: &'v Codec, field: &'v [u8], scratch: &'v mut String) -> Option<ValueRef<'v>> {
    Some(match codec {
        Codec::Bool => match field {
            [0] => ValueRef::Bool(false),
            [1] => ValueRef::Bool(true),
            _ => return None,
        },
        Codec::Int2 => ValueRef::Int(i16::from_be_bytes(field.try_into().ok()?).into()),
        Codec::Int4 => ValueRef::Int(i32::from_be_bytes(field.try_into().ok()?).into()),
        Codec::Int8 => ValueRef::Int(i64::from_be_bytes(field.try_into().ok()?)),
        Codec::Oid => ValueRef::Int(u32::from_be_bytes(field.try_into().ok()?).into()),
        Codec::Float4 => ValueRef::Real(single::as_double(f32::from_be_bytes(field.try_into().ok()?))),
        Codec::Float8 => ValueRef::Real(f64::from_be_bytes(field.try_into().ok()?)),
        Codec::Numeric => {
            scratch.clear();
            numeric::read(field, scratch)?;
            ValueRef::Decimal(scratch)
        }
        Codec::Text => ValueRef::Text(field),
        Codec::Json => ValueRef::Json(str::from_utf8(field).ok()?),
        Codec::Jsonb => ValueRef::Json(str::from_utf8(field.strip_prefix(&[super::JSONB_VERSION])?).ok()?),
        Codec::Bytea => ValueRef::Bytes(field),
        Codec::Date => ValueRef::Date(epoch::date_from_server(i32::from_be_bytes(field.try_into().ok()?))?),
        Codec::Time => ValueRef::Time(epoch::time(i64::from_be_bytes(field.try_into().ok()?))?),
        Codec::Timestamp => match moment(field)? {
            Moment::Micros(micros) => ValueRef::Timestamp(micros),
            Moment::Beyond(micros) => beyond(codec, micros, scratch),
        },
        Codec::Timestamptz => match moment(field)? {
            Moment::Micros(micros) => ValueRef::Instant(micros),
            Moment::Beyond(micros) => beyond(codec, micros, scratch),
        },
        Codec::Uuid => ValueRef::Uuid(field.try_into().ok()?),
        // The name and the text of a cell are kept apart by a NUL byte, which no server has in its text.
        Codec::OtherText(type_name) => {
            let text = str::from_utf8(field).ok().filter(|text| !text.as_bytes().contains(&0))?;
            ValueRef::Other { type_name, text }
        }
    })
}

fn moment(field: &[u8]) -> Option<Moment> {
    epoch::moment_from_server(i64::from_be_bytes(field.try_into().ok()?))
}

fn beyond<'v>(codec: &'v Codec, micros: i128, scratch: &'v mut String) -> ValueRef<'v> {
    scratch.clear();
    epoch::write_beyond(micros, *codec == Codec::Timestamptz, scratch);
    ValueRef::Other { type_name: codec.type_name(), text: scratch }
}
