//! What the disk beneath a database has to say: room, and writes that the operating system refuses. Also for Syncline's own
//! databases, which have SQLite's errors too.

use std::path::Path;

use rusqlite::ffi;
use syncline_core::limits;

pub(in crate::sqlite) use crate::disk::free_bytes;

/// Whether this user may read the file, as far as its rights tell. The file is not opened: closing it again would drop
/// the locks that SQLite has on it.
#[cfg(unix)]
pub(in crate::sqlite) fn may_read(path: &Path) -> bool {
    rustix::fs::access(path, rustix::fs::Access::READ_OK) != Err(rustix::io::Errno::ACCESS)
}

/// Not told here.
#[cfg(not(unix))]
pub(in crate::sqlite) fn may_read(_path: &Path) -> bool {
    true
}

/// Whether this user may make files beside the file, as far as rights tell.
#[cfg(unix)]
pub(in crate::sqlite) fn may_write_beside(path: &Path) -> bool {
    let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let directory = real.parent().unwrap_or(&real);
    rustix::fs::access(directory, rustix::fs::Access::WRITE_OK).is_ok()
}

/// Not told here.
#[cfg(not(unix))]
pub(in crate::sqlite) fn may_write_beside(_path: &Path) -> bool {
    true
}

/// Whether an error about the database at `path` means that its disk is full. SQLite says so of its pages only: for the
/// files beside them it reports that input or output failed.
pub fn is_full(error: &rusqlite::Error, path: &Path) -> bool {
    let Some(code) = error.sqlite_error().map(|error| error.extended_code) else { return false };
    let is_io = matches!(code & 0xff, ffi::SQLITE_IOERR | ffi::SQLITE_CANTOPEN);
    let is_short = || free_bytes(path).is_some_and(|free| free < limits::DISK_FULL_BELOW);
    code & 0xff == ffi::SQLITE_FULL || (is_io && is_short())
}

/// SQLite's words where there are some, without the wrapping of the driver, and what it does not say of refused writes.
pub fn words(error: &rusqlite::Error) -> String {
    let words = match error {
        rusqlite::Error::SqliteFailure(_, Some(message)) => message.clone(),
        rusqlite::Error::SqlInputError { msg, .. } => msg.clone(),
        other => other.to_string(),
    };
    match error.sqlite_error().map(|error| error.extended_code) {
        Some(ffi::SQLITE_IOERR_WRITE) => {
            format!("{words}; the system refused to write, as it does beyond a quota or a limit on files (ulimit -f)")
        }
        _ => words,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_with_room_is_not_full() {
        let error = |code| rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
        let dir = tempfile::tempdir().unwrap();
        let gone = dir.path().join("gone.db");
        assert!(free_bytes(&gone).is_some());
        assert!(is_full(&error(ffi::SQLITE_FULL), &gone));
        assert!(!is_full(&error(ffi::SQLITE_IOERR_SHMSIZE), &gone));
        assert!(!is_full(&error(ffi::SQLITE_BUSY), &gone));
        if Path::new("/proc/self").exists() {
            assert!(!is_full(&error(ffi::SQLITE_CANTOPEN), Path::new("/proc/x.db")));
        }
    }
}
