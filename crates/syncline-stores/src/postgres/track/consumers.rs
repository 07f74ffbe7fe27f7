//! Who has read how far, and the entries that nobody needs any more.

use syncline_core::limits;
use syncline_core::store::{Consumer, ConsumerStanding, LogPosition, Standing, TrackedTable};

use super::catalog::{self, CONSUMERS, Tracked, own};
use super::place::At;
use super::triggers::NOW;
use crate::postgres::connect::Connection;
use crate::postgres::connect::failure::Attempt;
use crate::postgres::names::Names;

/// How tracking stands.
pub(super) async fn standing(connection: &Connection, names: &Names) -> Attempt<Option<Standing>> {
    let Some(store) = catalog::store(connection, names).await? else { return Ok(None) };
    let tracked = catalog::tracked(connection, names).await?;
    let mut tables = Vec::new();
    for (tracked, end) in tracked.iter().zip(catalog::ends(connection, names, &tracked).await?) {
        tables.push(table(connection, names, tracked, end.err()).await?);
    }
    Ok(Some(Standing { store, tables, consumers: consumers(connection, names, &tracked).await? }))
}

/// Notes what a consumer has read.
pub(super) async fn note(connection: &Connection, names: &Names, consumer: &Consumer) -> Attempt<()> {
    if catalog::store(connection, names).await?.is_none() {
        return Ok(());
    }
    let sql = format!(
        "INSERT INTO {} AS c (link, tracked, position, label, seen) VALUES ($1, $2, $3, $4, {NOW}) \
         ON CONFLICT (link, tracked) DO UPDATE \
         SET position = excluded.position, label = excluded.label, seen = excluded.seen",
        own(names, CONSUMERS)?
    );
    for tracked in catalog::tracked(connection, names).await? {
        let Some(position) = consumer.positions.get(&tracked.name) else { continue };
        // One in an earlier log keeps nothing of this one.
        if At::parse(position).is_some_and(|at| at.epoch == tracked.epoch) {
            connection.client.execute(&sql, &[&consumer.link, &tracked.id, &position.0, &consumer.label]).await?;
        }
    }
    Ok(())
}

/// Forgets those who have left too much unread, or for too long.
pub(super) async fn give_up_lost(connection: &Connection, names: &Names) -> Attempt<()> {
    if catalog::store(connection, names).await?.is_none() {
        return Ok(());
    }
    for tracked in catalog::tracked(connection, names).await? {
        let log = tracked.log(names)?;
        if !catalog::exists(connection, &log).await? {
            continue;
        }
        for at in places(connection, names, &tracked).await? {
            let sql = format!(
                "DELETE FROM {} WHERE tracked = $1 AND position = $2 AND (SELECT count(*) > {most} OR min(at) < {NOW} - {} \
                 FROM (SELECT at FROM {log} WHERE {} LIMIT {most} + 1) AS later)",
                own(names, CONSUMERS)?,
                limits::LOG_KEPT_FOR.as_millis(),
                at.later(),
                most = limits::LOG_KEPT_ENTRIES,
            );
            connection.client.execute(&sql, &[&tracked.id, &at.position().0]).await?;
        }
    }
    Ok(())
}

/// Removes some of the entries that every consumer has read; `true` while there may be more. The last entry of each
/// transaction that a position names stays: from the end of the index the first that is not dead.
pub(super) async fn purge(connection: &Connection, names: &Names) -> Attempt<bool> {
    if catalog::store(connection, names).await?.is_none() {
        return Ok(false);
    }
    for tracked in catalog::tracked(connection, names).await? {
        let log = tracked.log(names)?;
        let places = places(connection, names, &tracked).await?;
        if places.is_empty() || !catalog::exists(connection, &log).await? {
            continue;
        }
        let read: Vec<String> = places.iter().map(At::earlier).collect();
        let named: Vec<String> =
            places.iter().map(|at| format!("('{}'::xid8, {})", at.newest.0, at.newest.1)).collect();
        let sql = format!(
            "DELETE FROM {log} WHERE ctid = ANY (ARRAY(SELECT ctid FROM {log} WHERE {} AND seq NOT IN \
             (SELECT max(seq) FROM {log} WHERE (xid, at) IN ({}) GROUP BY xid, at) LIMIT {}))",
            read.join(" AND "),
            named.join(", "),
            limits::LOG_PURGED_AT_ONCE
        );
        if connection.client.execute(&sql, &[]).await? > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Where the consumers of a table are.
async fn places(connection: &Connection, names: &Names, tracked: &Tracked) -> Attempt<Vec<At>> {
    let sql = format!("SELECT DISTINCT position FROM {} WHERE tracked = $1", own(names, CONSUMERS)?);
    let rows = connection.client.query(&sql, &[&tracked.id]).await?;
    let mut places = Vec::new();
    for row in rows {
        places.extend(At::parse(&LogPosition(row.try_get(0)?)));
    }
    places.retain(|at| at.epoch == tracked.epoch);
    Ok(places)
}

async fn table(
    connection: &Connection,
    names: &Names,
    tracked: &Tracked,
    defect: Option<&'static str>,
) -> Attempt<TrackedTable> {
    let (name, log, defect) = (tracked.name.clone(), tracked.log(names)?, defect.map(str::to_owned));
    if !catalog::exists(connection, &log).await? {
        return Ok(TrackedTable { name, defect, ..TrackedTable::default() });
    }
    let sql = format!("SELECT count(*), min(at), pg_total_relation_size($1::text::regclass) FROM {log}");
    let row = connection.client.query_one(&sql, &[&log]).await?;
    let (entries, oldest_ms, bytes): (i64, Option<i64>, i64) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
    Ok(TrackedTable { name, entries: entries.unsigned_abs(), bytes: bytes.unsigned_abs(), oldest_ms, defect })
}

async fn consumers(connection: &Connection, names: &Names, tracked: &[Tracked]) -> Attempt<Vec<ConsumerStanding>> {
    let mut standings: Vec<ConsumerStanding> = Vec::new();
    let sql = format!(
        "SELECT link, label, seen, tracked, position FROM {} ORDER BY label, link, tracked",
        own(names, CONSUMERS)?
    );
    for row in connection.client.query(&sql, &[]).await? {
        let (link, seen_ms): (String, i64) = (row.try_get(0)?, row.try_get(2)?);
        if standings.last().is_none_or(|last| last.link != link) {
            standings.push(ConsumerStanding { link, label: row.try_get(1)?, ..ConsumerStanding::default() });
        }
        let standing = standings.last_mut().expect("BUG: a consumer was just added");
        standing.seen_ms = standing.seen_ms.max(seen_ms);
        let (id, position): (i64, String) = (row.try_get(3)?, row.try_get(4)?);
        let Some(tracked) = tracked.iter().find(|tracked| tracked.id == id) else { continue };
        let (Some(at), log) = (At::parse(&LogPosition(position)), tracked.log(names)?) else { continue };
        if !catalog::exists(connection, &log).await? {
            continue;
        }
        let sql = format!("SELECT count(*), min(at) FROM {log} WHERE {} AND op <> 'M'", at.later());
        let row = connection.client.query_one(&sql, &[]).await?;
        standing.behind += row.try_get::<_, i64>(0)?.unsigned_abs();
        standing.oldest_ms = standing.oldest_ms.into_iter().chain(row.try_get::<_, Option<i64>>(1)?).min();
    }
    Ok(standings)
}
