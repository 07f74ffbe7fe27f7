//! Every difference between a table of the source, seen through the mapping, and the one of the target that takes its
//! rows: those that stop a run, and those that explain why rows are held or that nobody needs to mind.

mod constraints;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::contract::{Mismatch, OneSided, pair_mapped};
use super::meeting::stores_alike;
use super::steps::Widened;
use super::table::{Column, Generated, TableSchema};

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The table's name in the source.
    pub table: String,
    /// What it is about.
    pub kind: DifferenceKind,
    /// The column, where it is about one: by the target's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// Whether a person has to decide.
    pub severity: Severity,
    /// Whether a run under `--schema stop` stops because of it.
    pub stops: bool,
    /// The difference, one sentence.
    pub what: String,
    /// What it leads to, or what can be done.
    pub remedy: String,
    /// The rule for `--rename` that would make the difference go, where a column of one side may be one of the other under a
    /// new name. A person says whether it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rename: Option<String>,
}

/// What a difference is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DifferenceKind {
    /// The target has no such table.
    TableMissing,
    /// The target has no such column.
    ColumnMissing,
    /// Only the target has the column.
    ColumnExtra,
    /// The column is left out, and the target cannot fill it.
    ColumnRequired,
    /// The target would change values while storing them.
    Type,
    /// The declared types have other names and store alike.
    TypeName,
    /// Only one side computes the column, or each in another way.
    Computed,
    /// Rows are told apart by different columns.
    Key,
    /// Only one side allows NULL.
    NotNull,
    /// The defaults differ.
    Default,
    /// Text is compared by different rules.
    Collation,
    /// Only one side has the UNIQUE constraint.
    Unique,
    /// Only one side has the reference, or it acts differently.
    ForeignKey,
    /// Only one side has the CHECK constraint.
    Check,
    /// STRICT, WITHOUT ROWID or AUTOINCREMENT.
    Option,
}

/// How much a difference weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It can be added, or it does no harm.
    Minor,
    /// A person decides.
    Major,
}

/// A table of the source and what it is held against.
#[derive(Clone, Copy, Debug)]
pub struct Compared<'a> {
    /// The table of the source.
    pub source: &'a TableSchema,
    /// What each of its columns is called in the target; `None` for one that is left out.
    pub names: &'a [Option<String>],
    /// The table as the mapping would have the target make it.
    pub expected: &'a TableSchema,
    /// The table of the target.
    pub target: &'a TableSchema,
    /// What it becomes when the missing columns are added; `None` where none is missing.
    pub widened: Option<&'a Widened>,
    /// What is made of columns that only one side has.
    pub one_sided: OneSided,
}

impl Difference {
    /// A table that the target has not.
    pub fn missing_table(table: &str) -> Self {
        Self {
            table: table.to_owned(),
            kind: DifferenceKind::TableMissing,
            column: None,
            severity: Severity::Minor,
            stops: false,
            what: format!("the target has no table for {table}"),
            remedy: "copy and mirror make it".to_owned(),
            rename: None,
        }
    }
}

