//! What becomes of a table that is to be made in a database with these other tables and types: what the server would refuse
//! is left out and named.

use std::borrow::Cow;
use std::sync::Arc;

use syncline_core::schema::{Column, ForeignKey, Schema, TableSchema, Translated};
use syncline_core::value::Kind;

use super::own_types;
use crate::postgres::write::define::synthesis::{has_own_numbers, is_counted};

/// The table as it can be made there.
pub fn settled(table: &Arc<TableSchema>, among: &Schema) -> Translated {
    let mut left_out = Vec::new();
    let mut settled = own_types::known(table, among, &mut left_out).into_owned();
    let uncounted = table.columns.iter().filter(|column| is_counted(column) && !has_own_numbers(column));
    left_out.extend(uncounted.map(|column| format!("the numbers that {} is given", column.name)));
    settled.foreign_keys.clear();
    for key in &table.foreign_keys {
        match reference(&settled, key, among) {
            Ok(key) => settled.foreign_keys.push(key),
            Err(why) => {
                left_out.push(format!("the reference ({}) to {}: {why}", key.columns.join(", "), key.parent));
            }
        }
    }
    // Most tables stay as they are.
    let is_same = left_out.is_empty() && settled.foreign_keys == table.foreign_keys;
    let table = if is_same { Arc::clone(table) } else { Arc::new(settled) };
    Translated { table, left_out }
}

/// The reference with all names as they are spelled where it points to, or why the server would refuse it.
fn reference(table: &TableSchema, key: &ForeignKey, among: &Schema) -> Result<ForeignKey, String> {
    let Some(parent) = among.table(&key.parent) else { return Err("there is no such table".to_owned()) };
    // It may be made in this run as well.
    let parent = &*if parent.name == table.name {
        Cow::Borrowed(table)
    } else {
        own_types::known(parent, among, &mut Vec::new())
    };
    let columns = positions(table, &key.columns)?;
    let parent_columns = match &key.parent_columns[..] {
        [] => parent.primary_key.clone(),
        names => positions(parent, names)?,
    };
    if parent_columns.len() != columns.len() {
        return Err(format!("{} has another number of columns in its primary key", parent.name));
    }
    let named = |table: &TableSchema, positions: &[usize]| -> Vec<String> {
        positions.iter().map(|at| table.columns[*at].name.clone()).collect()
    };
    match uniqueness(parent, &parent_columns) {
        Some(Uniqueness::Immediate) => {}
        Some(Uniqueness::Deferrable) => {
            let columns = named(parent, &parent_columns).join(", ");
            return Err(format!(
                "({columns}) is unique there by a DEFERRABLE constraint, and nothing can reference that"
            ));
        }
        None => return Err(format!("({}) is not unique there", named(parent, &parent_columns).join(", "))),
    }
    for (child, parent) in columns.iter().zip(&parent_columns).map(|(a, b)| (&table.columns[*a], &parent.columns[*b])) {
        if !can_reference(child, parent) {
            let (ours, theirs) = (&child.declared_type, &parent.declared_type);
            return Err(format!("{} is {ours}, and {} is {theirs}", child.name, parent.name));
        }
    }
    let (columns, parent_columns) = (named(table, &columns), named(parent, &parent_columns));
    Ok(ForeignKey { columns, parent: parent.name.clone(), parent_columns, ..key.clone() })
}

fn positions(table: &TableSchema, names: &[String]) -> Result<Vec<usize>, String> {
    let position = |name: &String| table.column(name).ok_or_else(|| format!("{} has no column {name}", table.name));
    names.iter().map(position).collect()
}

/// When the server sees that a value is there twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Uniqueness {
    Immediate,
    Deferrable,
}

/// The strictest key or constraint that is over just these columns, in any order.
fn uniqueness(table: &TableSchema, columns: &[usize]) -> Option<Uniqueness> {
    let is_all = |others: &[usize]| others.len() == columns.len() && others.iter().all(|other| columns.contains(other));
    let uniques = table.uniques.iter().filter(|unique| !unique.partial);
    let uniques = uniques.filter_map(|unique| {
        let columns = unique.columns.iter().map(|name| table.column(name.as_deref()?)).collect::<Option<Vec<_>>>();
        Some((columns?, unique.deferrable))
    });
    let primary_key = (table.primary_key.clone(), table.deferrable_key);
    // Another key would not have been chosen if it could wait.
    let key = table.key.iter().filter(|key| key.columns != table.primary_key).map(|key| (key.columns.clone(), false));
    let all = uniques.chain([primary_key]).chain(key).filter(|(others, _)| is_all(others));
    all.map(|(_, waits)| if waits { Uniqueness::Deferrable } else { Uniqueness::Immediate }).min()
}

/// Whether the server compares values of the one with those of the other: by an operator for both types, or because it turns
/// those of the one into those of the other by itself, as whole numbers into decimals and not the other way round.
fn can_reference(child: &Column, parent: &Column) -> bool {
    if child.declared_type == parent.declared_type {
        return true;
    }
    match (family(child), family(parent)) {
        (Some((ours, rank)), Some((theirs, limit))) => ours == theirs && rank <= limit,
        _ => false,
    }
}

/// A family of types and, among numbers, the place in it: each is turned into those behind it.
fn family(column: &Column) -> Option<(u8, u8)> {
    match &column.kind {
        Kind::Bool => Some((0, 0)),
        Kind::Int { .. } if column.declared_type != "oid" => Some((1, 0)),
        Kind::Decimal { .. } => Some((1, 1)),
        Kind::Real { .. } => Some((1, 2)),
        // citext has rules of its own for what is alike, and name is not compared with all texts.
        Kind::Text { .. } if column.declared_type != "name" && !column.declared_type.ends_with("citext") => {
            Some((2, 0))
        }
        Kind::Bytes => Some((3, 0)),
        Kind::Date | Kind::Timestamp { .. } | Kind::Instant { .. } => Some((4, 0)),
        Kind::Time { .. } => Some((5, 0)),
        Kind::Uuid => Some((6, 0)),
        Kind::Json { normalised: true } => Some((7, 0)),
        _ => None,
    }
}
