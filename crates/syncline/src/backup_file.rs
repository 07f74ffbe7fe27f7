//! A backup that is to be restored: a database itself, as those of SQLite are, or a file that only the target's engine can read.

use std::path::{Path, PathBuf};

use syncline_core::error::{Code, Error, Result};
use syncline_core::store::Extent;

use crate::backup::backup_of;
use crate::database_name::DatabaseName;
use crate::open::{Database, Purpose};
use crate::restore::RestoreRequest;
use crate::session::Syncline;

/// A backup, found and not yet read.
pub(crate) enum BackupFile {
    /// It can be opened like any database.
    Database(Box<Database>),
    /// It is a file, which need not be there.
    File { path: PathBuf, label: String },
}

impl Syncline {
    /// Finds the backup that is to be restored.
    ///
    /// # Errors
    /// When it cannot be opened, or what is named is no file.
    pub(crate) async fn find_backup(&self, request: &RestoreRequest) -> Result<BackupFile> {
        if let DatabaseName::Sqlite { .. } = self.locate(&request.target).await?.name {
            let database = self.open_database(&request.backup, Purpose::Read).await?;
            return Ok(BackupFile::Database(Box::new(database)));
        }
        let name = &request.backup;
        match self.locate(name).await {
            Ok(located) => {
                let label = located.label;
                let DatabaseName::Sqlite { path, .. } = located.name else {
                    let what = format!("{label} is a database of a server, and what is restored is a file");
                    return Err(Error::new(Code::UsageInvalid, what).next(
                        "syncline backup DB -o FILE",
                        "makes one; syncline mirror carries rows from one database to another",
                    ));
                };
                Ok(BackupFile::File { path: self.settings.working_dir.join(path), label })
            }
            // The name of a file that is not there. What may hold a password is not repeated.
            Err(error)
                if matches!(error.code(), Code::UrlInvalid | Code::ConnectionUnknown)
                    && !name.is_empty()
                    && !name.contains([':', '@', '\0']) =>
            {
                Err(Error::new(Code::StoreMissing, format!("{name:?} does not exist")).leaving("nothing was changed"))
            }
            Err(error) => Err(error),
        }
    }
}

impl BackupFile {
    /// Where it is.
    pub(crate) fn path(&self) -> Result<&Path> {
        match self {
            BackupFile::Database(database) => database.path(),
            BackupFile::File { path, .. } => Ok(path),
        }
    }

    /// What it is called for people.
    pub(crate) fn label(&self) -> &str {
        match self {
            BackupFile::Database(database) => &database.label,
            BackupFile::File { label, .. } => label,
        }
    }

    /// Whether a target that is missing is made: a server makes none by being asked for it.
    pub(crate) fn target_can_be_made(&self) -> bool {
        matches!(self, BackupFile::Database(_))
    }

    /// Reads it whole. A target that is a server's is there.
    ///
    /// # Errors
    /// As [`syncline_core::store::Backup::check`].
    pub(crate) async fn check(&self, target: Option<&Database>) -> Result<Extent> {
        let reader = match (self, target) {
            (BackupFile::Database(database), _) => &**database,
            (BackupFile::File { .. }, Some(target)) => target,
            (BackupFile::File { .. }, None) => {
                return Err(Error::new(Code::Internal, "a database of a server was taken for one that is to be made"));
            }
        };
        backup_of(reader)?.check(self.path()?).await
    }

    /// Makes sure that it is not the target itself.
    ///
    /// # Errors
    /// `GUARD_SAME_TABLE`.
    pub(crate) fn check_different(&self, target: &Database) -> Result<()> {
        match self {
            BackupFile::Database(backup) if backup.description.identity == target.description.identity => {
                let what = format!("{} and {} are the same file", backup.label, target.label);
                Err(Error::new(Code::GuardSameTable, what).leaving("nothing was changed"))
            }
            _ => Ok(()),
        }
    }
}
