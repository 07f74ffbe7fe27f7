//! MySQL and MariaDB: one database of a server, over the network or a socket.
//!
//! | file | what it holds |
//! |---|---|
//! | `connect` | the way to a server, what a session is set to, the servers' errors in our words |
//! | `describe` | version, identity, whether it can be written |
//! | `examine` | what those who look after it should know: rights, risks, tables; the rights a run needs |
//! | `claim` | the right of one run to change the database |
//! | `schema` | what the tables look like |
//! | `definition` | the statement of a table as a server prints it, taken apart |
//! | `translate` | tables of other engines, and of other servers, in this one's words |
//! | `elsewhere` | what other engines have to know of a table to say it in their words |
//! | `migrate` | what a table becomes when columns are added to it |
//! | `types` | what kind each type is, how its cells travel, and how a kind is declared |
//! | `filter` | the rows of a mapping as SQL |
//! | `snapshot` | a view: what is selected, looked up, summed up and estimated |
//! | `position` | where a view stands in the server's history |
//! | `digest` | keys and digests in key order |
//! | `codec` | cells as the protocol brings them, and as files for `LOAD DATA` |
//! | `bulk` | loading an empty table, emptying one |
//! | `write` | transactions, conditional changes, definitions, checkpoints |
//! | `track` | change tracking: logs and triggers, who reads them, what nobody needs any more |
//! | `capture` | what the logs say was touched |
//! | `backup` | copying a database whole by the server's own program |
//!
//! There is no `names`: a database is one space of names, and every table is called by its own.

mod backup;
mod bulk;
mod capture;
mod claim;
pub mod codec;
mod connect;
mod definition;
mod describe;
mod digest;
pub(crate) mod elsewhere;
pub mod examine;
mod filter;
pub mod migrate;
mod position;
pub mod schema;
pub mod snapshot;
mod track;
pub mod translate;
pub mod types;
pub mod write;

pub use self::claim::MysqlClaim;
pub use self::connect::{ConnectOptions, Connection, Product, Version, connect};
pub use self::describe::describe;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use async_trait::async_trait;
use syncline_core::error::{Code, Error, Result};
use syncline_core::store::{Backup, Description, Finding, Grants, RunClaim, Side, Snapshot, Store, Tracking, Writer};
use syncline_core::value::fit::Reach;

use self::snapshot::MysqlSnapshot;
use self::write::MysqlWriter;
use crate::idle::Idle;
use crate::one_writer::OneWriter;

/// What the engine is called, whoever makes the server.
pub(crate) const ENGINE: &str = "mysql";

/// What columns here hold beyond their kinds.
pub(crate) const REACH: Reach = Reach::Wide;

/// A database of a MySQL or MariaDB server.
///
/// One session stays open as long as the store and answers what is asked of the database as a whole. Each view and each claim
/// has a session of its own, and each writer two. All end when the store and what came from it are dropped.
pub struct MysqlStore {
    options: Arc<ConnectOptions>,
    may_write: bool,
    resident: Connection,
    idle: Arc<Idle<Connection>>,
    writing: Arc<AtomicBool>,
}

impl MysqlStore {
    /// Reaches a database. `may_write` says whether a writer will be asked for.
    ///
    /// # Errors
    /// As [`connect`].
    pub async fn open(options: ConnectOptions, may_write: bool) -> Result<Self> {
        let resident = connect(&options).await?;
        Ok(Self { options: Arc::new(options), may_write, resident, idle: Arc::default(), writing: Arc::default() })
    }

    /// What the database is called for people.
    pub fn label(&self) -> String {
        self.options.label()
    }

    /// What a person should know before trusting this login and this server, one sentence each.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn warnings(&self) -> Result<Vec<String>> {
        examine::warnings(&self.resident, self.may_write).await
    }

    /// Opens a view in a session of its own, or in one that an earlier view has left.
    ///
    /// # Errors
    /// As [`connect`].
    pub async fn view(&self) -> Result<MysqlSnapshot> {
        MysqlSnapshot::open_among(Arc::clone(&self.options), &self.idle).await
    }

    /// The right to write, of which there is one.
    fn right(&self) -> Result<OneWriter> {
        OneWriter::take(&self.writing).ok_or_else(|| {
            let label = self.options.label();
            Error::new(Code::StoreLocked, format!("{label} is being written by this run already"))
        })
    }

    async fn require_writable(&self) -> Result<()> {
        let label = self.options.label();
        if !self.may_write {
            return Err(Error::new(Code::StoreReadOnly, format!("{label} was opened for reading only")));
        }
        if !describe(&self.resident).await?.writable {
            return Err(Error::new(Code::StoreReadOnly, format!("{label} cannot be written"))
                .because("the server is read-only, as a replica is")
                .next("name the primary server", ""));
        }
        Ok(())
    }
}

#[async_trait]
impl Store for MysqlStore {
    async fn describe(&self) -> Result<Description> {
        describe(&self.resident).await
    }

    async fn snapshot(&self) -> Result<Box<dyn Snapshot>> {
        Ok(Box::new(self.view().await?))
    }

    async fn writer(&self) -> Result<Box<dyn Writer>> {
        self.require_writable().await?;
        Ok(Box::new(MysqlWriter::open(&self.options, self.right()?).await?))
    }

    async fn claim(&self, note: &str) -> Result<Box<dyn RunClaim>> {
        self.require_writable().await?;
        Ok(Box::new(MysqlClaim::take(&self.options, note).await?))
    }

    fn backup(&self) -> Option<&dyn Backup> {
        Some(self)
    }

    fn tracking(&self) -> &dyn Tracking {
        self
    }

    async fn examine(&self, side: Option<Side>) -> Result<Vec<Finding>> {
        let schema = self.view().await?.schema().await?;
        examine::examine(&self.resident, &self.options, &schema, side).await
    }

    async fn grants(&self, side: Side, role: &str, tables: &[String]) -> Result<Option<Grants>> {
        let schema = self.view().await?.schema().await?;
        examine::script(&self.resident, (&schema, tables), (side, role)).await.map(Some)
    }
}
