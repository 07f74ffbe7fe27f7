//! What the log of a table says was touched, and the rows that are there now: both in one view, by one query.

use syncline_core::change::TableTask;
use syncline_core::error::Result;
use syncline_core::schema::Column;
use syncline_core::store::{LogPosition, TouchedBatch, Window};

use super::codec::Codec;
use super::connect::Connection;
use super::connect::failure::Attempt;
use super::filter;
use super::names::Names;
use super::snapshot::lookup;
use super::snapshot::select::{self, Selected};
use super::snapshot::view::Sight;
use super::track::catalog::{self, Tracked};
use super::track::key::KeyCell;
use super::track::place::At;
use crate::lens::Lens;
use crate::stream::Outlet;
use crate::touched::{Gathered, Logged, is_key};

/// Entries that are counted, at most: nobody needs to know more exactly how many there are.
const COUNTED: u64 = 1_000_000;

/// The logs, as this view shows them; `None` where tracking is not installed.
pub(super) async fn logged(connection: &Connection, names: &Names) -> Attempt<Option<Logged<Tracked>>> {
    let Some(store) = catalog::store(connection, names).await? else { return Ok(None) };
    let mut logged = Logged::new(store);
    let all = catalog::tracked(connection, names).await?;
    let ends = catalog::ends(connection, names, &all).await?;
    for (tracked, end) in all.into_iter().zip(ends) {
        logged.add(&tracked.name.clone(), tracked, end.map(|end| end.position()));
    }
    Ok(Some(logged))
}

/// What the log of a table tells of the time since a position.
pub(super) async fn window(
    connection: &Connection,
    (names, tracked): (&Names, &Tracked),
    task: &TableTask,
    since: &LogPosition,
) -> Attempt<Window> {
    let cut = |why: &str| Ok(Window::Cut(why.to_owned()));
    if !is_key(task, &tracked.key) {
        return cut("its rows are told apart by other columns in the target");
    }
    let Some(since) = At::parse(since) else { return cut("where it had come to cannot be read") };
    if since.epoch != tracked.epoch {
        return cut("its log was begun anew");
    }
    if !since.is_in(connection, names, tracked).await? {
        return cut("its log does not reach back to the last run, or is another one");
    }
    let sql = format!(
        "SELECT count(*), coalesce(bool_or(op = '*'), false), min(at) FROM (SELECT op, at FROM {} WHERE {} AND op <> 'M' LIMIT {COUNTED}) AS later",
        tracked.log(names)?,
        since.later()
    );
    let row = connection.client.query_typed_one(&sql, &[]).await?;
    let (entries, was_emptied): (i64, bool) = (row.try_get(0)?, row.try_get(1)?);
    if was_emptied || (entries.unsigned_abs() == COUNTED && emptied(connection, names, tracked, &since).await?) {
        return cut("it was emptied by TRUNCATE");
    }
    Ok(match entries {
        0 => Window::Empty,
        _ => Window::Entries { count: entries.unsigned_abs(), oldest_ms: row.try_get(2)? },
    })
}

async fn emptied(connection: &Connection, names: &Names, tracked: &Tracked, since: &At) -> Attempt<bool> {
    let sql = format!("SELECT EXISTS (SELECT 1 FROM {} WHERE {} AND op = '*')", tracked.log(names)?, since.later());
    Ok(connection.client.query_typed_one(&sql, &[]).await?.try_get(0)?)
}

/// Hands over the keys that were touched since a position, with the digests of the rows that have them. `false` when nobody wants
/// more.
pub(super) async fn touched(
    sight: Sight,
    task: TableTask,
    (tracked, since): (Tracked, At),
    outlet: Outlet<TouchedBatch>,
) -> Result<bool> {
    let ground = sight.ground(&task).await?;
    let flow = outlet.flow();
    let rows = Selected::columns(&task, "t.", flow.value_bytes)?;
    let keys = keys_of(&task, &tracked)?;
    let mut codecs: Vec<Codec> = keys.iter().map(|key| key.codec.clone()).collect();
    codecs.push(Codec::Bool);
    codecs.extend(rows.codecs.iter().cloned());
    let list = |of: fn(&Touched) -> &String| keys.iter().map(|key| of(key).as_str()).collect::<Vec<_>>().join(", ");
    let filter = filter::condition(&task, "t.")?.map(|condition| format!(" AND ({condition})")).unwrap_or_default();
    // Neighbours are near each other in most tables, and in their indexes.
    let logged = list(|key| &key.logged);
    let query = format!(
        "SELECT {}, found.* FROM (SELECT {} FROM (SELECT DISTINCT {logged} FROM {} WHERE {} AND op <> 'M' ORDER BY {logged}) AS l) AS k \
         LEFT JOIN LATERAL (SELECT true, {} FROM {} AS t WHERE {}{filter} OFFSET 0) AS found ON true",
        list(|key| &key.selected),
        list(|key| &key.asked),
        tracked.log(&sight.facts.names)?,
        since.later(),
        rows.list(),
        ground.table,
        lookup::condition_on(&task, "t.", false)?
    );
    let mut gathered = Gathered::new(&task, Lens::unmasked(&task, rows.value_bytes));
    let is_wanted = outlet.copy(&sight.session, &query, codecs, |cells| gathered.add(cells, flow)).await?;
    let last = gathered.last();
    Ok(is_wanted && (last.digests.is_empty() || outlet.send(last).await))
}

/// One cell of the keys in a log.
struct Touched {
    /// As it is in the log.
    logged: String,
    /// As rows are looked up by it.
    asked: String,
    /// As it is read.
    selected: String,
    codec: Codec,
}

fn keys_of(task: &TableTask, tracked: &Tracked) -> Result<Vec<Touched>> {
    let key = |(place, at): (usize, &usize)| {
        let column = &task.table.columns[task.columns[*at]];
        let logged = format!("k{}", tracked.key.iter().position(|name| *name == column.name).unwrap_or_default());
        let asked = format!("{} AS k{place}", KeyCell::of(column).asked(&format!("l.{logged}")));
        let named = Column { name: format!("k{place}"), ..column.clone() };
        let (selected, codec) = select::cell(&named, "k.")?;
        // What travels as text stands in the log as the server prints it.
        let selected = if codec.is_cast() { format!("k.k{place}") } else { selected };
        Ok(Touched { logged, asked, selected, codec })
    };
    task.key.iter().enumerate().map(key).collect()
}
