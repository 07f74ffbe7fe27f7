//! What other engines have to know of a table of MySQL to say it in their own words.

use std::borrow::Cow;
use std::collections::BTreeMap;

use syncline_core::schema::{Column, Generated, TableSchema};
use syncline_core::value::{Kind, Value};

use super::definition::Definition;
pub(crate) use super::translate::Moment;
use super::{ENGINE, types};
use crate::sql::Dialect;
use crate::sql::conditions;

/// What a column holds of which nothing is said.
pub(crate) enum Default {
    /// A value.
    Constant(Value),
    /// The digits of a `bit(n)`, all of them.
    Bits(String),
    /// The present.
    Present(Moment),
}

/// The table with names of indexes that are names of a whole database, as they are elsewhere; of another engine as it is.
pub(crate) fn with_wide_names(table: &TableSchema) -> Cow<'_, TableSchema> {
    if table.engine != ENGINE || table.indexes.is_empty() {
        return Cow::Borrowed(table);
    }
    let mut named = table.clone();
    let wide = |name: &mut String| *name = format!("{}_{name}", table.name);
    named.indexes.iter_mut().for_each(|index| wide(&mut index.name));
    named.uniques.iter_mut().for_each(|unique| wide(&mut unique.name));
    Cow::Owned(named)
}

/// The column that is given numbers.
pub(crate) fn counted(table: &TableSchema) -> Option<usize> {
    let counter = table.counters.first().filter(|_| table.engine == ENGINE)?;
    table.column(&counter.column)
}

/// What is lost of a table wherever it goes, each a phrase for a person: how text is compared, and what columns do by
/// themselves.
pub(crate) fn lost(table: &TableSchema) -> Vec<String> {
    if table.engine != ENGINE {
        return Vec::new();
    }
    let mut collations: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let is_text = |column: &&Column| matches!(column.kind, Kind::Text { .. } | Kind::Enum { .. });
    for column in table.columns.iter().filter(is_text).filter(|column| !is_by_bytes(column)) {
        collations.entry(&column.collation).or_default().push(&column.name);
    }
    let mut lost: Vec<String> = collations
        .into_iter()
        .map(|(name, columns)| format!("the collation {name} of {}", columns.join(", ")))
        .collect();
    if let Some(definition) = Definition::parse(&table.definition) {
        lost.extend(definition.refreshed_columns().map(|name| format!("ON UPDATE CURRENT_TIMESTAMP of {name}")));
        lost.extend(definition.is_versioned.then(|| "its system versioning".to_owned()));
    }
    lost
}

/// Whether text is compared by its bytes.
pub(crate) fn is_by_bytes(column: &Column) -> bool {
    column.collation.is_empty() || column.collation == "binary" || column.collation.ends_with("_bin")
}

/// What the default of a column means; `None` where it has no words elsewhere.
pub(crate) fn default(column: &Column) -> Option<Default> {
    let default = column.default.as_deref().filter(|_| column.generated == Generated::No)?;
    if let Some(moment) = Moment::of(default, Dialect::Mysql) {
        return Some(Default::Present(moment));
    }
    let bits = match &column.kind {
        Kind::Other { type_name } => types::bits(type_name),
        _ => None,
    };
    if let Some(width) = bits {
        let digits = default.strip_prefix("b'")?.strip_suffix('\'')?;
        let is_binary = digits.bytes().all(|byte| matches!(byte, b'0' | b'1'));
        return is_binary.then(|| Default::Bits(format!("{digits:0>width$}", width = width as usize)));
    }
    conditions::constant(default, Dialect::Mysql).map(Default::Constant)
}
