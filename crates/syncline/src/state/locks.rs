//! Locks that the operating system holds, so that it frees them when their process dies.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use syncline_core::error::{Code, Error, Result};
use syncline_core::limits;
use xxhash_rust::xxh3::xxh3_128;

use super::database::{LOCKS, create_directory, file_failed, private, state_failed};

/// Pause between two attempts at a lock.
const PAUSE: Duration = Duration::from_millis(10);

/// Attempts at a run's lock. More than one, because [`RunLock::is_held`] has to take the lock for a moment to see
/// whether it is free.
const ATTEMPTS: u32 = 12;

/// The most that is read of a lock's note.
const NOTE_BYTES: u64 = 4 << 10;

/// The right to write to one target, among all processes that share a state directory. Freed when dropped and when
/// the process dies, however it does.
///
/// Runs of other state directories are kept out by a claim on the database itself. This lock is for what that cannot do:
/// it tells a working run from a dead one without reaching the target, which may have moved.
#[derive(Debug)]
pub struct RunLock {
    file: File,
    path: PathBuf,
}

impl RunLock {
    /// Takes the lock of a target, named by the identity its engine gives it, and leaves a note for those who find it
    /// held: which run, which process, since when. Does not wait for a holder.
    ///
    /// # Errors
    /// `RUN_LOCKED` with the holder's note when another holds it.
    pub fn acquire(state_dir: &Path, target_identity: &str, note: &str) -> Result<Self> {
        create_directory(state_dir)?;
        let path = path_of(state_dir, target_identity);
        let file = lock_file(&path)?;
        if !lock(&file, &path, ATTEMPTS)? {
            return Err(locked(&file));
        }
        let held = Self { file, path };
        held.note(note)?;
        Ok(held)
    }

    /// Replaces the note, for instance once the run has a name.
    pub fn note(&self, note: &str) -> Result<()> {
        let mut file = &self.file;
        let written = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(note.as_bytes()));
        written.map_err(|error| file_failed(&self.path, "write", error))
    }

    /// Whether anyone holds the lock of a target now: that tells a running run from one whose process died. Where it
    /// cannot be told, it counts as held.
    pub fn is_held(state_dir: &Path, target_identity: &str) -> bool {
        match File::open(path_of(state_dir, target_identity)) {
            // Shared, so that several who ask do not take one another for the holder.
            Ok(file) => file.try_lock_shared().is_err(),
            Err(error) => error.kind() != std::io::ErrorKind::NotFound,
        }
    }
}

impl Drop for RunLock {
    fn drop(&mut self) {
        // The note speaks of a holder. The file itself stays: whoever removed it could remove the one that another
        // process has just locked. Closing it frees the lock.
        let _ = self.file.set_len(0);
    }
}

/// Waits for the right to create, migrate and sweep the state directory; it ends when the file is dropped.
pub(super) fn opening(state_dir: &Path) -> Result<File> {
    let path = state_dir.join(LOCKS).join("state.lock");
    let file = lock_file(&path)?;
    let attempts = limits::LOCK_WAIT.as_millis() / PAUSE.as_millis();
    if lock(&file, &path, u32::try_from(attempts).unwrap_or(u32::MAX))? {
        Ok(file)
    } else {
        Err(state_failed(&path, "open the state directory").because("another process has been opening it for too long"))
    }
}

fn path_of(state_dir: &Path, target_identity: &str) -> PathBuf {
    // An identity may hold any characters and have any length; a digest is a file name.
    state_dir.join(LOCKS).join(format!("run-{:032x}.lock", xxh3_128(target_identity.as_bytes())))
}

fn lock_file(path: &Path) -> Result<File> {
    private(OpenOptions::new().read(true).write(true).create(true).truncate(false))
        .open(path)
        .map_err(|error| file_failed(path, "open", error))
}

/// Whether the lock could be had within so many attempts.
fn lock(file: &File, path: &Path, attempts: u32) -> Result<bool> {
    for attempt in 1..=attempts {
        match file.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::WouldBlock) if attempt < attempts => thread::sleep(PAUSE),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(file_failed(path, "lock", error)),
        }
    }
    Ok(false)
}

fn locked(file: &File) -> Error {
    let mut note = Vec::new();
    // Without the note it is still locked.
    let _ = file.take(NOTE_BYTES).read_to_end(&mut note);
    let note = String::from_utf8_lossy(&note);
    let holder = if note.trim().is_empty() { "its holder has left no note" } else { note.trim() };
    Error::new(Code::RunLocked, "another run is writing to the same target")
        .because(holder)
        .leaving("nothing was written")
        .next("syncline runs list", "shows what runs")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_has_one_holder_who_is_named() {
        let dir = tempfile::tempdir().unwrap();
        assert!(!RunLock::is_held(dir.path(), "a"));
        let held = RunLock::acquire(dir.path(), "a", "process 1").unwrap();
        assert!(RunLock::is_held(dir.path(), "a"));
        assert!(!RunLock::is_held(dir.path(), "b"));

        let error = RunLock::acquire(dir.path(), "a", "process 2").unwrap_err();
        assert_eq!((error.code(), error.why()), (Code::RunLocked, Some("process 1")));
        held.note("r_1").unwrap();
        assert_eq!(RunLock::acquire(dir.path(), "a", "process 2").unwrap_err().why(), Some("r_1"));
        RunLock::acquire(dir.path(), "b", "process 2").unwrap();

        drop(held);
        assert!(!RunLock::is_held(dir.path(), "a"));
        RunLock::acquire(dir.path(), "a", "process 2").unwrap();
    }

    #[test]
    fn asking_does_not_keep_anyone_from_the_lock() {
        let dir = tempfile::tempdir().unwrap();
        drop(RunLock::acquire(dir.path(), "a", "").unwrap());
        std::thread::scope(|scope| {
            scope.spawn(|| (0..2_000).for_each(|_| _ = RunLock::is_held(dir.path(), "a")));
            for _ in 0..200 {
                RunLock::acquire(dir.path(), "a", "").unwrap();
            }
        });
    }

    #[cfg(unix)]
    #[test]
    fn locks_are_for_their_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("state");
        let held = RunLock::acquire(&state, "a", "note").unwrap();
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&state), mode(&state.join(LOCKS)), mode(&held.path)), (0o700, 0o700, 0o600));
    }
}
