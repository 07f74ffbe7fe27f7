//! Servers and tables that cannot be tracked.

use syncline_core::error::{Code, Error, Result};
use syncline_core::schema::{Schema, TableSchema};

use super::cascades;
use super::signature::Catalog;
use crate::mysql::connect::{Connection, Product, cell};
use crate::mysql::examine::{Privileges, grant_everywhere, grant_here};
use crate::touched;

/// The one engine whose rows are in the transaction of whoever writes them.
const ENGINE: &str = "InnoDB";

/// What a server says of itself that every user may see.
const STANDING: &str = "SHOW GLOBAL STATUS WHERE Variable_name IN ('Slave_running', 'Slaves_running', 'Replica_running', \
    'Rpl_semi_sync_slave_status')";

const LOGGING: &str = "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('log_bin', 'binlog_format')";

/// The rights that installing takes in the database.
const NEEDED: [(&str, &str); 3] = [
    ("TRIGGER", "triggers say what is touched"),
    ("CREATE", "each table gets a log beside it"),
    ("DROP", "logs are removed with tracking"),
];

/// The one that it takes on the server.
const TO_SEE: (&str, &str) =
    ("PROCESS", "nothing else tells whether a table was emptied by TRUNCATE, for which no trigger is fired");

/// # Errors
/// `STORE_READ_ONLY` for a replica, `PERMISSION_DENIED` without the rights, `USAGE_INVALID` where the server's own log would
/// take changes by triggers for ambiguous.
pub(super) async fn require_server(connection: &Connection, database: &str) -> Result<()> {
    let ask =
        |sql: &'static str| async move { connection.line.query(sql).await.map_err(|error| connection.error(error)) };
    let replicas = match connection.version.product {
        Product::MariaDb => "SHOW ALL SLAVES STATUS",
        Product::MySql => "SHOW REPLICA STATUS",
    };
    // It takes a right of its own to ask; without it one that is at work shows all the same.
    if connection.line.query(replicas).await.is_ok_and(|rows| !rows.is_empty()) {
        return Err(replica("it is set up to follow another server"));
    }
    for row in ask(STANDING).await? {
        let (name, value): (String, String) = (cell(&row, 0)?, cell(&row, 1)?);
        if !matches!(value.as_str(), "OFF" | "0") {
            return Err(replica(&format!("{name} is {value}")));
        }
    }
    let mut settings = Vec::new();
    for row in ask(LOGGING).await? {
        settings.push((cell::<String>(&row, 0)?, cell::<String>(&row, 1)?));
    }
    let is = |name: &str, value: &str| settings.iter().any(|(of, is)| of == name && is == value);
    if is("log_bin", "ON") && is("binlog_format", "STATEMENT") {
        return Err(Error::new(Code::UsageInvalid, "the changes of this server cannot be tracked")
            .because(
                "binlog_format is STATEMENT, and statements that fire triggers would not be the same on its replicas",
            )
            .leaving("nothing was changed")
            .next("SET GLOBAL binlog_format = 'ROW'", "MIXED will do too"));
    }
    let privileges = Privileges::of(connection, database).await?;
    if let Some((right, why)) = NEEDED.iter().find(|(right, _)| !privileges.has(right)) {
        return Err(without(right, why, grant_here(connection, right).await?));
    }
    let (right, why) = TO_SEE;
    if !privileges.has_everywhere(right) {
        return Err(without(right, why, grant_everywhere(connection, right).await?));
    }
    Ok(())
}

fn without(right: &str, why: &str, grant: String) -> Error {
    Error::new(Code::PermissionDenied, format!("the login has no right {right}"))
        .because(why)
        .leaving("nothing was changed")
        .next(grant, "")
}

fn replica(why: &str) -> Error {
    Error::new(Code::StoreReadOnly, "the changes of a replica cannot be tracked")
        .because(format!("{why}, and what comes by replication fires no trigger"))
        .leaving("nothing was changed")
        .next("name the primary server", "")
}

/// The table, where it can be tracked.
pub(super) fn trackable<'t>(schema: &'t Schema, catalog: &Catalog, name: &str) -> Result<&'t TableSchema> {
    let found = schema.tables.iter().find(|table| table.name == name);
    let table = touched::trackable(found.map(|table| &**table), name)?;
    if let Some(engine) = catalog.engine(name).filter(|engine| *engine != ENGINE) {
        let why = format!(
            "its rows are kept by {engine}, which has no transactions: a change could be there without its entry in the log"
        );
        return Err(
            touched::untrackable(name, why).next(format!("ALTER TABLE {name} ENGINE = {ENGINE}"), "then track it")
        );
    }
    let elsewhere =
        cascades::leading_to(&catalog.edges, name).into_iter().find(|edge| !catalog.has_table(&edge.parent));
    if let Some(edge) = elsewhere {
        let parent = &edge.parent;
        let why =
            format!("its rows go or change with rows of {parent}, in another database, in which nothing is installed");
        return Err(touched::untrackable(name, why));
    }
    Ok(table)
}
