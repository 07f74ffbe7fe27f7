//! What a trap is: values of one type, and what comes of each on the other side and on the way back.

use self::Comes::{Back, Blurs, Held, Stays, To};

/// One trap: a table of two columns, its number and one of the type in question. What comes of it is told for both of the other
/// engines, in the order of [`Into`].
pub(super) struct Trap {
    /// What it is called.
    pub(super) name: &'static str,
    /// The type of the source's column, in the source's words.
    pub(super) declared: &'static str,
    /// The type of the target's column where it is there before; empty where Syncline makes it.
    pub(super) into: [&'static str; 2],
    /// Each value as the source writes it, and what comes of it.
    pub(super) values: &'static [(&'static str, Comes, Comes)],
}

/// What comes of one value.
#[derive(Clone, Copy)]
pub(super) enum Comes {
    /// The target's own shell shows this, and back home it is as it was.
    To(&'static str),
    /// The target's own shell shows the first; back home it is the second, which means the same.
    Back(&'static str, &'static str),
    /// The target's own shell shows the first. A column of the source's type does not take it again: on its way home its row is
    /// held for this reason.
    Stays(&'static str, &'static str),
    /// The target's own shell shows the first, and back home it is a value that reads the same and is another one. A target of the
    /// source's own engine holds its row for this reason.
    Blurs(&'static str, &'static str),
    /// Its row is held for this reason.
    Held(&'static str),
}

/// The value does not fit the type of the target's column.
pub(super) const UNFIT: Comes = Held("type");

/// Which of the two engines that are not the source's is the target: PostgreSQL or MariaDB for SQLite, SQLite or MariaDB for
/// PostgreSQL, SQLite or PostgreSQL for MariaDB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Into {
    First,
    Second,
}

/// A trap as one target is to deal with it.
pub(super) struct Told {
    pub(super) trap: &'static Trap,
    pub(super) into: &'static str,
    pub(super) values: Vec<(&'static str, Comes)>,
}

impl Trap {
    pub(super) fn told(&'static self, into: Into) -> Told {
        let value =
            |(value, first, second): &(_, Comes, Comes)| (*value, if into == Into::First { *first } else { *second });
        Told { trap: self, into: self.into[into as usize], values: self.values.iter().map(value).collect() }
    }

    /// As a target of the source's own engine is to deal with it. What does not come home again does not go there either.
    pub(super) fn told_at_home(&'static self) -> Told {
        let value = |(value, first, second): &(_, Comes, Comes)| match (*first, *second) {
            (Stays(_, reason) | Blurs(_, reason), _) | (_, Stays(_, reason) | Blurs(_, reason)) => {
                (*value, Held(reason))
            }
            _ => (*value, To("")),
        };
        Told { trap: self, into: "", values: self.values.iter().map(value).collect() }
    }
}

impl Comes {
    /// What the target shows, if the row is there.
    pub(super) fn there(self) -> Option<&'static str> {
        match self {
            To(there) | Back(there, _) | Stays(there, _) | Blurs(there, _) => Some(there),
            Held(_) => None,
        }
    }

    /// Whether the row comes home again.
    pub(super) fn comes_home(self) -> bool {
        !matches!(self, Stays(..))
    }
}
