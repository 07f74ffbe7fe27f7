//! What the tables of the source are called, there and in the target, for databases in which the case of letters makes no
//! other name.

use std::collections::BTreeMap;

/// A table of the source, by both its names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Called {
    /// In the source.
    pub source: String,
    /// In the target.
    pub target: String,
    /// It is among the tables that are carried.
    pub takes_part: bool,
}

/// All tables of a source.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    /// By the name in the source, in small letters.
    in_source: BTreeMap<String, Vec<String>>,
    /// By the name in the target, in small letters.
    in_target: BTreeMap<String, Vec<Called>>,
}

impl Names {
    /// Takes note of a table of the source.
    pub(super) fn add_source(&mut self, name: &str) {
        self.in_source.entry(name.to_ascii_lowercase()).or_default().push(name.to_owned());
    }

    /// Takes note of what a table is called in the target.
    pub(super) fn add_target(&mut self, called: Called) {
        self.in_target.entry(called.target.to_ascii_lowercase()).or_default().push(called);
    }

    /// A name as the source spells it: this one where there is such a table, else one in another case of its letters.
    pub(super) fn spelled<'a>(&'a self, name: &'a str) -> &'a str {
        let alike = self.in_source.get(&name.to_ascii_lowercase()).map_or(&[][..], Vec::as_slice);
        let spelled = alike.iter().find(|other| *other == name).or(alike.first());
        spelled.map_or(name, String::as_str)
    }

    /// Whether any table has this name on either side.
    pub(super) fn is_known(&self, name: &str) -> bool {
        self.in_source.contains_key(&name.to_ascii_lowercase()) || !self.alike(name).is_empty()
    }

    /// All tables that have this name in the target, in any case of its letters.
    pub(super) fn alike(&self, in_target: &str) -> &[Called] {
        self.in_target.get(&in_target.to_ascii_lowercase()).map_or(&[], Vec::as_slice)
    }
}
