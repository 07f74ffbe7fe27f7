//! Change tracking: a log beside each table, written by triggers in the transaction of whoever writes.
//!
//! | file | what it holds |
//! |---|---|
//! | `catalog` | what is tracked, as the database knows it, and whether it still is as it was made |
//! | `install` | logs and triggers made, renewed and removed |
//! | `triggers` | their text |
//! | `evictions` | the rows that `OR REPLACE` takes away without a word to any trigger |
//! | `own_changes` | what a run writes to a tracked table, for which no trigger fires |
//! | `consumers` | who has read how far, and what nobody needs any more |
//!
//! See `docs/adr/033-change-tracking.md`. Everything is plain SQL that SQLite 3.38 knows: whoever writes to the database has a
//! library of its own.

pub(super) mod catalog;
mod consumers;
mod evictions;
mod install;
pub(super) mod own_changes;
mod triggers;

use async_trait::async_trait;
use rusqlite::Connection;
use syncline_core::error::Result;
use syncline_core::store::{Consumer, Installed, Standing, Tracking};

use super::SqliteStore;
use super::connect::failure::{Attempt, Doing};

#[async_trait]
impl Tracking for SqliteStore {
    async fn install(&self, tables: &[String]) -> Result<Installed> {
        self.require_writable().await?;
        let tables = tables.to_vec();
        self.resident
            .call(Doing::Writing, move |conn| in_transaction(conn, |conn| install::install(conn, &tables)))
            .await
    }

    async fn remove(&self, tables: Option<&[String]>) -> Result<Vec<String>> {
        self.require_writable().await?;
        let tables = tables.map(<[_]>::to_vec);
        let remove = move |conn: &mut Connection| in_transaction(conn, |conn| install::remove(conn, tables.as_deref()));
        self.resident.call(Doing::Writing, remove).await
    }

    async fn standing(&self) -> Result<Option<Standing>> {
        self.resident.call(Doing::Reading, |conn| within_view(conn, consumers::standing)).await
    }

    /// The number changes with every commit of another connection, to whatever table.
    async fn pulse(&self, _last: Option<&str>) -> Result<String> {
        let number = |conn: &mut Connection| Ok(conn.query_row("PRAGMA data_version", [], |row| row.get::<_, i64>(0))?);
        Ok(self.resident.call(Doing::Reading, number).await?.to_string())
    }

    async fn acknowledge(&self, consumer: &Consumer) -> Result<()> {
        self.require_writable().await?;
        let noted = consumer.clone();
        let note = move |conn: &mut Connection| {
            in_transaction(conn, |conn| {
                consumers::note(conn, &noted)?;
                consumers::give_up_lost(conn)
            })
        };
        self.resident.call(Doing::Writing, note).await?;
        // A transaction each, so that no application waits for all of it.
        while self.resident.call(Doing::Writing, |conn| in_transaction(conn, consumers::purge)).await? {}
        Ok(())
    }
}

/// Does `work` with the right to write, all of it or nothing.
fn in_transaction<T>(conn: &mut Connection, work: impl FnOnce(&Connection) -> Attempt<T>) -> Attempt<T> {
    conn.execute_batch("BEGIN IMMEDIATE")?;
    let done = work(conn).and_then(|done| {
        conn.execute_batch("COMMIT")?;
        Ok(done)
    });
    if !conn.is_autocommit() {
        conn.execute_batch("ROLLBACK")?;
    }
    done
}

/// Does `work`, to which one moment is shown.
fn within_view<T>(conn: &mut Connection, work: impl FnOnce(&Connection) -> Attempt<T>) -> Attempt<T> {
    conn.execute_batch("BEGIN")?;
    let done = work(conn);
    conn.execute_batch("ROLLBACK")?;
    done
}
