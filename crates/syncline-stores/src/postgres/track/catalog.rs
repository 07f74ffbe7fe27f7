//! What is tracked, as the database itself knows it.

use syncline_core::error::{Code, Error, Result};
use tokio_postgres::types::{ToSql, Type};

use super::place::At;
use super::signature::Found;
use crate::postgres::connect::Connection;
use crate::postgres::connect::failure::Attempt;
use crate::postgres::names::{Names, Place};
use crate::touched::EMPTIED;

/// The table with one row that says which database this is.
pub(super) const TRACKING: &str = "_syncline_tracking";

/// The tracked tables.
pub(super) const TRACKED: &str = "_syncline_tracked";

/// The table of those who read.
pub(super) const CONSUMERS: &str = "_syncline_consumer";

/// The version of what is installed.
pub(super) const VERSION: i64 = 1;

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
    let sql = "SELECT to_regclass($1) IS NOT NULL";
    Ok(connection.client.query_typed_one(sql, &[(&written, Type::TEXT)]).await?.try_get(0)?)
}

/// What counterparts call this database, where tracking is installed.
pub(in crate::postgres) async fn store(connection: &Connection, names: &Names) -> Attempt<Option<String>> {
    if names.default_schema().is_empty() {
        return Ok(None);
    }
    let (tracking, tracked, consumers) = (own(names, TRACKING)?, own(names, TRACKED)?, own(names, CONSUMERS)?);
    let all = "SELECT num_nulls(to_regclass($1), to_regclass($2), to_regclass($3)) = 0";
    let written = [&tracking, &tracked, &consumers].map(|name| (name as &(dyn ToSql + Sync), Type::TEXT));
    if !connection.client.query_typed_one(all, &written).await?.try_get(0)? {
        return Ok(None);
    }
    let row = connection.client.query_typed_opt(&format!("SELECT store, version FROM {tracking}"), &[]).await?;
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
    let rows = connection.client.query_typed(&sql, &[]).await?;
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

/// Where the logs of these tables end in the view of this session, or what has become of one since its triggers were made.
pub(in crate::postgres) async fn ends(
    connection: &Connection,
    names: &Names,
    tracked: &[Tracked],
) -> Attempt<Vec<std::result::Result<At, &'static str>>> {
    let found = Found::all(connection, names, tracked).await?;
    let defects: Vec<_> = found.iter().zip(tracked).map(|(found, tracked)| found.defect(tracked)).collect();
    let sound: Vec<&Tracked> =
        tracked.iter().zip(&defects).filter(|(_, defect)| defect.is_none()).map(|(tracked, _)| tracked).collect();
    let mut ends = At::ends_of(connection, names, &sound).await?;
    let end = |(tracked, defect): (&Tracked, Option<&'static str>)| match defect {
        Some(defect) => Err(defect),
        // It has an entry from the beginning, and its last one is never purged: of an empty log no position says anything.
        None => ends.remove(&tracked.id).ok_or(EMPTIED),
    };
    Ok(tracked.iter().zip(defects).map(end).collect())
}
