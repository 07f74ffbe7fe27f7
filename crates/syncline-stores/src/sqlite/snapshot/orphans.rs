//! Rows whose foreign key points at nothing.

use rusqlite::{Connection, Rows};
use syncline_core::change::TableTask;
use syncline_core::error::Result;
use syncline_core::schema::ForeignKey;
use syncline_core::store::Orphans;
use syncline_core::value::RowBatch;

use crate::sqlite::connect::failure::Attempt;
use crate::sqlite::snapshot::select;
use crate::sqlite::types::{self, Encoding};

/// Finds them among the rows with `keys`, or in the whole table, and names at most `limit`. A row with NULL in the reference points nowhere on
/// purpose and is no orphan.
pub(in crate::sqlite) fn find(
    conn: &Connection,
    child: &TableTask,
    reference: &ForeignKey,
    keys: Option<&RowBatch>,
    limit: usize,
) -> Attempt<Orphans> {
    let parent_exists = select::table_exists(conn, &reference.parent)?;
    let sql = dangling(child, reference, parent_exists)?;
    let mut orphans = Orphans::new(child, reference);
    match keys {
        None => {
            let mut statement = conn.prepare(&sql)?;
            collect(&mut orphans, statement.raw_query(), limit)?;
        }
        Some(keys) => {
            let encoding = Encoding::of(conn)?;
            let mut statement =
                conn.prepare_cached(&format!("{sql} AND {}", select::key_condition(child, "c.", 1)?))?;
            for key in keys.rows() {
                types::bind(&mut statement, 1, key.iter(), encoding)?;
                collect(&mut orphans, statement.raw_query(), limit)?;
            }
        }
    }
    Ok(orphans)
}

/// The keys of dangling rows, and what they point at.
///
/// SQLite compares a reference by the collation and the affinity of the parent's column: the parent stands on the left,
/// for its collation to count, and the unary plus takes the child's affinity away.
fn dangling(child: &TableTask, reference: &ForeignKey, parent_exists: bool) -> Result<String> {
    let named = select::key_names(child).chain(reference.columns.iter().map(String::as_str));
    let mut cells = named.map(|name| Ok(format!("c.{}", select::quoted(name)?))).collect::<Result<Vec<String>>>()?;
    if child.is_multiset() {
        // Where nothing reaches the places there is no key to name; such rows are counted all the same.
        let place = select::rowid(&child.table).map_or("NULL".to_owned(), |name| format!("c.{name}"));
        cells.splice(0..0, ["NULL".to_owned(), place]);
    }
    let mut conditions = Vec::new();
    let mut matches = Vec::new();
    for column in &reference.columns {
        conditions.push(format!("c.{} IS NOT NULL", select::quoted(column)?));
    }
    for (column, parent) in reference.columns.iter().zip(&reference.parent_columns) {
        matches.push(format!("p.{} = +c.{}", select::quoted(parent)?, select::quoted(column)?));
    }
    // Without a parent, or without knowing which of its columns are meant, nothing is pointed at.
    if parent_exists && !matches.is_empty() {
        let parent = select::table(&reference.parent)?;
        conditions.push(format!("NOT EXISTS (SELECT 1 FROM {parent} AS p WHERE {})", matches.join(" AND ")));
    }
    let table = select::table(&child.table.name)?;
    Ok(format!("SELECT {} FROM {table} AS c WHERE {}", cells.join(", "), conditions.join(" AND ")))
}

fn collect(orphans: &mut Orphans, mut rows: Rows<'_>, limit: usize) -> Attempt<()> {
    while let Some(row) = rows.next()? {
        let width = orphans.keys.width() + orphans.points_at.width();
        let cells = (0..width).map(|column| Ok(types::value(row.get_ref(column)?)));
        orphans.add(&cells.collect::<rusqlite::Result<Vec<_>>>()?, limit)?;
    }
    Ok(())
}
