//! Who has read how far, and the entries that nobody needs any more.

use rusqlite::{Connection, OptionalExtension, params};
use syncline_core::limits;
use syncline_core::store::{Consumer, ConsumerStanding, Standing, TrackedTable};

use super::catalog::{self, CONSUMERS, Catalog, Place, Tracked};
use super::triggers::NOW;
use crate::sqlite::connect::failure::Attempt;
use crate::sqlite::snapshot::select::{quoted, table_exists};

/// How tracking stands.
pub(super) fn standing(conn: &Connection) -> Attempt<Option<Standing>> {
    let Some(store) = catalog::store(conn)? else { return Ok(None) };
    let (catalog, tracked) = (Catalog::read(conn)?, catalog::tracked(conn)?);
    let tables = tracked.iter().map(|tracked| table(conn, tracked, &catalog)).collect::<Attempt<Vec<_>>>()?;
    Ok(Some(Standing { store, tables, consumers: consumers(conn, &tracked)? }))
}

/// Notes what a consumer has read.
pub(super) fn note(conn: &Connection, consumer: &Consumer) -> Attempt<()> {
    if catalog::store(conn)?.is_none() {
        return Ok(());
    }
    let sql = format!(
        "INSERT INTO main.{CONSUMERS} (link, tracked, epoch, seq, label, seen) VALUES (?1, ?2, ?3, ?4, ?5, {NOW})
         ON CONFLICT (link, tracked) DO UPDATE
         SET epoch = excluded.epoch, seq = excluded.seq, label = excluded.label, seen = excluded.seen"
    );
    for tracked in catalog::tracked(conn)? {
        let Some(place) = consumer.positions.get(&tracked.name).and_then(Place::parse) else { continue };
        // One in an earlier log keeps nothing of this one.
        if place.epoch == tracked.epoch {
            conn.prepare_cached(&sql)?.execute(params![
                consumer.link,
                tracked.id,
                place.epoch,
                place.seq,
                consumer.label
            ])?;
        }
    }
    Ok(())
}

/// Forgets those who have left too much unread, or for too long.
pub(super) fn give_up_lost(conn: &Connection) -> Attempt<()> {
    if catalog::store(conn)?.is_none() {
        return Ok(());
    }
    let kept_ms = i64::try_from(limits::LOG_KEPT_FOR.as_millis()).unwrap_or(i64::MAX);
    for tracked in catalog::tracked(conn)? {
        if !table_exists(conn, &tracked.log())? {
            continue;
        }
        let log = quoted(&tracked.log())?;
        let sql = format!(
            "DELETE FROM main.{CONSUMERS} AS c WHERE c.tracked = ?1 AND (
                 (SELECT max(seq) FROM main.{log}) - c.seq > ?2
                 OR (SELECT at FROM main.{log} WHERE seq > c.seq ORDER BY seq LIMIT 1) < {NOW} - ?3)"
        );
        conn.prepare_cached(&sql)?.execute(params![tracked.id, limits::LOG_KEPT_ENTRIES, kept_ms])?;
    }
    Ok(())
}

