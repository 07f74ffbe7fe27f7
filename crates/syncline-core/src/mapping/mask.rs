//! Masks: values that take the place of others, always the same for the same value.
//!
//! A masked value depends on the value and on the key of the state directory, never on table or column, so equal values
//! stay equal wherever they stand, and references between masked columns hold. NULL stays NULL.

mod dates;
mod fake;
mod refused;
mod shuffle;

use std::fmt;
use std::sync::Arc;

use self::refused::Refused;
use super::columns::table_and_column;
use super::names::Reader;
use crate::value::fit::{Misfit, Reach, fit_within};
use crate::value::{Bend, Kind, Value, ValueRef, bent, exact};

/// What becomes of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MaskKind {
    /// Another value of the same shape.
    Fake,
    /// 32 hexadecimal digits.
    Hash,
    /// All but the last four characters hidden.
    Last4,
    /// NULL.
    Null,
    /// This text.
    Text(String),
}

/// The secret that masks depend on.
#[derive(Clone, PartialEq, Eq)]
pub struct MaskKey([u8; 32]);

/// A mask, ready to be put on values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mask(Effect);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Effect {
    Hides(MaskKind, Arc<MaskKey>),
    Bends(Bend, (Kind, Reach), Refused),
}

/// `'customers.email=fake'`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MaskRule {
    pub(super) table: String,
    pub(super) column: String,
    pub(super) kind: MaskKind,
}

/// How long a hash is that stands for a value.
pub(super) const HASH_CHARS: usize = 32;

/// Texts up to this length are hidden whole by [`MaskKind::Last4`]: their last four characters would be all of them.
const SHOWN: usize = 4;

impl Mask {
    /// A mask with its key.
    pub fn new(kind: MaskKind, key: Arc<MaskKey>) -> Self {
        Self(Effect::Hides(kind, key))
    }

    /// One that hides nothing, and bends what does not fit a column of this kind and reach.
    pub fn bending(bend: Bend, into: Kind, reach: Reach) -> Self {
        Self(Effect::Bends(bend, (into, reach), Refused::default()))
    }

    /// What it hides values by; `None` for one that bends them.
    pub fn kind(&self) -> Option<&MaskKind> {
        match &self.0 {
            Effect::Hides(kind, _) => Some(kind),
            Effect::Bends(..) => None,
        }
    }

    /// How it bends values; `None` for one that hides them.
    pub fn bend(&self) -> Option<Bend> {
        match &self.0 {
            Effect::Hides(..) => None,
            Effect::Bends(bend, ..) => Some(*bend),
        }
    }

    /// Why a value is to be bent, as far as that can be told without the database; `None` for one that fits, and of a mask that
    /// bends none.
    pub fn misfit(&self, value: ValueRef<'_>) -> Option<Misfit> {
        match &self.0 {
            Effect::Hides(..) => None,
            Effect::Bends(_, (kind, reach), _) => fit_within(value, (kind, *reach), &mut String::new()).err(),
        }
    }

    /// Takes note of a value that fits the kind, and that the target refuses all the same: from here on this mask, and every copy
    /// of it, puts NULL in its place. `false` where NULL was not chosen for such values, or too many are known already.
    pub fn learn(&self, value: ValueRef<'_>, words: &str) -> bool {
        match &self.0 {
            Effect::Bends(Bend::Null, _, refused) if !value.is_null() => refused.note(value, words),
            _ => false,
        }
    }

    /// Why the target refuses the value, if that was learned.
    pub fn learned(&self, value: ValueRef<'_>) -> Option<String> {
        match &self.0 {
            Effect::Bends(_, _, refused) => refused.why(value),
            Effect::Hides(..) => None,
        }
    }

