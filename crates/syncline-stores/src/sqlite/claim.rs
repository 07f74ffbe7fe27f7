//! The claim of a run on a database: the operating system's lock on a file beside it.
//!
//! The file stands beside the database that all links lead to, where SQLite keeps its own, and is called `NAME-syncing`: no
//! longer than `NAME-journal`, so that there is room for it wherever SQLite can write. Its holder removes it. A holder
//! that was killed leaves it, with its note, to the next one. The database itself is not touched.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use async_trait::async_trait;
use syncline_core::error::{Code, Error, Result};
use syncline_core::limits;
use syncline_core::store::RunClaim;

use super::connect::Place;
use super::connect::failure::Doing;
use super::thread::ConnectionThread;
use crate::lock_file::{self, Attempted};

/// What the file is called after the database's name.
const SUFFIX: &str = "-syncing";

/// What a note begins with. A file with other content is not ours to write to or to remove.
const MARK: &str = "syncline: ";

/// The claim that a run holds.
#[derive(Debug)]
pub(super) struct SqliteClaim {
    thread: Arc<ConnectionThread>,
    file: Option<ClaimFile>,
}

impl SqliteClaim {
    /// Takes the claim of the database that the thread writes to.
    ///
    /// # Errors
    /// As [`ClaimFile::take`].
    pub(super) async fn take(thread: &Arc<ConnectionThread>, place: &Arc<Place>, note: &str) -> Result<Self> {
        let (place, note) = (Arc::clone(place), note.to_owned());
        let file = thread.call(Doing::Opening, move |_| Ok(ClaimFile::take(&place, &note)?)).await?;
        Ok(Self { thread: Arc::clone(thread), file: Some(file) })
    }
}

#[async_trait]
impl RunClaim for SqliteClaim {
    async fn note(&self, note: &str) {
        if let Some(file) = &self.file {
            file.write(note);
        }
    }
}

impl Drop for SqliteClaim {
    fn drop(&mut self) {
        // After everything that the run has handed to the thread: a run that is abandoned may be committing yet.
        let file = self.file.take();
        self.thread.queue(move |_| drop(file));
    }
}

/// The file, locked.
#[derive(Debug)]
struct ClaimFile {
    file: File,
    path: PathBuf,
}

impl ClaimFile {
    /// Takes the claim of the database. Blocks for a moment when another holds it.
    ///
    /// # Errors
    /// `RUN_LOCKED`, `STORE_READ_ONLY` when no file can be made beside the database, `STORE_DENIED` when the file of
    /// another user cannot be opened, `DISK_FULL`, and `STORE_FAILED` when the file system has no locks, something else
    /// has the file's name, or another file has taken the place of the database.
    fn take(place: &Place, note: &str) -> Result<Self> {
        let real = place.path().canonicalize().map_err(|error| failed(place.path(), place.path(), error))?;
        let path = beside(&real);
        let (mut holder, mut refused) = (None, None);
        for _ in 0..limits::CLAIM_ATTEMPTS {
            match lock(&path, &real) {
                // Another user's file is open to its owner alone for the moment in which it is made.
                Err(error) if error.kind() == ErrorKind::PermissionDenied && path.exists() => {
                    refused = Some(error);
                    thread::sleep(limits::CLAIM_PAUSE);
                }
                Err(error) => return Err(failed(place.path(), &path, error)),
                Ok(Attempted::Locked(file)) => {
                    let claim = Self::of(file, path, place)?;
                    claim.write(note);
                    return Ok(claim);
                }
                Ok(Attempted::Held(file)) => {
                    refused = None;
                    holder = read_note(&file).flatten();
                    thread::sleep(limits::CLAIM_PAUSE);
                }
                Ok(Attempted::Gone) => refused = None,
            }
        }
        Err(match refused {
            Some(error) => failed(place.path(), &path, error),
            None => held(place.path(), holder),
        })
    }

    /// Makes sure that what is locked is our file, and beside the database that is open.
    fn of(file: File, path: PathBuf, place: &Place) -> Result<Self> {
        if read_note(&file).is_none() {
            let taken = io::Error::new(ErrorKind::InvalidInput, "it is not empty, and not what Syncline writes there");
            return Err(failed(place.path(), &path, taken));
        }
        let claim = Self { file, path };
        // Its last holder may have made the database for nothing, and removed it again.
        if place.is_still_there() { Ok(claim) } else { Err(place.replaced()) }
    }

    fn write(&self, note: &str) {
        let note = format!("{MARK}{note}\n");
        let mut file = &self.file;
        let _ = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(note.as_bytes()));
    }
}

