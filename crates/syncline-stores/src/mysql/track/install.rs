//! Logs and triggers made, renewed and removed.
//!
//! Each definition is durable at once. So a table is listed before anything of it is made, and has a signature once all is: who finds
//! one without begins again.

use syncline_core::error::{Code, Error, Result};
use syncline_core::schema::{Schema, TableSchema};
use syncline_core::store::Installed;

use super::catalog::{self, CONSUMERS, INBOX, LOG, TRACKED, TRACKING, Tracked, VERSION};
use super::define::define;
use super::signature::{Catalog, OURS};
use super::{batches, cascades, fitness, triggers};
use crate::mysql::connect::failure::{Attempt, Doing, Failure};
use crate::mysql::connect::{Connection, cell, quoted};
use crate::touched::{key_of, untrackable};

/// What tables of ours are kept by: keys as long as ours have room there.
const OPTIONS: &str = "ENGINE = InnoDB ROW_FORMAT = DYNAMIC";

/// Names of ours, by their bytes.
const WORD: &str = "varchar(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL";
const TEXT: &str = "longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL";

/// Sees to it that these tables are tracked.
pub(super) async fn install(connection: &Connection, schema: &Schema, tables: &[String]) -> Attempt<Installed> {
    let mut installed = Installed::default();
    if catalog::store(connection).await?.is_none() {
        sweep(connection).await?;
        drop_tables(connection).await?;
        create_tables(connection).await?;
    }
    let before = catalog::tracked(connection).await?;
    for tracked in &before {
        if schema.tables.iter().all(|table| table.name != tracked.name) {
            forget(connection, tracked).await?;
        }
    }
    let defects = catalog::defects(connection, &before).await?;
    for name in tables {
        let known = before.iter().zip(&defects).find(|(tracked, _)| tracked.name == *name);
        if let Some((_, None)) = known {
            installed.kept.push(name.clone());
            continue;
        }
        let found = Catalog::read(connection).await?;
        match fitness::trackable(schema, &found, name) {
            Err(error) => {
                if let Some((tracked, _)) = known {
                    forget(connection, tracked).await?;
                }
                installed.refused.push((name.clone(), error));
            }
            Ok(table) => match renew(connection, schema, (table, known.map(|(tracked, _)| tracked))).await? {
                Err(error) => installed.refused.push((name.clone(), error)),
                Ok(()) => match known {
                    Some((_, Some(defect))) => installed.renewed.push((name.clone(), (*defect).to_owned())),
                    _ => installed.begun.push(name.clone()),
                },
            },
        }
    }
    if catalog::tracked(connection).await?.is_empty() {
        drop_tables(connection).await?;
    }
    Ok(installed)
}

/// Removes the tracking of these tables, or everything there is of it.
pub(super) async fn remove(connection: &Connection, tables: Option<&[String]>) -> Attempt<Vec<String>> {
    let is_meant = |tracked: &Tracked| tables.is_none_or(|tables| tables.contains(&tracked.name));
    let (gone, left): (Vec<_>, Vec<_>) = catalog::tracked(connection).await?.into_iter().partition(is_meant);
    for tracked in &gone {
        forget(connection, tracked).await?;
    }
    if left.is_empty() {
        sweep(connection).await?;
        drop_tables(connection).await?;
    }
    Ok(gone.into_iter().map(|tracked| tracked.name).collect())
}

/// Makes everything of one table anew. What the server has against that leaves nothing of it behind.
async fn renew(
    connection: &Connection,
    schema: &Schema,
    (table, known): (&TableSchema, Option<&Tracked>),
) -> Attempt<Result<()>> {
    if let Some(tracked) = known {
        forget(connection, tracked).await?;
    }
    let mut tracked = listed(connection, table, known.map(|tracked| tracked.id)).await?;
    // Should somebody have struck one with this number off the list.
    unmake(connection, &tracked).await?;
    match make(connection, schema, table, &mut tracked).await {
        Ok(()) => Ok(Ok(())),
        Err(Failure::Mysql(error @ mysql_async::Error::Server(_))) => {
            forget(connection, &tracked).await?;
            let why = connection.error_while(error, Doing::Writing);
            let why = why.why().unwrap_or_else(|| why.what());
            Ok(Err(untrackable(&table.name, why)))
        }
        Err(failure) => Err(failure),
    }
}

