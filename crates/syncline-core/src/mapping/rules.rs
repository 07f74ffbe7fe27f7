//! What was typed, read and sorted by table. Whether the names exist is not known yet.

use std::collections::BTreeSet;

use super::columns::{ColumnList, Rename, parse_list, parse_rename};
use super::filter::{self, Condition, Operand};
use super::mask::{self, MaskRule};
use super::misfit::{self, MisfitRule};
use super::names::Reader;
use super::{MappingRequest, MaskKind};
use crate::error::{Code, Error, Result};
use crate::limits;

/// A mapping that makes sense as far as can be told without the databases.
#[derive(Clone, Debug, Default)]
pub struct Mapping {
    pub(super) filters: Vec<FilterRule>,
    pub(super) columns: Vec<ColumnList>,
    pub(super) renames: Vec<Rename>,
    pub(super) masks: Vec<MaskRule>,
    pub(super) misfits: Vec<MisfitRule>,
}

/// `'orders: id > 100'`.
#[derive(Clone, Debug)]
pub(super) struct FilterRule {
    pub(super) table: String,
    pub(super) condition: Condition,
    /// As typed, for messages.
    pub(super) text: String,
}

impl Mapping {
    /// Reads what was typed.
    ///
    /// # Errors
    /// `FILTER_INVALID`, `COLUMNS_INVALID`, `RENAME_INVALID`, `MASK_INVALID` or `MISFIT_INVALID`, for a rule that is not understood and for
    /// two about the same thing.
    pub fn parse(request: &MappingRequest) -> Result<Self> {
        let MappingRequest { filters, columns, renames, masks, misfits, .. } = request;
        for rules in [filters, columns, renames, masks, misfits] {
            if rules.len() > limits::MAPPING_RULES_MAX {
                let what = format!("more than {} rules of one kind were given", limits::MAPPING_RULES_MAX);
                return Err(Error::new(Code::UsageInvalid, what).leaving(UNTOUCHED));
            }
        }
        let mapping = Self {
            filters: filters.iter().map(|text| filter_rule(text)).collect::<Result<_>>()?,
            columns: read(columns, "--columns", Code::ColumnsInvalid, parse_list)?,
            renames: read(renames, "--rename", Code::RenameInvalid, parse_rename)?,
            masks: read(masks, "--mask", Code::MaskInvalid, mask::parse)?,
            misfits: read(misfits, "--misfit", Code::MisfitInvalid, misfit::parse)?,
        };
        mapping.check_repeats()?;
        Ok(mapping)
    }

    /// Whether tables are seen as they are.
    pub fn is_empty(&self) -> bool {
        let are_changed = [self.columns.len(), self.renames.len(), self.masks.len(), self.misfits.len()];
        self.filters.is_empty() && are_changed.iter().all(|rules| *rules == 0)
    }

    /// Whether a key is needed for its masks: `null` and `text:V` need none.
    pub fn needs_key(&self) -> bool {
        self.masks.iter().any(|mask| matches!(mask.kind, MaskKind::Fake | MaskKind::Hash))
    }

    /// Whether a filter asks for the present moment.
    pub fn uses_now(&self) -> bool {
        let mut uses_now = false;
        for rule in &self.filters {
            let looked_at = rule.condition.replaced(&mut |operand| {
                uses_now |= matches!(operand, Operand::Now(_));
                Ok::<_, Error>(operand.clone())
            });
            debug_assert!(looked_at.is_ok());
        }
        uses_now
    }

    /// What a table of the source is called in the target.
    pub fn target_name<'a>(&'a self, table: &'a str) -> &'a str {
        let is_of = |rename: &&Rename| rename.column.is_none() && rename.table.eq_ignore_ascii_case(table);
        self.renames.iter().find(is_of).map_or(table, |rename| &rename.to)
    }

    /// The mapping in a few words, such as `where: orders; masked: customers.email`; empty where there is none.
    pub fn brief(&self) -> String {
        let renamed = |rename: &Rename| match &rename.column {
            Some(column) => format!("{}.{column} -> {}", rename.table, rename.to),
            None => format!("{} -> {}", rename.table, rename.to),
        };
        let parts = [
            ("where", self.filters.iter().map(|rule| rule.table.clone()).collect::<Vec<_>>()),
            ("columns", self.columns.iter().map(|list| list.table.clone()).collect()),
            ("renamed", self.renames.iter().map(renamed).collect()),
            ("masked", self.masks.iter().map(|rule| format!("{}.{}", rule.table, rule.column)).collect()),
            ("bent", self.misfits.iter().map(|rule| format!("{}.{}", rule.table, rule.column)).collect()),
        ];
        let named = parts.into_iter().filter(|(_, names)| !names.is_empty());
        named.map(|(what, names)| format!("{what}: {}", names.join(", "))).collect::<Vec<_>>().join("; ")
    }

    fn check_repeats(&self) -> Result<()> {
        let filters = self.filters.iter().map(|rule| (rule.table.clone(), None));
        once(filters, "--where", Code::FilterInvalid, "join the two conditions with AND or OR")?;
        let columns = self.columns.iter().map(|list| (list.table.clone(), None));
        once(columns, "--columns", Code::ColumnsInvalid, "name all its columns in one list")?;
        let renames = self.renames.iter().map(|rename| (rename.table.clone(), rename.column.clone()));
        once(renames, "--rename", Code::RenameInvalid, "leave one of the two away")?;
        let masks = self.masks.iter().map(|rule| (rule.table.clone(), Some(rule.column.clone())));
        once(masks, "--mask", Code::MaskInvalid, "leave one of the two away")?;
        let misfits = self.misfits.iter().map(|rule| (rule.table.clone(), Some(rule.column.clone())));
        once(misfits, "--misfit", Code::MisfitInvalid, "leave one of the two away")
    }
}

