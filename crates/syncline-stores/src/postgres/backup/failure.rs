//! What a program or the server says about a backup or a restore, in the words of [`Code`].

use syncline_core::error::{Code, Error};

use crate::postgres::connect::Connection;
use crate::postgres::connect::failure::Doing;

/// What the server says, in the language that its programs are tested with, and what that means. In others it is told as it is.
const SAID: &[(&str, Code)] = &[
    ("lock timeout", Code::StoreLocked),
    ("permission denied", Code::PermissionDenied),
    ("row-level security", Code::PermissionDenied),
    ("row security", Code::PermissionDenied),
    ("invalid page", Code::StoreCorrupt),
    ("server closed the connection", Code::ConnectionLost),
    ("terminating connection", Code::ConnectionLost),
];

/// The error for a `pg_dump` that has failed.
pub(super) fn of_dump(error: Error, label: &str) -> Error {
    let why = error.why().unwrap_or_default().to_owned();
    let code = SAID.iter().find(|(words, _)| why.contains(words)).map_or(error.code(), |(_, code)| *code);
    let what = match code {
        Code::StoreLocked => format!("a table of {label} is locked by others"),
        Code::PermissionDenied => format!("this user may not read all of {label}"),
        Code::StoreCorrupt => format!("{label} is damaged"),
        Code::ConnectionLost => format!("the connection to {label} was lost"),
        _ => format!("pg_dump could not copy {label}"),
    };
    let said = Error::new(code, what).because(why).leaving("no backup was written");
    match code {
        Code::PermissionDenied => said.next("log in as the owner of the database, or as a superuser", ""),
        _ => said,
    }
}

/// The error for the commit of a restore. A server that is gone has said nothing about it.
pub(super) fn of_commit(connection: &Connection, error: tokio_postgres::Error, label: &str) -> Error {
    let said = connection.error_while(error, Doing::Writing);
    match said.code() {
        Code::ConnectionLost => {
            Error::new(Code::StoreFailed, format!("the connection to {label} was lost while the restore was committed"))
                .because(said.why().unwrap_or_default())
        }
        _ => said,
    }
}

/// The error for a statement of a restore, before its transaction is committed.
pub(super) fn of_statement(connection: &Connection, error: tokio_postgres::Error, label: &str) -> Error {
    let is_about_names = error.as_db_error().is_some_and(|said| said.code().code() == "42704");
    let said = connection.error_while(error, Doing::Writing);
    let why = said.why().unwrap_or_default().to_owned();
    let refused = match said.code() {
        Code::StoreFailed => Error::new(Code::RestoreRefused, format!("{label} does not take what the backup holds")),
        Code::PermissionDenied => Error::new(Code::PermissionDenied, format!("this user may not restore {label}")),
        _ => return said.leaving("nothing was changed"),
    };
    let refused = refused.because(why).leaving("nothing was changed");
    match refused.code() {
        Code::PermissionDenied => refused.next("log in as a superuser, or as the owner of all that is in it", ""),
        _ if is_about_names => refused
            .next("make on the server what it lacks", "the role that the message names, or another object")
            .next("--no-owner", "everything belongs to who restores, and no right is granted"),
        _ => refused,
    }
}
