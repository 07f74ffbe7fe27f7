//! Whether a backup can be put into a database: what both say of themselves, and what the login may do.

use std::path::Path;

use syncline_core::error::{Code, Error, Result};

use super::lexer::Rules;
use super::reader::{Reader, left_to_client};
use super::steps::{names, said};
use crate::dump::Trailer;
use crate::mysql::connect::{ConnectOptions, Connection, Version};
use crate::mysql::examine::{Privileges, grant_here};

/// What a restore does in its target.
const NEEDED: [&str; 17] = [
    "SELECT",
    "INSERT",
    "CREATE",
    "DROP",
    "ALTER",
    "INDEX",
    "REFERENCES",
    "LOCK TABLES",
    "TRIGGER",
    "CREATE VIEW",
    "SHOW VIEW",
    "CREATE ROUTINE",
    "ALTER ROUTINE",
    "EVENT",
    "EXECUTE",
    "UPDATE",
    "DELETE",
];

/// Foreign keys of other databases that lead here.
const FROM_ELSEWHERE: &str = "SELECT DISTINCT CONCAT(CONSTRAINT_SCHEMA, '.', TABLE_NAME) FROM information_schema.REFERENTIAL_CONSTRAINTS \
    WHERE UNIQUE_CONSTRAINT_SCHEMA = DATABASE() AND CONSTRAINT_SCHEMA <> DATABASE()";

/// Makes sure that the server knows all that the backup may hold.
///
/// # Errors
/// `RESTORE_REFUSED`.
pub(super) fn require_server(file: &Path, server: &Version) -> Result<()> {
    let Some(trailer) = Trailer::read(file)? else {
        let why = "what it is of, and whether it is whole, is not told at its end";
        return Err(left_to_client(format!("{} was not made by syncline backup", file.display()), why));
    };
    let found = Version::parse(&trailer.facts.server);
    if found.product != server.product {
        return Err(left_to_client(
            format!("the backup is of {}, and the target is a database of {}", found.product, server.product),
            "each of them has types and statements of its own",
        ));
    }
    if found.number > server.number {
        return Err(left_to_client(
            "the backup is of a newer server",
            format!("it is of {}, and the target's is {}", trailer.facts.server, server.text),
        ));
    }
    Ok(())
}

/// Reads all statements of a backup, without carrying any out.
///
/// # Errors
/// `RESTORE_REFUSED` for the first one that would not be.
pub(super) fn require_known(file: &Path, rules: Rules, most: usize) -> Result<()> {
    let mut reader = Reader::open(file, rules, most)?;
    while reader.next()?.is_some() {}
    Ok(())
}

/// Makes sure that the login may restore, and that nobody else holds on to the tables.
///
/// # Errors
/// `RESTORE_REFUSED`, with the grant that is missing.
pub(super) async fn require_target(connection: &Connection, options: &ConnectOptions) -> Result<()> {
    let privileges = Privileges::of(connection, &options.database).await?;
    let missing: Vec<&str> = NEEDED.iter().filter(|right| !privileges.has(right)).copied().collect();
    if !missing.is_empty() {
        let rights = missing.join(", ");
        return Err(Error::new(Code::RestoreRefused, format!("this user may not restore {}", options.label()))
            .because(format!("it lacks {rights}"))
            .leaving("nothing was changed")
            .next(grant_here(connection, &rights).await?, ""));
    }
    let elsewhere = said(connection, names(connection, FROM_ELSEWHERE).await)?;
    if !elsewhere.is_empty() {
        return Err(Error::new(Code::RestoreRefused, "foreign keys of other databases lead to tables here")
            .because(format!("those of {}", elsewhere.join(", ")))
            .leaving("nothing was changed")
            .next("drop these keys, restore, and define them again", ""));
    }
    Ok(())
}
