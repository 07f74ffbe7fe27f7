//! Syncline's own memory: runs, their logs, their before-images and the ledger of held rows, in one directory.
//!
//! The directory holds `state.db` (SQLite) and `locks/`. Several processes open it side by side; the operating system
//! holds the locks, so a process that dies leaves nothing locked.
//!
//! **Durability.** When a method that writes returns `Ok`, what it wrote survives a crash of the process and of the
//! machine: the database works with a write-ahead log and `synchronous=FULL`, and one call is one transaction. When it
//! returns an error, nothing of that call was written. The [`RunSpool`] alone is scratch paper and does not survive its
//! process. Dropping the future of a call does not take it back: what was handed over is still written.
//!
//! Nothing here reads the clock: instants come in as milliseconds since 1970.
//!
//! # Errors
//! Every method can fail with `STATE_FAILED`, which names the path and carries SQLite's own words, and with
//! `DISK_FULL`. Other codes are listed where they occur.

mod conflicts;
mod counters;
mod dangling;
mod database;
mod evidence;
#[cfg(test)]
mod fixtures;
mod identities;
mod incarnations;
mod ledger;
mod locks;
mod logs;
mod mask_key;
mod migrations;
mod plans;
mod retention;
mod run_record;
mod runs;
mod spool;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use syncline_core::error::Result;

pub(crate) use self::database::{create_private, private};

pub use self::conflicts::ChosenEntry;
pub use self::evidence::{ImageCounts, RunEvidence, Trace};
pub use self::ledger::{HeldUntil, LedgerTable, RunLedger, Spoken};
pub use self::locks::RunLock;
pub use self::logs::{LogLevel, LogLine};
pub use self::plans::Written;
pub use self::run_record::{NewRun, RunEnd, RunRecord, RunVerb};
pub use self::spool::RunSpool;

use self::database::Database;

/// An open state directory. Clones share it.
#[derive(Clone, Debug)]
pub struct State {
    dir: Arc<Path>,
    database: Database,
}

impl State {
    /// Opens the state directory, creating it and bringing it up to date as needed, and removes spools that killed
    /// processes have left. What is created is readable by its owner only; what exists keeps its rights.
    ///
    /// # Errors
    /// `STATE_FAILED` also when a newer version of Syncline has written the directory, or when its `state.db` is some
    /// other program's; nothing is changed then.
    pub async fn open(dir: &Path) -> Result<Self> {
        let dir: PathBuf = dir.to_owned();
        database::blocking(&dir.clone(), "open the state directory", move || {
            database::create_directory(&dir)?;
            // One process at a time creates and migrates; SQLite's own locks do not cover the change to a write-ahead
            // log, nor the sweeping.
            let _alone = locks::opening(&dir)?;
            spool::sweep(&dir);
            let database = Database::open(&dir.join(database::FILE))?;
            Ok(Self { dir: dir.into(), database })
        })
        .await
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where the before-images and loads of a run are recorded.
    pub fn evidence(&self, run: &str) -> RunEvidence {
        RunEvidence::new(self.database.clone(), run)
    }

    /// A spool for a run's plan. Its file is made now, so that a directory that cannot hold one shows before the run
    /// has begun to decide.
    pub async fn spool(&self, run: &str) -> Result<RunSpool> {
        RunSpool::create(&self.dir, run).await
    }
}
