//! Places in a log: what was visible in the view that it was read in.

use std::collections::HashMap;

use syncline_core::error::Result;
use syncline_core::store::LogPosition;
use syncline_core::value::ValueRef;
use tokio_postgres::types::{ToSql, Type};

use super::catalog::Tracked;
use crate::postgres::connect::Connection;
use crate::postgres::connect::failure::Attempt;
use crate::postgres::names::Names;
use crate::sql::Dialect;

/// Logs that one question asks about, so that it stays one that a server plans in no time.
const LOGS_AT_ONCE: usize = 100;

/// A place in the log of a table, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::postgres) struct At {
    /// As [`Tracked::epoch`].
    pub(in crate::postgres) epoch: String,
    /// What was visible, as the server writes it.
    pub(super) snapshot: String,
    /// The newest transaction with an entry, and when that was made: so a history is told from another.
    pub(super) newest: (i64, i64),
}

impl At {
    /// Where these logs end in the view of this session, by their numbers; those that are empty end nowhere.
    pub(in crate::postgres) async fn ends_of(
        connection: &Connection,
        names: &Names,
        tracked: &[&Tracked],
    ) -> Attempt<HashMap<i64, Self>> {
        let mut ends = HashMap::new();
        for some in tracked.chunks(LOGS_AT_ONCE) {
            let of_one = |tracked: &&Tracked| {
                let (id, log) = (tracked.id, tracked.log(names)?);
                Ok(format!("(SELECT {id}::bigint, xid::text::bigint, at FROM {log} ORDER BY xid DESC LIMIT 1)"))
            };
            let logs = some.iter().map(of_one).collect::<Result<Vec<_>>>()?.join(" UNION ALL ");
            let sql = format!("SELECT pg_current_snapshot()::text, last.* FROM ({logs}) AS last (id, xid, at)");
            for row in connection.client.query_typed(&sql, &[]).await? {
                let (id, newest) = (row.try_get(1)?, (row.try_get(2)?, row.try_get(3)?));
                let Some(tracked) = some.iter().find(|tracked| tracked.id == id) else { continue };
                ends.insert(id, Self { epoch: tracked.epoch.clone(), snapshot: row.try_get(0)?, newest });
            }
        }
        Ok(ends)
    }

    /// Whether the log still has the entry of this place, and the server has not gone back behind it.
    pub(in crate::postgres) async fn is_in(
        &self,
        connection: &Connection,
        names: &Names,
        tracked: &Tracked,
    ) -> Attempt<bool> {
        let sql = format!(
            "SELECT EXISTS (SELECT 1 FROM {} WHERE xid = $1::bigint::text::xid8 AND at = $2) \
             AND pg_snapshot_xmax($3::text::pg_snapshot) <= pg_snapshot_xmax(pg_current_snapshot())",
            tracked.log(names)?
        );
        let values: [(&(dyn ToSql + Sync), Type); 3] =
            [(&self.newest.0, Type::INT8), (&self.newest.1, Type::INT8), (&self.snapshot, Type::TEXT)];
        let row = connection.client.query_typed_one(&sql, &values).await?;
        Ok(row.try_get(0)?)
    }

    /// The entries that were not visible then, as a condition on a row of the log.
    pub(in crate::postgres) fn later(&self) -> String {
        let then = self.literal();
        format!("xid >= pg_snapshot_xmin({then}) AND NOT pg_visible_in_snapshot(xid, {then})")
    }

    /// The entries that were visible then.
    pub(super) fn earlier(&self) -> String {
        format!("pg_visible_in_snapshot(xid, {})", self.literal())
    }

    fn literal(&self) -> String {
        format!("{}::pg_snapshot", Dialect::Postgres.literal(ValueRef::Text(self.snapshot.as_bytes())))
    }

    /// As counterparts keep it.
    pub(in crate::postgres) fn position(&self) -> LogPosition {
        LogPosition(format!("{} {} {} {}", self.epoch, self.snapshot, self.newest.0, self.newest.1))
    }

    /// What a counterpart has kept; `None` where it is none of ours.
    pub(in crate::postgres) fn parse(position: &LogPosition) -> Option<Self> {
        let mut words = position.0.split(' ');
        let (epoch, snapshot) = (words.next()?.to_owned(), words.next()?);
        let is_snapshot = |c: char| c.is_ascii_digit() || matches!(c, ':' | ',');
        let newest = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        let is_whole = words.next().is_none() && !snapshot.is_empty() && snapshot.chars().all(is_snapshot);
        is_whole.then(|| Self { epoch, snapshot: snapshot.to_owned(), newest })
    }
}
