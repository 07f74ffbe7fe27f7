//! Who has read how far, and the batches that nobody needs any more.

use mysql_async::Row;
use syncline_core::error::Result;
use syncline_core::limits;
use syncline_core::store::{Consumer, ConsumerStanding, LogPosition, Standing, TrackedTable};

use super::catalog::{self, CONSUMERS, Tracked};
use super::place::Place;
use super::triggers::NOW;
use crate::mysql::connect::failure::Attempt;
use crate::mysql::connect::{Connection, cell};
use crate::mysql::schema::exists;

/// How tracking stands.
pub(super) async fn standing(connection: &Connection) -> Attempt<Option<Standing>> {
    let Some(store) = catalog::store(connection).await? else { return Ok(None) };
    let tracked = catalog::tracked(connection).await?;
    let defects = catalog::defects(connection, &tracked).await?;
    let mut tables = Vec::new();
    for (tracked, defect) in tracked.iter().zip(defects) {
        tables.push(table(connection, tracked, defect).await?);
    }
    Ok(Some(Standing { store, tables, consumers: consumers(connection, &tracked).await? }))
}

/// Notes what a consumer has read.
pub(super) async fn note(connection: &Connection, consumer: &Consumer) -> Attempt<()> {
    let sql = format!(
        "INSERT INTO {CONSUMERS} (link, tracked, position, label, seen) VALUES (?, ?, ?, ?, {NOW}) \
         ON DUPLICATE KEY UPDATE position = ?, label = ?, seen = {NOW}"
    );
    for tracked in catalog::tracked(connection).await? {
        let Some(position) = consumer.positions.get(&tracked.name) else { continue };
        // One in an earlier log keeps nothing of this one.
        if Place::parse(position).is_some_and(|place| place.epoch == tracked.epoch) {
            let (position, label) = (&position.0, &consumer.label);
            let values = (&consumer.link, tracked.id, position, label, position, label);
            connection.line.run_with(&*sql, values).await?;
        }
    }
    Ok(())
}

/// Forgets those who have left too much unread, or for too long.
pub(super) async fn give_up_lost(connection: &Connection) -> Attempt<()> {
    for tracked in catalog::tracked(connection).await? {
        if !exists(connection, &tracked.log()).await? {
            continue;
        }
        for place in places(connection, &tracked).await? {
            let sql = format!(
                "SELECT COUNT(*) > {most} OR COALESCE(MIN(at), {NOW}) < {NOW} - {} FROM (SELECT at FROM {} LIMIT {}) AS unread",
                limits::LOG_KEPT_FOR.as_millis(),
                place.later(&tracked, "at"),
                limits::LOG_KEPT_ENTRIES + 1,
                most = limits::LOG_KEPT_ENTRIES,
            );
            let is_lost = connection.line.query(sql).await?.first().map_or(Ok(0), |row| cell::<u8>(row, 0))? == 1;
            if is_lost {
                let sql = format!("DELETE FROM {CONSUMERS} WHERE tracked = ? AND position = ?");
                connection.line.run_with(sql, (tracked.id, place.position().0)).await?;
            }
        }
    }
    Ok(())
}

/// Removes some of the batches that every consumer has read; `true` while there may be more. The marks that positions name stay.
pub(super) async fn purge(connection: &Connection) -> Attempt<bool> {
    for tracked in catalog::tracked(connection).await? {
        let places = places(connection, &tracked).await?;
        let Some(slowest) = places.iter().map(|place| place.batch).min() else { continue };
        if !exists(connection, &tracked.log()).await? {
            continue;
        }
        let sql = format!(
            "DELETE FROM {} WHERE batch < {slowest} OR batch = {slowest} AND seq > 0 ORDER BY batch, seq, salt LIMIT {}",
            tracked.log(),
            limits::LOG_PURGED_AT_ONCE
        );
        if connection.line.run(sql).await?.rows > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Where the consumers of a table are.
async fn places(connection: &Connection, tracked: &Tracked) -> Attempt<Vec<Place>> {
    let sql = format!("SELECT DISTINCT position FROM {CONSUMERS} WHERE tracked = ?");
    let rows = connection.line.exec(sql, (tracked.id,)).await?;
    let parsed = rows.iter().map(|row| Ok(Place::parse(&LogPosition(cell(row, 0)?))));
    let mut places: Vec<Place> = parsed.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect();
    places.retain(|place| place.epoch == tracked.epoch);
    Ok(places)
}

async fn table(connection: &Connection, tracked: &Tracked, defect: Option<&'static str>) -> Attempt<TrackedTable> {
    let (name, defect) = (tracked.name.clone(), defect.map(str::to_owned));
    let (log, inbox) = (tracked.log(), tracked.inbox());
    if !exists(connection, &log).await? || !exists(connection, &inbox).await? {
        return Ok(TrackedTable { name, defect, ..TrackedTable::default() });
    }
    let sql =
        format!("SELECT COUNT(*), MIN(at) FROM (SELECT at FROM {log} UNION ALL SELECT at FROM {inbox}) AS entries");
    let rows = connection.line.query(sql).await?;
    let entries = rows.first().map_or(Ok(0), |row| cell(row, 0))?;
    let oldest_ms = rows.first().map_or(Ok(None), |row| cell(row, 1))?;
    let sql = "SELECT COALESCE(SUM(DATA_LENGTH + INDEX_LENGTH), 0) FROM information_schema.TABLES \
         WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME IN (?, ?)";
    let bytes: u64 = connection.line.exec(sql, (log, inbox)).await?.first().map_or(Ok(0), |row| cell(row, 0))?;
    Ok(TrackedTable { name, entries, bytes, oldest_ms, defect })
}

async fn consumers(connection: &Connection, tracked: &[Tracked]) -> Attempt<Vec<ConsumerStanding>> {
    let mut standings: Vec<ConsumerStanding> = Vec::new();
    let sql = format!("SELECT link, label, seen, tracked, position FROM {CONSUMERS} ORDER BY label, link, tracked");
    for row in connection.line.query(sql).await? {
        let (link, seen_ms): (String, i64) = (cell(&row, 0)?, cell(&row, 2)?);
        if standings.last().is_none_or(|last| last.link != link) {
            standings.push(ConsumerStanding { link, label: cell(&row, 1)?, ..ConsumerStanding::default() });
        }
        let standing = standings.last_mut().expect("BUG: a consumer was just added");
        standing.seen_ms = standing.seen_ms.max(seen_ms);
        let (id, position): (u64, String) = (cell(&row, 3)?, cell(&row, 4)?);
        let Some(tracked) = tracked.iter().find(|tracked| tracked.id == id) else { continue };
        let Some(place) = Place::parse(&LogPosition(position)) else { continue };
        if !exists(connection, &tracked.log()).await? || !exists(connection, &tracked.inbox()).await? {
            continue;
        }
        let unread = format!("SELECT COUNT(*), MIN(at) FROM {}", place.later(tracked, "at"));
        let rows: Vec<Row> = connection.line.query(unread).await?;
        let Some(unread) = rows.first() else { continue };
        standing.behind += cell::<u64>(unread, 0)?;
        standing.oldest_ms = standing.oldest_ms.into_iter().chain(cell::<Option<i64>>(unread, 1)?).min();
    }
    Ok(standings)
}
