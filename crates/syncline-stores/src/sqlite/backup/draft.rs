//! A file that is being written under a name of its own, until it is whole.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::Path;

use syncline_core::error::{Code, Error};
use tempfile::{Builder, TempPath};

use super::require;
use crate::sqlite::connect::failure::Attempt;
use crate::sqlite::describe::free_bytes;

/// How much of the backup's name begins the draft's: enough to tell whose it is, should one be left.
const NAME_CHARS: usize = 40;

/// The draft of a backup, beside the place it is to have. Dropping it removes it.
pub(super) struct Draft(TempPath);

impl Draft {
    /// An empty file in the directory of `file` that only its owner can read, like everything that is made here.
    ///
    /// # Errors
    /// `BACKUP_EXISTS`, `STORE_MISSING` without the directory, `STORE_DENIED`, `DISK_FULL` when `size` bytes do not fit.
    pub(super) fn beside(file: &Path, size: u64) -> Attempt<Self> {
        // Looked at again when the draft gets its name; this look saves the work.
        if file.symlink_metadata().is_ok() {
            return Err(exists(file).into());
        }
        let name = file.file_name().map(OsStr::to_string_lossy).unwrap_or_default();
        let prefix = format!(".{}-", name.chars().take(NAME_CHARS).collect::<String>());
        let made = Builder::new().prefix(&prefix).suffix(".tmp").tempfile_in(directory(file));
        // Closed at once: closing it later would drop the locks that SQLite takes on it.
        let draft = made.map_err(|error| refused(file, error))?.into_temp_path();
        require(free_bytes(&draft), size, file)?;
        Ok(Self(draft))
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Makes the draft durable and gives it its name, unless something else has that name by now.
    ///
    /// # Errors
    /// `BACKUP_EXISTS`, `DISK_FULL`.
    pub(super) fn publish(self, file: &Path) -> Attempt<()> {
        let synced = File::open(&self.0).and_then(|draft| draft.sync_all());
        synced.map_err(|error| refused(file, error))?;
        self.0.persist_noclobber(file).map_err(|error| match error.error.kind() {
            ErrorKind::AlreadyExists => exists(file),
            _ => refused(file, error.error),
        })?;
        Ok(sync_directory(directory(file)).map_err(|error| refused(file, error))?)
    }
}

fn directory(file: &Path) -> &Path {
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// A name is as durable as the directory it stands in.
fn sync_directory(directory: &Path) -> io::Result<()> {
    // Elsewhere directories cannot be opened, nor need they be.
    if cfg!(unix) { File::open(directory)?.sync_all() } else { Ok(()) }
}

fn exists(file: &Path) -> Error {
    Error::new(Code::BackupExists, format!("{} exists already", file.display()))
        .because("a backup overwrites nothing")
        .leaving("it was not changed")
        .next("-o FILE", "write the backup to another file")
}

fn refused(file: &Path, error: io::Error) -> Error {
    let (code, what) = match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => {
            (Code::StoreMissing, format!("{} cannot be made, because its directory does not exist", file.display()))
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            (Code::StoreDenied, format!("{} cannot be made", file.display()))
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            (Code::DiskFull, format!("there is no room left for {}", file.display()))
        }
        _ => (Code::StoreFailed, format!("{} cannot be written", file.display())),
    };
    Error::new(code, what)
        .because(error.to_string())
        .leaving("no backup was written")
        .next("-o FILE", "write the backup elsewhere")
        .caused_by(error)
}
