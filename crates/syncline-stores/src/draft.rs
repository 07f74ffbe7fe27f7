//! A file that is being written in a directory of its own, until it is whole.
//!
//! The directory is hidden, stands where the file is to stand, and holds the draft, what SQLite keeps beside it, and a
//! file that is locked as long as the process lives. So whatever a killed process has left can be told from what another
//! one is writing, and goes as a whole, without ever opening a database to find out.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use syncline_core::error::{Code, Error, Result};
use syncline_core::limits;
use tempfile::{Builder, TempPath};

use crate::disk::{free_bytes, refused, require};
use crate::lock_file::{self, Attempted};

/// How much of the file's name begins the directory's: enough to tell whose it is, should one be left.
const NAME_CHARS: usize = 40;

/// What the directory's name ends with.
const SUFFIX: &str = ".syncline-draft";

/// The file that is locked.
const LOCK: &str = "lock";

/// The draft, and what SQLite may keep beside it.
const FILES: &[&str] = &["draft.db", "draft.db-journal", "draft.db-wal", "draft.db-shm"];

/// A draft. Dropping it removes it.
pub(crate) struct Draft {
    directory: PathBuf,
    file: PathBuf,
    /// Freed last, when nothing is left to be taken for a dead one's.
    _lock: File,
}

impl Draft {
    /// The draft of a backup that is to be `file`: empty, and for its owner only, like everything that is made here.
    ///
    /// # Errors
    /// `BACKUP_EXISTS`, `STORE_MISSING` without the directory, `STORE_DENIED`, `DISK_FULL` when `size` bytes do not fit.
    pub(crate) fn of_backup(file: &Path, size: u64) -> Result<Self> {
        // Looked at again when the draft gets its name; this look saves the work.
        if file.symlink_metadata().is_ok() {
            return Err(exists(file));
        }
        let draft = Self::beside(file).map_err(|error| no_backup(file, error))?;
        require(free_bytes(&draft.file), size, file)?;
        Ok(draft)
    }

    /// A draft in the directory of `file`. What killed processes have left there is removed first.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(crate) fn beside(file: &Path) -> io::Result<Self> {
        let parent = parent(file);
        sweep(parent);
        let name = file.file_name().map(OsStr::to_string_lossy).unwrap_or_default();
        let prefix = format!(".{}-", name.chars().take(NAME_CHARS).collect::<String>());
        for _ in 0..limits::DRAFT_ATTEMPTS {
            let directory = private_directory(&prefix, parent)?;
            match lock_file::attempt_new(&directory.join(LOCK), |_| {}) {
                Ok(Attempted::Locked(lock)) => {
                    let draft = Self { file: directory.join(FILES[0]), directory, _lock: lock };
                    create(&draft.file)?;
                    return Ok(draft);
                }
                // Another who sweeps has found it before it was locked, and removes it.
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => {
                    let _ = fs::remove_dir(&directory);
                    return Err(error);
                }
            }
        }
        Err(io::Error::new(ErrorKind::WouldBlock, "others remove what is made there"))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.file
    }

    /// Makes the draft durable and gives it its name, unless something else has that name by now.
    ///
    /// # Errors
    /// `BACKUP_EXISTS`, `DISK_FULL`.
    pub(crate) fn publish(self, file: &Path) -> Result<()> {
        let synced = File::open(&self.file).and_then(|draft| draft.sync_all());
        synced.map_err(|error| no_backup(file, error))?;
        let path = TempPath::try_from_path(&self.file).map_err(|error| no_backup(file, error))?;
        path.persist_noclobber(file).map_err(|error| match error.error.kind() {
            ErrorKind::AlreadyExists => exists(file),
            _ => no_backup(file, error.error),
        })?;
        sync_directory(parent(file)).map_err(|error| no_backup(file, error))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        remove(&self.directory);
    }
}

