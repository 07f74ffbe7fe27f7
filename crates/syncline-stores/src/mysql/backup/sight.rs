//! Whether the login sees everything that a backup is to hold. What it may not see the servers do not mention at all, and the
//! program copies the rest without a word.

use syncline_core::error::{Code, Error, Result};

use crate::mysql::connect::{ConnectOptions, Connection, Product};
use crate::mysql::examine::{Privileges, grant_here};

/// Rights without which something is not mentioned, and what that is.
const NEEDED: [(&str, &str); 4] = [
    ("SELECT", "tables that it may not read"),
    ("SHOW VIEW", "definitions of views"),
    ("TRIGGER", "triggers"),
    ("EVENT", "events"),
];

/// Rights by any of which all routines are mentioned. One whose definition is kept from the login then ends the program.
const OF_ROUTINES: [&str; 5] = ["EXECUTE", "ALTER ROUTINE", "CREATE ROUTINE", "SHOW CREATE ROUTINE", "SHOW_ROUTINE"];

/// On MariaDB who may read this sees all routines.
const ROUTINES: &str = "SELECT 1 FROM mysql.proc LIMIT 0";

/// Makes sure that nothing is kept from the login.
///
/// # Errors
/// `PERMISSION_DENIED`, with the grants that are missing.
pub(super) async fn require(connection: &Connection, options: &ConnectOptions) -> Result<()> {
    let privileges = Privileges::of(connection, &options.database).await?;
    let missing: Vec<_> = NEEDED.iter().filter(|(right, _)| !privileges.has(right)).collect();
    if !missing.is_empty() {
        let what: Vec<_> = missing.iter().map(|(_, what)| *what).collect();
        let rights: Vec<_> = missing.iter().map(|(right, _)| *right).collect();
        let denied = denied(options, format!("the server would not even mention {}", what.join(", ")));
        return Err(denied.next(grant_here(connection, &rights.join(", ")).await?, ""));
    }
    if OF_ROUTINES.iter().any(|right| privileges.has(right)) {
        return Ok(());
    }
    let grant = match connection.version.product {
        Product::MariaDb if connection.line.query(ROUTINES).await.is_ok() => return Ok(()),
        Product::MariaDb => "GRANT SELECT ON mysql.proc TO …",
        Product::MySql => "GRANT SHOW_ROUTINE ON *.* TO …",
    };
    Err(denied(options, "the server would not even mention routines".to_owned())
        .next(grant, "shows the login all of them"))
}

fn denied(options: &ConnectOptions, why: String) -> Error {
    Error::new(Code::PermissionDenied, format!("this user may not see all of {}", options.label()))
        .because(why)
        .leaving("no backup was written")
}
