//! Whether the values of one table can live in another without change, decided before anything moves.

use super::meeting::{Grade, Meeting};
use super::table::{Generated, TableSchema};
use crate::error::{Code, Error, without_table};
use crate::value::{Equality, Forms};

/// A column of the source and the column of the target that takes its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ColumnPair {
    /// Position in the source's columns.
    pub source: usize,
    /// Position in the target's columns.
    pub target: usize,
}

/// Why rows of one table cannot be carried into another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// The target has no such column.
    Missing {
        /// The column's name.
        column: String,
        /// Its declared type in the source.
        declared_type: String,
    },
    /// The target has one column for two of the source, whose names differ in the case of letters only.
    Shared {
        /// The column's name in the target, as the source has it.
        column: String,
        /// That of the other column.
        other: String,
        /// The column of the target.
        target: String,
    },
    /// Only the target has this column.
    Extra {
        /// The column's name.
        column: String,
    },
    /// The target would change values while storing them.
    Type {
        /// The column's name.
        column: String,
        /// Its declared type in the source.
        source: String,
        /// Its declared type in the target.
        target: String,
    },
    /// The column is left out, and the target cannot fill it by itself.
    Required {
        /// The column's name.
        column: String,
        /// The source has it too.
        is_in_source: bool,
    },
    /// Rows are told apart by different columns.
    Key {
        /// The source's key columns.
        source: Vec<String>,
        /// The target's key columns.
        target: Vec<String>,
    },
    /// The value is computed in the target only, so the source's could not be written.
    Computed {
        /// The column's name.
        column: String,
    },
}

/// What is made of columns that only one side has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OneSided {
    /// They are mismatches.
    #[default]
    Refused,
    /// They are left out, as far as the target can fill its own by itself.
    LeftOut,
}

/// Pairs the columns whose values are carried: all of the source's that are not computed on both sides.
///
/// # Errors
/// Every mismatch found, so that a person can mend them all at once.
pub fn pair_columns(source: &TableSchema, target: &TableSchema) -> Result<Vec<ColumnPair>, Vec<Mismatch>> {
    let names: Vec<_> = source.columns.iter().map(|column| Some(column.name.clone())).collect();
    pair_mapped(source, target, &names, OneSided::Refused)
}

/// As [`pair_columns`], where `names` tells what each column of the source is called in the target, and which are left
/// out. The target may have those or not; if it has, it must be able to fill them by itself.
///
/// # Errors
/// As [`pair_columns`].
pub fn pair_mapped(
    source: &TableSchema,
    target: &TableSchema,
    names: &[Option<String>],
    one_sided: OneSided,
) -> Result<Vec<ColumnPair>, Vec<Mismatch>> {
    let is_mapped = source.columns.iter().zip(names).any(|(column, name)| name.as_ref() != Some(&column.name));
    let mut pairs = Vec::new();
    let mut mismatches = Vec::new();
    for (position, column) in source.columns.iter().enumerate() {
        let Some(name) = &names[position] else { continue };
        if let Some(shared) = shared(position, target, names, one_sided) {
            mismatches.extend(shared);
            continue;
        }
        let Some(at) = target.column(name) else {
            // A computed column may mention what a mapping takes away; then the target can do without it.
            if one_sided == OneSided::Refused && (column.generated == Generated::No || !is_mapped) {
                mismatches
                    .push(Mismatch::Missing { column: name.clone(), declared_type: column.declared_type.clone() });
            }
            continue;
        };
        let other = &target.columns[at];
        match (column.generated, other.generated) {
            (Generated::No, Generated::No) if meet(source, position, target, at).is_none() => {
                mismatches.push(Mismatch::Type {
                    column: column.name.clone(),
                    source: column.declared_type.clone(),
                    target: other.declared_type.clone(),
                })
            }
            (_, Generated::No) => pairs.push(ColumnPair { source: position, target: at }),
            (Generated::No, _) => mismatches.push(Mismatch::Computed { column: column.name.clone() }),
            _ => {}
        }
    }
    mismatches.extend(unfilled(source, target, names, one_sided));
    mismatches.extend(key_mismatch(source, target, names));
    if mismatches.is_empty() { Ok(pairs) } else { Err(mismatches) }
}

