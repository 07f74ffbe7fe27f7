//! The port to an engine's own way of copying a database whole.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;

use crate::error::Result;

/// Copies a database whole into a file, and makes it what such a file holds.
///
/// A backup is a file of the engine's own kind: its usual tools open it. Of Syncline there is nothing in it, but for words behind
/// the end that those tools do not look at.
#[async_trait]
pub trait Backup: Send + Sync {
    /// What the names of backups end with that nobody has given a name: `db`, `dump`.
    fn ending(&self) -> &'static str;

    /// Bytes that the database takes where it is kept.
    async fn bytes(&self) -> Result<u64>;

    /// Copies the database, as it is at one instant, into a new file at `file`. Others may go on writing; the copy does
    /// not begin anew when they do.
    ///
    /// The file appears under its name once it is complete, checked as `care` says, and durable. When this returns an
    /// error, or the process dies, nothing is there under that name; what a process that dies may leave beside it under
    /// another name goes with the next copy that is made there. Copies that others are making are left alone.
    ///
    /// # Errors
    /// `BACKUP_EXISTS` when something has that name already, which is left as it is; `STORE_MISSING` when its directory
    /// is not there; `DISK_FULL`; `STORE_CORRUPT` when the copy is damaged, as the database then is; `TOOL_MISSING` where the
    /// engine copies by a program that is not there or too old; what `watch` returns.
    async fn save(&self, file: &Path, care: Care, watch: &Watch) -> Result<Extent>;

    /// Reads the backup at `file` whole and checks that nothing in it is damaged. Nothing is asked of the database.
    ///
    /// # Errors
    /// `STORE_CORRUPT`, with the first damage found; `STORE_MISSING`; `NOT_A_DATABASE` for a file of another kind,
    /// `RESTORE_REFUSED` for the backup of another engine; `TOOL_MISSING`.
    async fn check(&self, file: &Path) -> Result<Extent>;

    /// Whether the engine can put what the backup at `file` holds into this database, as both are set up now. Nothing is
    /// changed, and [`Backup::restore`] looks again.
    ///
    /// # Errors
    /// `RESTORE_REFUSED`, `DISK_FULL`, and when one of them cannot be opened.
    async fn check_fit(&self, file: &Path) -> Result<()>;

    /// Keeps everybody else from writing until what is returned is dropped or has restored, where the engine can do that while
    /// the database is copied; `None` where it cannot. Readers go on. So a copy that is made meanwhile is what the restore
    /// replaces, to the last row.
    ///
    /// # Errors
    /// `STORE_LOCKED` when others do not let go in time, what `watch` returns, and when the database cannot be written.
    async fn hold(&self, _watch: &Watch) -> Result<Option<Box<dyn Hold>>> {
        Ok(None)
    }

    /// Replaces everything the database holds by what the backup at `file` holds, in one transaction that is durable on
    /// return; or, where definitions are in none, by one exchange of all tables, which the next writer brings to its end where it
    /// is cut off. Whatever happens, others see the old content whole or the new content whole. The file is checked before
    /// anything is written, within the view that is then copied.
    ///
    /// Open connections of other programs stay what they are and see the new content: how the database keeps its journal
    /// stays, and content that they could not read is refused. It waits for their locks up to
    /// [`crate::limits::LOCK_WAIT`].
    ///
    /// # Errors
    /// `STORE_CORRUPT` for a damaged file, `STORE_LOCKED` when others do not let go in time, `DISK_FULL`, what `watch`
    /// returns, `CONNECTION_LOST` before anything was committed, and `RESTORE_REFUSED` where the engine cannot put this content into
    /// this database. The database then holds what it held before. Where nobody knows whether it was committed, that is
    /// `STORE_FAILED`.
    async fn restore(&self, file: &Path, owners: Owners, watch: &Watch) -> Result<Extent>;
}

/// A database that nobody else writes to.
#[async_trait]
pub trait Hold: Send {
    /// As [`Backup::restore`], without anybody having written since the hold began. Where a table can be made all the same, and one
    /// was, that is `STORE_LOCKED`.
    async fn restore(self: Box<Self>, file: &Path, owners: Owners, watch: &Watch) -> Result<Extent>;
}

/// Whose the restored objects are, where the engine knows owners.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owners {
    /// Those of the backup, with the rights that were granted.
    AsSaved,
    /// Everything belongs to who restores; no right is granted.
    Restorer,
}

/// How a copy is looked at before it gets its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Care {
    /// It is opened again and read whole; a damaged one is no backup.
    Checked,
    /// It is kept as it is: the last look at a database that is about to be replaced, damaged or not.
    AsItIs,
}

/// How large a database is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// Bytes of its content.
    pub bytes: u64,
    /// Tables in it, the engine's own left out.
    pub tables: u64,
}

/// Is told now and then how many of how many bytes are copied, and stops the copy by returning an error.
pub type Watch = Arc<dyn Fn(u64, u64) -> Result<()> + Send + Sync>;
