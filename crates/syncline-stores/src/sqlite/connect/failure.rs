//! SQLite's errors in the words of [`Code`].

use std::path::Path;

use rusqlite::ffi;
use syncline_core::change::Reason;
use syncline_core::error::{Code, Error};

use crate::sqlite::connect::disk::{self, words};

/// The result of work on a connection, before it is known which database it was.
pub(in crate::sqlite) type Attempt<T> = Result<T, Failure>;

/// Why work on a connection failed.
#[derive(Debug)]
pub(in crate::sqlite) enum Failure {
    /// SQLite's own error.
    Sqlite(rusqlite::Error),
    /// SQLite's own error while writing a row of this table.
    Row {
        /// The table.
        table: String,
        /// Which row, in the words of a place; known only further up.
        place: Option<String>,
        /// What SQLite said.
        error: rusqlite::Error,
    },
    /// An error that is complete already.
    Said(Error),
}

/// What was being done, which decides what an ambiguous error means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sqlite) enum Doing {
    /// Opening the database.
    Opening,
    /// Reading rows or the schema.
    Reading,
    /// Anything from the beginning of a transaction that writes to its end.
    Writing,
}

impl Failure {
    /// Gives an error of SQLite the table whose row was being written.
    pub(in crate::sqlite) fn of_row(table: &str) -> impl FnOnce(rusqlite::Error) -> Failure {
        move |error| Failure::Row { table: table.to_owned(), place: None, error }
    }

    /// Says which row it was, where it is about one.
    pub(in crate::sqlite) fn at_row(self, place: impl FnOnce() -> String) -> Failure {
        match self {
            Failure::Row { table, error, .. } => Failure::Row { table, place: Some(place()), error },
            Failure::Said(error) if is_of_row(error.code()) => Failure::Said(error.at_if_unsaid(place())),
            other => other,
        }
    }

    /// What the database has against one row, in its own words.
    ///
    /// # Errors
    /// The failure itself when it is about more than that row.
    pub(in crate::sqlite) fn refusal(self) -> Attempt<(Reason, String)> {
        match &self {
            Failure::Row { error, .. } => match error.sqlite_error().and_then(|error| reason(error.extended_code)) {
                Some(reason) => Ok((reason, words(error))),
                None => Err(self),
            },
            Failure::Said(error) if error.code() == Code::RowRefused => Ok((Reason::Type, error.what().to_owned())),
            _ => Err(self),
        }
    }

    /// Why one table cannot be tracked.
    ///
    /// # Errors
    /// The failure itself when it is about more than that table.
    pub(in crate::sqlite) fn refused_table(self, table: &str) -> Attempt<Error> {
        match self {
            Failure::Said(error) if error.code() == Code::TableNotTracked => Ok(error),
            Failure::Sqlite(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::Unknown) => {
                let what = format!("{table} cannot be tracked");
                Ok(Error::new(Code::TableNotTracked, what).because(words(&error)).leaving("the table is not tracked"))
            }
            other => Err(other),
        }
    }

    /// Whether SQLite met a value that is larger than the connection may take.
    pub(in crate::sqlite) fn is_too_big(&self) -> bool {
        let (Failure::Sqlite(error) | Failure::Row { error, .. }) = self else { return false };
        error.sqlite_error().is_some_and(|error| error.extended_code & 0xff == ffi::SQLITE_TOOBIG)
    }

