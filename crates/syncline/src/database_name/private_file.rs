//! Files of the user's that hold passwords: read only where nobody else can open them.

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use syncline_core::limits;

/// Why there is no content.
#[derive(Debug)]
pub(super) enum Unread {
    /// There is no such file, which is no news.
    Missing,
    /// It cannot be used, for a person.
    Unusable(String),
}

/// The whole text of such a file.
pub(super) fn read(path: &Path) -> Result<String, Unread> {
    content(path).map_err(|error| match error.kind() {
        // Wherever it was looked for.
        ErrorKind::NotFound | ErrorKind::NotADirectory => Unread::Missing,
        _ => Unread::Unusable(error.to_string()),
    })
}

fn content(path: &Path) -> io::Result<String> {
    // Looked at first: opening something else than a file may block.
    let metadata = path.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let file = File::open(path)?;
    check_private(&file.metadata()?)?;
    let mut bytes = Vec::new();
    file.take(limits::PASSWORD_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limits::PASSWORD_FILE_BYTES {
        return Err(io::Error::other("it is too large for a file of passwords"));
    }
    String::from_utf8(bytes).map_err(|_| io::Error::other("it is no UTF-8 text"))
}

#[cfg(unix)]
fn check_private(metadata: &Metadata) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    match metadata.permissions().mode() & 0o077 {
        0 => Ok(()),
        _ => Err(io::Error::other("other users may open it; take that right away with chmod 0600")),
    }
}

#[cfg(not(unix))]
fn check_private(_metadata: &Metadata) -> io::Result<()> {
    Ok(())
}
