//! What the target's table lacks of what the source's has, as columns to be added.

use super::mentions::mentions;
use crate::schema::{Check, Column, ForeignKey, Generated, NewColumn, TableSchema};

/// The columns that the target's table lacks, in the target's words, each with the conditions and the reference that
/// come with it: ordinary ones first, because computed ones may mention them. `expected` is the table as
/// [`super::Resolved::define`] gives it.
pub fn additions(expected: &TableSchema, target: &TableSchema) -> Vec<NewColumn> {
    let missing = || expected.columns.iter().filter(|column| target.column(&column.name).is_none());
    let (computed, plain): (Vec<_>, Vec<_>) = missing().partition(|column| column.generated != Generated::No);
    let order: Vec<&Column> = plain.into_iter().chain(computed).collect();
    let conditions = conditions(expected, target, &order);
    let addition = |(at, column): (usize, &&Column)| NewColumn {
        table: target.name.clone(),
        column: (*column).clone(),
        checks: conditions.iter().filter(|(last, _)| *last == at).map(|(_, check)| check.clone()).collect(),
        reference: reference(expected, column),
    };
    order.iter().enumerate().map(addition).collect()
}

/// The conditions that mention a new column, each with the last one that it mentions: the others are there by then.
fn conditions(expected: &TableSchema, target: &TableSchema, order: &[&Column]) -> Vec<(usize, Check)> {
    let is_new = |check: &&Check| !target.checks.contains(check);
    let last = |check: &Check| {
        order.iter().rposition(|column| mentions(&check.expression, std::slice::from_ref(&column.name)))
    };
    expected.checks.iter().filter(is_new).filter_map(|check| Some((last(check)?, check.clone()))).collect()
}

/// What the column references by itself. One with a default is added without: rows that are there would point at it.
fn reference(expected: &TableSchema, column: &Column) -> Option<ForeignKey> {
    let is_null = column.default.as_ref().is_none_or(|default| default.eq_ignore_ascii_case("NULL"));
    let key = expected.foreign_keys.iter().find(|key| *key.columns == [column.name.clone()])?;
    is_null.then(|| key.clone())
}
