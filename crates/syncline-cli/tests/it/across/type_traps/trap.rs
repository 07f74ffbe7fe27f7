//! What a trap is: values of one type, and what comes of each on the other side and on the way back.

use self::Comes::{Back, Held};

/// One trap: a table of two columns, its number and one of the type in question.
pub(super) struct Trap {
    /// What it is called.
    pub(super) name: &'static str,
    /// The type of the source's column, in the source's words.
    pub(super) declared: &'static str,
    /// The type of the target's column where it is there before; empty where Syncline makes it.
    pub(super) into: &'static str,
    /// Each value as the source writes it, and what comes of it.
    pub(super) values: &'static [(&'static str, Comes)],
}

/// What comes of one value.
#[derive(Clone, Copy)]
pub(super) enum Comes {
    /// The target's own shell shows this, and back home it is as it was.
    To(&'static str),
    /// The target's own shell shows the first; back home it is the second, which means the same.
    Back(&'static str, &'static str),
    /// Its row is held for this reason.
    Held(&'static str),
}

/// The value does not fit the type of the target's column.
pub(super) const UNFIT: Comes = Held("type");

impl Comes {
    /// What the target shows, if the row is there.
    pub(super) fn there(self) -> Option<&'static str> {
        match self {
            Comes::To(there) | Back(there, _) => Some(there),
            Held(_) => None,
        }
    }
}