/// Where every error of a mapping leaves the databases.
pub(crate) const UNTOUCHED: &str = "nothing was written";

/// An error about a rule.
pub(crate) fn invalid(code: Code, flag: &str, text: &str, why: impl Into<String>) -> Error {
    Error::new(code, format!("{flag} {} cannot be used", shown(text))).because(why).leaving(UNTOUCHED)
}

/// What reads the text of a rule, or says what is wrong with it.
type Parse<T> = fn(&str) -> std::result::Result<T, String>;

fn read<T>(texts: &[String], flag: &str, code: Code, parse: Parse<T>) -> Result<Vec<T>> {
    texts.iter().map(|text| parse(text).map_err(|why| invalid(code, flag, text, why))).collect()
}

fn filter_rule(text: &str) -> Result<FilterRule> {
    let wrong = |why: String| invalid(Code::FilterInvalid, "--where", text, why);
    let mut reader = Reader::new(text);
    let table = reader.name(&[':']).map_err(wrong)?;
    reader.must_eat(':').map_err(wrong)?;
    let condition = filter::parse(reader.rest()).map_err(|flaw| {
        let before = text.len() - reader.rest().len() + flaw.at;
        let place = text.get(..before).map_or(0, |before| before.chars().count()) + 1;
        invalid(Code::FilterInvalid, "--where", text, flaw.why).at(format!("character {place}"))
    })?;
    Ok(FilterRule { table, condition, text: text.to_owned() })
}

/// Nothing may be ruled twice.
fn once(things: impl Iterator<Item = (String, Option<String>)>, flag: &str, code: Code, advice: &str) -> Result<()> {
    let mut seen = BTreeSet::new();
    for (table, column) in things {
        let name = column.as_ref().map_or_else(|| table.clone(), |column| format!("{table}.{column}"));
        if !seen.insert((table.to_ascii_lowercase(), column.map(|column| column.to_ascii_lowercase()))) {
            return Err(Error::new(code, format!("{flag} is given twice for {}", shown(&name)))
                .leaving(UNTOUCHED)
                .next(advice, ""));
        }
    }
    Ok(())
}

/// A text in quotes, cut short where it would drown the message.
fn shown(text: &str) -> String {
    const CHARS_MAX: usize = 200;
    match text.char_indices().nth(CHARS_MAX) {
        None => format!("{text:?}"),
        Some((end, _)) => format!("{:?}…", &text[..end]),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn request(filters: &[&str], columns: &[&str], renames: &[&str], masks: &[&str]) -> MappingRequest {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        MappingRequest {
            filters: owned(filters),
            columns: owned(columns),
            renames: owned(renames),
            masks: owned(masks),
            misfits: Vec::new(),
            as_of_ms: None,
        }
    }

    #[test]
    fn a_mapping_says_what_it_does() {
        let typed = request(&["orders: id > 1"], &["c: !ssn"], &["users=members", "o.a=b"], &["c.email=fake"]);
        let mapping = Mapping::parse(&typed).unwrap();
        let expected = "where: orders; columns: c; renamed: users -> members, o.a -> b; masked: c.email";
        assert_eq!(mapping.brief(), expected);
        assert_eq!((mapping.target_name("USERS"), mapping.target_name("o")), ("members", "o"));
        assert!(mapping.needs_key() && !mapping.is_empty());
        assert!(Mapping::default().is_empty() && Mapping::default().brief().is_empty());
    }

    #[test]
    fn a_request_survives_its_record_and_old_records_have_none() {
        let typed = request(&["orders: id > 1"], &[], &["users=members"], &[]);
        let json = serde_json::to_string(&typed).unwrap();
        assert_eq!(json, r#"{"where":["orders: id > 1"],"rename":["users=members"]}"#);
        assert_eq!(serde_json::from_str::<MappingRequest>(&json).unwrap(), typed);
        assert_eq!(serde_json::from_str::<MappingRequest>("{}").unwrap(), MappingRequest::default());
    }

    #[test]
    fn the_same_thing_twice_is_refused() {
        let cases = [
            (request(&["t: a = 1", "T: a = 2"], &[], &[], &[]), Code::FilterInvalid),
            (request(&[], &["t: a", "t: b"], &[], &[]), Code::ColumnsInvalid),
            (request(&[], &[], &["t.a=b", "t.A=c"], &[]), Code::RenameInvalid),
            (request(&[], &[], &["t=b", "t=c"], &[]), Code::RenameInvalid),
            (request(&[], &[], &[], &["t.a=fake", "t.a=hash"]), Code::MaskInvalid),
        ];
        for (typed, code) in cases {
            assert_eq!(Mapping::parse(&typed).unwrap_err().code(), code, "{typed:?}");
        }
    }

    proptest! {
        #[test]
        fn any_rule_is_read_or_refused_without_a_panic(text in "[ -~é\n]{0,40}|[a\".:,=!' ]{0,20}") {
            let rule = [text.as_str()];
            for typed in [
                request(&rule, &[], &[], &[]),
                request(&[], &rule, &[], &[]),
                request(&[], &[], &rule, &[]),
                request(&[], &[], &[], &rule),
            ] {
                let _ = Mapping::parse(&typed);
            }
        }
    }

    #[test]
    fn an_error_names_the_place() {
        let error = Mapping::parse(&request(&["t\u{e9}: a = "], &[], &[], &[])).unwrap_err();
        assert_eq!((error.code(), error.place()), (Code::FilterInvalid, Some("character 9")));
        assert_eq!(error.why(), Some("a column or a value is expected here, not the end"));
    }
}
