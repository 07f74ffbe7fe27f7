//! What is tracked, as the database itself knows it.
//!
//! A table's *signature* is made of what the catalog says of its columns, of its partitions, of its triggers of ours and their
//! functions, and of the log. The number and the last writer of a trigger's entry are part of it, so one that was switched off and on
//! again, or dropped and made anew just as it was, is another one.

use syncline_core::error::{Code, Error, Result};
use syncline_core::store::LogPosition;
use syncline_core::value::ValueRef;

use crate::postgres::connect::Connection;
use crate::postgres::connect::failure::Attempt;
use crate::postgres::names::{Names, Place};
use crate::sql::Dialect;

/// The table with one row that says which database this is.
pub(super) const TRACKING: &str = "_syncline_tracking";

/// The tracked tables.
pub(super) const TRACKED: &str = "_syncline_tracked";

/// The version of what is installed.
pub(super) const VERSION: i64 = 1;

/// What a signature is made of, for the table with the number `$1`, whose log is called `$2` and whose triggers and functions
/// have names that begin with `$3`.
const SIGNATURE: &str = "\
    WITH tree AS (SELECT $1::oid AS oid UNION SELECT relid::oid FROM pg_partition_tree($1::oid::regclass)),
    columns AS (SELECT attrelid, string_agg(concat_ws(',', attnum, attname, atttypid, atttypmod, attcollation, attnotnull), ';'
            ORDER BY attnum) AS text
        FROM pg_attribute WHERE attrelid IN ($1::oid, $2::text::regclass) AND attnum > 0 AND NOT attisdropped GROUP BY attrelid)
    SELECT md5(concat_ws('|', $1::oid, $2::text::regclass::oid,
        (SELECT string_agg(text, '|' ORDER BY attrelid) FROM columns),
        (SELECT string_agg(concat_ws(',', t.oid, t.xmin, t.tgrelid, t.tgenabled, p.oid, p.xmin), ';' ORDER BY t.oid)
            FROM pg_trigger AS t JOIN pg_proc AS p ON p.oid = t.tgfoid
            WHERE t.tgrelid IN (SELECT oid FROM tree) AND starts_with(t.tgname::text, $3)),
        (SELECT string_agg(oid::text, ',' ORDER BY oid) FROM tree),
        EXISTS (SELECT 1 FROM pg_inherits WHERE inhparent = $1::oid),
        (SELECT count(*) FROM pg_subscription_rel WHERE srrelid IN (SELECT oid FROM tree))))";

/// A tracked table.
#[derive(Clone, Debug)]
pub(in crate::postgres) struct Tracked {
    /// The number its log, its functions and its triggers bear in their names.
    pub(super) id: i64,
    /// What the table is called.
    pub(in crate::postgres) name: String,
    /// The number of the table when it was tracked.
    pub(super) oid: u32,
    /// The name of this log among all that the table ever had: positions in another say nothing.
    pub(in crate::postgres) epoch: String,
    /// As it was when the triggers were made.
    pub(super) signature: String,
    /// The columns of the key, in its order.
    pub(in crate::postgres) key: Vec<String>,
}

impl Tracked {
    /// The log, as it is written.
    pub(in crate::postgres) fn log(&self, names: &Names) -> Result<String> {
        own(names, &format!("_syncline_log_{}", self.id))
    }

    /// What the names of its triggers begin with.
    pub(super) fn prefix(&self) -> String {
        format!("_syncline_{}_", self.id)
    }
}

/// A table of ours, as it is written.
pub(super) fn own(names: &Names, name: &str) -> Result<String> {
    Place { schema: names.default_schema(), name }.quoted()
}

/// Whether a table of ours is there.
pub(super) async fn exists(connection: &Connection, written: &str) -> Attempt<bool> {
    let row = connection.client.query_one("SELECT to_regclass($1) IS NOT NULL", &[&written]).await?;
    Ok(row.try_get(0)?)
}

