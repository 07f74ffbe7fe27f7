//! By which of the two encodings rows are told to be equal.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

use super::{Kind, ValueRef, canonical, exact};

/// When two rows are equal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Equality {
    /// When they are the same bit for bit: between tables of one engine that store every value alike.
    #[default]
    Exact,
    /// When they mean the same, however their engines write it: [`canonical`].
    Canonical,
    /// Likewise, but JSON is equal only as it is written, which takes a fraction of the time: for rows on their way into a
    /// table that keeps what is written.
    CanonicalButJson,
}

impl Equality {
    /// The one for rows that are loaded into columns of these kinds and looked at again there.
    #[must_use]
    pub fn of_loaded<'k>(self, mut stored_as: impl Iterator<Item = &'k Kind>) -> Self {
        match self {
            Equality::Canonical if !stored_as.any(|kind| *kind == Kind::Json { normalised: true }) => {
                Equality::CanonicalButJson
            }
            other => other,
        }
    }

    /// Appends the bytes of one value that are equal to those of another when the values are.
    #[inline]
    pub fn encode(self, value: ValueRef<'_>, out: &mut Vec<u8>) {
        match self {
            Equality::Exact => exact::encode(value, out),
            Equality::Canonical => canonical::encode(value, out),
            Equality::CanonicalButJson => canonical::encode_but_json(value, out),
        }
    }

    /// A 128-bit digest of a row; see [`exact::digest_row`], which this is within one engine. `scratch` is overwritten.
    #[inline]
    pub fn digest<'v>(self, row: impl IntoIterator<Item = ValueRef<'v>>, scratch: &mut Vec<u8>) -> u128 {
        match self {
            Equality::Exact => exact::digest_row(row, scratch),
            Equality::Canonical | Equality::CanonicalButJson => {
                scratch.clear();
                row.into_iter().for_each(|value| self.encode(value, scratch));
                xxh3_128(scratch)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_looked_at_as_written_only_where_what_is_written_stays() {
        let kept = [Kind::Json { normalised: false }, Kind::Int { bits: 64 }];
        let changed = [Kind::Int { bits: 64 }, Kind::Json { normalised: true }];
        assert_eq!(Equality::Canonical.of_loaded(kept.iter()), Equality::CanonicalButJson);
        assert_eq!(Equality::Canonical.of_loaded(changed.iter()), Equality::Canonical);
        assert_eq!(Equality::Exact.of_loaded(kept.iter()), Equality::Exact);
    }
}
