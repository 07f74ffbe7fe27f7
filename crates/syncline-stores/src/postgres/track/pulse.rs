//! Whether anything may be new in a log, for those who wait.

use super::catalog;
use crate::postgres::connect::Connection;
use crate::postgres::connect::failure::Attempt;
use crate::postgres::names::Names;

/// How far the numbers of these logs have come, and which transactions are at work.
const STATE: &str = "SELECT coalesce(string_agg(coalesce(pg_sequence_last_value(pg_get_serial_sequence(log, 'seq')::regclass), 0)::text, ','
        ORDER BY place), ''), pg_snapshot_xmin(s)::text::bigint, pg_snapshot_xmax(s)::text::bigint, s::text
    FROM pg_current_snapshot() AS s LEFT JOIN unnest($1::text[]) WITH ORDINALITY AS logs (log, place) ON to_regclass(log) IS NOT NULL
    GROUP BY s::text, pg_snapshot_xmin(s), pg_snapshot_xmax(s)";

/// A word: the numbers, the end of the transactions that were at work when these last moved, and those that are at work now as
/// long as any of those is. Numbers move before the commit that they belong to.
pub(super) async fn read(connection: &Connection, names: &Names, last: Option<&str>) -> Attempt<String> {
    let mut logs = Vec::new();
    if catalog::store(connection, names).await?.is_some() {
        for tracked in catalog::tracked(connection, names).await? {
            logs.push(tracked.log(names)?);
        }
    }
    let row = connection.client.query_one(STATE, &[&logs]).await?;
    let (numbers, oldest, next, at_work): (String, i64, i64, String) =
        (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?);
    let mut before = last.unwrap_or_default().split(' ');
    let moved = match (before.next(), before.next().and_then(|moved| moved.parse().ok())) {
        (Some(then), Some(moved)) if then == numbers => moved,
        _ => next,
    };
    Ok(if oldest < moved { format!("{numbers} {moved} {at_work}") } else { format!("{numbers} {moved}") })
}
