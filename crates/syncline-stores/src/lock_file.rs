//! Locks of the operating system, on small files of our own and never on a database: closing any descriptor of a database
//! would drop the locks that SQLite holds on it.
//!
//! The lock is on the file, and the file may lose its name to whoever held the lock before. So whoever gets a lock looks
//! whether the name still leads to what is locked, and only then has anything.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::path::Path;

/// What an attempt at a lock has come to.
#[derive(Debug)]
pub(crate) enum Attempted {
    /// It is ours as long as the file is open.
    Locked(File),
    /// Another has it. The file is for reading what that one has left in it.
    Held(File),
    /// There is no such file, or it has just lost its name.
    Gone,
}

/// Tries to lock a file that is there.
///
/// # Errors
/// When it cannot be opened, is no ordinary file, or cannot be locked at all.
pub(crate) fn attempt(path: &Path) -> io::Result<Attempted> {
    match options().open(path) {
        Ok(file) => lock(file, path),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Attempted::Gone),
        Err(error) => Err(error),
    }
}

/// Makes a file, and tries to lock it before anybody else does.
///
/// # Errors
/// `AlreadyExists`, and when it cannot be made or locked. One that cannot be locked is removed again.
pub(crate) fn attempt_new(path: &Path, prepare: impl FnOnce(&File)) -> io::Result<Attempted> {
    let mut options = options();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.create_new(true).open(path)?;
    prepare(&file);
    let locked = lock(file, path);
    if locked.is_err() {
        let _ = std::fs::remove_file(path);
    }
    locked
}

/// Whether the name leads to this very file.
pub(crate) fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), path.symlink_metadata()) {
        (Ok(file), Ok(there)) => is_same(&file, &there),
        _ => false,
    }
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    // A link may lead to anything, and opening a pipe may wait for ever.
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags.bits().cast_signed());
    }
    options
}

fn lock(file: File, path: &Path) -> io::Result<Attempted> {
    let metadata = file.metadata()?;
    if !metadata.is_file() || has_other_names(&metadata) {
        return Err(io::Error::new(ErrorKind::InvalidInput, "something else has that name"));
    }
    match file.try_lock() {
        Ok(()) if is_at(&file, path) => Ok(Attempted::Locked(file)),
        Ok(()) => Ok(Attempted::Gone),
        Err(TryLockError::WouldBlock) => Ok(Attempted::Held(file)),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(unix)]
fn is_same(one: &std::fs::Metadata, other: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// A name is not given to another file here while anybody has the old one open.
#[cfg(not(unix))]
fn is_same(_one: &std::fs::Metadata, _other: &std::fs::Metadata) -> bool {
    true
}

/// A file of ours has one name; what has more is somebody's, and not to be written to.
#[cfg(unix)]
fn has_other_names(metadata: &std::fs::Metadata) -> bool {
    std::os::unix::fs::MetadataExt::nlink(metadata) > 1
}

#[cfg(not(unix))]
fn has_other_names(_metadata: &std::fs::Metadata) -> bool {
    false
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_lock_has_one_holder_and_follows_the_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        assert!(matches!(attempt(&path).unwrap(), Attempted::Gone));
        let Attempted::Locked(held) = attempt_new(&path, |_| {}).unwrap() else { panic!("nobody else wants it") };
        assert_eq!(attempt_new(&path, |_| {}).unwrap_err().kind(), ErrorKind::AlreadyExists);
        let Attempted::Held(other) = attempt(&path).unwrap() else { panic!("it is held") };
        std::fs::remove_file(&path).unwrap();
        drop(held);
        // The lock is free now, and it is on a file without a name.
        assert!(matches!(lock(other, &path).unwrap(), Attempted::Gone));
        assert!(matches!(attempt_new(&path, |_| {}).unwrap(), Attempted::Locked(_)));
    }

    #[test]
    fn what_is_not_ours_is_not_opened() {
        let dir = tempfile::tempdir().unwrap();
        let precious = dir.path().join("precious");
        std::fs::write(&precious, "kept").unwrap();
        let path = dir.path().join("lock");
        std::os::unix::fs::symlink(&precious, &path).unwrap();
        assert!(attempt(&path).is_err() && attempt_new(&path, |_| {}).is_err(), "a link");
        std::fs::remove_file(&path).unwrap();
        std::fs::hard_link(&precious, &path).unwrap();
        assert!(attempt(&path).is_err(), "another name of a file");
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        assert!(attempt(&path).is_err(), "a directory");
        assert_eq!(std::fs::read(&precious).unwrap(), b"kept");
    }
}
