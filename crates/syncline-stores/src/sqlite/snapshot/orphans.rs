//! Rows whose foreign key points at nothing.

use rusqlite::{Connection, Rows};
use syncline_core::change::TableTask;
use syncline_core::error::Result;
use syncline_core::schema::ForeignKey;
use syncline_core::store::Orphans;
use syncline_core::value::RowBatch;

use crate::sqlite::connect::failure::Attempt;
use crate::sqlite::snapshot::seen::Seen;
use crate::sqlite::snapshot::select;
use crate::sqlite::types::bind::Binder;
use crate::sqlite::types::forms::Form;
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
    let mut seen = (!child.forms.are_native()).then(|| seen(child, reference));
    match keys {
        None => {
            let mut statement = conn.prepare(&sql)?;
            collect(&mut orphans, statement.raw_query(), seen.as_mut(), limit)?;
        }
        Some(keys) => {
            let mut binder = Binder::of(child, Encoding::of(conn)?);
            let mut statement =
                conn.prepare_cached(&format!("{sql} AND {}", select::key_condition(child, "c.", 1)?))?;
            for key in keys.rows() {
                if binder.bind_key(&mut statement, 1, key.iter())? {
                    collect(&mut orphans, statement.raw_query(), seen.as_mut(), limit)?;
                }
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

/// How the cells are seen that such a row is told by. What it points at is seen as keys are, so that it can be looked for.
fn seen(child: &TableTask, reference: &ForeignKey) -> Seen {
    let key = if child.is_multiset() { vec![None; child.key_width()] } else { Form::of_key(child).unwrap_or_default() };
    let pointing = reference.columns.iter().map(|name| {
        let at = child.column_names().position(|column| column.eq_ignore_ascii_case(name))?;
        Some(Form::of(child, at)?.strict())
    });
    Seen::in_forms(key.into_iter().chain(pointing).collect())
}

fn collect(orphans: &mut Orphans, mut rows: Rows<'_>, mut seen: Option<&mut Seen>, limit: usize) -> Attempt<()> {
    let width = orphans.keys.width() + orphans.points_at.width();
    let mut shown = RowBatch::new(width);
    while let Some(row) = rows.next()? {
        match &mut seen {
            None => {
                let cells = (0..width).map(|column| Ok(types::value(row.get_ref(column)?)));
                orphans.add(&cells.collect::<rusqlite::Result<Vec<_>>>()?, limit)?;
            }
            Some(seen) => {
                shown.clear();
                seen.push_row(&mut shown, types::cells(row, width))?;
                orphans.add(&shown.row(0).iter().collect::<Vec<_>>(), limit)?;
            }
        }
    }
    Ok(())
}