/// Whether another column of the source comes before this one where both would go into one column of the target. Where one
/// is spelled like it, that one has it.
fn shared(
    position: usize,
    target: &TableSchema,
    names: &[Option<String>],
    one_sided: OneSided,
) -> Option<Option<Mismatch>> {
    let column = names[position].as_ref()?;
    let found = &target.columns[target.column(column)?].name;
    let mut others = names.iter().flatten().filter(|other| *other != column && other.eq_ignore_ascii_case(column));
    // Of a column that is there in both spellings each has its own.
    if found == column {
        return None;
    }
    let other = others.clone().find(|other| *other == found);
    let is_left_out = other.is_some() && one_sided == OneSided::LeftOut;
    let other = other.or_else(|| others.next())?;
    let (column, other, target) = (column.clone(), other.clone(), found.clone());
    Some((!is_left_out).then_some(Mismatch::Shared { column, other, target }))
}

/// As what the cells of these pairs are seen on both sides, and by which encoding rows are equal.
pub fn forms(source: &TableSchema, target: &TableSchema, pairs: &[ColumnPair]) -> Forms {
    let meetings: Vec<_> = pairs.iter().map(|pair| meet(source, pair.source, target, pair.target)).collect();
    let is_canonical =
        |meeting: &Option<Meeting>| meeting.as_ref().is_none_or(|meeting| meeting.equality == Equality::Canonical);
    let equality = if meetings.iter().any(is_canonical) { Equality::Canonical } else { Equality::Exact };
    Forms { kinds: meetings.into_iter().map(|meeting| meeting?.seen_as).collect(), equality }
}

/// The grades of these pairs, in their order.
pub fn grades(source: &TableSchema, target: &TableSchema, pairs: &[ColumnPair]) -> Vec<Grade> {
    let grade = |pair: &ColumnPair| meet(source, pair.source, target, pair.target).map(|meeting| meeting.grade);
    pairs.iter().map(|pair| grade(pair).unwrap_or(Grade::Checked)).collect()
}

fn meet(source: &TableSchema, column: usize, target: &TableSchema, other: usize) -> Option<Meeting> {
    Meeting::of((&source.columns[column].kind, source.engine), (&target.columns[other].kind, target.engine))
}

/// Columns that both sides compute: nobody writes them, and a proof of equality reads them all the same.
pub fn computed_columns(source: &TableSchema, target: &TableSchema, names: &[Option<String>]) -> Vec<ColumnPair> {
    let is_computed = |table: &TableSchema, column: usize| table.columns[column].generated != Generated::No;
    let pair = |position: usize| {
        let at = target.column(names[position].as_ref()?)?;
        let both = is_computed(source, position) && is_computed(target, at);
        both.then_some(ColumnPair { source: position, target: at })
    };
    (0..source.columns.len()).filter_map(pair).collect()
}

/// Columns of the target that get no value from the source.
fn unfilled(
    source: &TableSchema,
    target: &TableSchema,
    names: &[Option<String>],
    one_sided: OneSided,
) -> Vec<Mismatch> {
    let filled: Vec<_> = names.iter().flatten().filter_map(|name| target.column(name)).collect();
    let is_filled = |name: &str| target.column(name).is_some_and(|column| filled.contains(&column));
    let is_left_out = |name: &str| {
        one_sided == OneSided::LeftOut || source.column(name).is_some_and(|column| names[column].is_none())
    };
    // That the key is another one is told by itself.
    let is_key = |name: &str| {
        let key_columns = target.key.iter().flat_map(|key| &key.columns);
        target.column(name).is_some_and(|column| key_columns.into_iter().any(|other| *other == column))
    };
    let open = target.columns.iter().filter(|column| column.generated == Generated::No && !is_filled(&column.name));
    open.filter_map(|column| match is_left_out(&column.name) {
        false => Some(Mismatch::Extra { column: column.name.clone() }),
        true if !column.nullable && column.default.is_none() && !is_key(&column.name) => Some(Mismatch::Required {
            column: column.name.clone(),
            is_in_source: source.column(&column.name).is_some(),
        }),
        true => None,
    })
    .collect()
}

