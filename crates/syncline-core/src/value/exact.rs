//! The exact encoding: reversible bit for bit, and the meaning of *equal* within one engine.
//!
//! | tag | value | then |
//! |---|---|---|
//! | 0 | null | – |
//! | 1, 2 | false, true | – |
//! | 3 | integer | 8 bytes, little-endian |
//! | 4 | decimal | length, digits as ASCII |
//! | 5 | real | 8 bytes, little-endian bits |
//! | 6 | text | length, bytes |
//! | 7 | bytes | length, bytes |
//! | 8 | date | 4 bytes, little-endian days |
//! | 9, 10, 11 | time, timestamp, instant | 8 bytes, little-endian microseconds |
//! | 12 | uuid | 16 bytes |
//! | 13 | json | length, UTF-8 |
//! | 14 | other | length, type name; length, text |
//!
//! A length is an unsigned LEB128 number of at most ten bytes. A row is its values one after the other.

use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use super::{Value, ValueRef};

/// Appends the encoding of one value.
///
/// Inlined where a store encodes its cells, so that the kind of a cell is looked at once.
#[inline]
pub fn encode(value: ValueRef<'_>, out: &mut Vec<u8>) {
    match value {
        ValueRef::Null => out.push(0),
        ValueRef::Bool(value) => out.push(1 + u8::from(value)),
        ValueRef::Int(value) => tagged(3, &value.to_le_bytes(), out),
        ValueRef::Decimal(digits) => sized(4, digits.as_bytes(), out),
        ValueRef::Real(value) => tagged(5, &value.to_bits().to_le_bytes(), out),
        ValueRef::Text(bytes) => sized(6, bytes, out),
        ValueRef::Bytes(bytes) => sized(7, bytes, out),
        ValueRef::Date(days) => tagged(8, &days.to_le_bytes(), out),
        ValueRef::Time(micros) => tagged(9, &micros.to_le_bytes(), out),
        ValueRef::Timestamp(micros) => tagged(10, &micros.to_le_bytes(), out),
        ValueRef::Instant(micros) => tagged(11, &micros.to_le_bytes(), out),
        ValueRef::Uuid(bytes) => tagged(12, &bytes, out),
        ValueRef::Json(text) => sized(13, text.as_bytes(), out),
        ValueRef::Other { type_name, text } => {
            sized(14, type_name.as_bytes(), out);
            length(text.len(), out);
            out.extend_from_slice(text.as_bytes());
        }
    }
}

/// The encoding of a row.
pub fn encode_row<'v>(row: impl IntoIterator<Item = ValueRef<'v>>) -> Vec<u8> {
    let mut out = Vec::new();
    row.into_iter().for_each(|value| encode(value, &mut out));
    out
}

/// A 128-bit digest of a row's encoding: XXH3, which is fast and well spread but no protection against someone who
/// crafts collisions in his own data.
///
/// `scratch` is overwritten; passing the same buffer again saves the allocation.
#[inline]
pub fn digest_row<'v>(row: impl IntoIterator<Item = ValueRef<'v>>, scratch: &mut Vec<u8>) -> u128 {
    scratch.clear();
    let mut hasher: Option<Box<Xxh3>> = None;
    for value in row {
        match value {
            ValueRef::Text(bytes) | ValueRef::Bytes(bytes) if bytes.len() > DIGESTED_IN_PLACE => {
                scratch.push(if matches!(value, ValueRef::Text(_)) { 6 } else { 7 });
                length(bytes.len(), scratch);
                let hasher = hasher.get_or_insert_default();
                hasher.update(scratch);
                hasher.update(bytes);
                scratch.clear();
            }
            value => encode(value, scratch),
        }
    }
    match hasher {
        None => xxh3_128(scratch),
        Some(mut hasher) => {
            hasher.update(scratch);
            hasher.digest128()
        }
    }
}

/// As [`digest_row`], of a row that is encoded already.
pub fn digest_bytes(row: &[u8]) -> u128 {
    xxh3_128(row)
}

/// Values longer than this are not copied into the scratch buffer of a digest: the copy costs more than hashing piece by
/// piece, and memory that a huge value does not leave.
const DIGESTED_IN_PLACE: usize = 64 << 10;

