//! Rows whose foreign key points at nothing, as a transaction sees them.
//!
//! Where references do not act while we write, nobody else may take away what a row that was just put points at: the rows
//! pointed at are locked as PostgreSQL's own triggers lock them, or, where a whole table has been filled, theirs.

use syncline_core::change::{TableTask, copies};
use syncline_core::error::{Code, Error};
use syncline_core::schema::ForeignKey;
use syncline_core::store::Orphans;
use syncline_core::value::{RowBatch, ValueRef};

use super::open::{AT_LARGE, ONE_BY_ONE, Open};
use super::session::bug;
use super::target::{Target, joined, key_columns, locate};
use crate::fitted::Shown;
use crate::postgres::codec::Codec;
use crate::postgres::connect::failure::Attempt;
use crate::postgres::digest::copies::{read as read_place, written};
use crate::postgres::names::quoted;

/// Finds them among the rows with `keys`, or in the whole table, and names at most `limit`. A row with NULL in the reference
/// points nowhere on purpose and is no orphan.
pub(super) async fn orphans(
    open: &mut Open<'_>,
    child: &TableTask,
    foreign_key: &ForeignKey,
    keys: Option<&RowBatch>,
    limit: usize,
) -> Attempt<Orphans> {
    let mut orphans = Orphans::new(child, foreign_key);
    if keys.is_some_and(RowBatch::is_empty) {
        return Ok(orphans);
    }
    let target = open.look(&child.table).await?;
    let references = positions(child, foreign_key)?;
    let rows = asked(open, child, &target, keys).await?;
    let parent = locate(open.session, open.names, &foreign_key.parent).await?;
    let parent = parent.filter(|_| !foreign_key.parent_columns.is_empty());
    let is_large = keys.is_none();
    if is_large {
        open.session.run(AT_LARGE).await?;
    }
    let mut missing = String::new();
    if let Some(parent) = &parent {
        let same = pointed_at(&target, &references, foreign_key)?;
        if open.replicates && open.filled.contains(&child.table.name) {
            let lock = match is_large {
                true => format!("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE", parent.table),
                false => format!(
                    "SELECT count(*) FROM (SELECT FROM {rows} JOIN {} AS p ON {same} FOR KEY SHARE OF p) AS locked",
                    parent.rows
                ),
            };
            open.session.run(&lock).await?;
        }
        missing = format!(" AND NOT EXISTS (SELECT FROM {} AS p WHERE {same})", parent.rows);
    }
    let given: Vec<String> =
        target.columns(&references).map(|column| format!("t.{} IS NOT NULL", column.name)).collect();
    let columns: Vec<usize> = key_columns(child).into_iter().chain(references.iter().copied()).collect();
    let place = if child.is_multiset() { "t.ctid::text, " } else { "" };
    let query =
        format!("SELECT {place}{} FROM {rows} WHERE {}{missing}", target.selected(&columns), given.join(" AND "));
    let mut codecs = target.codecs(&columns);
    if child.is_multiset() {
        codecs.insert(0, Codec::Text);
    }
    let mut shown = Shown::new(child);
    let each = |row: syncline_core::value::Row<'_>| {
        let mut cells = RowBatch::new(orphans.keys.width() + orphans.points_at.width());
        let mut given = row.iter();
        if child.is_multiset() {
            cells.push(ValueRef::Null)?;
            cells.push(ValueRef::Int(read_place(given.next())?))?;
        }
        for (value, column) in given.zip(&columns) {
            cells.push(shown.of_column(*column, value))?;
        }
        orphans.add(&cells.row(0).iter().collect::<Vec<_>>(), limit)
    };
    open.session.each_row(&query, &codecs, each).await?;
    if is_large {
        open.session.run(ONE_BY_ONE).await?;
    }
    Ok(orphans)
}

/// The rows that are asked about, as a relation `t`.
async fn asked(open: &mut Open<'_>, child: &TableTask, target: &Target, keys: Option<&RowBatch>) -> Attempt<String> {
    let Some(keys) = keys else { return Ok(format!("{} AS t", target.rows)) };
    if child.is_multiset() {
        let place = |key| copies::place_of(key).ok_or_else(|| bug("a row without a key needs a place"));
        let places = keys.rows().map(place).collect::<Attempt<Vec<_>>>()?;
        let places = joined(places.into_iter().map(|place| format!("'{}'::tid", written(place))));
        return Ok(format!("unnest(ARRAY[{places}]) AS k (at) JOIN {} AS t ON t.ctid = k.at", target.rows));
    }
    let key = key_columns(child);
    let stage = open.stage(target, &key).await?;
    stage.fill(open.session, (child, target), keys).await?;
    Ok(format!("{} JOIN {} AS t ON {}", stage.relation(target), target.rows, stage.same_key(target, &key)?))
}

/// Positions in the child's columns of those that reference.
fn positions(child: &TableTask, foreign_key: &ForeignKey) -> Attempt<Vec<usize>> {
    let position = |name: &String| {
        child.table.column(name).ok_or_else(|| {
            let what = format!("a foreign key of {} has a column that the table has not", child.table.name);
            Error::new(Code::Internal, what)
        })
    };
    Ok(foreign_key.columns.iter().map(position).collect::<Result<_, _>>()?)
}

/// Which row `p` a row `t` points at.
fn pointed_at(target: &Target, references: &[usize], foreign_key: &ForeignKey) -> Attempt<String> {
    let pairs = target.columns(references).zip(&foreign_key.parent_columns);
    let same = pairs.map(|(column, parent)| Ok(format!("p.{} {} t.{}", quoted(parent)?, column.equals, column.name)));
    Ok(same.collect::<Attempt<Vec<_>>>()?.join(" AND "))
}
