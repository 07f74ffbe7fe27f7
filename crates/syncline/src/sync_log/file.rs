//! The file of the synchronization log. Several processes write to it; whoever finds it full turns it over.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use syncline_core::limits;

use crate::state::{create_private, private};

/// The folder in the state directory.
const FOLDER: &str = "logs";

/// The name, to which older ones have numbers added: 1 for the last.
const NAME: &str = "synchronization.log";

/// Where the log of a state directory is.
pub(super) fn path(state_dir: &Path) -> PathBuf {
    state_dir.join(FOLDER).join(NAME)
}

/// Adds a line at the end.
pub(super) fn append(state_dir: &Path, line: &str) -> io::Result<()> {
    let path = path(state_dir);
    create_private(&state_dir.join(FOLDER))?;
    loop {
        let mut file = private(OpenOptions::new().append(true).create(true)).open(&path)?;
        file.lock()?;
        if !is_at(&file, &path) {
            // Somebody else has turned it over meanwhile.
            continue;
        }
        if file.metadata()?.len() < limits::SYNC_LOG_BYTES {
            return file.write_all(line.as_bytes());
        }
        turn_over(&path)?;
    }
}

/// Makes room for a new one. To be called by who holds the lock of the present one.
fn turn_over(path: &Path) -> io::Result<()> {
    let older = |number: u32| path.with_file_name(format!("{NAME}.{number}"));
    for number in (1..limits::SYNC_LOGS_KEPT).rev() {
        match fs::rename(older(number), older(number + 1)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    fs::rename(path, older(1))
}

/// Whether an open file is the one of that name. Where that cannot be asked it is taken to be.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let place = |found: fs::Metadata| (found.dev(), found.ino());
    match (file.metadata(), fs::metadata(path)) {
        (Ok(open), Ok(named)) => place(open) == place(named),
        _ => false,
    }
}

#[cfg(not(unix))]
fn is_at(_file: &File, _path: &Path) -> bool {
    true
}
