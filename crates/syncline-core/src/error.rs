//! What went wrong, in the four parts a person needs: what failed and where, why, the state things are in, what to do next.
//!
//! One error type serves the whole workspace, because the same object is shown in the terminal, in JSON and later on
//! every other surface. A [`Code`] is stable: scripts match on it, and `syncline explain CODE` documents it.

mod catalogue;
mod command;
mod usual;

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

pub use catalogue::Code;
pub use command::{exactly, shell_word, without_table};

/// The result of anything that can fail in Syncline.
pub type Result<T> = std::result::Result<T, Error>;

/// A failure with its stable code, its place, its cause, the state left behind and the next steps.
///
/// Boxed inside, so that results on hot paths stay one pointer wide.
pub struct Error(Box<Parts>);

#[derive(Default)]
struct Parts {
    code: Code,
    what: String,
    place: Option<String>,
    table: Option<String>,
    why: Option<String>,
    state: Option<String>,
    next: Vec<NextStep>,
    source: Option<Box<dyn StdError + Send + Sync>>,
    is_passing: bool,
}

/// Something the reader can do about an error: a command to run, or plain advice where no command helps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextStep {
    /// The command as it would be typed, or the advice.
    pub action: String,
    /// What it does, in a few words; empty where the action speaks for itself.
    pub effect: String,
}

impl Error {
    /// An error with its code and one sentence that says what failed.
    pub fn new(code: Code, what: impl Into<String>) -> Self {
        Self(Box::new(Parts { code, what: what.into(), ..Parts::default() }))
    }

    /// Adds where it happened, such as `table 3 of 12, hq.db -> branch.db`.
    #[must_use]
    pub fn at(mut self, place: impl Into<String>) -> Self {
        self.0.place = Some(place.into());
        self
    }

    /// Adds the place only where nobody nearer to the failure has said it.
    #[must_use]
    pub fn at_if_unsaid(mut self, place: impl Into<String>) -> Self {
        self.0.place.get_or_insert_with(|| place.into());
        self
    }

    /// Adds the table it is about, for what is advised, only where nobody nearer to the failure has said it.
    #[must_use]
    pub fn about(mut self, table: &str) -> Self {
        self.0.table.get_or_insert_with(|| table.to_owned());
        self
    }

    /// Adds the cause, in the database's own words where it has some.
    #[must_use]
    pub fn because(mut self, why: impl Into<String>) -> Self {
        self.0.why = Some(why.into());
        self
    }

    /// Adds the state things are left in.
    #[must_use]
    pub fn leaving(mut self, state: impl Into<String>) -> Self {
        self.0.state = Some(state.into());
        self
    }

    /// Adds the state only where nobody nearer to the failure has said it.
    #[must_use]
    pub fn leaving_if_unsaid(mut self, state: impl Into<String>) -> Self {
        self.0.state.get_or_insert_with(|| state.into());
        self
    }

    /// Adds a next step.
    #[must_use]
    pub fn next(mut self, action: impl Into<String>, effect: impl Into<String>) -> Self {
        self.0.next.push(NextStep { action: action.into(), effect: effect.into() });
        self
    }

    /// Keeps the underlying error for `-v`.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Says that others at work at the same time have caused it, that nothing of the transaction is left, and that the same
    /// transaction may succeed when it is begun anew.
    #[must_use]
    pub fn passing(mut self) -> Self {
        self.0.is_passing = true;
        self
    }

    /// Whether [`Error::passing`] was said of it.
    pub fn is_passing(&self) -> bool {
        self.0.is_passing
    }

    /// The stable code.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// What failed, one sentence.
    pub fn what(&self) -> &str {
        &self.0.what
    }

    /// Where it failed.
    pub fn place(&self) -> Option<&str> {
        self.0.place.as_deref()
    }

    /// Why it failed.
    pub fn why(&self) -> Option<&str> {
        self.0.why.as_deref()
    }

    /// Why it failed. Where nobody said, it is what is usually behind the code.
    pub fn why_or_usual(&self) -> Option<&str> {
        self.why().or_else(|| self.0.code.usual_why())
    }

    /// The state left behind.
    pub fn state(&self) -> Option<&str> {
        self.0.state.as_deref()
    }

    /// What to do next, most useful first. Where nobody said, it is what usually helps with the code.
    pub fn next_steps(&self) -> Cow<'_, [NextStep]> {
        match self.0.code.usual_next(self.0.table.as_deref()) {
            Some(step) if self.0.next.is_empty() => Cow::Owned(vec![step]),
            _ => Cow::Borrowed(&self.0.next),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}]", self.0.what, self.0.code)?;
        match &self.0.why {
            Some(why) => write!(f, ": {why}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("code", &self.0.code)
            .field("what", &self.0.what)
            .field("place", &self.0.place)
            .field("why", &self.0.why)
            .field("state", &self.0.state)
            .field("source", &self.0.source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_step_is_for_errors_that_name_none() {
        let bare = Error::new(Code::StoreMissing, "a.db does not exist");
        assert_eq!(bare.next_steps().len(), 1);
        assert_eq!(bare.next_steps()[0].action, "check the path");
        let steps = bare.next("syncline demo", "make one").next_steps().into_owned();
        assert_eq!(steps, [NextStep { action: "syncline demo".to_owned(), effect: "make one".to_owned() }]);
        let told = Error::new(Code::StoreMissing, "a.db does not exist");
        assert_eq!(told.why_or_usual(), Some("there is no file of that name"));
        assert_eq!(told.because("its own").why_or_usual(), Some("its own"));
    }

    #[test]
    fn the_usual_step_names_the_table_where_it_is_known() {
        let bare = || Error::new(Code::TableDenied, "it may not be read");
        assert_eq!(bare().next_steps()[0].effect, "or leave the table out");
        let effect = "or leave the table out with --tables '*,!audit'";
        assert_eq!(bare().about("audit").about("other").next_steps()[0].effect, effect);
    }
}