/// Removes the drafts in a directory whose processes have died. What cannot be removed is left to the next one.
fn sweep(directory: &Path) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.as_encoded_bytes();
        let is_draft = name.starts_with(b".") && name.ends_with(SUFFIX.as_bytes());
        if is_draft && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            sweep_draft(&entry.path());
        }
    }
}

fn sweep_draft(draft: &Path) {
    match lock_file::attempt(&draft.join(LOCK)) {
        Ok(Attempted::Locked(_lock)) => remove(draft),
        // Just made, or all but removed: only if nothing is in it. Whoever is making it begins anew.
        Ok(Attempted::Gone) => _ = fs::remove_dir(draft),
        // It is at work, or another user's.
        Ok(Attempted::Held(_)) | Err(_) => {}
    }
}

/// Removes what belongs to a draft and nothing else, the lock last.
fn remove(draft: &Path) {
    for name in FILES.iter().chain([&LOCK]) {
        let _ = fs::remove_file(draft.join(name));
    }
    let _ = fs::remove_dir(draft);
}

fn private_directory(prefix: &str, parent: &Path) -> io::Result<PathBuf> {
    let mut builder = Builder::new();
    builder.prefix(prefix).suffix(SUFFIX);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    Ok(builder.tempdir_in(parent)?.keep())
}

/// Closed at once: closing it later would drop the locks that SQLite takes on it.
fn create(file: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file).map(drop)
}

fn parent(file: &Path) -> &Path {
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

/// The error for a backup that the operating system does not let be written.
pub(crate) fn no_backup(file: &Path, error: io::Error) -> Error {
    refused(file, error).leaving("no backup was written").next("-o FILE", "write the backup elsewhere")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// What is left of a draft whose process was killed.
    fn dead(parent: &Path, name: &str, files: &[&str]) -> PathBuf {
        let draft = parent.join(format!("{name}{SUFFIX}"));
        fs::create_dir(&draft).unwrap();
        files.iter().for_each(|file| fs::write(draft.join(file), "rest").unwrap());
        draft
    }

    #[test]
    fn what_the_dead_have_left_goes_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("b.db");
        dead(dir.path(), ".whole-1", &[&[LOCK], FILES].concat());
        dead(dir.path(), ".begun-2", &[LOCK]);
        dead(dir.path(), ".empty-3", &[]);
        let kept = [
            dead(dir.path(), "shown-4", &[LOCK]),
            dead(dir.path(), ".unlocked-5", &["draft.db"]),
            dead(dir.path(), ".foreign-6", &["lock", "thesis.txt"]),
        ];
        fs::write(dir.path().join(format!(".file{SUFFIX}")), "").unwrap();
        let alive = Draft::beside(&file).unwrap();
        let other = Draft::beside(&file).unwrap();
        assert!(kept.iter().all(|path| path.exists()) && alive.path().exists());
        assert_eq!(names(dir.path()).len(), 4 + 2, "{:?}", names(dir.path()));
        assert_eq!(names(&kept[2]), ["thesis.txt"]);
        fs::write(alive.path(), "content").unwrap();
        alive.publish(&file).unwrap();
        drop(other);
        assert_eq!(fs::read(&file).unwrap(), b"content");
        assert_eq!(names(dir.path()).len(), 4 + 1, "{:?}", names(dir.path()));
    }

    #[test]
    fn those_who_sweep_at_once_leave_each_other_their_drafts() {
        let dir = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for at in 0..8 {
                let file = dir.path().join(format!("{at}.db"));
                scope.spawn(move || {
                    for _ in 0..40 {
                        let draft = Draft::beside(&file).unwrap();
                        fs::write(draft.path(), at.to_string()).unwrap();
                        draft.publish(&file).unwrap();
                        assert_eq!(fs::read_to_string(&file).unwrap(), at.to_string());
                        fs::remove_file(&file).unwrap();
                    }
                });
            }
        });
        assert!(names(dir.path()).is_empty(), "{:?}", names(dir.path()));
    }
}