    /// The error a person sees.
    pub(in crate::sqlite) fn into_error(self, path: &Path, doing: Doing) -> Error {
        let (error, table, place) = match self {
            Failure::Said(error) => return error,
            Failure::Sqlite(error) => (error, None, None),
            Failure::Row { table, place, error } => (error, Some(table), place),
        };
        let is_full = disk::is_full(&error, path);
        if let Some(said) = unreadable(&error, path, doing).filter(|_| !is_full) {
            return said.caused_by(error);
        }
        let path = path.display();
        let code = if is_full { Code::DiskFull } else { code(&error, doing, table.is_some()) };
        let table = table.unwrap_or_default();
        let what = match code {
            Code::NotADatabase => format!("{path} is no SQLite database"),
            Code::StoreLocked => format!("{path} is locked by another program"),
            Code::StoreReadOnly => format!("{path} cannot be written"),
            Code::StoreDenied => format!("access to {path} was refused"),
            Code::StoreCorrupt => format!("{path} is damaged"),
            Code::DiskFull => format!("there is no room left for {path}"),
            Code::UniqueClash => format!("a row of {table} has a value that another row in {path} already has"),
            Code::RowRefused => format!("{path} refused a row of {table}"),
            _ => match doing {
                Doing::Opening => format!("{path} could not be opened"),
                Doing::Reading => format!("{path} could not be read"),
                Doing::Writing => format!("{path} could not be written"),
            },
        };
        let said = Error::new(code, what).because(words(&error)).caused_by(error);
        match place {
            Some(place) if is_of_row(code) => said.at(place),
            _ => said,
        }
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Failure::Sqlite(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Said(error)
    }
}

/// Which rule of one row an error speaks of.
fn reason(extended: i32) -> Option<Reason> {
    Some(match extended {
        ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID => {
            Reason::Unique
        }
        ffi::SQLITE_CONSTRAINT_CHECK => Reason::Check,
        ffi::SQLITE_CONSTRAINT_NOTNULL => Reason::NotNull,
        ffi::SQLITE_CONSTRAINT_DATATYPE | ffi::SQLITE_MISMATCH => Reason::Type,
        _ if matches!(extended & 0xff, ffi::SQLITE_CONSTRAINT | ffi::SQLITE_TOOBIG) => Reason::Refused,
        _ => return None,
    })
}

/// Whether the code is about one row.
fn is_of_row(code: Code) -> bool {
    matches!(code, Code::RowRefused | Code::UniqueClash)
}

/// The error for a database that is only read and yet needs something beside it to be written: in WAL mode the -shm file,
/// after a crash the file itself.
fn unreadable(error: &rusqlite::Error, path: &Path, doing: Doing) -> Option<Error> {
    let extended = error.sqlite_error()?.extended_code;
    let is_of_files = match extended & 0xff {
        ffi::SQLITE_READONLY => doing != Doing::Writing,
        // A file that is not there was to be created, and that is another matter.
        ffi::SQLITE_CANTOPEN => doing == Doing::Reading || (doing == Doing::Opening && path.exists()),
        _ => false,
    };
    (is_of_files && disk::may_read(path)).then(|| {
        let why = if extended == ffi::SQLITE_READONLY_ROLLBACK {
            "a crash left a journal that has to be rolled back first, which takes a file that can be written"
        } else {
            "it is in WAL mode, which takes a directory that can be written or \
             -shm and -wal files that are there already and can be used"
        };
        let advice = "copy the database to a writable directory, or run as a user who may write there";
        Error::new(Code::StoreDenied, format!("{} could not be read", path.display()))
            .because(format!("{}; {why}", words(error)))
            .leaving("nothing was changed")
            .next(advice, "")
    })
}

fn code(error: &rusqlite::Error, doing: Doing, row: bool) -> Code {
    let Some(extended) = error.sqlite_error().map(|error| error.extended_code) else {
        return Code::StoreFailed;
    };
    match (extended & 0xff, extended) {
        (ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED, _) => Code::StoreLocked,
        (ffi::SQLITE_READONLY, _) => Code::StoreReadOnly,
        // The file itself was opened before, so it is the journal that cannot be made.
        (ffi::SQLITE_CANTOPEN, _) if doing == Doing::Writing => Code::StoreReadOnly,
        (ffi::SQLITE_CANTOPEN | ffi::SQLITE_PERM | ffi::SQLITE_AUTH, _) => Code::StoreDenied,
        (ffi::SQLITE_NOTADB, _) => Code::NotADatabase,
        (ffi::SQLITE_CORRUPT, _) => Code::StoreCorrupt,
        (ffi::SQLITE_FULL, _) => Code::DiskFull,
        (
            ffi::SQLITE_CONSTRAINT,
            ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID,
        ) if row => Code::UniqueClash,
        (ffi::SQLITE_CONSTRAINT | ffi::SQLITE_MISMATCH | ffi::SQLITE_TOOBIG, _) if row => Code::RowRefused,
        _ => Code::StoreFailed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(extended: i32, doing: Doing, row: bool) -> Code {
        let error = rusqlite::Error::SqliteFailure(ffi::Error::new(extended), Some("its words".to_owned()));
        let failure =
            if row { Failure::Row { table: "t".to_owned(), place: None, error } } else { Failure::Sqlite(error) };
        let error = failure.into_error(Path::new("/a.db"), doing);
        assert_eq!(error.why(), Some("its words"));
        assert!(error.what().contains("/a.db"), "{error}");
        error.code()
    }

    #[test]
    fn every_kind_of_error_has_its_code() {
        let cases = [
            (ffi::SQLITE_BUSY, Doing::Writing, false, Code::StoreLocked),
            (ffi::SQLITE_BUSY_SNAPSHOT, Doing::Writing, false, Code::StoreLocked),
            (ffi::SQLITE_LOCKED_SHAREDCACHE, Doing::Reading, false, Code::StoreLocked),
            (ffi::SQLITE_READONLY_DBMOVED, Doing::Writing, true, Code::StoreReadOnly),
            (ffi::SQLITE_CANTOPEN, Doing::Writing, false, Code::StoreReadOnly),
            (ffi::SQLITE_CANTOPEN, Doing::Opening, false, Code::StoreDenied),
            (ffi::SQLITE_PERM, Doing::Opening, false, Code::StoreDenied),
            (ffi::SQLITE_CORRUPT_INDEX, Doing::Reading, false, Code::StoreCorrupt),
            (ffi::SQLITE_FULL, Doing::Writing, true, Code::DiskFull),
            (ffi::SQLITE_NOTADB, Doing::Opening, false, Code::NotADatabase),
            (ffi::SQLITE_CONSTRAINT_UNIQUE, Doing::Writing, true, Code::UniqueClash),
            (ffi::SQLITE_CONSTRAINT_PRIMARYKEY, Doing::Writing, true, Code::UniqueClash),
            (ffi::SQLITE_CONSTRAINT_ROWID, Doing::Writing, true, Code::UniqueClash),
            (ffi::SQLITE_CONSTRAINT_CHECK, Doing::Writing, true, Code::RowRefused),
            (ffi::SQLITE_CONSTRAINT_DATATYPE, Doing::Writing, true, Code::RowRefused),
            (ffi::SQLITE_TOOBIG, Doing::Writing, true, Code::RowRefused),
            (ffi::SQLITE_MISMATCH, Doing::Writing, true, Code::RowRefused),
            (ffi::SQLITE_CONSTRAINT_UNIQUE, Doing::Writing, false, Code::StoreFailed),
            (ffi::SQLITE_IOERR_READ, Doing::Reading, false, Code::StoreFailed),
        ];
        for (extended, doing, row, expected) in cases {
            assert_eq!(told(extended, doing, row), expected, "{extended} {doing:?} {row}");
        }
    }

    #[test]
    fn what_is_only_read_is_never_said_to_be_unwritable() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for (extended, doing) in [
            (ffi::SQLITE_READONLY_DIRECTORY, Doing::Opening),
            (ffi::SQLITE_READONLY_CANTINIT, Doing::Reading),
            (ffi::SQLITE_READONLY_RECOVERY, Doing::Reading),
            (ffi::SQLITE_CANTOPEN, Doing::Opening),
            (ffi::SQLITE_CANTOPEN, Doing::Reading),
        ] {
            let error = rusqlite::Error::SqliteFailure(ffi::Error::new(extended), Some("its words".to_owned()));
            let error = Failure::Sqlite(error).into_error(file.path(), doing);
            assert_eq!(error.code(), Code::StoreDenied, "{extended} {doing:?}");
            assert!(error.what().ends_with(" could not be read"), "{error}");
            assert!(error.why().is_some_and(|why| why.starts_with("its words; ") && why.contains("WAL")), "{error}");
            assert!(error.next_steps()[0].action.starts_with("copy the database to a writable directory"));
        }
    }

    #[test]
    fn only_errors_about_a_row_say_which() {
        for (extended, place) in [(ffi::SQLITE_CONSTRAINT_UNIQUE, Some("row id=1 of t")), (ffi::SQLITE_FULL, None)] {
            let error = rusqlite::Error::SqliteFailure(ffi::Error::new(extended), None);
            let failure = Failure::of_row("t")(error).at_row(|| "row id=1 of t".to_owned());
            assert_eq!(failure.into_error(Path::new("/a.db"), Doing::Writing).place(), place);
        }
    }
}
