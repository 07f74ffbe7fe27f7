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
