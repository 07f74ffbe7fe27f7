//! Whether anything may be new in a log, for those who wait.

use tokio_postgres::types::Type;

use super::catalog;
use crate::postgres::connect::Connection;
use crate::postgres::connect::failure::Attempt;
use crate::postgres::names::Names;

/// How far the numbers of these logs have come.
const NUMBERS: &str = "SELECT coalesce(string_agg(coalesce(pg_sequence_last_value(pg_get_serial_sequence(log, 'seq')::regclass), 0)::text, ','
    ORDER BY place), '') FROM unnest($1::text[]) WITH ORDINALITY AS logs (log, place) WHERE to_regclass(log) IS NOT NULL";

/// The transactions at work that have a number: each holds a lock on it until it ends. No snapshot tells of the newest of them.
const AT_WORK: &str =
    "SELECT coalesce(string_agg(transactionid::text, ',' ORDER BY transactionid::text), '') FROM pg_locks
    WHERE locktype = 'transactionid' AND granted AND mode = 'ExclusiveLock'";

/// A word: the numbers, and which transactions that were at work when these last moved are so still. Numbers move before the commit that
/// they belong to, so they are asked for first: whoever moves them later is seen to have done so next time.
pub(super) async fn read(connection: &Connection, names: &Names, last: Option<&str>) -> Attempt<String> {
    let mut logs = Vec::new();
    if catalog::store(connection, names).await?.is_some() {
        for tracked in catalog::tracked(connection, names).await? {
            logs.push(tracked.log(names)?);
        }
    }
    let numbers: String = connection.client.query_typed_one(NUMBERS, &[(&logs, Type::TEXT_ARRAY)]).await?.try_get(0)?;
    let before = last.and_then(|last| last.split_once(' ')).filter(|(then, _)| *then == numbers);
    if let Some((_, "")) = before {
        return Ok(format!("{numbers} "));
    }
    let at_work: String = connection.client.query_typed_one(AT_WORK, &[]).await?.try_get(0)?;
    let left = match before {
        None => at_work,
        Some((_, then)) => {
            let left = then.split(',').filter(|one| at_work.split(',').any(|other| other == *one));
            left.collect::<Vec<_>>().join(",")
        }
    };
    Ok(format!("{numbers} {left}"))
}
