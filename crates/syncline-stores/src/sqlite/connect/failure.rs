//! SQLite's errors in the words of [`Code`].

use std::path::Path;

use rusqlite::ffi;
use syncline_core::error::{Code, Error};

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
        move |error| Failure::Row { table: table.to_owned(), error }
    }

    /// The error a person sees.
    pub(in crate::sqlite) fn into_error(self, path: &Path, doing: Doing) -> Error {
        let path = path.display();
        let (error, table) = match self {
            Failure::Said(error) => return error,
            Failure::Sqlite(error) => (error, None),
            Failure::Row { table, error } => (error, Some(table)),
        };
        let code = code(&error, doing, table.is_some());
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
        Error::new(code, what).because(words(&error)).caused_by(error)
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

/// SQLite's words where there are some, without the wrapping of the driver.
fn words(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqliteFailure(_, Some(message)) => message.clone(),
        rusqlite::Error::SqlInputError { msg, .. } => msg.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(extended: i32, doing: Doing, row: bool) -> Code {
        let error = rusqlite::Error::SqliteFailure(ffi::Error::new(extended), Some("its words".to_owned()));
        let failure = if row { Failure::Row { table: "t".to_owned(), error } } else { Failure::Sqlite(error) };
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
}