impl Compared<'_> {
    /// All differences: first those that stop, then column by column, then the constraints.
    pub fn differences(&self) -> Vec<Difference> {
        let mismatches = pair_mapped(self.source, self.target, self.names, self.one_sided).err().unwrap_or_default();
        let renames = self.renames(&mismatches);
        let mut found: Vec<_> = mismatches.into_iter().map(|mismatch| self.stopping(mismatch, &renames)).collect();
        for expected in &self.expected.columns {
            if let Some(position) = self.target.column(&expected.name) {
                let is_told = found.iter().any(|other| other.column.as_ref() == Some(&expected.name));
                self.column(expected, &self.target.columns[position], is_told, &mut found);
            }
        }
        self.constraints(&mut found);
        found
    }

    /// Pairs of a column only the source has and one only the target has that may be one: of each type the only ones.
    fn renames(&self, mismatches: &[Mismatch]) -> Vec<(String, String)> {
        let mut missing = Vec::new();
        let mut extra = Vec::new();
        for mismatch in mismatches {
            match mismatch {
                Mismatch::Missing { column, .. } => missing.extend(of_name(self.expected, column)),
                Mismatch::Extra { column } => extra.extend(of_name(self.target, column)),
                _ => {}
            }
        }
        let only =
            |columns: &[&Column], like: &Column| columns.iter().filter(|other| is_alike(other, like)).count() == 1;
        let pairs = missing.iter().flat_map(|missed| extra.iter().map(move |found| (*missed, *found)));
        pairs
            .filter(|(missed, found)| is_alike(missed, found) && only(&missing, missed) && only(&extra, found))
            .map(|(missed, found)| (missed.name.clone(), found.name.clone()))
            .collect()
    }

    fn stopping(&self, mismatch: Mismatch, renames: &[(String, String)]) -> Difference {
        let table = &self.source.name;
        let mut rule = None;
        let (kind, column, is_addable, remedy) = match &mismatch {
            Mismatch::Missing { column, .. } => {
                let rename = renames.iter().find(|(missing, _)| missing == column);
                let (is_addable, remedy) = match (rename, self.refusal(column)) {
                    (Some((_, found)), _) => {
                        rule = Some(self.rename_of(column, found));
                        (false, format!("it may be {found} in the target, under a new name"))
                    }
                    (None, Some(words)) => (false, format!("it cannot be added by itself: {words}")),
                    (None, None) => (true, "--schema add adds it".to_owned()),
                };
                (DifferenceKind::ColumnMissing, Some(column.clone()), is_addable, remedy)
            }
            Mismatch::Shared { column, .. } => {
                let name = self.free_name(column);
                rule = Some(self.rename_of(column, &name));
                (
                    DifferenceKind::ColumnMissing,
                    Some(column.clone()),
                    false,
                    "give it a name of its own there".to_owned(),
                )
            }
            Mismatch::Extra { column } => {
                let rename = renames.iter().find(|(_, found)| found == column);
                let remedy = match rename {
                    Some((missing, _)) => {
                        rule = Some(self.rename_of(missing, column));
                        format!("it may be {missing} under a new name")
                    }
                    None => "--schema ignore leaves it as it is".to_owned(),
                };
                (DifferenceKind::ColumnExtra, Some(column.clone()), false, remedy)
            }
            Mismatch::Required { column, .. } => {
                let remedy = "give it a default in the target".to_owned();
                (DifferenceKind::ColumnRequired, Some(column.clone()), false, remedy)
            }
            Mismatch::Type { column, .. } => {
                let remedy = "declare it alike on both sides".to_owned();
                (DifferenceKind::Type, Some(self.in_target(column)), false, remedy)
            }
            Mismatch::Computed { column } => {
                let remedy = "make it an ordinary column in the target".to_owned();
                (DifferenceKind::Computed, Some(self.in_target(column)), false, remedy)
            }
            Mismatch::Key { .. } => (DifferenceKind::Key, None, false, "give both tables the same key".to_owned()),
        };
        let severity = if is_addable { Severity::Minor } else { Severity::Major };
        let what = mismatch.into_error(table, &self.target.name).what().to_owned();
        Difference { table: table.clone(), kind, column, severity, stops: true, what, remedy, rename: rule }
    }

    /// Why the target cannot get this column; `None` when it can.
    fn refusal(&self, column: &str) -> Option<&str> {
        let refused = self.widened.iter().flat_map(|widened| &widened.refused);
        refused.into_iter().find(|(name, _)| name == column).map(|(_, words)| words.as_str())
    }

    /// A name for this column that no other has on either side.
    fn free_name(&self, column: &str) -> String {
        let is_taken = |name: &str| {
            let mut carried = self.names.iter().flatten();
            self.target.column(name).is_some() || carried.any(|other| other.eq_ignore_ascii_case(name))
        };
        free_name(column, is_taken)
    }

    fn rename_of(&self, missing: &str, found: &str) -> String {
        let place = self.names.iter().position(|name| name.as_deref() == Some(missing));
        let old = place.map_or(missing, |place| &self.source.columns[place].name);
        format!("{}.{}={}", as_typed(&self.source.name), as_typed(old), as_typed(found))
    }

    fn in_target(&self, column: &str) -> String {
        let mapped = self.source.column(column).and_then(|position| self.names[position].clone());
        mapped.unwrap_or_else(|| column.to_owned())
    }

    fn column(&self, ours: &Column, theirs: &Column, is_told: bool, found: &mut Vec<Difference>) {
        let (name, column) = (format!("{}.{}", self.source.name, ours.name), &ours.name);
        if !is_told && !ours.declared_type.eq_ignore_ascii_case(&theirs.declared_type) {
            let (ours, theirs) = (or_untyped(&ours.declared_type), or_untyped(&theirs.declared_type));
            let what = format!("{name} is declared {ours} in the source and {theirs} in the target");
            let remedy = "both store the same values alike";
            found.push(self.harmless(DifferenceKind::TypeName, Some(column.clone()), what, remedy));
        }
        self.computed(ours, theirs, found);
        self.rules(ours, theirs, found);
    }

    fn computed(&self, ours: &Column, theirs: &Column, found: &mut Vec<Difference>) {
        let name = format!("{}.{}", self.source.name, ours.name);
        let mut add = |what: String, remedy: &str| {
            found.push(self.harmless(DifferenceKind::Computed, Some(ours.name.clone()), what, remedy));
        };
        match (ours.generated, theirs.generated) {
            (Generated::No, Generated::No) => {}
            (_, Generated::No) => {
                let what = format!("{name} is computed in the source and stored as it is carried in the target");
                add(what, "its values are carried");
            }
            (Generated::No, _) => {}
            _ if !is_same_text(ours.expression.as_deref(), theirs.expression.as_deref()) => {
                let what = format!("{name} is computed in one way in the source and in another in the target");
                add(what, "its values may differ, which no run mends");
            }
            (ours, theirs) if ours != theirs => {
                let what =
                    format!("{name} is computed when it is read on one side, and when it is written on the other");
                add(what, HARMLESS);
            }
            _ => {}
        }
    }

    /// What the two sides demand of a value.
    fn rules(&self, ours: &Column, theirs: &Column, found: &mut Vec<Difference>) {
        let name = format!("{}.{}", self.source.name, ours.name);
        let mut add = |kind, what: String, remedy: &str| {
            found.push(self.harmless(kind, Some(ours.name.clone()), what, remedy));
        };
        match (ours.nullable, theirs.nullable) {
            (true, false) => {
                let what = format!("{name} may be NULL in the source and must not be in the target");
                add(DifferenceKind::NotNull, what, "rows with NULL in it are held");
            }
            (false, true) => {
                let what = format!("{name} must not be NULL in the source and may be in the target");
                add(DifferenceKind::NotNull, what, HARMLESS);
            }
            _ => {}
        }
        if !is_same_text(ours.default.as_deref(), theirs.default.as_deref()) && !self.are_numbered_alike(ours, theirs) {
            let default = |column: &Column| match &column.default {
                Some(_) if self.is_across() && is_counted(column) => "numbers that it is given by default".to_owned(),
                Some(default) => format!("the default {default}"),
                None => "no default".to_owned(),
            };
            let what = format!("{name} has {} in the source and {} in the target", default(ours), default(theirs));
            add(DifferenceKind::Default, what, HARMLESS);
        }
        // What is no text has none, and that it is none is told already.
        let is_text = |column: &Column| !column.collation.is_empty();
        if is_text(ours) && is_text(theirs) && !ours.collation.eq_ignore_ascii_case(&theirs.collation) {
            let (ours, theirs) = (&ours.collation, &theirs.collation);
            let what = format!("{name} is compared by {ours} in the source and by {theirs} in the target");
            add(DifferenceKind::Collation, what, "a unique value may clash on one side only; such a row is held");
        }
    }

    /// Whether both give numbers to rows that bring none, however they say so: the only column of a key does in engines that
    /// have row numbers, and where it does not, rows are carried with theirs.
    fn are_numbered_alike(&self, ours: &Column, theirs: &Column) -> bool {
        let is_alone_in_key = |column: &Column| matches!(self.expected.primary_key[..], [only] if self.expected.columns[only].name == column.name);
        let is_numbered = is_counted(ours) || (ours.default.is_none() && self.is_across() && is_alone_in_key(ours));
        is_counted(theirs) && is_numbered
    }

    /// Whether the two are of different engines.
    fn is_across(&self) -> bool {
        self.source.engine != self.target.engine
    }

    fn harmless(&self, kind: DifferenceKind, column: Option<String>, what: String, remedy: &str) -> Difference {
        let (table, remedy) = (self.source.name.clone(), remedy.to_owned());
        Difference { table, kind, column, severity: Severity::Minor, stops: false, what, remedy, rename: None }
    }
}

