//! Finding and reading the files.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use syncline_core::error::{Code, Error, Result};
use syncline_core::limits;

use super::check::{Checked, check};
use super::connection::Connection;
use super::standing::Standing;

/// What a project's file is called.
pub const FILE_NAME: &str = "syncline.toml";

/// How a file came to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A person has named it.
    Named,
    /// It was found in the working directory or above.
    Project,
    /// It is the user's own.
    User,
}

impl Origin {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Origin::Named => "named",
            Origin::Project => "project",
            Origin::User => "user",
        }
    }
}

/// A file that was read and understood.
#[derive(Debug)]
pub struct ConfigFile {
    /// Where it was found.
    pub path: PathBuf,
    /// How it came to be read.
    pub origin: Origin,
    /// Its connections, in their order.
    pub connections: Vec<Connection>,
}

/// A file as it is.
pub(super) struct Raw {
    /// Where it is once links are followed: what it says of paths counts from there.
    pub(super) real: PathBuf,
    pub(super) bytes: Vec<u8>,
    pub(super) standing: Standing,
}

impl ConfigFile {
    /// Reads a file.
    ///
    /// # Errors
    /// As [`super::Config::load`].
    pub(crate) fn load(path: &Path, origin: Origin) -> Result<Self> {
        let raw = Raw::read(path)?;
        raw.check_origin(path, origin)?;
        let Checked { problems, connections } = check(&raw.bytes, raw.base());
        let mut errors = problems.iter().filter(|problem| problem.is_error());
        if let Some(first) = errors.next() {
            return Err(first.error(path, errors.count()));
        }
        let connection = |parsed| Connection::new(parsed, path, &raw, origin);
        Ok(Self { path: path.to_owned(), origin, connections: connections.into_iter().map(connection).collect() })
    }
}

impl Raw {
    /// # Errors
    /// `CONFIG_FAILED`.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let failed = |why: String| {
            Error::new(Code::ConfigFailed, format!("{} cannot be read", path.display()))
                .because(why)
                .leaving("nothing was changed")
        };
        let read = || {
            let real = std::fs::canonicalize(path)?;
            let bytes = read_bounded(&real, limits::CONFIG_BYTES_MAX)?;
            Ok::<_, std::io::Error>((real, bytes))
        };
        let (real, (bytes, standing)) = read().map_err(|error| match error.kind() {
            ErrorKind::NotFound => failed("there is no such file".to_owned()),
            _ => failed(error.to_string()),
        })?;
        Ok(Self { real, bytes, standing })
    }

    /// Where paths in it count from.
    pub(super) fn base(&self) -> &Path {
        self.real.parent().unwrap_or(&self.real)
    }

    /// Refuses a file that nobody has named and that may be a stranger's.
    ///
    /// # Errors
    /// `CONFIG_UNTRUSTED`.
    pub(super) fn check_origin(&self, path: &Path, origin: Origin) -> Result<()> {
        match origin {
            Origin::Named => Ok(()),
            Origin::Project | Origin::User => self.standing.check_found(path),
        }
    }
}

/// The nearest `syncline.toml`, in this directory or one above it. A broken link counts: it was meant to be there.
pub fn find_upward(from: &Path) -> Option<PathBuf> {
    from.ancestors().map(|dir| dir.join(FILE_NAME)).find(|path| path.symlink_metadata().is_ok())
}

/// The content of an ordinary file of no more than so many bytes.
pub(super) fn read_bounded(path: &Path, bytes_max: u64) -> std::io::Result<(Vec<u8>, Standing)> {
    // Looked at first: opening something else than a file may block.
    if !path.metadata()?.is_file() {
        return Err(std::io::Error::other("it is no file"));
    }
    let file = File::open(path)?;
    let standing = Standing::of(&file.metadata()?);
    let mut bytes = Vec::new();
    file.take(bytes_max + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > bytes_max {
        return Err(std::io::Error::other(format!("it is larger than {bytes_max} bytes")));
    }
    Ok((bytes, standing))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_file_above_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let deep = dir.path().join("a/b/c");
        std::fs::create_dir_all(&deep).unwrap();
        assert_eq!(find_upward(&deep), None);
        std::fs::write(dir.path().join(FILE_NAME), "").unwrap();
        assert_eq!(find_upward(&deep), Some(dir.path().join(FILE_NAME)));
        std::fs::write(dir.path().join("a/b").join(FILE_NAME), "").unwrap();
        assert_eq!(find_upward(&deep), Some(dir.path().join("a/b").join(FILE_NAME)));
    }

    #[test]
    fn what_is_no_file_or_too_large_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let failed = |path: &Path| Raw::read(path).err().map(|error| (error.code(), error.why().unwrap().to_owned()));
        assert_eq!(failed(dir.path()), Some((Code::ConfigFailed, "it is no file".to_owned())));
        let path = dir.path().join(FILE_NAME);
        assert_eq!(failed(&path), Some((Code::ConfigFailed, "there is no such file".to_owned())));
        std::fs::write(&path, "#".repeat(10 << 20)).unwrap();
        assert!(failed(&path).is_some_and(|(_, why)| why.starts_with("it is larger than")));
    }
}
