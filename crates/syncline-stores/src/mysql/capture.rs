//! What the log of a table says was touched, and the rows that are there now: both in one view, by one query.

use std::sync::Arc;

use syncline_core::change::TableTask;
use syncline_core::error::Result;
use syncline_core::schema::Column;
use syncline_core::store::{LogPosition, TouchedBatch, Window};

use super::codec::Codec;
use super::connect::failure::Attempt;
use super::connect::{Connection, cell, quoted};
use super::filter;
use super::snapshot::lookup;
use super::snapshot::select::{self, Selected};
use super::track::catalog::{self, Tracked};
use super::track::place::Place;
use crate::lens::Lens;
use crate::stream::Outlet;
use crate::touched::{EMPTIED, Gathered, Logged, is_key};

/// Entries that are counted, at most: nobody needs to know more exactly how many there are.
const COUNTED: u64 = 1_000_000;

/// The logs, as this view shows them; `None` where tracking is not installed.
pub(super) async fn logged(connection: &Connection) -> Attempt<Option<Logged<Tracked>>> {
    let Some(store) = catalog::store(connection).await? else { return Ok(None) };
    let mut logged = Logged::new(store);
    let all = catalog::tracked(connection).await?;
    let defects = catalog::defects(connection, &all).await?;
    for (tracked, defect) in all.into_iter().zip(defects) {
        let end = match defect {
            None => Place::end_of(connection, &tracked).await?.map(|end| end.position()).ok_or(EMPTIED),
            Some(defect) => Err(defect),
        };
        logged.add(&tracked.name.clone(), tracked, end);
    }
    Ok(Some(logged))
}

/// What the log of a table tells of the time since a position.
pub(super) async fn window(
    connection: &Connection,
    tracked: &Tracked,
    task: &TableTask,
    since: &LogPosition,
) -> Attempt<Window> {
    let cut = |why: &str| Ok(Window::Cut(why.to_owned()));
    if !is_key(task, &tracked.key) {
        return cut("its rows are told apart by other columns in the target");
    }
    let Some(since) = Place::parse(since) else { return cut("where it had come to cannot be read") };
    if since.epoch != tracked.epoch {
        return cut("its log was begun anew");
    }
    if !since.is_in(connection, tracked).await? {
        return cut("its log does not reach back to the last run, or is another one");
    }
    let later = since.later(tracked, "op, at");
    let sql = format!("SELECT COUNT(*), MIN(at) FROM (SELECT at FROM {later} LIMIT {COUNTED}) AS counted");
    let rows = connection.line.query(sql).await?;
    let Some(row) = rows.first() else { return Ok(Window::Empty) };
    let (count, oldest_ms) = (cell(row, 0)?, cell(row, 1)?);
    if count == 0 {
        return Ok(Window::Empty);
    }
    let sql = format!("SELECT 1 FROM {later} WHERE op = '*' LIMIT 1");
    if !connection.line.query(sql).await?.is_empty() {
        return cut("rows of it were touched of which it cannot tell which they are");
    }
    Ok(Window::Entries { count, oldest_ms })
}

/// Hands over the keys that were touched since a position, with the digests of the rows that have them. `false` when nobody wants
/// more.
pub(super) async fn touched(
    connection: Arc<Connection>,
    task: TableTask,
    (tracked, since): (Tracked, Place),
    outlet: Outlet<TouchedBatch>,
) -> Result<bool> {
    let flow = outlet.flow();
    let mut selected = Selected::columns(&task, "t.", flow.value_bytes)?;
    let lens = Lens::unmasked(&task, selected.value_bytes);
    let logged: Vec<String> = (0..tracked.key.len()).map(|at| format!("k{at}")).collect();
    let (mut keys, mut exact, mut is_found) = (Vec::new(), Vec::new(), "TRUE".to_owned());
    for (place, at) in task.key.iter().enumerate().rev() {
        let column = &task.table.columns[task.columns[*at]];
        let logged = format!("k{}", tracked.key.iter().position(|name| *name == column.name).unwrap_or_default());
        keys.push(format!("{logged} AS k{place}"));
        if !column.collation.is_empty() {
            // Keys that are equal by the collation are two keys.
            exact.push(format!("CAST({logged} AS BINARY) AS b{place}"));
        }
        is_found = format!("t.{} IS NOT NULL", quoted(&column.name)?);
    }
    selected.push_front(is_found, Codec::Int);
    for (place, at) in task.key.iter().enumerate().rev() {
        let column = &task.table.columns[task.columns[*at]];
        let named = Column { name: format!("k{place}"), ..column.clone() };
        let (item, codec) = select::cell(&named, "k.")?;
        selected.push_front(item, codec);
    }
    let filter = filter::condition(&task, "t.")?.map(|condition| format!(" AND ({condition})")).unwrap_or_default();
    keys.extend(exact);
    let query = format!(
        "SELECT {} FROM (SELECT DISTINCT {} FROM {}) AS k LEFT JOIN {} AS t ON {}{filter}",
        selected.list(),
        keys.join(", "),
        since.later(&tracked, &logged.join(", ")),
        quoted(&task.table.name)?,
        lookup::condition(&task, "t.")?
    );
    let mut gathered = Gathered::new(&task, lens);
    let is_wanted = outlet.read(&connection, query, &selected.codecs, |cells| gathered.add(cells, flow)).await?;
    let last = gathered.last();
    Ok(is_wanted && (last.digests.is_empty() || outlet.send(last).await))
}
