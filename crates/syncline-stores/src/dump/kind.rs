//! What kind of backup a file is, by its first bytes.

use std::fs::{File, Metadata};
use std::io::Read;
use std::path::Path;
use std::time::SystemTime;

use syncline_core::error::{Code, Error, Result};

use super::trailer::unreadable;

/// A kind of backups that a server's own program makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An archive of `pg_dump` in its custom format.
    Postgres,
    /// A script of `mariadb-dump` or `mysqldump`.
    Mysql,
}

/// What files begin with, whose that is, and which kind it is, where it is one of these.
const MAGICS: &[(&[u8], &str, Option<Kind>)] = &[
    (b"PGDMP", "PostgreSQL", Some(Kind::Postgres)),
    (b"SQLite format 3\0", "SQLite", None),
    (b"-- MariaDB dump", "MariaDB", Some(Kind::Mysql)),
    (b"-- MySQL dump", "MySQL", Some(Kind::Mysql)),
];

/// What newer scripts of MariaDB begin with: a line by which its client lets a script do nothing but work on databases. It is
/// a comment to everybody else.
const SANDBOX: &[&[u8]] = &[b"/*M!999999\\- enable the sandbox mode */", b"/*!999999\\- enable the sandbox mode */"];

/// As much of a file as tells its kind.
const HEAD_BYTES: u64 = 256;

/// What differs once a file was written to, or another one has its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    length: u64,
    changed: Option<SystemTime>,
    #[cfg(unix)]
    place: (u64, u64),
}

impl Kind {
    /// Makes sure that the file is of this kind.
    ///
    /// # Errors
    /// `STORE_MISSING`, `STORE_DENIED`, `NOT_A_DATABASE`, `RESTORE_REFUSED` for the backup of another engine.
    pub(crate) fn require(self, file: &Path) -> Result<Stamp> {
        let told = |error| unreadable(file, error);
        // Not opened to find out: a pipe would keep us waiting, and cannot be read twice.
        let found = std::fs::metadata(file).map_err(told)?;
        if !found.is_file() && !found.is_dir() {
            return Err(Error::new(Code::NotADatabase, format!("{} is no ordinary file", file.display()))
                .because("a pipe or a device cannot be read more than once")
                .leaving("nothing was changed"));
        }
        let mut head = Vec::new();
        File::open(file).and_then(|opened| opened.take(HEAD_BYTES).read_to_end(&mut head)).map_err(told)?;
        let found_kind = MAGICS.iter().find(|(magic, _, _)| behind_sandbox(&head).starts_with(magic));
        match found_kind {
            Some((_, _, kind)) if *kind == Some(self) => Ok(Stamp::of(&found)),
            other => Err(self.refuse(file, other.map(|(_, engine, _)| *engine)).leaving("nothing was changed")),
        }
    }

    fn refuse(self, file: &Path, other: Option<&str>) -> Error {
        let (engine, form) = match self {
            Kind::Postgres => ("PostgreSQL", "it is no archive in the custom format of pg_dump"),
            Kind::Mysql => ("MySQL or MariaDB", "it is no script of mariadb-dump or mysqldump"),
        };
        match other {
            Some(other) => {
                let what = format!("{} is of {other}, and the target is a database of {engine}", file.display());
                Error::new(Code::RestoreRefused, what).because("a backup is of one engine").next(
                    "syncline mirror SOURCE TARGET",
                    "carries tables between engines, once the backup is restored into a database of its own",
                )
            }
            None => {
                Error::new(Code::NotADatabase, format!("{} is no backup of {engine}", file.display())).because(form)
            }
        }
    }
}

impl Stamp {
    fn of(found: &Metadata) -> Self {
        #[cfg(unix)]
        use std::os::unix::fs::MetadataExt;
        Self {
            length: found.len(),
            changed: found.modified().ok(),
            #[cfg(unix)]
            place: (found.dev(), found.ino()),
        }
    }

    /// How large the file is, in bytes.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }
}

fn behind_sandbox(head: &[u8]) -> &[u8] {
    SANDBOX.iter().find_map(|line| head.strip_prefix(*line)).map_or(head, <[u8]>::trim_ascii_start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_other_kinds_are_told_apart() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let (refused, none) = (Some(Code::RestoreRefused), Some(Code::NotADatabase));
        for (content, postgres, mysql) in [
            (&b"SQLite format 3\0 and more"[..], refused, refused),
            (b"-- MariaDB dump 10.19", refused, None),
            (b"-- MySQL dump 10.13", refused, None),
            (b"/*M!999999\\- enable the sandbox mode */ \n-- MariaDB dump 10.19", refused, None),
            (b"/*M!999999\\- enable the sandbox mode */ \n-- other", none, none),
            (b"", none, none),
            (b"PGDM", none, none),
            (b"--\n-- PostgreSQL database dump\n", none, none),
            (b"PGDMP\x01", None, refused),
        ] {
            std::fs::write(file.path(), content).unwrap();
            let code = |kind: Kind| kind.require(file.path()).err().map(|error| error.code());
            assert_eq!((code(Kind::Postgres), code(Kind::Mysql)), (postgres, mysql), "{content:?}");
        }
        let code = |path: &str| Kind::Postgres.require(Path::new(path)).unwrap_err().code();
        assert_eq!(code("/nowhere"), Code::StoreMissing);
        assert_eq!(code("/"), Code::NotADatabase);
        #[cfg(unix)]
        assert_eq!(code("/dev/null"), Code::NotADatabase);
    }

    #[test]
    fn a_file_that_was_replaced_is_another_one() {
        let dir = tempfile::tempdir().unwrap();
        let (file, other) = (dir.path().join("a"), dir.path().join("b"));
        std::fs::write(&file, b"PGDMP one").unwrap();
        std::fs::write(&other, b"PGDMP two").unwrap();
        let before = Kind::Postgres.require(&file).unwrap();
        assert_eq!(Kind::Postgres.require(&file).unwrap(), before);
        std::fs::rename(&other, &file).unwrap();
        assert_ne!(Kind::Postgres.require(&file).unwrap(), before);
    }
}