    /// What stands in the place of the value.
    pub fn apply(&self, value: ValueRef<'_>) -> Value {
        match &self.0 {
            _ if value.is_null() => Value::Null,
            Effect::Bends(Bend::Null, _, refused) if refused.why(value).is_some() => Value::Null,
            Effect::Bends(bend, (kind, reach), _) => bent(value, *bend, (kind, *reach)),
            Effect::Hides(MaskKind::Null, _) => Value::Null,
            Effect::Hides(MaskKind::Text(text), _) => Value::text(text.as_str()),
            Effect::Hides(MaskKind::Hash, key) => {
                Value::text(&key.digest("hash", value).to_hex().as_str()[..HASH_CHARS])
            }
            Effect::Hides(MaskKind::Last4, _) => last4(value),
            Effect::Hides(MaskKind::Fake, key) => fake::fake(value, key),
        }
    }
}

impl MaskKey {
    /// A key from its bytes, which must be random and kept secret.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// A stream of bytes that depends on the key, on what it is for and on a value.
    fn stream(&self, purpose: &str, value: ValueRef<'_>) -> blake3::OutputReader {
        self.hasher(purpose, value).finalize_xof()
    }

    fn digest(&self, purpose: &str, value: ValueRef<'_>) -> blake3::Hash {
        self.hasher(purpose, value).finalize()
    }

    fn hasher(&self, purpose: &str, value: ValueRef<'_>) -> blake3::Hasher {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(purpose.as_bytes()).update(&[0]);
        let mut bytes = Vec::new();
        exact::encode(normal(value), &mut bytes);
        hasher.update(&bytes);
        hasher
    }
}

impl fmt::Debug for MaskKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MaskKey(…)")
    }
}

impl MaskKind {
    /// The name of the mask, as it is typed.
    pub fn name(&self) -> &'static str {
        match self {
            MaskKind::Fake => "fake",
            MaskKind::Hash => "hash",
            MaskKind::Last4 => "last4",
            MaskKind::Null => "null",
            MaskKind::Text(_) => "text",
        }
    }
}

/// Reads `'customers.email=fake'`.
pub(super) fn parse(text: &str) -> Result<MaskRule, String> {
    let mut reader = Reader::new(text);
    let (table, column) = table_and_column(&mut reader)?;
    let column = column.ok_or("a mask is put on a column: TABLE.COLUMN=MASK")?;
    let rest = reader.rest();
    let kind = match (rest.trim().to_ascii_lowercase().as_str(), rest.trim_start().get(..5)) {
        ("fake", _) => MaskKind::Fake,
        ("hash", _) => MaskKind::Hash,
        ("last4", _) => MaskKind::Last4,
        ("null", _) => MaskKind::Null,
        (_, Some(word)) if word.eq_ignore_ascii_case("text:") => MaskKind::Text(rest.trim_start()[5..].to_owned()),
        _ => return Err("the masks are fake, hash, last4, null and text:V".to_owned()),
    };
    Ok(MaskRule { table, column, kind })
}

/// Two numbers that are equal in every database are one value.
fn normal(value: ValueRef<'_>) -> ValueRef<'_> {
    match value {
        // Whole and within what a double counts exactly.
        ValueRef::Real(real) if real.fract() == 0.0 && real.abs() < 9e15 => ValueRef::Int(real as i64),
        other => other,
    }
}

fn last4(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Bytes(bytes) => {
            let hidden = if bytes.len() > SHOWN { bytes.len() - SHOWN } else { bytes.len() };
            Value::Bytes([vec![b'*'; hidden], bytes[hidden..].to_vec()].concat())
        }
        ValueRef::Text(bytes) => Value::text(last_characters(&String::from_utf8_lossy(bytes))),
        ValueRef::Int(number) => Value::text(last_characters(&number.to_string())),
        ValueRef::Real(number) => Value::text(last_characters(&format!("{number:?}"))),
        ValueRef::Decimal(text) | ValueRef::Json(text) | ValueRef::Other { text, .. } => {
            Value::text(last_characters(text))
        }
        // Nothing of these has characters of its own.
        _ => Value::text("****"),
    }
}

fn last_characters(text: &str) -> String {
    let count = text.chars().count();
    let hidden = if count > SHOWN { count - SHOWN } else { count };
    std::iter::repeat_n('*', hidden).chain(text.chars().skip(hidden)).collect()
}

#[cfg(test)]
mod tests;
