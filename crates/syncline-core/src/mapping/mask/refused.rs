//! Values that only the database knows it does not take: what a run has found out about them.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use crate::limits;
use crate::value::{ValueRef, exact};

/// Values of one column that the target refuses, and why. Copies of it share what they know, so that all who read the column
/// in a run see the same from then on.
#[derive(Clone, Default)]
pub(super) struct Refused(Arc<RwLock<HashMap<[u8; 32], String>>>);

/// What was found out on the way makes no other mask.
impl PartialEq for Refused {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

impl Eq for Refused {}

/// What a database says may hold values.
impl fmt::Debug for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Refused(…)")
    }
}

impl Refused {
    /// Takes note of a value. `false` when there are too many.
    pub(super) fn note(&self, value: ValueRef<'_>, words: &str) -> bool {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let name = name(value);
        if known.len() >= limits::REFUSED_VALUES_MAX && !known.contains_key(&name) {
            return false;
        }
        known.entry(name).or_insert_with(|| words.chars().take(limits::REFUSED_WORDS_CHARS).collect());
        true
    }

    /// Why the value is refused, as far as that is known.
    pub(super) fn why(&self, value: ValueRef<'_>) -> Option<String> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if known.is_empty() { None } else { known.get(&name(value)).cloned() }
    }
}

fn name(value: ValueRef<'_>) -> [u8; 32] {
    let mut bytes = Vec::new();
    exact::encode(value, &mut bytes);
    *blake3::hash(&bytes).as_bytes()
}
