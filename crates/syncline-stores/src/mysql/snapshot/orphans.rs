//! Rows whose foreign key points at nothing.

use std::collections::HashMap;

use syncline_core::change::{RowDigest, TableTask, copies};
use syncline_core::error::{Code, Error, Result};
use syncline_core::schema::{Column, ForeignKey};
use syncline_core::store::Orphans;
use syncline_core::value::key_order::compare_keys;
use syncline_core::value::{RowBatch, ValueRef, exact};

use super::lookup::{self, Asked};
use super::select::{self, Selected};
use super::stream::{Cells, each_row};
use crate::digests::out_of_order;
use crate::lens::{Cells as _, Lens};
use crate::mysql::codec::Codec;
use crate::mysql::connect::{Connection, quoted};

/// Finds them among the rows with `keys`, or in the whole table, and names at most `limit`. A row with NULL in the reference
/// points nowhere on purpose and is no orphan.
pub(in crate::mysql) async fn find(
    connection: &Connection,
    child: &TableTask,
    reference: &ForeignKey,
    keys: Option<&RowBatch>,
    limit: usize,
) -> Result<Orphans> {
    let (table, condition) = (quoted(&child.table.name)?, dangling(connection, child, reference).await?);
    let mut found = Found { child, reference: referencing(child, reference)?, lens: Lens::unmasked(child, None) };
    let mut orphans = Orphans::new(child, reference);
    let Some(keys) = keys else {
        let selected = found.selected()?;
        let sql = format!("SELECT {} FROM {table} AS c WHERE {condition}", selected.list());
        each_row(connection, sql, &selected.codecs, |cells| {
            let row = found.read(cells, &orphans)?;
            orphans.add(&row.row(0).iter().collect::<Vec<_>>(), limit)
        })
        .await?;
        return Ok(orphans);
    };
    if child.is_multiset() {
        return of_copies(connection, (&table, &condition), found, keys, (orphans, limit)).await;
    }
    for asked in Asked::of(child, keys)? {
        let mut selected = found.selected()?;
        let sql = format!(
            "SELECT STRAIGHT_JOIN k.n, {} FROM {} JOIN {table} AS c ON {} WHERE {condition}",
            selected.list(),
            asked.table(),
            lookup::condition(child, "c.")?
        );
        selected.push_front("n", Codec::Int);
        each_row(connection, sql, &selected.codecs, |cells| {
            let number = cells.next()?.and_then(|cell| asked.key_of(cell)).ok_or_else(out_of_order)?;
            let row = found.read(cells, &orphans)?;
            let key = row.row(0).iter().take(child.key.len());
            if compare_keys(key, keys.row(number).iter()).is_eq() {
                orphans.add(&row.row(0).iter().collect::<Vec<_>>(), limit)?;
            }
            Ok(())
        })
        .await?;
    }
    Ok(orphans)
}

/// Among rows without a key those that are called so, and of each no more than are asked for.
async fn of_copies(
    connection: &Connection,
    (table, condition): (&str, &str),
    mut found: Found<'_>,
    keys: &RowBatch,
    (mut orphans, limit): (Orphans, usize),
) -> Result<Orphans> {
    let mut asked = HashMap::<RowDigest, u64>::new();
    let names = keys.rows().filter_map(|key| copies::decode(&exact::encode_row(key.iter())));
    names.for_each(|(name, _)| *asked.entry(name).or_default() += 1);
    let child = found.child;
    let mut selected = Selected::columns(child, "c.", None)?;
    for column in &found.reference {
        let (item, codec) = select::cell(column, "c.")?;
        selected.push(item, codec);
    }
    let sql = format!("SELECT {} FROM {table} AS c WHERE {condition}", selected.list());
    let mut scratch = Vec::new();
    each_row(connection, sql, &selected.codecs, |cells| {
        let mut row = RowBatch::new(child.columns.len());
        found.lens.push_row(cells, &mut row)?;
        let points_at = found.read(cells, &orphans)?;
        let name = child.digest(row.row(0).iter(), &mut scratch);
        if let Some(left) = asked.get_mut(&name).filter(|left| **left > 0) {
            *left -= 1;
            orphans.add(&points_at.row(0).iter().collect::<Vec<_>>(), limit)?;
        }
        Ok(())
    })
    .await?;
    Ok(orphans)
}

/// How the cells of an orphan are read.
struct Found<'t> {
    child: &'t TableTask,
    reference: Vec<&'t Column>,
    lens: Lens,
}

impl Found<'_> {
    /// The key of a row, then what it points at. Where nothing tells rows apart there is no key to name; such rows are
    /// counted all the same.
    fn selected(&self) -> Result<Selected> {
        let mut selected = Selected::default();
        let key = self.child.key.iter().map(|at| &self.child.table.columns[self.child.columns[*at]]);
        for column in key.chain(self.reference.iter().copied()) {
            let (item, codec) = select::cell(column, "c.")?;
            selected.push(item, codec);
        }
        Ok(selected)
    }

    /// These cells, in their forms.
    fn read(&mut self, cells: &mut Cells<'_>, orphans: &Orphans) -> Result<RowBatch> {
        let mut row = RowBatch::new(orphans.keys.width() + orphans.points_at.width());
        if self.child.is_multiset() {
            row.push(ValueRef::Null)?;
            row.push(ValueRef::Null)?;
        }
        let of_reference = self.reference.iter().map(|column| {
            self.child.columns.iter().position(|position| std::ptr::eq(&self.child.table.columns[*position], *column))
        });
        let columns: Vec<_> = self.child.key.iter().map(|at| Some(*at)).chain(of_reference).collect();
        for at in columns {
            let cell = cells.next()?.unwrap_or(ValueRef::Null);
            row.push(at.map_or(cell, |at| self.lens.bare(at, cell)))?;
        }
        Ok(row)
    }
}

fn referencing<'t>(child: &'t TableTask, reference: &ForeignKey) -> Result<Vec<&'t Column>> {
    let columns = reference.columns.iter().map(|name| child.table.column(name).map(|at| &child.table.columns[at]));
    columns.collect::<Option<Vec<_>>>().ok_or_else(|| {
        let what = format!("a foreign key of {} has a column that the table has not", child.table.name);
        Error::new(Code::Internal, what)
    })
}

/// What a row of `c` satisfies that points at nothing.
async fn dangling(connection: &Connection, child: &TableTask, reference: &ForeignKey) -> Result<String> {
    let columns = referencing(child, reference)?;
    let (mut conditions, mut matches) = (Vec::new(), Vec::new());
    for (column, parent) in columns.iter().zip(&reference.parent_columns) {
        conditions.push(format!("c.{} IS NOT NULL", quoted(&column.name)?));
        // Columns of a reference have one type and one collation, or the server would not have it.
        matches.push(format!("p.{} = c.{}", quoted(parent)?, quoted(&column.name)?));
    }
    // Without a parent, or without knowing which of its columns are meant, nothing is pointed at.
    if !matches.is_empty() && is_there(connection, &reference.parent).await? {
        let (parent, matches) = (quoted(&reference.parent)?, matches.join(" AND "));
        conditions.push(format!("NOT EXISTS (SELECT 1 FROM {parent} AS p WHERE {matches})"));
    }
    Ok(conditions.join(" AND "))
}

async fn is_there(connection: &Connection, table: &str) -> Result<bool> {
    let sql = "SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ?";
    let found = connection.line.exec(sql, (table,)).await.map_err(|error| connection.error(error))?;
    Ok(!found.is_empty())
}
