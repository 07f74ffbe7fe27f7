//! The table that tells how far each run has come. It exists only while some run is unfinished.

use syncline_core::checkpoint::Checkpoint;
use syncline_core::error::{Code, Error, Result};

use super::pending;
use super::session::Session;
use crate::mysql::connect::failure::{Attempt, Doing};
use crate::mysql::connect::{Connection, cell};
use crate::mysql::schema::exists;

/// What it is called.
pub(super) const TABLE: &str = "_syncline_checkpoint";

/// Read so, what a transaction has written that is not at its end yet is waited for. A process that was killed may have sent
/// its commit last: the claim goes with it at once, but the server may be at work on the commit still.
pub(super) const SETTLED: &str = "LOCK IN SHARE MODE";

/// Runs have names of ours: by their bytes, and none is as long as this.
const COLUMNS: &str = "run varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL PRIMARY KEY, \
    batch bigint unsigned NOT NULL, seq bigint unsigned NOT NULL";

/// All checkpoints, newest last, as they are committed.
pub(super) async fn read(catalog: &Connection) -> Attempt<Vec<Checkpoint>> {
    if !exists(catalog, TABLE).await? {
        return Ok(Vec::new());
    }
    let rows = catalog.line.query(format!("SELECT run, batch FROM {TABLE} ORDER BY seq {SETTLED}")).await?;
    let checkpoint = |row| Ok(Checkpoint { run: cell(row, 0)?, batch: cell(row, 1)? });
    Ok(rows.iter().map(checkpoint).collect::<Result<_>>()?)
}

/// Makes the table where there is none. Not by the session of a transaction, which that would end.
pub(super) async fn prepare(catalog: &Connection) -> Attempt<()> {
    create(catalog, TABLE, COLUMNS).await
}

/// Records a checkpoint in the open transaction.
pub(super) async fn write(session: &Session, checkpoint: &Checkpoint) -> Attempt<()> {
    let sql = format!("SELECT COALESCE(MAX(seq), 0) + 1 FROM {TABLE} FOR UPDATE");
    let next = session.numbers(sql).await?.first().and_then(|row| row.first().copied()).unwrap_or(1);
    let sql =
        format!("INSERT INTO {TABLE} (run, batch, seq) VALUES (?, ?, ?) ON DUPLICATE KEY UPDATE batch = ?, seq = ?");
    let Checkpoint { run, batch } = checkpoint;
    session.run_with(sql, (run, batch, next, batch, next)).await.map(drop)
}

/// Removes a run's checkpoint, and with the last one all that is kept here.
pub(super) async fn forget(catalog: &Connection, run: &str) -> Attempt<()> {
    if exists(catalog, TABLE).await? {
        catalog.line.run_with(format!("DELETE FROM {TABLE} WHERE run = ?"), (run,)).await?;
        drop_empty(catalog, TABLE).await?;
    }
    drop_empty(catalog, pending::TABLE).await
}

/// Removes one of our tables once nothing is in it.
pub(super) async fn drop_empty(catalog: &Connection, table: &str) -> Attempt<()> {
    if exists(catalog, table).await? && is_empty(catalog, table).await? {
        catalog.line.run(format!("DROP TABLE IF EXISTS {table}")).await?;
    }
    Ok(())
}

/// Makes one of our tables.
pub(super) async fn create(catalog: &Connection, table: &str, columns: &str) -> Attempt<()> {
    if exists(catalog, table).await? {
        return Ok(());
    }
    // The format that a server is set to may have no room for keys as long as ours.
    let options = "ENGINE = InnoDB ROW_FORMAT = DYNAMIC";
    let created = catalog.line.run(format!("CREATE TABLE IF NOT EXISTS {table} ({columns}) {options}")).await;
    let said = |error| may_not_create(catalog.error_while(error, Doing::Writing));
    created.map(drop).map_err(|error| said(error).into())
}

async fn is_empty(catalog: &Connection, table: &str) -> Attempt<bool> {
    Ok(catalog.line.query(format!("SELECT 1 FROM {table} LIMIT 1")).await?.is_empty())
}

fn may_not_create(error: Error) -> Error {
    match error.code() {
        Code::PermissionDenied => error.next(
            "GRANT CREATE, DROP ON … TO …",
            "a run keeps in the database how far it has come, until it has ended",
        ),
        _ => error,
    }
}
