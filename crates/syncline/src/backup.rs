//! Backups: a database copied whole into a file, by its engine, while others go on writing.

use std::fs::DirBuilder;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use syncline_core::error::{Code, Error, Result};
use syncline_core::limits;
use syncline_core::store::{Backup, Care, Extent, Watch};

use crate::backup_name;
use crate::open::{Database, Purpose};
use crate::session::{Syncline, now_ms};

/// A backup that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupRequest {
    /// The database, as named by the user.
    pub database: String,
    /// The file to write; without one it gets a name of its own in the backup root.
    pub file: Option<PathBuf>,
}

/// A backup that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupReport {
    /// Version of this object.
    pub format: u32,
    /// `backup`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The database's label.
    pub database: String,
    /// The file, absolute.
    pub file: String,
    /// Its size.
    pub bytes: u64,
    /// Tables in it.
    pub tables: u64,
    /// Wall time.
    pub duration_ms: u64,
}

impl Syncline {
    /// Copies a database whole into a new file, checked and durable before it appears under its name. Nothing is written
    /// to the database, and no run is recorded.
    ///
    /// # Errors
    /// When the database cannot be opened or is damaged, and as [`Backup::save`].
    pub async fn backup(&self, request: &BackupRequest) -> Result<BackupReport> {
        let started = Instant::now();
        let database = self.open_database(&request.database, Purpose::Read).await?;
        let (file, extent) = match &request.file {
            None => self.backup_into_root(&database, Care::Checked).await?,
            Some(file) => {
                let file = self.settings.working_dir.join(file);
                let extent = backup_of(&database)?.save(&file, Care::Checked, &self.watch()).await?;
                (file, extent)
            }
        };
        Ok(BackupReport {
            format: 1,
            kind: "backup".to_owned(),
            database: database.label.clone(),
            file: file.to_string_lossy().into_owned(),
            bytes: extent.bytes,
            tables: extent.tables,
            duration_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        })
    }

    /// Backs the database up under a new name in the backup root.
    pub(crate) async fn backup_into_root(&self, database: &Database, care: Care) -> Result<(PathBuf, Extent)> {
        let root = self.backup_root();
        create_root(&root)?;
        let name = backup_name::of(&database.called, now_ms());
        let backup = backup_of(database)?;
        for attempt in 1..limits::BACKUP_NAMES {
            let file = root.join(backup_name::numbered(&name, attempt, backup.ending()));
            match backup.save(&file, care, &self.watch()).await {
                // Another backup of the same millisecond.
                Err(error) if error.code() == Code::BackupExists => {}
                saved => return Ok((file, saved?)),
            }
        }
        let what = format!("{} backups of this very moment are in {}", limits::BACKUP_NAMES, root.display());
        Err(Error::new(Code::BackupExists, what).next("-o FILE", "write the backup to a file of your choice"))
    }

    /// Backs the target of a run up before anything is written to it, and records where. Returns a remark where there is
    /// nothing to back up.
    pub(crate) async fn backup_before(&self, run: &str, target: &Database) -> Result<Option<String>> {
        if target.is_new() {
            return Ok(Some(format!("no backup was made: {} was not there yet", target.label)));
        }
        let saved = self.backup_into_root(target, Care::Checked).await;
        let (file, _) = saved.map_err(|error| error.leaving("nothing was changed"))?;
        let file = file.to_string_lossy().into_owned();
        self.state().await?.record_backup(run, &file).await?;
        self.note(format!("backup: {file}"));
        Ok(None)
    }

    /// Where backups go that are given no name.
    pub(crate) fn backup_root(&self) -> PathBuf {
        let root = self.settings.backup_root.clone().unwrap_or_else(|| self.settings.state_dir.join("backups"));
        self.settings.working_dir.join(root)
    }

    /// Stops a copy when the session is cancelled.
    pub(crate) fn watch(&self) -> Watch {
        let cancel = self.cancel().clone();
        Arc::new(move |_, _| cancel.check())
    }
}

/// The engine's way to copy the database.
pub(crate) fn backup_of(database: &Database) -> Result<&dyn Backup> {
    database.store.backup().ok_or_else(|| {
        let what = format!("{} is of an engine that backs up by means of its own only", database.label);
        Error::new(Code::UsageInvalid, what).leaving("nothing was changed")
    })
}

/// Creates the backup root for its owner only.
fn create_root(root: &Path) -> Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(root).map_err(|error| {
        Error::new(Code::StoreDenied, format!("the backup root {} cannot be made", root.display()))
            .because(error.to_string())
            .leaving("nothing was changed")
            .next("--backup-root D", "keep backups in the directory D")
            .caused_by(error)
    })
}