const HARMLESS: &str = "nothing needs to be done";

fn of_name<'t>(table: &'t TableSchema, name: &str) -> Option<&'t Column> {
    table.column(name).map(|position| &table.columns[position])
}

fn is_alike(a: &Column, b: &Column) -> bool {
    a.declared_type.eq_ignore_ascii_case(&b.declared_type) && stores_alike(&a.kind, &b.kind)
}

/// A name as it stands in a rule of a mapping.
/// A name as it is typed in a rule of a mapping: in quotes where it would be read otherwise.
pub fn as_typed(name: &str) -> Cow<'_, str> {
    let is_plain = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    if is_plain { Cow::Borrowed(name) } else { Cow::Owned(format!("\"{}\"", name.replace('"', "\"\""))) }
}

/// A name like this one that is not taken yet.
pub fn free_name(name: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let numbered = |number: usize| format!("{name}_{number}");
    (2..).map(numbered).find(|name| !is_taken(name)).expect("BUG: there is no end of numbers")
}

/// Whether the default gives out numbers.
fn is_counted(column: &Column) -> bool {
    column.default.as_deref().is_some_and(|default| default.starts_with("nextval("))
}

fn or_untyped(declared: &str) -> &str {
    if declared.is_empty() { "untyped" } else { declared }
}

fn is_same_text(a: Option<&str>, b: Option<&str>) -> bool {
    a.map(squeezed) == b.map(squeezed)
}

/// The text without what spacing makes of it. Two expressions that differ otherwise may mean the same; nobody is harmed by
/// being told.
fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
