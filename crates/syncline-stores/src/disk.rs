//! Room on disks, and what the operating system says about files that it does not let be made.

use std::io::{self, ErrorKind};
use std::path::Path;

use syncline_core::error::{Code, Error, Result};

/// Bytes that this user may still write beside the file.
#[cfg(unix)]
pub(crate) fn free_bytes(path: &Path) -> Option<u64> {
    // The file itself may be gone already.
    let disk = rustix::fs::statvfs(path).or_else(|_| rustix::fs::statvfs(path.parent().unwrap_or(path))).ok()?;
    // What is no disk, such as /proc, has no blocks at all.
    disk.f_bavail.checked_mul(disk.f_frsize).filter(|_| disk.f_blocks > 0)
}

/// Not told here.
#[cfg(not(unix))]
pub(crate) fn free_bytes(_path: &Path) -> Option<u64> {
    None
}

/// Refuses what will not fit on the disk of `path`.
///
/// # Errors
/// `DISK_FULL`.
pub(crate) fn require(free: Option<u64>, needed: u64, path: &Path) -> Result<()> {
    match free {
        Some(free) if free < needed => {
            let what = format!("there is no room left for {}", path.display());
            let why = format!("{free} bytes are free and about {needed} are needed");
            Err(Error::new(Code::DiskFull, what).because(why).leaving("nothing was changed"))
        }
        _ => Ok(()),
    }
}

/// The error for a file that the operating system does not let be made.
pub(crate) fn refused(file: &Path, error: io::Error) -> Error {
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
    Error::new(code, what).because(error.to_string()).caused_by(error)
}
