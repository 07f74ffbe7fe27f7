//! Where a view stands, and whether it is taken while nobody commits.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::Connection;
use syncline_core::error::{Code, Result};
use syncline_core::store::{Position, SharedView};

use crate::sqlite::ENGINE;
use crate::sqlite::connect::Place;
use crate::sqlite::connect::failure::{Attempt, Doing};
use crate::sqlite::thread::ConnectionThread;

/// How often a view is taken anew because somebody committed at that very moment.
const ATTEMPTS: usize = 4;

/// What another connection needs to take up the same view.
#[derive(Debug)]
pub(super) struct SqliteView {
    pub(super) place: Arc<Place>,
    pub(super) resident: Arc<ConnectionThread>,
    pub(super) position: Position,
}

#[async_trait]
impl SharedView for SqliteView {
    fn engine(&self) -> &'static str {
        ENGINE
    }

    fn path(&self) -> &Path {
        self.place.path()
    }

    async fn is_current(&self) -> Result<bool> {
        // The path may lead to another file by now.
        match data_version_now(&self.resident).await {
            Ok(version) => Ok(self.place.is_still_there() && position(&self.resident, version) == self.position),
            Err(error) if error.code() == Code::StoreLocked => Ok(false),
            Err(error) => Err(error),
        }
    }
}

pub(super) async fn begin_at_position(thread: &ConnectionThread, resident: &ConnectionThread) -> Result<Position> {
    let mut before = data_version(resident).await?;
    for _ in 0..ATTEMPTS {
        thread.call(Doing::Reading, begin_read).await?;
        match data_version_now(resident).await {
            Ok(after) if after == before => return Ok(position(resident, after)),
            Ok(after) => before = after,
            // With a rollback journal a writer may wait for this view to go, and lets nobody else in until then. Whoever
            // waited for that writer now would wait for himself.
            Err(error) if error.code() == Code::StoreLocked => {
                thread.call(Doing::Reading, end_read).await?;
                before = data_version(resident).await?;
            }
            Err(error) => return Err(error),
        }
    }
    thread.call(Doing::Reading, begin_read).await?;
    Ok(position(thread, before))
}

/// A count means something only on the connection it was read from, so the position names that connection too.
pub(in crate::sqlite) fn position(resident: &ConnectionThread, version: i64) -> Position {
    Position(format!("{} {version}", resident.name()).into_bytes())
}

async fn data_version(resident: &ConnectionThread) -> Result<i64> {
    resident.call(Doing::Reading, read_data_version).await
}

/// As [`data_version`], for those who hold a view open meanwhile.
///
/// # Errors
/// `STORE_LOCKED` at once where it takes waiting.
pub(super) async fn data_version_now(resident: &ConnectionThread) -> Result<i64> {
    resident.call_now(Doing::Reading, read_data_version).await
}

fn read_data_version(conn: &mut Connection) -> Attempt<i64> {
    Ok(conn.query_row("PRAGMA main.data_version", [], |row| row.get(0))?)
}

pub(super) fn begin_read(conn: &mut Connection) -> Attempt<()> {
    end_read(conn)?;
    // BEGIN alone takes no view; the first read does.
    conn.execute_batch("BEGIN")?;
    Ok(conn.query_row("SELECT count(*) FROM main.sqlite_schema", [], |_| Ok(()))?)
}

fn end_read(conn: &mut Connection) -> Attempt<()> {
    if !conn.is_autocommit() {
        conn.execute_batch("ROLLBACK")?;
    }
    Ok(())
}

pub(super) fn is_wal(conn: &Connection) -> rusqlite::Result<bool> {
    conn.query_row("PRAGMA main.journal_mode", [], |row| Ok(row.get::<_, String>(0)?.eq_ignore_ascii_case("wal")))
}
