//! SQLite: one database file through the bundled library.
//!
//! | file | what it holds |
//! |---|---|
//! | `connect` | opening a file and telling which it is, connection settings, SQLite's errors in our words, the disk beneath |
//! | `thread` | a connection on a thread of its own, since SQLite blocks |
//! | `describe` | version, identity, rights |
//! | `examine` | what those who look after it should know: whether it is sound, its journal, room, keys |
//! | `claim` | the right of one run to change the database |
//! | `schema` | tables, keys, constraints, indexes, what is not carried |
//! | `types` | cells and values, in the forms of another engine too; what a declared type does |
//! | `translate` | tables of other engines in SQLite's words |
//! | `filter` | the filter of a mapping as SQL |
//! | `snapshot` | one consistent view: scan, fetch, count, position, dangling references |
//! | `digest` | keys and digests in key order |
//! | `bulk` | loading an empty table, taking one over from another file |
//! | `write` | transactions, conditional changes, definitions, checkpoints |
//! | `migrate` | columns added to a table, and what that makes of it |
//! | `track` | change tracking: logs and triggers, who reads them, what nobody needs any more |
//! | `capture` | what a log says was touched, and the rows that are there now |
//! | `backup` | the database copied whole, checked, and made what a backup holds |

mod backup;
mod bulk;
mod capture;
mod claim;
mod connect;
mod describe;
mod digest;
mod examine;
mod filter;
mod migrate;
mod schema;
mod snapshot;
mod thread;
mod track;
mod translate;
pub(crate) mod types;
mod write;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use async_trait::async_trait;
use syncline_core::error::{Code, Error, Result};
use syncline_core::limits;
use syncline_core::schema::TableSchema;
use syncline_core::store::{Backup, Description, Finding, RunClaim, Side, Snapshot, Store, Tracking, Writer};

use self::claim::SqliteClaim;
pub use self::connect::disk;
use self::connect::failure::Doing;
use self::connect::{Place, Role};
use self::snapshot::SqliteSnapshot;
use self::thread::ConnectionThread;
use self::write::SqliteWriter;
use crate::one_writer::OneWriter;

/// What the engine is called.
const ENGINE: &str = "sqlite";

/// What a store will be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reading only; the file must exist.
    Read,
    /// Reading and writing; the file must exist.
    Write,
    /// Reading and writing; a missing file is created, empty, when the store is opened.
    Create,
}

/// A SQLite database.
///
/// One connection stays open as long as the store: it writes, and it notices when others do. Each snapshot has its
/// own. All are closed when the store and what came from it are dropped, and with them go the files that SQLite keeps
/// beside a database in WAL mode, unless another program uses it.
#[derive(Debug)]
pub struct SqliteStore {
    place: Arc<Place>,
    resident: Arc<ConnectionThread>,
    writing: Arc<AtomicBool>,
}

impl SqliteStore {
    /// Opens the database at `path`, a path of the file system and never a URI.
    ///
    /// # Errors
    /// `STORE_MISSING` for a missing file, or a missing directory when the file is to be created; `NOT_A_DATABASE` for
    /// a directory, a device or a file with other content; `STORE_DENIED`, `STORE_LOCKED`, `STORE_CORRUPT`; and
    /// `URL_INVALID` for a path that no file can have.
    pub async fn open(path: &Path, access: Access) -> Result<SqliteStore> {
        Self::open_with_lock_wait(path, access, limits::LOCK_WAIT).await
    }

    /// Opens the database like [`SqliteStore::open`], with another time to wait for locks of other programs.
    ///
    /// # Errors
    /// As [`SqliteStore::open`].
    pub async fn open_with_lock_wait(path: &Path, access: Access, lock_wait: Duration) -> Result<SqliteStore> {
        let place = Arc::new(Place::find(path, access, lock_wait)?);
        let resident = Arc::new(ConnectionThread::start(Arc::clone(&place), Role::Writer).await?);
        resident.call(Doing::Opening, snapshot::register_functions).await?;
        let place = Arc::new(place.settled()?);
        Ok(SqliteStore { place, resident, writing: Arc::default() })
    }

    async fn require_writable(&self) -> Result<()> {
        let path = self.place.path().display();
        if !self.place.may_write() {
            return Err(Error::new(Code::StoreReadOnly, format!("{path} was opened for reading only")));
        }
        if !self.describe().await?.writable {
            return Err(Error::new(Code::StoreReadOnly, format!("{path} cannot be written")));
        }
        Ok(())
    }
}

/// The name by which a statement reaches the row numbers of a table; `None` where it has none, or its columns have taken
/// every name for them.
pub fn row_number_of(table: &TableSchema) -> Option<&'static str> {
    snapshot::select::rowid(table)
}

#[async_trait]
impl Store for SqliteStore {
    async fn describe(&self) -> Result<Description> {
        let place = Arc::clone(&self.place);
        self.resident.call(Doing::Reading, move |conn| describe::describe(conn, &place)).await
    }

    async fn snapshot(&self) -> Result<Box<dyn Snapshot>> {
        let snapshot = SqliteSnapshot::open(Arc::clone(&self.place), Arc::clone(&self.resident)).await?;
        Ok(Box::new(snapshot))
    }

    async fn writer(&self) -> Result<Box<dyn Writer>> {
        self.require_writable().await?;
        let path = self.place.path().display();
        let Some(right) = OneWriter::take(&self.writing) else {
            return Err(Error::new(Code::StoreLocked, format!("{path} is being written by this run already")));
        };
        Ok(Box::new(SqliteWriter::new(Arc::clone(&self.resident), right)))
    }

    async fn claim(&self, note: &str) -> Result<Box<dyn RunClaim>> {
        self.require_writable().await?;
        Ok(Box::new(SqliteClaim::take(&self.resident, &self.place, note).await?))
    }

    async fn examine(&self, side: Option<Side>) -> Result<Vec<Finding>> {
        let (described, schema) = (self.describe().await?, self.snapshot().await?.schema().await?);
        let facts = self.resident.call(Doing::Reading, |conn| examine::ask(conn)).await?;
        examine::findings(&facts, &described, &schema, &self.place, side)
    }

    fn backup(&self) -> Option<&dyn Backup> {
        Some(self)
    }

    fn tracking(&self) -> &dyn Tracking {
        self
    }
}
