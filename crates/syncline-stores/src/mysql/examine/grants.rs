//! The rights that a user needs to read or write the tables there are, and no more.

use syncline_core::error::{Code, Error, Result};
use syncline_core::schema::Schema;
use syncline_core::store::{Grant, Grants, Side};

use super::server::{account, pattern};
use crate::mysql::connect::{Connection, cell, quoted};

/// All that a run does in a database that it writes to.
const WRITING: &str = "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, ALTER, INDEX, REFERENCES, CREATE TEMPORARY TABLES";

/// The statements for a user, whether they are there yet or not. `role` is a name, or `name@host`.
///
/// # Errors
/// `USAGE_INVALID` for a user that means everybody; when a name cannot be written, and when the server does not answer.
pub async fn script(
    connection: &Connection,
    (schema, chosen): (&Schema, &[String]),
    (side, role): (Side, &str),
) -> Result<Grants> {
    let name = role.rsplit_once('@').map_or(role, |(name, _)| name);
    // Without a name it stands for all who have no user of their own, and in MariaDB that word for all users.
    if name.is_empty() || name.eq_ignore_ascii_case("public") {
        return Err(Error::new(Code::UsageInvalid, format!("{role:?} is no user of its own"))
            .because("the rights would be everybody's")
            .leaving("nothing was changed")
            .next("--role NAME", "names the user who is to be given them"));
    }
    let rows = connection.line.query("SELECT DATABASE()").await.map_err(|error| connection.error(error))?;
    let database: String = rows.first().map_or_else(|| Ok(String::new()), |row| cell(row, 0))?;
    let user = account(role)?;
    let mut grants = Grants::default();
    let mut say = |why: &'static str, sql: String| grants.statements.push(Grant { why, sql });
    say(
        "locked until it has a password: ALTER USER … IDENTIFIED BY '…' ACCOUNT UNLOCK; one that is there stays as it is",
        format!("CREATE USER IF NOT EXISTS {user} ACCOUNT LOCK"),
    );
    match side {
        Side::Source => {
            for table in schema.tables.iter().filter(|table| chosen.contains(&table.name)) {
                let place = format!("{}.{}", quoted(&database)?, quoted(&table.name)?);
                say("to read", format!("GRANT SELECT ON {place} TO {user}"));
            }
        }
        Side::Target => say(
            "to write, to make missing tables, and to keep there how far a run has come, until it has ended",
            format!("GRANT {WRITING} ON {}.* TO {user}", pattern(&database)?),
        ),
    }
    grants.remarks.extend(remarks(side).iter().map(|remark| (*remark).to_owned()));
    Ok(grants)
}

fn remarks(side: Side) -> &'static [&'static str] {
    match side {
        Side::Source => &["Tables that come later need grants of their own: make the script anew then."],
        Side::Target => &[
            "The rights are those on the whole database: a user has none on a table that it has made, unless it has them \
             on all, so they cannot be given table by table.",
            "Triggers fire whoever writes, and cannot be switched off by any right.",
            "Rows are loaded as files from memory where the server has local_infile on. That takes no right: FILE is for \
             files of the server's machine, and is not asked for.",
        ],
    }
}
