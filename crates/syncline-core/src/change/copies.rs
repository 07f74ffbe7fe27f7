//! Rows of a table without a key: any number of them may be equal, and which of those is meant makes no difference.
//!
//! Such a row is called by the digest of its cells, which all its copies have in common, and by its *place*, the engine's
//! own row number. The place holds within one view, and in the target until somebody else commits; what lasts is the
//! digest.

use super::RowDigest;
use crate::value::{Row, RowBatch, ValueRef, exact};

/// Cells of the key of such a row.
pub const WIDTH: usize = 2;

/// Such a key in the exact encoding.
pub fn encode(digest: RowDigest, place: i64) -> Vec<u8> {
    exact::encode_row([ValueRef::Bytes(&digest.0.to_be_bytes()), ValueRef::Int(place)])
}

/// Appends such a key. In the order of keys they are then in the order of the digests.
///
/// # Errors
/// When the batch is full.
pub fn push(keys: &mut RowBatch, digest: RowDigest, place: i64) -> crate::error::Result<()> {
    keys.push_row([ValueRef::Bytes(&digest.0.to_be_bytes()), ValueRef::Int(place)])
}

/// Where the row is.
pub fn place_of(key: Row<'_>) -> Option<i64> {
    match (key.width(), key.get(WIDTH - 1)) {
        (WIDTH, ValueRef::Int(place)) => Some(place),
        _ => None,
    }
}

/// Digest and place of a key in the exact encoding; `None` for what is no such key.
pub fn decode(key: &[u8]) -> Option<(RowDigest, i64)> {
    match exact::decode_row(key).ok()?[..] {
        [ValueRef::Bytes(digest), ValueRef::Int(place)] => {
            Some((RowDigest(u128::from_be_bytes(digest.try_into().ok()?)), place))
        }
        _ => None,
    }
}

/// What all copies of a row are called, in the exact encoding: there is one entry of the ledger for them.
pub fn name(digest: RowDigest) -> Vec<u8> {
    exact::encode_row([ValueRef::Bytes(&digest.0.to_be_bytes())])
}

/// As [`name`], of a key in the exact encoding. What is no such key is left as it is.
pub fn name_of(key: &[u8]) -> Vec<u8> {
    decode(key).map_or_else(|| key.to_vec(), |(digest, _)| name(digest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_it_was_written() {
        for (digest, place) in [(RowDigest(0), 0), (RowDigest(u128::MAX), i64::MIN), (RowDigest(7), i64::MAX)] {
            assert_eq!(decode(&encode(digest, place)), Some((digest, place)));
            assert_eq!(name_of(&encode(digest, place)), name(digest));
            let mut keys = RowBatch::new(WIDTH);
            push(&mut keys, digest, place).unwrap();
            assert_eq!(exact::encode_row(keys.row(0).iter()), encode(digest, place));
            assert_eq!(place_of(keys.row(0)), Some(place));
        }
        assert_eq!(decode(&exact::encode_row([ValueRef::Int(1), ValueRef::Int(2)])), None);
    }
}
