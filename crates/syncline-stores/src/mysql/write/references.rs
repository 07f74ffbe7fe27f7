//! Rows whose foreign key points at nothing, as a transaction sees them.
//!
//! References do not act while we write, so nobody else may take away what a row that was just put points at: the rows pointed
//! at are locked, as the engine's own check would lock them.

mod copies;

use syncline_core::change::TableTask;
use syncline_core::error::{Code, Error};
use syncline_core::schema::ForeignKey;
use syncline_core::store::Orphans;
use syncline_core::value::key_order::compare_keys;
use syncline_core::value::{Row, RowBatch, ValueRef};

use self::copies::Called;
use super::apply::SHARE;
use super::open::Open;
use super::stage::NUMBER;
use super::target::{Target, key_columns};
use crate::fitted::Shown;
use crate::lens::Cells as _;
use crate::mysql::codec::Codec;
use crate::mysql::connect::failure::Attempt;
use crate::mysql::connect::quoted;
use crate::mysql::schema::exists;

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
    let target = open.target(&child.table).await?;
    let references = positions(child, foreign_key)?;
    let key = if child.is_multiset() { child.columns.clone() } else { key_columns(child) };
    let columns: Vec<usize> = key.into_iter().chain(references.iter().copied()).collect();
    let (rows, numbered) = asked(open, child, &target, keys.filter(|_| !child.is_multiset())).await?;
    let mut query = format!("SELECT {}{numbered} FROM {rows}", target.listed("t.", &columns));
    let mut conditions: Vec<String> =
        target.columns(&references).map(|column| format!("t.{} IS NOT NULL", column.name)).collect();
    let parent = locate(open, &foreign_key.parent).await?;
    if let Some(parent) = parent.filter(|_| !foreign_key.parent_columns.is_empty()) {
        query += &format!(" LEFT JOIN {parent} AS p ON {}", pointed_at(&target, &references, foreign_key)?);
        conditions.push(format!("p.{} IS NULL", quoted(&foreign_key.parent_columns[0])?));
    }
    query += &format!(" WHERE {} {SHARE}", conditions.join(" AND "));
    let mut codecs = target.codecs(&columns);
    codecs.extend((!numbered.is_empty()).then_some(Codec::Int));
    let mut called = child.is_multiset().then(|| Called::of(child, keys)).transpose()?;
    let (mut shown, mut row) = (Shown::new(child), RowBatch::new(codecs.len()));
    open.session
        .each_row(query, &codecs, |cells| {
            row.clear();
            while let Some(cell) = cells.next()? {
                row.push(cell)?;
            }
            match &mut called {
                Some(called) => called.add(&mut orphans, (row.row(0), &references), keys, limit),
                None => add(&mut orphans, (child, &mut shown), (row.row(0), &columns), keys, limit),
            }
        })
        .await?;
    Ok(orphans)
}

/// Adds a row, if it is one that was asked about and not only one that the server takes for it.
fn add(
    orphans: &mut Orphans,
    (child, shown): (&TableTask, &mut Shown<'_>),
    (row, columns): (Row<'_>, &[usize]),
    keys: Option<&RowBatch>,
    limit: usize,
) -> syncline_core::error::Result<()> {
    let mut cells = RowBatch::new(orphans.keys.width() + orphans.points_at.width());
    for (value, column) in row.iter().zip(columns) {
        cells.push(shown.of_column(*column, value))?;
    }
    let cells: Vec<_> = cells.row(0).iter().collect();
    if let (Some(keys), ValueRef::Int(number)) = (keys, row.get(row.width() - 1)) {
        let key = cells.iter().take(child.key.len()).copied();
        if compare_keys(key, keys.row(number as usize).iter()).is_ne() {
            return Ok(());
        }
    }
    orphans.add(&cells, limit)
}

/// The rows that are asked about, as a relation `t`, and what tells which they are.
async fn asked(
    open: &mut Open<'_>,
    child: &TableTask,
    target: &Target,
    keys: Option<&RowBatch>,
) -> Attempt<(String, String)> {
    let Some(keys) = keys else { return Ok((format!("{} AS t", target.table), String::new())) };
    let key = key_columns(child);
    let stage = open.stage(target, &key);
    stage.fill(open.session, (child, target), keys).await?;
    let same = stage.same_key(target, &key);
    Ok((format!("{} STRAIGHT_JOIN {} AS t ON {same}", stage.relation(), target.table), format!(", s.{NUMBER}")))
}

/// How a table is written that is referenced, where there is one. One of another database is called by both names.
async fn locate(open: &Open<'_>, parent: &str) -> Attempt<Option<String>> {
    let place = open.place(parent);
    if exists(open.catalog, place).await? {
        return Ok(Some(quoted(place)?));
    }
    let sql = "SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?";
    for (at, _) in parent.match_indices('.') {
        let (schema, table) = (&parent[..at], &parent[at + 1..]);
        if !open.catalog.line.exec(sql, (schema, table)).await?.is_empty() {
            return Ok(Some(format!("{}.{}", quoted(schema)?, quoted(table)?)));
        }
    }
    Ok(None)
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

/// Which row `p` a row `t` points at. Columns of a reference have one type and one collation, or the server would not have it.
fn pointed_at(target: &Target, references: &[usize], foreign_key: &ForeignKey) -> Attempt<String> {
    let pairs = target.columns(references).zip(&foreign_key.parent_columns);
    let same = pairs.map(|(column, parent)| Ok(format!("p.{} = t.{}", quoted(parent)?, column.name)));
    Ok(same.collect::<Attempt<Vec<_>>>()?.join(" AND "))
}
