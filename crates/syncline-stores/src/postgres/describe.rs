//! What a database says about itself.

use syncline_core::error::Result;
use syncline_core::store::Description;

use super::ENGINE;
use super::connect::Connection;

/// Which database it is: the cluster, the line of its history, and the database's number in it. A restore to an earlier
/// time, and a copy that became a server of its own, begin a new line: what was kept about the content before is not
/// about theirs. A standby is on the line of its primary.
const IDENTITY: &str = "SELECT system_identifier::text || ':' || CASE WHEN pg_is_in_recovery() \
        THEN (SELECT timeline_id::text FROM pg_control_checkpoint()) \
        ELSE ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int::text END \
    || ':' || (SELECT oid::text FROM pg_database WHERE datname = current_database()), \
    current_setting('transaction_read_only') = 'off' FROM pg_control_system()";

/// What makes a role too strong, or loses what was committed when a machine fails.
const RISKS: [(&str, &str, &str); 4] = [
    ("is_superuser", "on", "the login is a superuser: a role that may only do what a run needs is safer"),
    ("fsync", "off", "fsync is off: a crash of the server's machine can destroy the database"),
    ("full_page_writes", "off", "full_page_writes is off: a crash of the server's machine can destroy pages"),
    ("synchronous_commit", "off", "synchronous_commit is off: a crash of the server can lose what was just committed"),
];

/// The description of the database behind the connection, which has no transaction open.
///
/// # Errors
/// When it cannot be read.
pub async fn describe(connection: &Connection) -> Result<Description> {
    let row = connection.client.query_one(IDENTITY, &[]).await.map_err(|error| connection.error(error))?;
    let read = |error| connection.error(error);
    Ok(Description {
        engine: ENGINE,
        version: connection.version.clone(),
        identity: format!("{ENGINE}:{}", row.try_get::<_, String>(0).map_err(read)?),
        former_identity: None,
        writable: row.try_get(1).map_err(read)?,
        // The server's disk is not seen from here.
        free_bytes: None,
    })
}

/// What a person should know before trusting this login and this server, one sentence each.
///
/// # Errors
/// When it cannot be read.
pub async fn warnings(connection: &Connection) -> Result<Vec<String>> {
    let mut warnings = Vec::new();
    for (setting, risky, warning) in RISKS {
        let query = "SELECT current_setting($1) = $2";
        let row = connection.client.query_one(query, &[&setting, &risky]).await;
        let is_risky = row.and_then(|row| row.try_get(0)).map_err(|error| connection.error(error))?;
        warnings.extend(Some(warning.to_owned()).filter(|_| is_risky));
    }
    Ok(warnings)
}
