//! The primary key, constraints and indexes of a table, as parts of its statement.

use syncline_core::error::{Code, Error, Result};
use syncline_core::schema::{Index, TableSchema};

use super::listed;
use crate::mysql::connect::quoted;
use crate::mysql::definition;

/// All of them. What is unique is an index here, and the same by whichever name it is described.
pub(super) fn all_of(table: &TableSchema) -> Result<Vec<String>> {
    let mut parts = Vec::new();
    let named = |positions: &[usize]| listed(positions.iter().map(|at| table.columns[*at].name.as_str()));
    if !table.primary_key.is_empty() {
        parts.push(format!("PRIMARY KEY ({})", named(&table.primary_key)?));
    }
    for index in &table.indexes {
        parts.push(of_index(index)?);
    }
    for unique in &table.uniques {
        let columns: Option<Vec<&str>> = unique.columns.iter().map(Option::as_deref).collect();
        let Some(columns) = columns.filter(|_| !unique.partial) else { continue };
        if !has_unique(table, &columns, &unique.name) {
            let name = if unique.name.is_empty() { String::new() } else { format!("{} ", quoted(&unique.name)?) };
            parts.push(format!("UNIQUE KEY {name}({})", listed(columns)?));
        }
    }
    if let Some(key) = table.key.as_ref().filter(|key| key.columns != table.primary_key) {
        let names: Vec<_> = key.columns.iter().map(|at| table.columns[*at].name.as_str()).collect();
        if !has_unique(table, &names, "") && !table.uniques.iter().any(|unique| is_over(&unique.columns, &names)) {
            parts.push(format!("UNIQUE KEY ({})", named(&key.columns)?));
        }
    }
    Ok(parts)
}

fn of_index(index: &Index) -> Result<String> {
    let name = quoted(&index.name)?;
    let unique = if index.unique { "UNIQUE " } else { "" };
    // Its own says of more than columns, where it has one.
    if let Some((method, columns)) = definition::index(&index.definition) {
        return Ok(format!("{method}KEY {name} {columns}"));
    }
    let mut columns = Vec::new();
    for column in &index.columns {
        let Some(column_name) = &column.name else {
            let what = format!("the index {} is over an expression and has no definition", index.name);
            return Err(Error::new(Code::StoreFailed, what));
        };
        columns.push(quoted(column_name)? + if column.descending { " DESC" } else { "" });
    }
    Ok(format!("{unique}KEY {name} ({})", columns.join(", ")))
}

/// Whether one of the indexes is this unique constraint.
fn has_unique(table: &TableSchema, columns: &[&str], name: &str) -> bool {
    table.indexes.iter().any(|index| {
        let of_index: Vec<_> = index.columns.iter().map(|column| column.name.clone()).collect();
        index.unique && (index.name == name || name.is_empty() && is_over(&of_index, columns))
    })
}

fn is_over(columns: &[Option<String>], names: &[&str]) -> bool {
    columns.iter().map(Option::as_deref).eq(names.iter().map(|name| Some(*name)))
}
