//! The words behind the end of a backup: what it is of, and by which sum it is checked.
//!
//! They are lines that SQL takes for comments, for a backup that is a script; an archive of `pg_dump` says by itself where its
//! parts are, and nobody looks behind the last one. The sum is of everything before its own line.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use syncline_core::error::{Code, Error, Result};
use syncline_core::limits;

const MARK: &str = "\n-- syncline backup, format 1\n";
const SUM: &str = "-- blake3: ";

/// What a backup says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    /// The engine.
    pub(crate) engine: String,
    /// The server's version.
    pub(crate) server: String,
    /// The version of the program that has written it.
    pub(crate) tool: String,
    /// The database, for people.
    pub(crate) database: String,
    /// Which database it was, as its engine decides.
    pub(crate) identity: String,
    /// When it was begun, by the server's clock.
    pub(crate) taken: String,
}

/// Bytes on their way into a file, and their sum.
pub(crate) struct Summed {
    file: File,
    hasher: blake3::Hasher,
    /// How many there are so far.
    pub(crate) bytes: u64,
}

impl Summed {
    /// Begins at the beginning of an empty file.
    pub(crate) fn new(file: File) -> Self {
        Self { file, hasher: blake3::Hasher::new(), bytes: 0 }
    }

    /// Writes more.
    ///
    /// # Errors
    /// The operating system's.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.hasher.update(bytes);
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    /// Ends it with its facts and its sum.
    ///
    /// # Errors
    /// The operating system's.
    pub(crate) fn end(mut self, facts: &Facts) -> io::Result<u64> {
        let lines = facts.lines(self.bytes);
        self.write(lines.as_bytes())?;
        let sum = format!("{SUM}{}\n", self.hasher.finalize().to_hex());
        self.write(sum.as_bytes())?;
        Ok(self.bytes)
    }
}

impl Facts {
    fn lines(&self, bytes: u64) -> String {
        let Self { engine, server, tool, database, identity, taken } = self;
        let bytes = bytes.to_string();
        let named = [
            ("engine", engine),
            ("server", server),
            ("tool", tool),
            ("database", database),
            ("identity", identity),
            ("taken", taken),
            ("bytes", &bytes),
        ];
        let lines = named.map(|(name, value)| format!("-- {name}: {}\n", plain(value)));
        format!("{MARK}{}", lines.concat())
    }
}

/// A value on one line of a bounded length.
fn plain(value: &str) -> String {
    value.chars().filter(|c| !c.is_control()).take(limits::BACKUP_FACT_CHARS).collect()
}

/// The end of a backup that has facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trailer {
    /// The facts.
    pub(crate) facts: Facts,
    sum: String,
    /// Bytes that the sum is of.
    summed: u64,
}

impl Trailer {
    /// What stands at the end of the file; `None` where nothing does.
    ///
    /// # Errors
    /// `STORE_CORRUPT` when it is not whole, `STORE_MISSING` and `STORE_DENIED` when the file cannot be read.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>> {
        let told = |error| unreadable(path, error);
        let mut file = File::open(path).map_err(told)?;
        let length = file.metadata().map_err(told)?.len();
        let begin = length.saturating_sub(limits::BACKUP_TRAILER_BYTES as u64);
        file.seek(SeekFrom::Start(begin)).map_err(told)?;
        let mut end = Vec::new();
        file.take(limits::BACKUP_TRAILER_BYTES as u64).read_to_end(&mut end).map_err(told)?;
        let Some(at) = end.windows(MARK.len()).rposition(|window| window == MARK.as_bytes()) else { return Ok(None) };
        let damaged = || damaged(path, "the words at its end are not whole");
        let text = std::str::from_utf8(&end[at..]).map_err(|_| damaged())?;
        let trailer = Self::parse(text, begin + at as u64).ok_or_else(damaged)?;
        Ok(Some(trailer))
    }

    /// `at` is where the text begins in the file.
    fn parse(text: &str, at: u64) -> Option<Self> {
        let (lines, sum) = text.rsplit_once(SUM)?;
        let sum = sum.strip_suffix('\n')?.to_owned();
        let value = |name: &str| {
            let begin = format!("-- {name}: ");
            lines.lines().find_map(|line| line.strip_prefix(&begin)).map(str::to_owned)
        };
        let bytes: u64 = value("bytes")?.parse().ok()?;
        let facts = Facts {
            engine: value("engine")?,
            server: value("server")?,
            tool: value("tool")?,
            database: value("database")?,
            identity: value("identity")?,
            taken: value("taken")?,
        };
        (bytes == at).then(|| Self { facts, sum, summed: at + lines.len() as u64 })
    }

    /// Reads the file whole and holds it against the sum.
    ///
    /// # Errors
    /// `STORE_CORRUPT`, and when it cannot be read.
    pub(crate) fn check(&self, path: &Path) -> Result<()> {
        let told = |error| unreadable(path, error);
        let mut rest = File::open(path).map_err(told)?.take(self.summed);
        let mut hasher = blake3::Hasher::new();
        let mut part = vec![0; limits::COPY_CHUNK_BYTES];
        loop {
            let read = rest.read(&mut part).map_err(told)?;
            if read == 0 {
                break;
            }
            hasher.update(&part[..read]);
        }
        match hasher.finalize().to_hex().as_str() == self.sum {
            true => Ok(()),
            false => Err(damaged(path, "its sum is not the one that stands at its end")),
        }
    }
}

