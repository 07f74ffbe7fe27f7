//! Whether what a backup holds can be put into a database as it is set up.

use std::path::Path;

use rusqlite::Connection;
use syncline_core::error::{Code, Error};

use super::{pragma, size};
use crate::disk::{free_bytes, require};
use crate::sqlite::connect::failure::Attempt;

/// How one of the two files is set up.
struct Setup {
    bytes: u64,
    page_bytes: u64,
    encoding: String,
    has_log: bool,
}

/// The backup and the database it is to go into.
pub(super) struct Ends {
    new: Setup,
    old: Setup,
}

impl Ends {
    /// Looks at both.
    ///
    /// # Errors
    /// When one of them cannot be read.
    pub(super) fn of(from: &Connection, to: &Connection) -> Attempt<Self> {
        Ok(Self { new: Setup::of(from)?, old: Setup::of(to)? })
    }

    /// Refuses what SQLite cannot do, and what others who have the database open could not bear.
    ///
    /// # Errors
    /// `RESTORE_REFUSED`, `DISK_FULL`.
    pub(super) fn check(&self, path: &Path) -> Attempt<()> {
        let Self { new, old } = self;
        // Into an empty file anything fits, and nobody has learnt anything about it.
        if !old.is_empty() && new.encoding != old.encoding {
            let what = format!("{} stores text as {}", path.display(), old.encoding);
            return Err(refused(what)
                .because(format!(
                    "the backup stores it as {}, and programs that have the database open could not read it any more",
                    new.encoding
                ))
                .next(
                    "stop what uses the database, move its file away with its -wal, -shm and -journal, and restore again",
                    "a missing one is made",
                )
                .into());
        }
        if old.has_log && new.page_bytes != old.page_bytes {
            let what = format!("{} works with a write-ahead log and pages of {} bytes", path.display(), old.page_bytes);
            return Err(refused(what)
                .because(format!(
                    "the backup has pages of {} bytes, and SQLite cannot change their size there",
                    new.page_bytes
                ))
                .next("PRAGMA journal_mode = DELETE", "in the sqlite3 shell, while nobody else has the database open")
                .into());
        }
        // The journal holds what is overwritten, or the log what is new, and the file may grow.
        let in_place = new.bytes.max(old.bytes).saturating_add(new.bytes.saturating_sub(old.bytes));
        let draft = if self.journal_would_change() { new.bytes } else { 0 };
        Ok(require(free_bytes(path), in_place.saturating_add(draft), path)?)
    }

    /// Whether copying every page would turn a database with a rollback journal into one with a write-ahead log. The other
    /// way round SQLite sees to it, and what is made anew becomes what the backup is.
    pub(super) fn journal_would_change(&self) -> bool {
        self.new.has_log && !self.old.has_log && !self.old.is_empty()
    }
}

impl Setup {
    fn of(conn: &Connection) -> Attempt<Self> {
        let text = |name: &str| conn.pragma_query_value(Some("main"), name, |row| row.get::<_, String>(0));
        Ok(Self {
            bytes: size(conn)?,
            page_bytes: pragma(conn, "page_size")?,
            encoding: text("encoding")?,
            has_log: text("journal_mode")?.eq_ignore_ascii_case("wal"),
        })
    }

    fn is_empty(&self) -> bool {
        self.bytes == 0
    }
}

fn refused(what: String) -> Error {
    Error::new(Code::RestoreRefused, what).leaving("nothing was changed")
}
