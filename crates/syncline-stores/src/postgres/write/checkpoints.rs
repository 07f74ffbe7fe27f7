//! The table that tells how far each run has come. It exists only while some run is unfinished.

use syncline_core::checkpoint::Checkpoint;
use syncline_core::error::{Code, Error};

use super::cursors;
use super::session::Session;
use crate::postgres::connect::failure::Attempt;
use crate::postgres::names::{Names, Place};

const NAME: &str = "_syncline_checkpoint";

/// All checkpoints, newest last.
pub(super) async fn read(session: &Session, names: &Names) -> Attempt<Vec<Checkpoint>> {
    if !exist(session, names).await? {
        return Ok(Vec::new());
    }
    let query = format!("SELECT run, batch FROM {} ORDER BY seq", table(names)?);
    let rows = session.connection().client.query(&query, &[]).await?;
    let checkpoint = |row: &tokio_postgres::Row| {
        Ok(Checkpoint { run: row.try_get(0)?, batch: row.try_get::<_, i64>(1)?.unsigned_abs() })
    };
    rows.iter().map(checkpoint).collect()
}

/// Records a checkpoint in the open transaction.
pub(super) async fn write(session: &Session, names: &Names, checkpoint: &Checkpoint) -> Attempt<()> {
    let table = table(names)?;
    if !exist(session, names).await? {
        let columns = "run text PRIMARY KEY, batch int8 NOT NULL, seq int8 NOT NULL";
        let created = session.run(&format!("CREATE TABLE {table} ({columns})")).await;
        session.said(created).map_err(|error| may_not_create(error, names))?;
    }
    let sql = format!(
        "INSERT INTO {table} AS c (run, batch, seq) VALUES ($1, $2, (SELECT coalesce(max(seq), 0) + 1 FROM {table})) \
         ON CONFLICT (run) DO UPDATE SET batch = excluded.batch, seq = excluded.seq"
    );
    let batch = i64::try_from(checkpoint.batch).unwrap_or(i64::MAX);
    session.connection().client.execute(&sql, &[&checkpoint.run, &batch]).await?;
    Ok(())
}

/// Removes a run's checkpoint in the open transaction, and the table with the last one.
pub(super) async fn forget(session: &Session, names: &Names, run: &str) -> Attempt<()> {
    if !exist(session, names).await? {
        return Ok(());
    }
    let (table, client) = (table(names)?, &session.connection().client);
    client.execute(&format!("DELETE FROM {table} WHERE run = $1"), &[&run]).await?;
    let left = client.query_one(&format!("SELECT EXISTS (SELECT FROM {table})"), &[]).await?;
    // A database that is written to again and again keeps it: its catalog would grow with each run.
    if !left.try_get::<_, bool>(0)? && !cursors::exist(session.connection(), names).await? {
        session.run(&format!("DROP TABLE {table}")).await?;
    }
    Ok(())
}

/// Whether there is a table of checkpoints.
pub(super) async fn exist(session: &Session, names: &Names) -> Attempt<bool> {
    let query = "SELECT EXISTS (SELECT FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace \
         WHERE nspname = $1 AND relname = $2 AND relkind = 'r')";
    let row = session.connection().client.query_one(query, &[&names.default_schema(), &NAME]).await?;
    Ok(row.try_get(0)?)
}

fn may_not_create(error: Error, names: &Names) -> Error {
    if error.code() != Code::PermissionDenied {
        return error;
    }
    let schema = names.default_schema();
    error
        .next(
            format!("GRANT CREATE ON SCHEMA {schema:?} TO …"),
            "a run keeps there how far it has come, until it has ended",
        )
        .next("schema=NAME in the name of the database", "names a schema that the user may create tables in")
}

fn table(names: &Names) -> Attempt<String> {
    Ok(Place { schema: names.default_schema(), name: NAME }.quoted()?)
}
