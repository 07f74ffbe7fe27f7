//! Rows whose foreign key points at nothing.

use syncline_core::change::TableTask;
use syncline_core::error::{Code, Error, Result};
use syncline_core::schema::{Column, ForeignKey};
use syncline_core::store::Orphans;
use syncline_core::value::key_order::compare_keys;
use syncline_core::value::{RowBatch, ValueRef};

use super::lookup::{self, Asked};
use super::select::{self, Selected};
use super::stream::each_row;
use super::view::{Ground, Sight};
use crate::digests::out_of_order;
use crate::lens::Lens;
use crate::postgres::codec::{Cells, Codec};
use crate::postgres::digest::copies::read;
use crate::postgres::names::quoted;

/// Finds them among the rows with `keys`, or in the whole table, and names at most `limit`. A row with NULL in the reference
/// points nowhere on purpose and is no orphan.
pub(in crate::postgres) async fn find(
    sight: &Sight,
    child: &TableTask,
    reference: &ForeignKey,
    keys: Option<&RowBatch>,
    limit: usize,
) -> Result<Orphans> {
    let ground = sight.ground(child).await?;
    let condition = dangling(sight, child, reference).await?;
    let mut found =
        Found { child, reference: referencing(child, reference)?, lens: Lens::unmasked(child, None), limit };
    let mut orphans = Orphans::new(child, reference);
    let Some(keys) = keys else {
        let selected = found.selected(&ground)?;
        let sql = format!("SELECT {} FROM {} AS c WHERE {condition}", selected.list(), ground.table);
        each_row(&sight.session, &sql, selected.codecs, |cells| {
            let row = found.read(cells, &orphans)?;
            orphans.add(&row.row(0).iter().collect::<Vec<_>>(), limit)
        })
        .await?;
        return Ok(orphans);
    };
    for asked in Asked::of(child, keys)? {
        let asked = asked.read_by(&sight.session, child).await?;
        let mut selected = found.selected(&ground)?;
        let sql = format!(
            "SELECT k.n, found.* FROM {}, LATERAL (SELECT {} FROM {} AS c WHERE {} AND {condition} OFFSET 0) AS found",
            asked.table(),
            selected.list(),
            ground.table,
            lookup::condition(child, &asked, "c.")?
        );
        selected.push_front("n", Codec::Int8);
        each_row(&sight.session, &sql, selected.codecs, |cells| {
            let number = cells.next()?.and_then(|cell| asked.key_of(cell)).ok_or_else(out_of_order)?;
            let row = found.read(cells, &orphans)?;
            let key = row.row(0).iter().take(child.key.len());
            if child.is_multiset() || compare_keys(key, keys.row(number).iter()).is_eq() {
                orphans.add(&row.row(0).iter().collect::<Vec<_>>(), found.limit)?;
            }
            Ok(())
        })
        .await?;
    }
    Ok(orphans)
}

/// How the cells of an orphan are read.
struct Found<'t> {
    child: &'t TableTask,
    reference: Vec<&'t Column>,
    lens: Lens,
    limit: usize,
}

impl Found<'_> {
    /// The key of a row, then what it points at.
    fn selected(&self, ground: &Ground) -> Result<Selected> {
        let mut selected = Selected::default();
        if self.child.is_multiset() {
            // Where nothing tells the places there is no key to name; such rows are counted all the same.
            selected.push("NULL::text", Codec::Text);
            selected.push(if ground.is_partitioned { "NULL::text" } else { "c.ctid::text" }, Codec::Text);
        }
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
            row.push(cells.next()?.unwrap_or(ValueRef::Null))?;
            let place = match cells.next()? {
                Some(ValueRef::Null) => ValueRef::Null,
                place => ValueRef::Int(read(place)?),
            };
            row.push(place)?;
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
async fn dangling(sight: &Sight, child: &TableTask, reference: &ForeignKey) -> Result<String> {
    let columns = referencing(child, reference)?;
    let (mut conditions, mut matches) = (Vec::new(), Vec::new());
    for (column, parent) in columns.iter().zip(&reference.parent_columns) {
        let (left, right) = (format!("p.{}", quoted(parent)?), format!("c.{}", quoted(&column.name)?));
        matches.push(lookup::equal(column, &left, &right));
    }
    for column in columns {
        conditions.push(format!("c.{} IS NOT NULL", quoted(&column.name)?));
    }
    // Without a parent, or without knowing which of its columns are meant, nothing is pointed at.
    if let Some((parent, _)) = sight.table_called(&reference.parent).await?
        && !matches.is_empty()
    {
        conditions.push(format!("NOT EXISTS (SELECT 1 FROM {parent} AS p WHERE {})", matches.join(" AND ")));
    }
    Ok(conditions.join(" AND "))
}