impl Drop for ClaimFile {
    fn drop(&mut self) {
        // While it is locked: after that it may be another's. Closing it frees the lock.
        if lock_file::is_at(&self.file, &self.path) {
            // In a directory such as /tmp the file of another user can be taken over, but not removed.
            let _ = self.file.set_len(0);
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Whether a run holds the claim of the database, and its note where it has left one. The claim is not taken; what a run
/// that died has left stays for the next one.
///
/// # Errors
/// As [`ClaimFile::take`], where the file beside the database cannot be looked at.
pub(super) fn held_by(place: &Place) -> Result<Option<Option<String>>> {
    let real = place.path().canonicalize().map_err(|error| failed(place.path(), place.path(), error))?;
    let path = beside(&real);
    match lock_file::attempt(&path) {
        Ok(Attempted::Held(file)) => Ok(Some(read_note(&file).flatten())),
        Ok(Attempted::Locked(_) | Attempted::Gone) => Ok(None),
        Err(error) => Err(failed(place.path(), &path, error)),
    }
}

fn beside(database: &Path) -> PathBuf {
    let mut name = OsString::from(database);
    name.push(SUFFIX);
    name.into()
}

/// One attempt: at the file that is there, else at a new one.
fn lock(path: &Path, database: &Path) -> io::Result<Attempted> {
    match lock_file::attempt(path)? {
        Attempted::Gone => match lock_file::attempt_new(path, |file| share_like(file, database)) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(Attempted::Gone),
            attempted => attempted,
        },
        attempted => Ok(attempted),
    }
}

/// Lets those open the file who may open the database, as SQLite does with its own: another user has to see that it is
/// locked, and take it over once its holder has died. What cannot be shared stays private.
#[cfg(unix)]
fn share_like(file: &File, database: &Path) {
    use std::fs::Permissions;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
    let Ok(like) = database.metadata() else { return };
    // The owner can be given away by root only; the group, to one's own groups.
    if fchown(file, Some(like.uid()), Some(like.gid())).is_err() {
        let _ = fchown(file, None, Some(like.gid()));
    }
    let _ = file.set_permissions(Permissions::from_mode(like.mode() & 0o666));
}

#[cfg(not(unix))]
fn share_like(_file: &File, _database: &Path) {}

/// The note in the file, if there is one; `None` when what is there is no note.
fn read_note(mut file: &File) -> Option<Option<String>> {
    let mut bytes = Vec::new();
    file.take(limits::CLAIM_NOTE_BYTES).read_to_end(&mut bytes).ok()?;
    file.rewind().ok()?;
    // A note that was cut off while it was written, or that a power cut has turned into nothing.
    if MARK.as_bytes().starts_with(&bytes) || bytes.iter().all(|byte| *byte == 0) {
        return Some(None);
    }
    let text = String::from_utf8_lossy(&bytes);
    let note = text.strip_prefix(MARK)?.chars().filter(|c| !c.is_control()).collect::<String>();
    Some(Some(note).filter(|note| !note.is_empty()))
}

fn held(database: &Path, holder: Option<String>) -> Error {
    Error::new(Code::RunLocked, format!("another run is writing to {}", database.display()))
        .because(holder.unwrap_or_else(|| "its holder has left no note".to_owned()))
        .leaving("nothing was changed")
        .next("run the command again once that run has ended", "it counts as ended when it is killed, too")
}

fn failed(database: &Path, path: &Path, error: io::Error) -> Error {
    let is_there = path.symlink_metadata().is_ok();
    let (database, path) = (database.display(), path.display());
    let (code, what) = match error.kind() {
        ErrorKind::PermissionDenied if is_there => {
            (Code::StoreDenied, format!("it cannot be told whether another run is writing to {database}"))
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            (Code::StoreReadOnly, format!("{database} cannot be written"))
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            (Code::DiskFull, format!("there is no room left beside {database}"))
        }
        ErrorKind::NotFound => (Code::StoreMissing, format!("{database} does not exist any more")),
        _ => (Code::StoreFailed, format!("{database} cannot be locked against other runs")),
    };
    let said = Error::new(code, what).because(format!("{path}: {error}")).leaving("nothing was changed");
    let said = match code {
        Code::StoreDenied | Code::StoreFailed => said.next(
            format!("remove {path} if no run is at work"),
            "the file system must have locks, and the file must be one that this user may write",
        ),
        _ => said,
    };
    said.caused_by(error)
}