/// Lists a table, as one of which nothing is there yet.
async fn listed(connection: &Connection, table: &TableSchema, id: Option<u64>) -> Attempt<Tracked> {
    let sql = format!("SELECT COALESCE(MAX(id), 0) + 1, REPLACE(UUID(), '-', '') FROM {TRACKED}");
    let rows = connection.line.query(sql).await?;
    let (free, epoch) = match rows.first() {
        Some(row) => (cell(row, 0)?, cell(row, 1)?),
        None => return Err(Error::new(Code::StoreFailed, "the server gives no number").into()),
    };
    let key = key_of(table).unwrap_or_default();
    let (id, name, signature) = (id.unwrap_or(free), table.name.clone(), String::new());
    let tracked = Tracked { id, name, epoch, signature, space: 0, key };
    let key = serde_json::Value::from(tracked.key.clone()).to_string();
    let sql =
        format!("INSERT INTO {TRACKED} (id, name, epoch, signature, space, key_columns) VALUES (?, ?, ?, '', 0, ?)");
    connection.line.run_with(sql, (tracked.id, &tracked.name, &tracked.epoch, key)).await?;
    Ok(tracked)
}

async fn make(connection: &Connection, schema: &Schema, table: &TableSchema, tracked: &mut Tracked) -> Attempt<()> {
    let found = Catalog::read(connection).await?;
    for statement in triggers::tables(tracked, table)? {
        connection.line.run(statement).await?;
    }
    // So that no position is ever before the first entry: of an empty log nothing could be told.
    connection.line.run(batches::mark(tracked, "0")).await?;
    let ways = cascades::ways(&found.edges, &tracked.name);
    let is_meddled_with = |table: &str| found.is_meddled_with(table);
    let of_others = triggers::of_others(tracked, table, (schema, &ways), is_meddled_with)?;
    for statement in triggers::triggers(tracked, table)?.into_iter().chain(of_others) {
        define(connection, &statement).await?;
    }
    let made = Catalog::read(connection).await?;
    (tracked.signature, tracked.space) = (made.signature(tracked), made.space(&tracked.name).unwrap_or_default());
    let sql = format!("UPDATE {TRACKED} SET signature = ?, space = ? WHERE id = ?");
    connection.line.run_with(sql, (&tracked.signature, tracked.space, tracked.id)).await?;
    Ok(())
}

async fn create_tables(connection: &Connection) -> Attempt<()> {
    let key = "PRIMARY KEY (link, tracked)";
    for statement in [
        format!(
            "CREATE TABLE IF NOT EXISTS {TRACKED} (id bigint unsigned PRIMARY KEY, name {WORD} UNIQUE, epoch {WORD}, signature {WORD}, \
             space bigint unsigned NOT NULL, key_columns {TEXT}) {OPTIONS}"
        ),
        format!(
            "CREATE TABLE IF NOT EXISTS {CONSUMERS} (link {WORD}, tracked bigint unsigned, position {TEXT}, label {TEXT}, \
             seen bigint NOT NULL, {key}) {OPTIONS}"
        ),
        format!("CREATE TABLE IF NOT EXISTS {TRACKING} (store {WORD}, version bigint unsigned NOT NULL) {OPTIONS}"),
        // The last one: by its row the others are known to be there.
        format!("INSERT INTO {TRACKING} VALUES (REPLACE(UUID(), '-', ''), {VERSION})"),
    ] {
        connection.line.run(statement).await?;
    }
    Ok(())
}

async fn drop_tables(connection: &Connection) -> Attempt<()> {
    define(connection, &format!("DROP TABLE IF EXISTS {TRACKING}, {CONSUMERS}, {TRACKED}")).await
}

/// Removes the tracking of a table.
async fn forget(connection: &Connection, tracked: &Tracked) -> Attempt<()> {
    unmake(connection, tracked).await?;
    connection.line.run_with(format!("DELETE FROM {CONSUMERS} WHERE tracked = ?"), (tracked.id,)).await?;
    connection.line.run_with(format!("DELETE FROM {TRACKED} WHERE id = ?"), (tracked.id,)).await?;
    Ok(())
}

/// Removes what there is of it, wherever its triggers are by now.
async fn unmake(connection: &Connection, tracked: &Tracked) -> Attempt<()> {
    for name in Catalog::read(connection).await?.triggers_named(&tracked.prefix()) {
        define(connection, &format!("DROP TRIGGER IF EXISTS {name}")).await?;
    }
    define(connection, &format!("DROP TABLE IF EXISTS {}, {}", tracked.inbox(), tracked.log())).await?;
    Ok(())
}

/// Removes what no list tells of any more.
async fn sweep(connection: &Connection) -> Attempt<()> {
    let found = Catalog::read(connection).await?;
    for name in found.triggers_named(OURS) {
        define(connection, &format!("DROP TRIGGER IF EXISTS {}", quoted(name)?)).await?;
    }
    for name in found.tables_named(LOG).chain(found.tables_named(INBOX)) {
        define(connection, &format!("DROP TABLE IF EXISTS {}", quoted(name)?)).await?;
    }
    Ok(())
}
