//! PostgreSQL: one database of a server, over the network or a socket.
//!
//! | file | what it holds |
//! |---|---|
//! | `connect` | the way to a server, what a session is set to, PostgreSQL's errors in our words |
//! | `describe` | version, identity, whether it can be written |
//! | `examine` | what those who look after it should know: rights, risks, limits, tables; the rights a run needs |
//! | `claim` | the right of one run to change the database |
//! | `schema` | what the tables look like |
//! | `types` | what kind each type is, how its cells travel, and how a kind is declared |
//! | `translate` | tables of SQLite in PostgreSQL's words |
//! | `migrate` | columns added to a table, told beforehand |
//! | `names` | where a table is, and how it is written |
//! | `filter` | the rows of a mapping as SQL |
//! | `snapshot` | a view: what is selected, looked up, summed up and estimated |
//! | `digest` | keys and digests in key order, and of rows without a key |
//! | `bulk` | loading an empty table, emptying one |
//! | `write` | transactions, conditional changes, definitions, checkpoints |
//! | `track` | change tracking: logs and triggers, who reads them, what nobody needs any more |
//! | `capture` | what a log says was touched, and the rows that are there now |
//! | `backup` | the database copied into a file by `pg_dump`, and put back |
//! | `codec` | rows as COPY carries them |

mod backup;
mod bulk;
mod capture;
mod claim;
pub mod codec;
mod connect;
mod describe;
mod digest;
mod examine;
mod filter;
pub mod migrate;
pub mod names;
pub mod schema;
pub mod snapshot;
mod track;
pub mod translate;
pub mod types;
pub mod write;

pub use self::claim::PostgresClaim;
pub use self::connect::{ConnectOptions, Connection, connect};
pub use self::describe::describe;
pub use self::examine::warnings;
pub use self::snapshot::PostgresSnapshot;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use async_trait::async_trait;
use syncline_core::error::{Code, Error, Result};
use syncline_core::store::{Backup, Description, Finding, Grants, RunClaim, Side, Snapshot, Store, Tracking, Writer};

use self::names::Names;
use self::write::PostgresWriter;
use crate::idle::Idle;
use crate::one_writer::OneWriter;

/// What the engine is called.
const ENGINE: &str = "postgres";

/// A database of a PostgreSQL server.
///
/// One session stays open as long as the store and answers what is asked of the database as a whole. Each view, each writer
/// and each claim has a session of its own. All end when the store and what came from it are dropped.
pub struct PostgresStore {
    options: Arc<ConnectOptions>,
    /// The schema whose tables go without a prefix.
    default_schema: Arc<str>,
    may_write: bool,
    resident: Connection,
    idle: Arc<Idle<Connection>>,
    writing: Arc<AtomicBool>,
}

impl PostgresStore {
    /// Reaches a database. `schema` names the one whose tables go without a prefix; without it, it is the first that the
    /// login looks for tables in. `may_write` says whether a writer will be asked for.
    ///
    /// # Errors
    /// As [`connect`]; `STORE_MISSING` when there is no such schema.
    pub async fn open(options: ConnectOptions, schema: Option<&str>, may_write: bool) -> Result<Self> {
        let resident = connect(&options).await?;
        let default_schema = match schema {
            Some(schema) => named_schema(&resident, schema).await?,
            // A login whose search path leads nowhere names all tables in full; no table is in a schema without a name.
            None => resident.default_schema.clone().unwrap_or_default(),
        };
        Ok(Self {
            options: Arc::new(options),
            default_schema: default_schema.into(),
            may_write,
            resident,
            idle: Arc::default(),
            writing: Arc::default(),
        })
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
        warnings(&self.resident).await
    }

    /// Opens a view in a session of its own, or in one that an earlier view has left.
    ///
    /// # Errors
    /// As [`connect`].
    pub async fn view(&self) -> Result<PostgresSnapshot> {
        PostgresSnapshot::open_among(Arc::clone(&self.options), Names::new(&self.default_schema), &self.idle).await
    }

    async fn require_writable(&self) -> Result<()> {
        let label = self.options.label();
        if !self.may_write {
            return Err(Error::new(Code::StoreReadOnly, format!("{label} was opened for reading only")));
        }
        if !self.describe().await?.writable {
            return Err(Error::new(Code::StoreReadOnly, format!("{label} cannot be written"))
                .because("the server is a standby, or the user's transactions are set to be read-only")
                .next("name the primary server, or set default_transaction_read_only off for the user", ""));
        }
        Ok(())
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn describe(&self) -> Result<Description> {
        describe(&self.resident).await
    }

    async fn snapshot(&self) -> Result<Box<dyn Snapshot>> {
        Ok(Box::new(self.view().await?))
    }

    async fn writer(&self) -> Result<Box<dyn Writer>> {
        self.require_writable().await?;
        let Some(right) = OneWriter::take(&self.writing) else {
            let label = self.options.label();
            return Err(Error::new(Code::StoreLocked, format!("{label} is being written by this run already")));
        };
        Ok(Box::new(PostgresWriter::open(&self.options, Names::new(&self.default_schema), right).await?))
    }

    async fn claim(&self, note: &str) -> Result<Box<dyn RunClaim>> {
        self.require_writable().await?;
        Ok(Box::new(PostgresClaim::take(&self.options, note).await?))
    }

    async fn examine(&self, side: Option<Side>) -> Result<Vec<Finding>> {
        let schema = self.view().await?.schema().await?;
        examine::examine(&self.resident, &self.options, &Names::new(&self.default_schema), &schema, side).await
    }

    async fn grants(&self, side: Side, role: &str, tables: &[String]) -> Result<Option<Grants>> {
        let schema = self.view().await?.schema().await?;
        let names = Names::new(&self.default_schema);
        examine::script(&self.resident, &names, (&schema, tables), (side, role)).await.map(Some)
    }

    fn backup(&self) -> Option<&dyn Backup> {
        Some(self)
    }

    fn tracking(&self) -> &dyn Tracking {
        self
    }
}

async fn named_schema(connection: &Connection, schema: &str) -> Result<String> {
    let query = "SELECT nspname FROM pg_namespace WHERE nspname = $1";
    let found = connection.client.query_opt(query, &[&schema]).await.map_err(|error| connection.error(error))?;
    if found.is_some() {
        return Ok(schema.to_owned());
    }
    Err(Error::new(Code::StoreMissing, format!("the database has no schema {schema:?}"))
        .because("the name asks for it with schema=")
        .leaving("nothing was changed"))
}