fn key_mismatch(source: &TableSchema, target: &TableSchema, mapped: &[Option<String>]) -> Option<Mismatch> {
    let key_columns = |table: &TableSchema| table.key.iter().flat_map(|key| key.columns.clone()).collect::<Vec<_>>();
    let name_of = |column: usize| mapped[column].clone().unwrap_or_else(|| source.columns[column].name.clone());
    let source: Vec<String> = key_columns(source).into_iter().map(name_of).collect();
    let target: Vec<String> =
        key_columns(target).into_iter().map(|column| target.columns[column].name.clone()).collect();
    let same = source.len() == target.len() && source.iter().all(|a| target.iter().any(|b| a.eq_ignore_ascii_case(b)));
    (!same).then_some(Mismatch::Key { source, target })
}

impl Mismatch {
    /// The mismatch as an error about `table`, which is called `target` in the target, with what can be done.
    pub fn into_error(self, table: &str, target: &str) -> Error {
        match self {
            Mismatch::Missing { column, declared_type } => Error::new(
                Code::SchemaColumnMissing,
                format!("the target's {target} has no column {column} (source: {})", or_untyped(&declared_type)),
            ),
            Mismatch::Shared { column, other, target: theirs } => Error::new(
                Code::SchemaColumnMissing,
                format!("{column} and {other} of {table} would share one column {theirs} of the target's {target}"),
            ),
            Mismatch::Extra { column } => Error::new(
                Code::SchemaColumnExtra,
                format!("the target's {target} has a column {column} that the source has not"),
            ),
            Mismatch::Required { column, is_in_source } => {
                let what =
                    format!("{column} is left out, and in the target's {target} it must have a value and has no default");
                let error = Error::new(Code::SchemaColumnRequired, what);
                if is_in_source {
                    error.next(format!("carry {table}.{column} too"), "or give it a default in the target")
                } else {
                    error.next(format!("give {column} a default in the target"), "then run again")
                }
            }
            Mismatch::Type { column, source, target: theirs } => Error::new(
                Code::SchemaTypeDiffers,
                format!(
                    "{table}.{column} is {} in the source and {} in the target, which would change values while storing them",
                    or_untyped(&source),
                    or_untyped(&theirs)
                ),
            ),
            Mismatch::Key { source, target: theirs } => Error::new(
                Code::SchemaKeyDiffers,
                format!(
                    "rows of {table} are told apart by {} in the source and by {} in the target",
                    or_nothing(&source),
                    or_nothing(&theirs)
                ),
            ),
            Mismatch::Computed { column } => Error::new(
                Code::SchemaTypeDiffers,
                format!("{table}.{column} is computed in the target, so the source's values cannot be written there"),
            ),
        }
        .next(without_table(table), "leave the table out")
    }
}

fn or_untyped(declared: &str) -> &str {
    if declared.is_empty() { "untyped" } else { declared }
}

