//! What a database says about itself.

use std::fs::Metadata;
use std::path::Path;

use rusqlite::Connection;
use syncline_core::error::Result;
use syncline_core::store::Description;

use super::ENGINE;
use super::connect::Place;
use super::connect::failure::Attempt;

/// Which file it is, whatever path leads there: the device and the number of the file on it.
///
/// # Errors
/// Where files have no numbers, when the path cannot be followed to its end.
#[cfg(unix)]
pub(super) fn identity(_path: &Path, metadata: &Metadata) -> Result<String> {
    use std::os::unix::fs::MetadataExt;
    Ok(format!("sqlite:{}:{}", metadata.dev(), metadata.ino()))
}

/// Which file it is, whatever path leads there: the path with all links followed.
///
/// # Errors
/// When the path cannot be followed to its end.
#[cfg(not(unix))]
pub(super) fn identity(path: &Path, _metadata: &Metadata) -> Result<String> {
    use syncline_core::error::{Code, Error};
    let real = std::fs::canonicalize(path).map_err(|error| {
        Error::new(Code::StoreFailed, format!("{} cannot be looked at", path.display())).because(error.to_string())
    })?;
    Ok(format!("sqlite:{}", real.display()))
}

/// The description of the database behind `conn`.
pub(super) fn describe(conn: &Connection, place: &Place) -> Attempt<Description> {
    Ok(Description {
        engine: ENGINE,
        version: rusqlite::version().to_owned(),
        identity: place.identity().to_owned(),
        writable: place.may_write() && !conn.is_readonly("main")?,
        free_bytes: free_bytes(place.path()),
    })
}

/// Bytes that this user may still write beside the file.
#[cfg(unix)]
pub(super) fn free_bytes(path: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(path).ok()?;
    disk.f_bavail.checked_mul(disk.f_frsize)
}

/// Not told here.
#[cfg(not(unix))]
pub(super) fn free_bytes(_path: &Path) -> Option<u64> {
    None
}