/// Removes some of the entries that every consumer has read; `true` while there may be more. The entry that a position names
/// stays, and with it the last one: numbers are given by what is there.
pub(super) fn purge(conn: &Connection) -> Attempt<bool> {
    if catalog::store(conn)?.is_none() {
        return Ok(false);
    }
    let slowest = format!("SELECT min(seq) FROM main.{CONSUMERS} WHERE tracked = ?1 AND epoch = ?2");
    for tracked in catalog::tracked(conn)? {
        let log = quoted(&tracked.log())?;
        if !table_exists(conn, &tracked.log())? {
            continue;
        }
        let read: Option<i64> =
            conn.prepare_cached(&slowest)?.query_row(params![tracked.id, tracked.epoch], |row| row.get(0))?;
        let first: Option<i64> =
            conn.prepare_cached(&format!("SELECT min(seq) FROM main.{log}"))?.query_row([], |row| row.get(0))?;
        let (Some(read), Some(first)) = (read, first) else { continue };
        let upto = read.min(first.saturating_add(limits::LOG_PURGED_AT_ONCE));
        let gone = conn.prepare_cached(&format!("DELETE FROM main.{log} WHERE seq < ?1"))?.execute([upto])?;
        if gone > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

fn table(conn: &Connection, tracked: &Tracked, catalog: &Catalog) -> Attempt<TrackedTable> {
    let defect = catalog.defect(conn, tracked)?.map(str::to_owned);
    let name = tracked.name.clone();
    if !table_exists(conn, &tracked.log())? {
        return Ok(TrackedTable { name, defect, ..TrackedTable::default() });
    }
    // Numbers follow each other: what was rolled back has left none.
    let (log, entries) = (quoted(&tracked.log())?, "coalesce(max(seq) - min(seq) + 1, 0)");
    let (entries, oldest): (i64, Option<i64>) =
        conn.query_row(&format!("SELECT {entries}, min(seq) FROM main.{log}"), [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    let oldest_ms = match oldest {
        Some(seq) => conn.query_row(&format!("SELECT at FROM main.{log} WHERE seq = ?1"), [seq], |row| row.get(0))?,
        None => None,
    };
    let bytes = bytes_of(conn, &log, entries)?;
    Ok(TrackedTable { name, entries: entries.unsigned_abs(), bytes, oldest_ms, defect })
}

/// About how much the log takes, by its newest entries.
fn bytes_of(conn: &Connection, log: &str, entries: i64) -> Attempt<u64> {
    let columns: Vec<String> = {
        let statement = conn.prepare(&format!("SELECT * FROM main.{log} LIMIT 0"))?;
        statement.column_names().map(str::to_owned).collect()
    };
    let cells = columns.iter().map(|column| Ok(format!("coalesce(length(CAST({} AS BLOB)), 0) + 1", quoted(column)?)));
    let cells = cells.collect::<syncline_core::error::Result<Vec<_>>>()?.join(" + ");
    let sample = format!("SELECT avg({cells}) FROM (SELECT * FROM main.{log} ORDER BY seq DESC LIMIT 100)");
    let average: Option<f64> = conn.query_row(&sample, [], |row| row.get(0))?;
    Ok((average.unwrap_or_default() * entries as f64) as u64)
}

fn consumers(conn: &Connection, tracked: &[Tracked]) -> Attempt<Vec<ConsumerStanding>> {
    let mut standings: Vec<ConsumerStanding> = Vec::new();
    let sql = format!("SELECT link, label, seen, tracked, seq FROM main.{CONSUMERS} ORDER BY label, link, tracked");
    let mut statement = conn.prepare(&sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (link, seen_ms): (String, i64) = (row.get(0)?, row.get(2)?);
        if standings.last().is_none_or(|last| last.link != link) {
            standings.push(ConsumerStanding { link, label: row.get(1)?, ..ConsumerStanding::default() });
        }
        let standing = standings.last_mut().expect("BUG: a consumer was just added");
        standing.seen_ms = standing.seen_ms.max(seen_ms);
        let (id, seq): (i64, i64) = (row.get(3)?, row.get(4)?);
        let Some(tracked) = tracked.iter().find(|tracked| tracked.id == id) else { continue };
        if !table_exists(conn, &tracked.log())? {
            continue;
        }
        let log = quoted(&tracked.log())?;
        let behind: i64 =
            conn.query_row(&format!("SELECT coalesce(max(seq) - ?1, 0) FROM main.{log}"), [seq], |row| row.get(0))?;
        let oldest: Option<i64> = conn
            .query_row(&format!("SELECT at FROM main.{log} WHERE seq > ?1 ORDER BY seq LIMIT 1"), [seq], |row| {
                row.get(0)
            })
            .optional()?;
        standing.behind += behind.max(0).unsigned_abs();
        standing.oldest_ms = standing.oldest_ms.into_iter().chain(oldest).min();
    }
    Ok(standings)
}