fn or_nothing(columns: &[String]) -> String {
    if columns.is_empty() { "nothing".to_owned() } else { columns.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::super::table::{Column, Key};
    use super::*;
    use crate::value::{Coercion, Kind};

    fn table(columns: &[(&str, Coercion, Generated)]) -> TableSchema {
        let column = |(name, coercion, generated): &(&str, Coercion, Generated)| Column {
            name: (*name).to_owned(),
            declared_type: format!("{coercion:?}"),
            kind: Kind::Flexible(*coercion),
            nullable: true,
            default: None,
            collation: "BINARY".to_owned(),
            generated: *generated,
            expression: None,
        };
        TableSchema {
            columns: columns.iter().map(column).collect(),
            key: Some(Key { columns: vec![0], is_rowid: true, collations: vec!["BINARY".to_owned()] }),
            ..TableSchema::default()
        }
    }

    #[test]
    fn columns_pair_by_name_whatever_their_place_and_case() {
        let source = table(&[("id", Coercion::Integer, Generated::No), ("Name", Coercion::Text, Generated::No)]);
        let mut target = table(&[("NAME", Coercion::Text, Generated::No), ("ID", Coercion::Integer, Generated::No)]);
        target.key = Some(Key { columns: vec![1], is_rowid: true, collations: vec!["BINARY".to_owned()] });
        let pairs = pair_columns(&source, &target).unwrap();
        assert_eq!(pairs, [ColumnPair { source: 0, target: 1 }, ColumnPair { source: 1, target: 0 }]);
    }

    #[test]
    fn two_columns_do_not_share_one() {
        let columns = |names: &[&str]| {
            let columns: Vec<_> = names.iter().map(|name| (*name, Coercion::Text, Generated::No)).collect();
            table(&columns)
        };
        let shared = |column: &str, other: &str, target: &str| {
            let (column, other, target) = (column.to_owned(), other.to_owned(), target.to_owned());
            Mismatch::Shared { column, other, target }
        };
        let source = columns(&["id", "A", "a"]);
        let names: Vec<_> = source.columns.iter().map(|column| Some(column.name.clone())).collect();
        let target = columns(&["id", "a"]);
        assert_eq!(pair_columns(&source, &target).unwrap_err(), [shared("A", "a", "a")]);
        let pairs = pair_mapped(&source, &target, &names, OneSided::LeftOut).unwrap();
        assert_eq!(pairs[1..], [ColumnPair { source: 2, target: 1 }]);
        // Both have their own, and one side alone has one of them.
        assert_eq!(pair_columns(&source, &source).unwrap().len(), 3);
        assert_eq!(pair_columns(&target, &source).unwrap_err(), [Mismatch::Extra { column: "A".to_owned() }]);
        // None is spelled like the target's.
        let (source, target) = (columns(&["id", "Ab", "AB"]), columns(&["id", "ab"]));
        let expected = [shared("Ab", "AB", "ab"), shared("AB", "Ab", "ab")];
        assert_eq!(pair_columns(&source, &target).unwrap_err(), expected);
        let names: Vec<_> = source.columns.iter().map(|column| Some(column.name.clone())).collect();
        assert_eq!(pair_mapped(&source, &target, &names, OneSided::LeftOut).unwrap_err(), expected);
    }

    #[test]
    fn every_mismatch_is_named() {
        let source = table(&[
            ("id", Coercion::Integer, Generated::No),
            ("a", Coercion::Text, Generated::No),
            ("b", Coercion::Text, Generated::No),
            ("c", Coercion::Text, Generated::No),
        ]);
        let target = table(&[
            ("id", Coercion::Integer, Generated::No),
            ("a", Coercion::Integer, Generated::No),
            ("c", Coercion::Text, Generated::Stored),
            ("d", Coercion::None, Generated::No),
        ]);
        let codes: Vec<_> =
            pair_columns(&source, &target).unwrap_err().into_iter().map(|m| m.into_error("t", "t").code()).collect();
        let expected =
            [Code::SchemaTypeDiffers, Code::SchemaColumnMissing, Code::SchemaTypeDiffers, Code::SchemaColumnExtra];
        assert_eq!(codes, expected);
    }

    #[test]
    fn a_column_computed_on_both_sides_is_not_carried() {
        let both = table(&[("id", Coercion::Integer, Generated::No), ("sum", Coercion::None, Generated::Virtual)]);
        assert_eq!(pair_columns(&both, &both).unwrap(), [ColumnPair { source: 0, target: 0 }]);
    }
}