/// What counterparts call this database, where tracking is installed.
pub(in crate::postgres) async fn store(connection: &Connection, names: &Names) -> Attempt<Option<String>> {
    if names.default_schema().is_empty() {
        return Ok(None);
    }
    let tracking = own(names, TRACKING)?;
    if !exists(connection, &tracking).await? {
        return Ok(None);
    }
    let row = connection.client.query_opt(&format!("SELECT store, version FROM {tracking}"), &[]).await?;
    let Some(row) = row else { return Ok(None) };
    if row.try_get::<_, i64>(1)? > VERSION {
        let what = "the change tracking of this database was installed by a newer Syncline";
        return Err(Error::new(Code::TrackingBroken, what).leaving("nothing was changed").into());
    }
    Ok(Some(row.try_get(0)?))
}

/// The tracked tables, in the order of their names.
pub(in crate::postgres) async fn tracked(connection: &Connection, names: &Names) -> Attempt<Vec<Tracked>> {
    let sql = format!(
        "SELECT id, name, oid, epoch, signature, key FROM {} ORDER BY name COLLATE \"C\"",
        own(names, TRACKED)?
    );
    let rows = connection.client.query(&sql, &[]).await?;
    let of = |row: &tokio_postgres::Row| {
        Ok(Tracked {
            id: row.try_get(0)?,
            name: row.try_get(1)?,
            oid: row.try_get(2)?,
            epoch: row.try_get(3)?,
            signature: row.try_get(4)?,
            key: row.try_get(5)?,
        })
    };
    rows.iter().map(of).collect()
}

/// What has become of a tracked table since its triggers were made; `None` where nothing has.
pub(in crate::postgres) async fn defect(
    connection: &Connection,
    names: &Names,
    tracked: &Tracked,
) -> Attempt<Option<&'static str>> {
    let log = tracked.log(names)?;
    if called(connection, names, tracked.oid).await?.as_ref() != Some(&tracked.name) {
        return Ok(Some("the table is not there any more"));
    }
    if !exists(connection, &log).await? {
        return Ok(Some("its log was removed"));
    }
    if signature(connection, names, tracked).await? != tracked.signature {
        return Ok(Some("its definition or its triggers were changed since tracking was installed"));
    }
    let row = connection.client.query_one(&format!("SELECT EXISTS (SELECT 1 FROM {log})"), &[]).await?;
    // It has an entry from the beginning, and its last one is never purged: of an empty log no position says anything.
    Ok((!row.try_get::<_, bool>(0)?).then_some("its log was emptied"))
}

/// The signature of a tracked table as the catalog has it.
pub(super) async fn signature(connection: &Connection, names: &Names, tracked: &Tracked) -> Attempt<String> {
    let (log, prefix) = (tracked.log(names)?, tracked.prefix());
    let row = connection.client.query_one(SIGNATURE, &[&tracked.oid, &log, &prefix]).await?;
    Ok(row.try_get(0)?)
}

/// What the table with this number is called.
async fn called(connection: &Connection, names: &Names, oid: u32) -> Attempt<Option<String>> {
    let sql = "SELECT nspname::text, relname::text FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace \
         WHERE pg_class.oid = $1 AND relkind IN ('r', 'p')";
    let Some(row) = connection.client.query_opt(sql, &[&oid]).await? else { return Ok(None) };
    let (schema, name): (String, String) = (row.try_get(0)?, row.try_get(1)?);
    Ok(Some(names.called(Place { schema: &schema, name: &name })))
}

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
    /// Where the log ends in the view of this session.
    pub(in crate::postgres) async fn end_of(
        connection: &Connection,
        names: &Names,
        tracked: &Tracked,
    ) -> Attempt<Option<Self>> {
        let sql = format!(
            "SELECT pg_current_snapshot()::text, xid::text::bigint, at FROM {} ORDER BY xid DESC LIMIT 1",
            tracked.log(names)?
        );
        let Some(row) = connection.client.query_opt(&sql, &[]).await? else { return Ok(None) };
        let newest = (row.try_get(1)?, row.try_get(2)?);
        Ok(Some(Self { epoch: tracked.epoch.clone(), snapshot: row.try_get(0)?, newest }))
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
        let row = connection.client.query_one(&sql, &[&self.newest.0, &self.newest.1, &self.snapshot]).await?;
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
