//! Change tracking: a log beside each table, written by triggers in the transaction of whoever writes.
//!
//! | file | what it holds |
//! |---|---|
//! | `catalog` | what is tracked, as the database knows it, and whether it still is as it was made |
//! | `signature` | what is held against what was made |
//! | `place` | places in a log |
//! | `fitness` | servers and tables that cannot be tracked |
//! | `install` | logs and triggers made, renewed and removed |
//! | `triggers` | their text |
//! | `cascades` | the rows that change with those that they reference, without a trigger of their own being fired |
//! | `batches` | what was logged put in an order |
//! | `consumers` | who has read how far, and what nobody needs any more |
//!
//! Triggers write to an inbox, in no order that says anything: who comes first may commit last. A sequencer moves what it sees
//! there to the log, as the next batch. See `docs/adr/033-change-tracking.md`.

mod batches;
mod cascades;
pub(super) mod catalog;
mod consumers;
mod define;
mod fitness;
mod install;
pub(super) mod place;
mod signature;
mod triggers;

use async_trait::async_trait;
use syncline_core::error::{Code, Error, Result};
use syncline_core::limits;
use syncline_core::store::{Consumer, Installed, Standing, Tracking};

use super::claim;
use super::connect::failure::{Attempt, Doing};
use super::connect::{Connection, connect};
use super::{MysqlStore, describe, schema};

#[async_trait]
impl Tracking for MysqlStore {
    async fn install(&self, tables: &[String]) -> Result<Installed> {
        self.require_writable().await?;
        let connection = self.apart().await?;
        fitness::require_server(&connection, &self.options.database).await?;
        let schema = schema::read(&connection).await?;
        let installed = async {
            alone(&connection).await?;
            install::install(&connection, &schema, tables).await
        };
        said(&connection, installed.await)
    }

    async fn remove(&self, tables: Option<&[String]>) -> Result<Vec<String>> {
        self.require_writable().await?;
        let connection = self.apart().await?;
        let removed = async {
            alone(&connection).await?;
            install::remove(&connection, tables).await
        };
        said(&connection, removed.await)
    }

    async fn standing(&self) -> Result<Option<Standing>> {
        let connection = self.apart().await?;
        let standing = async {
            connection.line.run("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY").await?;
            consumers::standing(&connection).await
        };
        said(&connection, standing.await)
    }

    /// Who may not write to the logs leaves them as they are: positions are right all the same.
    async fn sequence(&self) -> Result<()> {
        if !describe(&self.resident).await?.writable {
            return Ok(());
        }
        let connection = self.apart().await?;
        let sequenced = async {
            if !batches::is_any_waiting(&connection).await? {
                return Ok(());
            }
            alone(&connection).await?;
            batches::sequence(&connection).await
        };
        match said(&connection, sequenced.await) {
            Err(error) if error.code() == Code::PermissionDenied => Ok(()),
            done => done,
        }
    }

    async fn pulse(&self, _last: Option<&str>) -> Result<String> {
        let pulse = batches::pulse(&self.resident).await;
        pulse.map_err(|failure| self.resident.error_while(failure, Doing::Reading))
    }

    async fn acknowledge(&self, consumer: &Consumer) -> Result<()> {
        self.require_writable().await?;
        let connection = self.apart().await?;
        let done = async {
            alone(&connection).await?;
            batches::sequence(&connection).await?;
            consumers::note(&connection, consumer).await?;
            consumers::give_up_lost(&connection).await?;
            // A statement each, so that none holds many locks.
            while consumers::purge(&connection).await? {}
            Ok(())
        };
        said(&connection, done.await)
    }
}

impl MysqlStore {
    /// A session of its own, which ends with whatever is left open in it.
    async fn apart(&self) -> Result<Connection> {
        connect(&self.options).await
    }
}

/// Waits until nobody else installs or sequences, until the session ends.
async fn alone(connection: &Connection) -> Attempt<()> {
    if claim::take_named(connection, "track", limits::LOCK_WAIT).await? {
        return Ok(());
    }
    let what = "another process is at work on the change logs of this database";
    Err(Error::new(Code::StoreLocked, what)
        .leaving("nothing was changed")
        .next("run the command again in a while", "")
        .into())
}

fn said<T>(connection: &Connection, done: Attempt<T>) -> Result<T> {
    done.map_err(|failure| connection.error_while(failure, Doing::Writing))
}
