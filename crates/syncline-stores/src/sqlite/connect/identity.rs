//! Which file a path leads to.

use std::fs::Metadata;
use std::path::Path;
use std::time::UNIX_EPOCH;

use syncline_core::error::Result;

/// Which file it is, whatever path leads there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sqlite) struct FileIdentity {
    /// Tells it from every file that is there at the same time.
    number: String,
    /// Nanoseconds from 1970 to its birth, where the file system keeps that: it tells it from a file that was given the
    /// same number later on.
    born: Option<u128>,
}

impl FileIdentity {
    /// The device, the number of the file on it, and when it was born.
    ///
    /// # Errors
    /// Where files have no numbers, when the path cannot be followed to its end.
    pub(in crate::sqlite) fn of(path: &Path, metadata: &Metadata) -> Result<Self> {
        let born = metadata.created().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        // A file system that does not keep it may say 0.
        let born = born.map(|since| since.as_nanos()).filter(|nanos| *nanos > 0);
        Ok(Self { number: number(path, metadata)?, born })
    }

    /// Whether both are one file. To be asked while one of them is known to be there: then its number is its own.
    pub(in crate::sqlite) fn is_same_now(&self, other: &Self) -> bool {
        // Not by birth: where a layered file system copies a file on its first write, it is the same file born anew.
        self.number == other.number
    }

    /// As it is written down.
    pub(in crate::sqlite) fn name(&self) -> String {
        match self.born {
            Some(born) => format!("sqlite:{}:{born}", self.number),
            None => self.unborn_name(),
        }
    }

    /// As it was written down before births were looked at, where that was otherwise.
    pub(in crate::sqlite) fn former_name(&self) -> Option<String> {
        self.born.map(|_| self.unborn_name())
    }

    fn unborn_name(&self) -> String {
        format!("sqlite:{}", self.number)
    }
}

#[cfg(unix)]
fn number(_path: &Path, metadata: &Metadata) -> Result<String> {
    use std::os::unix::fs::MetadataExt;
    Ok(format!("{}:{}", metadata.dev(), metadata.ino()))
}

/// The path with all links followed.
#[cfg(not(unix))]
fn number(path: &Path, _metadata: &Metadata) -> Result<String> {
    use syncline_core::error::{Code, Error};
    let real = std::fs::canonicalize(path).map_err(|error| {
        Error::new(Code::StoreFailed, format!("{} cannot be looked at", path.display())).because(error.to_string())
    })?;
    Ok(real.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &Path) -> FileIdentity {
        FileIdentity::of(path, &path.metadata().unwrap()).unwrap()
    }

    /// A file that is there for a moment.
    fn of_new(path: &Path) -> FileIdentity {
        std::fs::write(path, "a").unwrap();
        let identity = of(path);
        std::fs::remove_file(path).unwrap();
        identity
    }

    #[test]
    fn a_file_stays_itself_and_another_one_never_takes_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.db");
        std::fs::write(&path, "a").unwrap();
        let first = of(&path);
        std::fs::write(&path, "something longer").unwrap();
        assert_eq!(of(&path), first, "written to");
        std::fs::rename(&path, dir.path().join("b.db")).unwrap();
        assert_eq!(of(&dir.path().join("b.db")), first, "moved");
        // The clock that births are read from ticks every few milliseconds; one tick cannot be told from itself.
        let tick = dir.path().join("tick");
        while first.born.is_some() && of_new(&tick).born == first.born {}
        std::fs::remove_file(dir.path().join("b.db")).unwrap();
        for _ in 0..100 {
            let new = of_new(&path);
            assert!(new != first || new.born.is_none(), "{new:?} was {first:?}");
        }
    }

    #[test]
    fn names_with_and_without_a_birth() {
        let with = FileIdentity { number: "1:2".to_owned(), born: Some(3) };
        assert_eq!((with.name(), with.unborn_name()), ("sqlite:1:2:3".to_owned(), "sqlite:1:2".to_owned()));
        assert_eq!(FileIdentity { born: None, ..with }.name(), "sqlite:1:2");
    }
}
