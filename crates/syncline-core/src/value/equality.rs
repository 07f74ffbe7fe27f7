//! By which of the two encodings rows are told to be equal.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

use super::{ValueRef, canonical, exact};

/// When two rows are equal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Equality {
    /// When they are the same bit for bit: between tables of one engine that store every value alike.
    #[default]
    Exact,
    /// When they mean the same, however their engines write it: [`canonical`].
    Canonical,
}

impl Equality {
    /// Appends the bytes of one value that are equal to those of another when the values are.
    #[inline]
    pub fn encode(self, value: ValueRef<'_>, out: &mut Vec<u8>) {
        match self {
            Equality::Exact => exact::encode(value, out),
            Equality::Canonical => canonical::encode(value, out),
        }
    }

    /// A 128-bit digest of a row; see [`exact::digest_row`], which this is within one engine. `scratch` is overwritten.
    #[inline]
    pub fn digest<'v>(self, row: impl IntoIterator<Item = ValueRef<'v>>, scratch: &mut Vec<u8>) -> u128 {
        match self {
            Equality::Exact => exact::digest_row(row, scratch),
            Equality::Canonical => {
                scratch.clear();
                row.into_iter().for_each(|value| canonical::encode(value, scratch));
                xxh3_128(scratch)
            }
        }
    }
}
