//! Everything that a database holds, taken away: within the transaction that then brings what the backup holds.

use syncline_core::error::{Code, Error, Result};
use syncline_core::store::Watch;

use super::About;
use super::hold::Session;
use crate::postgres::connect::Connection;

/// The statements that take everything away, in their order; the server puts the names in quotes. What belongs to an extension
/// goes with it. One that this login may not drop stays, and so does what nobody has made since the database was made.
///
/// First the event triggers, which would fire on the rest.
const STATEMENTS: &str = "\
WITH member AS (SELECT classid, objid FROM pg_depend WHERE deptype = 'e'),
made AS (
    SELECT 1 AS turn, 'pg_event_trigger'::regclass::oid AS kind, oid, format('DROP EVENT TRIGGER IF EXISTS %I', evtname) AS statement
    FROM pg_event_trigger
    UNION ALL
    SELECT 2, 'pg_publication'::regclass, oid, format('DROP PUBLICATION IF EXISTS %I', pubname) FROM pg_publication
    UNION ALL
    SELECT 3, 0, oid, format('DROP EXTENSION IF EXISTS %I CASCADE', extname) FROM pg_extension
    WHERE extname <> 'plpgsql' AND pg_has_role(extowner, 'USAGE')
    UNION ALL
    SELECT 4, 'pg_namespace'::regclass, oid, format('DROP SCHEMA IF EXISTS %I CASCADE', nspname) FROM pg_namespace
    WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
    UNION ALL
    SELECT 5, 'pg_foreign_data_wrapper'::regclass, oid, format('DROP FOREIGN DATA WRAPPER IF EXISTS %I CASCADE', fdwname)
    FROM pg_foreign_data_wrapper
    UNION ALL
    SELECT 6, 'pg_cast'::regclass, oid,
        format('DROP CAST IF EXISTS (%s AS %s) CASCADE', format_type(castsource, NULL), format_type(casttarget, NULL))
    FROM pg_cast WHERE oid >= 16384
    UNION ALL
    SELECT 7, 'pg_language'::regclass, oid, format('DROP LANGUAGE IF EXISTS %I CASCADE', lanname)
    FROM pg_language WHERE oid >= 16384
    UNION ALL
    SELECT 8, 'pg_am'::regclass, oid, format('DROP ACCESS METHOD IF EXISTS %I CASCADE', amname)
    FROM pg_am WHERE oid >= 16384
    UNION ALL
    SELECT 9, 'pg_largeobject'::regclass, oid, format('SELECT lo_unlink(%s)', oid) FROM pg_largeobject_metadata
)
SELECT statement FROM made WHERE NOT EXISTS (SELECT FROM member WHERE classid = kind AND objid = made.oid) ORDER BY turn, oid";

/// How many statements are sent at once.
const AT_ONCE: usize = 200;

/// From this version on the schema `public` belongs to the owner of its database.
const PUBLIC_IS_OF_OWNER: u32 = 15;

/// Refuses to replace a database that follows another one.
///
/// # Errors
/// `RESTORE_REFUSED`.
pub(super) async fn check(connection: &Connection, label: &str) -> Result<()> {
    let query = "SELECT EXISTS (SELECT FROM pg_subscription WHERE subdbid = \
         (SELECT oid FROM pg_database WHERE datname = current_database()))";
    let found = connection.client.query_one(query, &[]).await.and_then(|row| row.try_get::<_, bool>(0));
    if !found.map_err(|error| connection.error(error))? {
        return Ok(());
    }
    Err(Error::new(Code::RestoreRefused, format!("{label} has a subscription to another database"))
        .because("PostgreSQL ends a subscription only outside of transactions")
        .leaving("nothing was changed")
        .next("DROP SUBSCRIPTION NAME", "ends it"))
}

/// Takes everything away, and makes the schema that backups take for granted. `by` is the version of the `pg_dump` that has
/// written the backup.
///
/// # Errors
/// `PERMISSION_DENIED` for a login that may not drop something, `STORE_LOCKED`, what `watch` returns.
pub(super) async fn clear(session: &Session, about: &About, by: Option<u32>, watch: &Watch) -> Result<()> {
    let go_on = || watch(0, about.bytes);
    // Read before anything goes: what goes along with something else is asked for all the same, and is not there.
    for statements in session.column(STATEMENTS).await?.chunks(AT_ONCE) {
        session.run(&statements.join("; "), &go_on).await?;
    }
    session.run(&public(about, by), &go_on).await
}

/// Backups say how the rights on `public` differ from what a new database has: one of the version of their `pg_dump`.
fn public(about: &About, by: Option<u32>) -> String {
    let owner = if about.major() >= PUBLIC_IS_OF_OWNER { " AUTHORIZATION pg_database_owner" } else { "" };
    let rights = if by.unwrap_or(about.major()) >= PUBLIC_IS_OF_OWNER { "USAGE" } else { "ALL" };
    format!(
        "CREATE SCHEMA public{owner}; GRANT {rights} ON SCHEMA public TO PUBLIC; \
         COMMENT ON SCHEMA public IS 'standard public schema'"
    )
}