/// Why bytes could not be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes end inside a value.
    #[error("the bytes end inside a value")]
    Truncated,
    /// A tag that no version has written.
    #[error("unknown tag {0}")]
    UnknownTag(u8),
    /// A length of more than ten bytes or beyond what memory can address.
    #[error("a length is out of range")]
    BadLength,
    /// Text that must be UTF-8 is not.
    #[error("text is not UTF-8")]
    NotUtf8,
}

/// Reads all values of an encoded row, borrowing from `bytes`.
///
/// Nothing is allocated for a length that the bytes do not back, so hostile input costs no memory.
///
/// # Errors
/// When the bytes are not what [`encode`] writes.
pub fn decode_row(mut bytes: &[u8]) -> Result<Vec<ValueRef<'_>>, DecodeError> {
    let mut row = Vec::new();
    while !bytes.is_empty() {
        row.push(decode(&mut bytes)?);
    }
    Ok(row)
}

/// Reads all values of an encoded row into owned ones.
///
/// # Errors
/// As [`decode_row`].
pub fn decode_owned(bytes: &[u8]) -> Result<Vec<Value>, DecodeError> {
    Ok(decode_row(bytes)?.into_iter().map(ValueRef::to_owned).collect())
}

/// Reads one value and moves `bytes` past it.
///
/// # Errors
/// As [`decode_row`].
pub fn decode<'a>(bytes: &mut &'a [u8]) -> Result<ValueRef<'a>, DecodeError> {
    let tag = take(bytes, 1)?[0];
    Ok(match tag {
        0 => ValueRef::Null,
        1 => ValueRef::Bool(false),
        2 => ValueRef::Bool(true),
        3 => ValueRef::Int(i64::from_le_bytes(fixed(bytes)?)),
        4 => ValueRef::Decimal(take_str(bytes)?),
        5 => ValueRef::Real(f64::from_bits(u64::from_le_bytes(fixed(bytes)?))),
        6 => ValueRef::Text(take_sized(bytes)?),
        7 => ValueRef::Bytes(take_sized(bytes)?),
        8 => ValueRef::Date(i32::from_le_bytes(fixed(bytes)?)),
        9 => ValueRef::Time(i64::from_le_bytes(fixed(bytes)?)),
        10 => ValueRef::Timestamp(i64::from_le_bytes(fixed(bytes)?)),
        11 => ValueRef::Instant(i64::from_le_bytes(fixed(bytes)?)),
        12 => ValueRef::Uuid(fixed(bytes)?),
        13 => ValueRef::Json(take_str(bytes)?),
        14 => ValueRef::Other { type_name: take_str(bytes)?, text: take_str(bytes)? },
        unknown => return Err(DecodeError::UnknownTag(unknown)),
    })
}

#[inline]
fn tagged(tag: u8, bytes: &[u8], out: &mut Vec<u8>) {
    out.push(tag);
    out.extend_from_slice(bytes);
}

#[inline]
fn sized(tag: u8, bytes: &[u8], out: &mut Vec<u8>) {
    match u8::try_from(bytes.len()) {
        // Most values are short, and then their length is one byte: half of what encoding them takes.
        Ok(len @ 0..0x80) => out.extend_from_slice(&[tag, len]),
        _ => {
            out.push(tag);
            length(bytes.len(), out);
        }
    }
    out.extend_from_slice(bytes);
}

fn length(mut len: usize, out: &mut Vec<u8>) {
    while len >= 0x80 {
        out.push(len as u8 | 0x80);
        len >>= 7;
    }
    out.push(len as u8);
}

fn take<'a>(bytes: &mut &'a [u8], len: usize) -> Result<&'a [u8], DecodeError> {
    let (taken, rest) = bytes.split_at_checked(len).ok_or(DecodeError::Truncated)?;
    *bytes = rest;
    Ok(taken)
}

fn fixed<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], DecodeError> {
    Ok(take(bytes, N)?.try_into().expect("BUG: as many bytes as were taken"))
}

