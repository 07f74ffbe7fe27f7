//! Indexes: those behind keys and constraints, and those made apart.

use std::collections::HashMap;

use syncline_core::error::Result;
use syncline_core::schema::{Column, Index, IndexColumn, Key, Unique};

use super::{ByTable, ask};
use crate::postgres::connect::Connection;

/// The statement of a partitioned table's index says ONLY, because its partitions have indexes of their own.
const INDEXES: &str = "\
SELECT indrelid, class.relname::text, indisunique, indisprimary, indpred IS NOT NULL, indimmediate,
    (indkey::int2[])[0:indnkeyatts - 1], indoption::int2[],
    ARRAY(SELECT CASE WHEN collnamespace = 'pg_catalog'::regnamespace THEN collname::text
            WHEN collname IS NULL THEN ''
            ELSE '\"' || replace(space.nspname, '\"', '\"\"') || '\".\"' || replace(collname, '\"', '\"\"') || '\"' END
        FROM unnest(indcollation::oid[]) WITH ORDINALITY AS part(number, place)
            LEFT JOIN pg_collation ON pg_collation.oid = number
            LEFT JOIN pg_namespace AS space ON space.oid = collnamespace
        ORDER BY place),
    CASE WHEN class.relkind = 'I' THEN head || substr(pg_get_indexdef(indexrelid), length(head || 'ONLY ') + 1)
        ELSE pg_get_indexdef(indexrelid) END,
    contype::text
FROM pg_index
    JOIN pg_class AS class ON class.oid = indexrelid
    LEFT JOIN pg_constraint ON conindid = indexrelid AND conrelid = indrelid AND contype IN ('p', 'u', 'x'),
    LATERAL (SELECT 'CREATE ' || CASE WHEN indisunique THEN 'UNIQUE ' ELSE '' END || 'INDEX '
        || quote_ident(class.relname) || ' ON ') AS beginning(head)
WHERE indrelid = ANY ($1::oid[]) AND indisvalid
ORDER BY indrelid, class.relname";

/// An index as the catalog has it.
pub(super) struct IndexInfo {
    name: String,
    is_unique: bool,
    is_primary: bool,
    is_partial: bool,
    /// A unique one is checked at once, and not only when a transaction commits.
    is_immediate: bool,
    /// Numbers of its columns; 0 for an expression.
    numbers: Vec<i16>,
    options: Vec<i16>,
    collations: Vec<String>,
    definition: String,
    /// The constraint it belongs to: `p`, `u` or `x`.
    constraint: Option<String>,
}

pub(super) async fn read(connection: &Connection, oids: &[u32]) -> Result<ByTable<Vec<IndexInfo>>> {
    let mut tables: ByTable<Vec<IndexInfo>> = HashMap::new();
    ask(connection, INDEXES, oids, |row| {
        let index = IndexInfo {
            name: row.get(1)?,
            is_unique: row.get(2)?,
            is_primary: row.get(3)?,
            is_partial: row.get(4)?,
            is_immediate: row.get(5)?,
            numbers: row.get(6)?,
            options: row.get(7)?,
            collations: row.get(8)?,
            definition: row.get(9)?,
            constraint: row.get(10)?,
        };
        tables.entry(row.get(0)?).or_default().push(index);
        Ok(())
    })
    .await?;
    Ok(tables)
}

/// How rows are told apart, and the index that sees to it: the primary key, or else a unique one that lets in no NULL.
/// Constraints come before indexes, and each by name.
pub(super) fn key<'i>(
    indexes: &'i [IndexInfo],
    columns: &[Column],
    numbers: &HashMap<i16, usize>,
) -> (Option<Key>, Option<&'i str>) {
    let could_be = |index: &&IndexInfo| {
        let of_index = index.positions(numbers);
        index.is_unique
            && !index.is_partial
            && index.is_immediate
            && !of_index.is_empty()
            && of_index.iter().all(|position| position.is_some_and(|position| !columns[position].nullable))
    };
    let primary = indexes.iter().find(|index| index.is_primary);
    let chosen = primary.or_else(|| indexes.iter().filter(could_be).min_by_key(|index| index.constraint.is_none()));
    let Some(chosen) = chosen else { return (None, None) };
    let key = Key {
        columns: chosen.positions(numbers).into_iter().flatten().collect(),
        is_rowid: false,
        collations: chosen.collations[..chosen.numbers.len().min(chosen.collations.len())].to_vec(),
    };
    (Some(key), Some(&chosen.name))
}

/// What is unique besides the key.
pub(super) fn uniques(
    indexes: &[IndexInfo],
    key: Option<&str>,
    columns: &[Column],
    numbers: &HashMap<i16, usize>,
) -> Vec<Unique> {
    let others = indexes.iter().filter(|index| index.is_unique && key != Some(index.name.as_str()));
    let unique = |index: &IndexInfo| Unique {
        name: index.name.clone(),
        columns: index.names(columns, numbers),
        partial: index.is_partial,
        deferrable: !index.is_immediate,
    };
    others.map(unique).collect()
}

/// Whether the primary key is checked only when a transaction commits, if somebody wishes.
pub(super) fn is_key_deferrable(indexes: &[IndexInfo]) -> bool {
    indexes.iter().any(|index| index.is_primary && !index.is_immediate)
}

/// Those that are statements of their own.
pub(super) fn separate(indexes: &[IndexInfo], columns: &[Column], numbers: &HashMap<i16, usize>) -> Vec<Index> {
    let apart = indexes.iter().filter(|index| index.constraint.is_none());
    let index = |index: &IndexInfo| Index {
        name: index.name.clone(),
        unique: index.is_unique,
        columns: index.columns(columns, numbers),
        partial: index.is_partial,
        definition: index.definition.clone(),
    };
    apart.map(index).collect()
}

impl IndexInfo {
    fn positions(&self, numbers: &HashMap<i16, usize>) -> Vec<Option<usize>> {
        self.numbers.iter().map(|number| numbers.get(number).copied()).collect()
    }

    fn names(&self, columns: &[Column], numbers: &HashMap<i16, usize>) -> Vec<Option<String>> {
        let name = |position: Option<usize>| position.map(|position| columns[position].name.clone());
        self.positions(numbers).into_iter().map(name).collect()
    }

    fn columns(&self, columns: &[Column], numbers: &HashMap<i16, usize>) -> Vec<IndexColumn> {
        let column = |(place, name): (usize, Option<String>)| IndexColumn {
            name,
            collation: self.collations.get(place).cloned().unwrap_or_default(),
            descending: self.options.get(place).is_some_and(|option| option & 1 != 0),
        };
        self.names(columns, numbers).into_iter().enumerate().map(column).collect()
    }
}