/// The error for a backup that is not what was written.
pub(crate) fn damaged(path: &Path, why: impl Into<String>) -> Error {
    Error::new(Code::StoreCorrupt, format!("{} is damaged", path.display()))
        .because(why)
        .leaving("nothing was changed")
        .next("restore another backup", "")
}

/// The error for a backup that the operating system does not let be read.
pub(crate) fn unreadable(path: &Path, error: io::Error) -> Error {
    let (code, what) = match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            (Code::StoreMissing, format!("{} does not exist", path.display()))
        }
        io::ErrorKind::IsADirectory => (Code::NotADatabase, format!("{} is a directory", path.display())),
        _ => (Code::StoreDenied, format!("{} cannot be read", path.display())),
    };
    Error::new(code, what).because(error.to_string()).leaving("nothing was changed")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        Facts {
            engine: "postgres".into(),
            server: "15.14".into(),
            tool: "pg_dump 15.14".into(),
            database: "host/a\nb".into(),
            identity: "postgres:1:1:5".into(),
            taken: "2026-11-22T08:00:00Z".into(),
        }
    }

    fn written(content: &[u8]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut summed = Summed::new(file.reopen().unwrap());
        summed.write(content).unwrap();
        let bytes = summed.end(&facts()).unwrap();
        assert_eq!(bytes, file.as_file().metadata().unwrap().len());
        file
    }

    #[test]
    fn what_was_written_is_read_and_checked() {
        for content in [&b""[..], b"PGDMP", &[7; 100_000]] {
            let file = written(content);
            let trailer = Trailer::read(file.path()).unwrap().unwrap();
            assert_eq!(trailer.facts, Facts { database: "host/ab".into(), ..facts() });
            trailer.check(file.path()).unwrap();
        }
    }

    #[test]
    fn every_byte_counts() {
        let whole = std::fs::read(written(b"some content").path()).unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            std::fs::write(file.path(), &bytes).unwrap();
            let found = Trailer::read(file.path()).and_then(|trailer| match trailer {
                Some(trailer) => trailer.check(file.path()).map(|()| true),
                None => Ok(false),
            });
            match found {
                Err(error) => assert_eq!(error.code(), Code::StoreCorrupt, "byte {at}"),
                // Without the mark it is a file that says nothing about itself.
                Ok(is_checked) => assert!(!is_checked, "byte {at} was changed unnoticed"),
            }
        }
        for length in 0..whole.len() {
            std::fs::write(file.path(), &whole[..length]).unwrap();
            let found = Trailer::read(file.path());
            assert!(!matches!(found, Ok(Some(_))), "cut off at {length}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_missing() {
        let error = Trailer::read(Path::new("/nowhere/at/all")).unwrap_err();
        assert_eq!(error.code(), Code::StoreMissing);
    }
}