fn take_sized<'a>(bytes: &mut &'a [u8]) -> Result<&'a [u8], DecodeError> {
    let mut len: u64 = 0;
    for shift in (0..64).step_by(7) {
        let byte = take(bytes, 1)?[0];
        let part = u64::from(byte & 0x7f);
        if shift == 63 && part > 1 {
            return Err(DecodeError::BadLength);
        }
        len |= part << shift;
        if byte & 0x80 == 0 {
            return take(bytes, usize::try_from(len).map_err(|_| DecodeError::BadLength)?);
        }
    }
    Err(DecodeError::BadLength)
}

fn take_str<'a>(bytes: &mut &'a [u8]) -> Result<&'a str, DecodeError> {
    std::str::from_utf8(take_sized(bytes)?).map_err(|_| DecodeError::NotUtf8)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::strategies::any_value;
    use super::*;

    proptest! {
        #[test]
        fn decoding_gives_back_what_was_encoded(row in prop::collection::vec(any_value(), 0..8)) {
            let bytes = encode_row(row.iter().map(Into::into));
            prop_assert_eq!(decode_owned(&bytes).unwrap(), row);
        }

        #[test]
        fn different_rows_have_different_bytes(a in prop::collection::vec(any_value(), 1..4), b in prop::collection::vec(any_value(), 1..4)) {
            let same_bytes = encode_row(a.iter().map(Into::into)) == encode_row(b.iter().map(Into::into));
            prop_assert_eq!(same_bytes, a == b);
        }

        #[test]
        fn any_bytes_are_refused_or_decoded_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode_row(&bytes);
        }
    }

    #[test]
    fn the_bytes_of_each_kind_are_these() {
        let golden: [(ValueRef<'_>, &[u8]); 15] = [
            (ValueRef::Null, &[0]),
            (ValueRef::Bool(false), &[1]),
            (ValueRef::Bool(true), &[2]),
            (ValueRef::Int(-2), &[3, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
            (ValueRef::Decimal("1.50"), b"\x04\x041.50"),
            (ValueRef::Real(-0.0), &[5, 0, 0, 0, 0, 0, 0, 0, 0x80]),
            (ValueRef::Text(b"a\0"), b"\x06\x02a\0"),
            (ValueRef::Bytes(b"\xff"), b"\x07\x01\xff"),
            (ValueRef::Date(1), &[8, 1, 0, 0, 0]),
            (ValueRef::Time(2), &[9, 2, 0, 0, 0, 0, 0, 0, 0]),
            (ValueRef::Timestamp(3), &[10, 3, 0, 0, 0, 0, 0, 0, 0]),
            (ValueRef::Instant(4), &[11, 4, 0, 0, 0, 0, 0, 0, 0]),
            (ValueRef::Uuid([7; 16]), b"\x0c\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07"),
            (ValueRef::Json("{}"), b"\x0d\x02{}"),
            (ValueRef::Other { type_name: "inet", text: "::1" }, b"\x0e\x04inet\x03::1"),
        ];
        for (value, bytes) in golden {
            assert_eq!(encode_row([value]), bytes, "{value:?}");
        }
    }

    #[test]
    fn a_huge_value_has_the_digest_of_its_encoding() {
        let huge = vec![7; DIGESTED_IN_PLACE + 1];
        for row in [
            vec![ValueRef::Text(&huge)],
            vec![ValueRef::Int(1), ValueRef::Bytes(&huge), ValueRef::Null, ValueRef::Text(&huge), ValueRef::Int(2)],
            vec![ValueRef::Bytes(&huge[1..])],
        ] {
            let digest = digest_row(row.iter().copied(), &mut Vec::new());
            assert_eq!(digest, digest_bytes(&encode_row(row)));
        }
    }

    #[test]
    fn a_length_that_nothing_backs_is_refused() {
        assert_eq!(
            decode_row(&[6, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]),
            Err(DecodeError::Truncated)
        );
        assert_eq!(
            decode_row(&[6, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02]),
            Err(DecodeError::BadLength)
        );
        assert_eq!(decode_row(&[99]), Err(DecodeError::UnknownTag(99)));
    }
}
