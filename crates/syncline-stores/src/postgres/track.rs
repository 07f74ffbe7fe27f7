//! Change tracking: a log beside each table, written by triggers in the transaction of whoever writes.
//!
//! | file | what it holds |
//! |---|---|
//! | `catalog` | what is tracked, as the database knows it |
//! | `signature` | whether it still is as it was made |
//! | `place` | places in a log |
//! | `install` | logs, functions and triggers made, renewed and removed |
//! | `locks` | what that takes of tables that others write to |
//! | `triggers` | their text |
//! | `key` | how the cells of a key stand in a log |
//! | `pulse` | whether anything may be new |
//! | `consumers` | who has read how far, and what nobody needs any more |
//!
//! See `docs/adr/033-change-tracking.md`. Everything stands in the default schema.

pub(super) mod catalog;
mod consumers;
mod install;
pub(super) mod key;
mod locks;
pub(super) mod place;
mod pulse;
mod signature;
mod triggers;

use async_trait::async_trait;
use syncline_core::error::Result;
use syncline_core::limits;
use syncline_core::store::{Consumer, Installed, Standing, Tracking};

use super::connect::failure::{Attempt, Doing};
use super::connect::{Connection, connect};
use super::names::Names;
use super::{PostgresStore, schema};

/// A transaction that defines. Applications wait for whoever waits for a lock, so it is not waited for long.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";

#[async_trait]
impl Tracking for PostgresStore {
    async fn install(&self, tables: &[String]) -> Result<Installed> {
        self.require_writable().await?;
        let (connection, names) = self.apart().await?;
        let schema = schema::read(&connection, &names).await?;
        let installed = async {
            begin(&connection).await?;
            let installed = install::install(&connection, &names, &schema, tables).await?;
            connection.client.batch_execute("COMMIT").await?;
            Ok(installed)
        };
        said(&connection, installed.await)
    }

    async fn remove(&self, tables: Option<&[String]>) -> Result<Vec<String>> {
        self.require_writable().await?;
        let (connection, names) = self.apart().await?;
        let removed = async {
            begin(&connection).await?;
            let removed = install::remove(&connection, &names, tables).await?;
            connection.client.batch_execute("COMMIT").await?;
            Ok(removed)
        };
        said(&connection, removed.await)
    }

    async fn standing(&self) -> Result<Option<Standing>> {
        let (connection, names) = self.apart().await?;
        let standing = async {
            connection.client.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
            consumers::standing(&connection, &names).await
        };
        said(&connection, standing.await)
    }

    async fn pulse(&self, last: Option<&str>) -> Result<String> {
        let names = Names::new(&self.default_schema);
        let pulse = pulse::read(&self.resident, &names, last).await;
        pulse.map_err(|failure| self.resident.error_while(failure, Doing::Reading))
    }

    async fn acknowledge(&self, consumer: &Consumer) -> Result<()> {
        self.require_writable().await?;
        let (connection, names) = self.apart().await?;
        let done = async {
            begin(&connection).await?;
            consumers::note(&connection, &names, consumer).await?;
            consumers::give_up_lost(&connection, &names).await?;
            connection.client.batch_execute("COMMIT").await?;
            // A statement each, so that no application waits for all of it.
            while consumers::purge(&connection, &names).await? {}
            Ok(())
        };
        said(&connection, done.await)
    }
}

impl PostgresStore {
    /// A session of its own, which ends with whatever is left open in it.
    async fn apart(&self) -> Result<(Connection, Names)> {
        Ok((connect(&self.options).await?, Names::new(&self.default_schema)))
    }
}

async fn begin(connection: &Connection) -> Attempt<()> {
    let wait = limits::LOCK_WAIT.as_millis();
    Ok(connection.client.batch_execute(&format!("{BEGIN}; SET LOCAL lock_timeout = {wait}")).await?)
}

fn said<T>(connection: &Connection, done: Attempt<T>) -> Result<T> {
    done.map_err(|failure| connection.error_while(failure, Doing::Writing))
}
