//! Indexes: those behind keys and constraints, which are the same here as those made apart.

use std::collections::HashMap;

use syncline_core::error::Result;
use syncline_core::schema::{Column, Index, IndexColumn, Key, Unique};

use super::{ByTable, ask};
use crate::mysql::connect::{Connection, Product, cell, quoted};

/// MariaDB has no indexes over expressions, nor a column for them.
const INDEXES: &str = "SELECT TABLE_NAME, INDEX_NAME, NON_UNIQUE, COLUMN_NAME, COLLATION, SUB_PART, INDEX_TYPE, {expression} \
    FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = DATABASE() ORDER BY TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX";

/// What the index of the primary key is called, and nothing else can be.
const PRIMARY: &str = "PRIMARY";

/// An index as the catalog has it.
pub(super) struct IndexInfo {
    name: String,
    is_unique: bool,
    /// `BTREE`, `FULLTEXT`, `SPATIAL`, …
    method: String,
    parts: Vec<Part>,
}

/// A part of an index.
struct Part {
    /// `None` for an expression.
    column: Option<String>,
    is_descending: bool,
    /// Only so many characters of the column are in the index.
    prefix: Option<u64>,
    expression: Option<String>,
}

pub(super) async fn read(connection: &Connection) -> Result<ByTable<Vec<IndexInfo>>> {
    let expression = match connection.version.product {
        Product::MariaDb => "NULL",
        Product::MySql => "EXPRESSION",
    };
    let mut tables: ByTable<Vec<IndexInfo>> = HashMap::new();
    for row in ask(connection, &INDEXES.replace("{expression}", expression)).await? {
        let indexes = tables.entry(cell(&row, 0)?).or_default();
        let name: String = cell(&row, 1)?;
        if indexes.last().is_none_or(|index| index.name != name) {
            let is_unique = cell::<u64>(&row, 2)? == 0;
            indexes.push(IndexInfo { name, is_unique, method: cell(&row, 6)?, parts: Vec::new() });
        }
        if let Some(index) = indexes.last_mut() {
            // Of places the catalog tells how many bytes their bounds take.
            let is_spatial = index.method == "SPATIAL";
            index.parts.push(Part {
                column: cell(&row, 3)?,
                is_descending: cell::<Option<String>>(&row, 4)?.as_deref() == Some("D"),
                prefix: cell::<Option<u64>>(&row, 5)?.filter(|_| !is_spatial),
                expression: cell(&row, 7)?,
            });
        }
    }
    Ok(tables)
}

/// How rows are told apart, and the index that sees to it: the primary key, or else a unique one that lets in no NULL.
pub(super) fn key<'i>(indexes: &'i [IndexInfo], columns: &[Column]) -> (Option<Key>, Option<&'i str>) {
    let could_be = |index: &&IndexInfo| {
        index.is_unique && index.positions(columns).is_some_and(|found| found.iter().all(|at| !columns[*at].nullable))
    };
    let primary = indexes.iter().find(|index| index.name == PRIMARY);
    let Some(chosen) = primary.or_else(|| indexes.iter().find(could_be)) else { return (None, None) };
    let Some(positions) = chosen.positions(columns) else { return (None, None) };
    let collations = positions.iter().map(|at| columns[*at].collation.clone()).collect();
    (Some(Key { columns: positions, is_rowid: false, collations }), Some(&chosen.name))
}

/// The columns of the primary key.
pub(super) fn primary(indexes: &[IndexInfo], columns: &[Column]) -> Vec<usize> {
    let primary = indexes.iter().find(|index| index.name == PRIMARY);
    primary.and_then(|index| index.positions(columns)).unwrap_or_default()
}

/// What is unique besides the key.
pub(super) fn uniques(indexes: &[IndexInfo], key: Option<&str>) -> Vec<Unique> {
    let others = indexes.iter().filter(|index| index.is_unique && key != Some(index.name.as_str()));
    let unique = |index: &IndexInfo| Unique {
        name: index.name.clone(),
        columns: index.parts.iter().map(Part::whole).collect(),
        partial: false,
        deferrable: false,
    };
    others.map(unique).collect()
}

/// All but that of the primary key.
pub(super) fn separate(indexes: &[IndexInfo], table: &str) -> Result<Vec<Index>> {
    let apart = indexes.iter().filter(|index| index.name != PRIMARY);
    let index = |index: &IndexInfo| {
        let column = |part: &Part| IndexColumn {
            // Other engines have neither prefixes nor these methods.
            name: part.whole().filter(|_| index.method == "BTREE"),
            collation: String::new(),
            descending: part.is_descending,
        };
        Ok(Index {
            name: index.name.clone(),
            unique: index.is_unique,
            columns: index.parts.iter().map(column).collect(),
            partial: false,
            definition: index.definition(table)?,
        })
    };
    apart.map(index).collect()
}

impl IndexInfo {
    /// Where its columns are; `None` unless all of it are columns, and whole.
    fn positions(&self, columns: &[Column]) -> Option<Vec<usize>> {
        let position = |part: &Part| {
            let name = part.whole()?;
            columns.iter().position(|column| column.name == name)
        };
        self.parts.iter().map(position).collect()
    }

    fn definition(&self, table: &str) -> Result<String> {
        // Of a place there is no beginning: what the catalog calls one is the size of the box around it.
        let is_spatial = self.method == "SPATIAL";
        let parts = self.parts.iter().map(|part| part.written(!is_spatial)).collect::<Result<Vec<_>>>()?.join(", ");
        let word = match self.method.as_str() {
            _ if self.is_unique => "UNIQUE ",
            "FULLTEXT" => "FULLTEXT ",
            "SPATIAL" => "SPATIAL ",
            _ => "",
        };
        Ok(format!("CREATE {word}INDEX {} ON {} ({parts})", quoted(&self.name)?, quoted(table)?))
    }
}

impl Part {
    /// The column, if all of it is in the index.
    fn whole(&self) -> Option<String> {
        self.column.clone().filter(|_| self.prefix.is_none())
    }

    fn written(&self, has_prefix: bool) -> Result<String> {
        let descending = if self.is_descending { " DESC" } else { "" };
        Ok(match (&self.column, &self.expression, self.prefix.filter(|_| has_prefix)) {
            (Some(column), _, Some(chars)) => format!("{}({chars}){descending}", quoted(column)?),
            (Some(column), _, None) => format!("{}{descending}", quoted(column)?),
            (None, expression, _) => format!("({}){descending}", expression.as_deref().unwrap_or_default()),
        })
    }
}
