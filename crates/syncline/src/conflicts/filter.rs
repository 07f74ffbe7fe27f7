//! Choosing entries: `table:orders kind:check run:r_1f target:b.db state:open`.

use syncline_core::change::Reason;
use syncline_core::error::{Code, Error, Result};
use syncline_core::mapping::TableFilter;

use super::{ConflictState, HeldTarget};

/// The words a filter knows.
const WORDS: [&str; 5] = ["table:", "kind:", "run:", "target:", "state:"];

/// Which entries are meant. Words of one kind widen the choice, words of different kinds narrow it.
#[derive(Clone, Debug)]
pub struct ConflictFilter {
    /// The state; `None` for all.
    pub(crate) state: Option<ConflictState>,
    /// Reasons; empty for all.
    pub(crate) reasons: Vec<Reason>,
    /// The run that held them first or last, or settled them: its identifier or the beginning of it.
    pub(crate) run: Option<String>,
    /// The label of the target they are held for.
    pub(crate) target: Option<String>,
    /// What the target is known as, however it is called.
    pub(crate) target_identity: Option<String>,
    tables: Option<TableFilter>,
}

impl ConflictFilter {
    /// Everything that waits.
    pub fn open() -> Self {
        Self {
            state: Some(ConflictState::Open),
            reasons: Vec::new(),
            run: None,
            target: None,
            target_identity: None,
            tables: None,
        }
    }

    /// Reads a filter: words such as `table:orders` with blanks between them. A value with a blank in it stands in
    /// quotes, and a table may be a pattern. Without `state:`, what waits is meant.
    ///
    /// # Errors
    /// `USAGE_INVALID`, naming the word.
    pub fn parse(text: &str) -> Result<Self> {
        let mut filter = Self::open();
        let mut tables = Vec::new();
        for word in words(text)? {
            let Some((name, value)) = word.split_once(':') else { return Err(unknown(&word)) };
            if value.is_empty() {
                return Err(invalid(format!("the filter word {name}: has no value")));
            }
            match name {
                "table" => tables.push(value.to_owned()),
                "kind" => filter.reasons.push(reason(value)?),
                "run" if filter.run.is_some() => return Err(invalid("the filter names two runs".to_owned())),
                "run" => filter.run = Some(value.to_owned()),
                "target" if filter.target.is_some() => {
                    return Err(invalid("the filter names two targets".to_owned()));
                }
                "target" => filter.target = Some(value.to_owned()),
                "state" => filter.state = state(value)?,
                _ => return Err(unknown(&word)),
            }
        }
        if !tables.is_empty() {
            filter.tables = Some(TableFilter::parse(&tables)?);
        }
        Ok(filter)
    }

    /// The same choice in every state.
    #[must_use]
    pub fn in_all_states(self) -> Self {
        Self { state: None, ..self }
    }

    /// The same choice, of what is held for this target only.
    #[must_use]
    pub fn of_target(self, target: &HeldTarget) -> Self {
        Self { target_identity: Some(target.identity.clone()), ..self }
    }

    /// Whether everything is meant that waits.
    pub(crate) fn is_everything_open(&self) -> bool {
        let is_free = self.reasons.is_empty() && self.run.is_none() && !self.has_tables();
        is_free && self.state == Some(ConflictState::Open)
    }

    /// Whether it narrows the tables down, by name or by the target they are in.
    pub(crate) fn has_tables(&self) -> bool {
        self.tables.is_some() || self.target.is_some() || self.target_identity.is_some()
    }

    pub(crate) fn admits_table(&self, name: &str) -> bool {
        self.tables.as_ref().is_none_or(|tables| tables.admits(name))
    }
}

impl Default for ConflictFilter {
    fn default() -> Self {
        Self::open()
    }
}

/// Splits at blanks outside of quotes; the quotes go.
fn words(text: &str) -> Result<Vec<String>> {
    let mut words = Vec::new();
    let mut word = None::<String>;
    let mut quote = None;
    for c in text.chars() {
        match quote {
            Some(end) if c == end => quote = None,
            Some(_) => word.get_or_insert_default().push(c),
            None if c.is_whitespace() => words.extend(word.take()),
            None if matches!(c, '"' | '\'') => {
                word.get_or_insert_default();
                quote = Some(c);
            }
            None => word.get_or_insert_default().push(c),
        }
    }
    if quote.is_some() {
        return Err(invalid("the filter ends inside quotes".to_owned()));
    }
    words.extend(word);
    Ok(words)
}

fn reason(value: &str) -> Result<Reason> {
    let found = Reason::ALL.into_iter().find(|reason| reason.name().eq_ignore_ascii_case(value));
    found.ok_or_else(|| {
        let known = Reason::ALL.map(Reason::name).join(", ");
        invalid(format!("there is no kind {value:?}")).because(format!("the kinds are {known}"))
    })
}

fn state(value: &str) -> Result<Option<ConflictState>> {
    match value {
        "open" => Ok(Some(ConflictState::Open)),
        "settled" => Ok(Some(ConflictState::Settled)),
        "all" => Ok(None),
        _ => Err(invalid(format!("there is no state {value:?}")).because("the states are open, settled and all")),
    }
}

fn unknown(word: &str) -> Error {
    invalid(format!("the filter word {word:?} is unknown")).because(format!("the words are {}", WORDS.join(", ")))
}

fn invalid(what: String) -> Error {
    Error::new(Code::UsageInvalid, what)
        .next("--filter 'table:orders kind:check run:r_1f target:b.db state:open'", "any of these, in any order")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why_not(text: &str) -> String {
        let error = ConflictFilter::parse(text).unwrap_err();
        assert_eq!(error.code(), Code::UsageInvalid);
        error.what().to_owned()
    }

    #[test]
    fn words_narrow_and_widen() {
        let filter =
            ConflictFilter::parse("  table:orders kind:check  kind:UNIQUE run:r_1f table:'line items' ").unwrap();
        assert_eq!(filter.reasons, [Reason::Check, Reason::Unique]);
        assert_eq!((filter.run.as_deref(), filter.state), (Some("r_1f"), Some(ConflictState::Open)));
        assert!(filter.admits_table("Orders") && filter.admits_table("line items") && !filter.admits_table("line"));
        let filter = ConflictFilter::parse("").unwrap();
        assert!(filter.admits_table("anything") && filter.reasons.is_empty() && filter.run.is_none());
    }

    #[test]
    fn states() {
        for (text, state) in [
            ("state:open", Some(ConflictState::Open)),
            ("state:settled", Some(ConflictState::Settled)),
            ("state:all", None),
        ] {
            assert_eq!(ConflictFilter::parse(text).unwrap().state, state);
        }
        assert_eq!(ConflictFilter::parse("kind:check").unwrap().in_all_states().state, None);
    }

    #[test]
    fn what_is_not_understood_is_named() {
        assert_eq!(why_not("colour:red"), r#"the filter word "colour:red" is unknown"#);
        assert_eq!(why_not("orders"), r#"the filter word "orders" is unknown"#);
        assert_eq!(why_not("table:"), "the filter word table: has no value");
        assert_eq!(why_not("kind:chekc"), r#"there is no kind "chekc""#);
        assert_eq!(why_not("state:closed"), r#"there is no state "closed""#);
        assert_eq!(why_not("run:r_1 run:r_2"), "the filter names two runs");
        assert_eq!(why_not("target:a target:b"), "the filter names two targets");
        assert_eq!(why_not("table:'a b"), "the filter ends inside quotes");
    }
}
