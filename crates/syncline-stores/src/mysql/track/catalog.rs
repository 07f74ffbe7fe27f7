//! What is tracked, as the database itself knows it.

use mysql_async::Row;
use syncline_core::error::{Code, Error, Result};

use super::signature;
use crate::mysql::connect::failure::Attempt;
use crate::mysql::connect::{Connection, cell};
use crate::mysql::schema::exists;

/// The table with one row that says which database this is.
pub(super) const TRACKING: &str = "_syncline_tracking";

/// The tracked tables.
pub(super) const TRACKED: &str = "_syncline_tracked";

/// The table of those who read.
pub(super) const CONSUMERS: &str = "_syncline_consumer";

/// What the names of logs and inboxes begin with.
pub(super) const LOG: &str = "_syncline_log_";
pub(super) const INBOX: &str = "_syncline_inbox_";

/// The version of what is installed.
pub(super) const VERSION: u64 = 1;

/// A tracked table.
#[derive(Clone, Debug)]
pub(in crate::mysql) struct Tracked {
    /// The number its log, its inbox and its triggers bear in their names.
    pub(super) id: u64,
    /// What the table is called.
    pub(in crate::mysql) name: String,
    /// The name of this log among all that the table ever had: positions in another say nothing.
    pub(in crate::mysql) epoch: String,
    /// As it was when the triggers were made; empty before they were.
    pub(super) signature: String,
    /// The number of what keeps its rows: `TRUNCATE` gives it another.
    pub(super) space: u64,
    /// The columns of the key, in its order.
    pub(in crate::mysql) key: Vec<String>,
}

impl Tracked {
    /// The log, in batches.
    pub(in crate::mysql) fn log(&self) -> String {
        format!("{LOG}{}", self.id)
    }

    /// What triggers write to.
    pub(in crate::mysql) fn inbox(&self) -> String {
        format!("{INBOX}{}", self.id)
    }

    /// What the names of its triggers begin with.
    pub(super) fn prefix(&self) -> String {
        format!("_syncline_{}_", self.id)
    }
}

/// What counterparts call this database, where tracking is installed.
pub(in crate::mysql) async fn store(connection: &Connection) -> Attempt<Option<String>> {
    for name in [TRACKING, TRACKED, CONSUMERS] {
        if !exists(connection, name).await? {
            return Ok(None);
        }
    }
    let rows = connection.line.query(format!("SELECT store, version FROM {TRACKING}")).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    if cell::<u64>(row, 1)? > VERSION {
        let what = "the change tracking of this database was installed by a newer Syncline";
        return Err(Error::new(Code::TrackingBroken, what).leaving("nothing was changed").into());
    }
    Ok(Some(cell(row, 0)?))
}

/// The tracked tables, in the order of their names.
pub(in crate::mysql) async fn tracked(connection: &Connection) -> Attempt<Vec<Tracked>> {
    if !exists(connection, TRACKED).await? {
        return Ok(Vec::new());
    }
    let sql = format!("SELECT id, name, epoch, signature, space, key_columns FROM {TRACKED} ORDER BY name");
    let of = |row: &Row| {
        let key: String = cell(row, 5)?;
        Ok(Tracked {
            id: cell(row, 0)?,
            name: cell(row, 1)?,
            epoch: cell(row, 2)?,
            signature: cell(row, 3)?,
            space: cell(row, 4)?,
            key: serde_json::from_str(&key).unwrap_or_default(),
        })
    };
    Ok(connection.line.query(sql).await?.iter().map(of).collect::<Result<_>>()?)
}

/// What has become of tracked tables since their triggers were made, in their order; `None` where nothing has.
pub(in crate::mysql) async fn defects(
    connection: &Connection,
    tracked: &[Tracked],
) -> Attempt<Vec<Option<&'static str>>> {
    let found = signature::Catalog::read(connection).await?;
    let mut defects = Vec::new();
    for tracked in tracked {
        defects.push(defect(connection, &found, tracked).await?);
    }
    Ok(defects)
}

async fn defect(
    connection: &Connection,
    found: &signature::Catalog,
    tracked: &Tracked,
) -> Attempt<Option<&'static str>> {
    if !found.has_table(&tracked.name) {
        return Ok(Some("the table is not there any more"));
    }
    if !found.has_table(&tracked.log()) || !found.has_table(&tracked.inbox()) {
        return Ok(Some("its log was removed"));
    }
    if found.signature(tracked) != tracked.signature {
        return Ok(Some("its definition or its triggers were changed since tracking was installed"));
    }
    match found.space(&tracked.name) {
        None => return Ok(Some("without the right PROCESS it cannot be seen whether it was emptied by TRUNCATE")),
        Some(space) if space != tracked.space => return Ok(Some("it was emptied by TRUNCATE, or made anew")),
        Some(_) => {}
    }
    let rows = connection.line.query(format!("SELECT 1 FROM {} LIMIT 1", tracked.log())).await?;
    // It has an entry from the beginning, and its last one is never purged: of an empty log no position says anything.
    Ok(rows.is_empty().then_some("its log was emptied"))
}
