//! Names of databases that servers keep: what the engines' names have in common.

pub(super) mod parts;
pub(super) mod url;

use syncline_core::error::{Code, Error};

/// An engine whose databases are named by URLs.
#[derive(Debug)]
pub(super) struct Engine {
    /// What it is called.
    pub(super) name: &'static str,
    /// What its URLs begin with.
    pub(super) scheme: &'static str,
    /// The options that a name may carry. Others of the engine's own clients are refused: some change what is read and written,
    /// some name files.
    pub(super) options: &'static [&'static str],
    /// The option that names the database.
    pub(super) database: &'static str,
    /// Which variable fills in which option.
    pub(super) variables: &'static [(&'static str, &'static str)],
    /// Where what is left away comes from.
    pub(super) left_away: &'static str,
}

/// Where a password stood.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Holds {
    /// The name holds none.
    None,
    /// In what was typed.
    AsTyped,
    /// In a variable that the name was taken from.
    InVariable(String),
    /// In a connection of the configuration, or in what that refers to.
    InConnection,
}

impl Holds {
    /// What seemed to be typed came from there. A name without a password has none there either.
    pub(super) fn move_into(&mut self, place: Holds) {
        if *self == Holds::AsTyped {
            *self = place;
        }
    }
}

impl Engine {
    /// The error for a text that names nothing.
    pub(super) fn invalid(&self, why: impl Into<String>) -> Error {
        let form = format!("{}://USER@HOST:PORT/DATABASE", self.scheme);
        Error::new(Code::UrlInvalid, format!("no {} database is named", self.name))
            .because(why)
            .next(form, format!("names one; {}", self.left_away))
    }

    /// The error for an option that is not allowed, or has a value that it cannot have.
    pub(super) fn refused(&self, why: impl Into<String>) -> Error {
        Error::new(Code::UrlOption, why).because(format!("allowed are {}", self.options.join(", ")))
    }
}
