//! The exchange of the old tables for the new ones.
//!
//! A table with triggers cannot be moved to another database, and without them nobody may write to it. So one session locks all
//! tables, another one stands in line with the one `RENAME TABLE` that moves them all, and then the first drops the triggers
//! and lets go: who waits to move tables comes before those who wait to write to them.

use syncline_core::error::{Code, Error, Result};
use syncline_core::limits;
use syncline_core::store::Watch;
use tokio::time::Instant;

use super::steps::{self, Keeper, MARK, Step, TRIGGERS, Way, names, said};
use crate::mysql::connect::failure::Attempt;
use crate::mysql::connect::{ConnectOptions, Connection, Product, cell, connect, quoted};

/// Whatever is a table; sequences are moved like them, and are not locked.
const TABLES: &str =
    "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED')";
const SEQUENCES: &str = "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_TYPE = 'SEQUENCE'";

/// Tables that nobody else writes to, or reads either.
pub(super) struct Locked {
    connection: Connection,
    pub(super) tables: Vec<String>,
}

/// How tables are locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lock {
    /// Others may read.
    Read,
    /// Others may not even read.
    Write,
}

impl Locked {
    /// Locks none yet.
    pub(super) async fn none(options: &ConnectOptions) -> Result<Self> {
        let connection = connect(options).await?;
        said(&connection, connection.line.run("SET lock_wait_timeout = 1").await.map_err(Into::into))?;
        Ok(Self { connection, tables: Vec::new() })
    }

    /// Locks all tables, or none of them, instead of those that were locked so far. Who waits for one of ours while we wait for one
    /// of theirs gets on: we let go of all between two attempts.
    ///
    /// # Errors
    /// `STORE_LOCKED`, what `watch` returns, `PERMISSION_DENIED`.
    pub(super) async fn lock(&mut self, lock: Lock, watch: &Watch) -> Result<()> {
        let end = Instant::now() + limits::LOCK_WAIT;
        loop {
            watch(0, 0)?;
            match said(&self.connection, self.attempt(lock).await) {
                Ok(Some(tables)) => {
                    self.tables = tables;
                    return Ok(());
                }
                Err(error) if error.code() != Code::StoreLocked || Instant::now() >= end => {
                    return Err(error.leaving("nothing was changed"));
                }
                Ok(None) | Err(_) => {
                    said(&self.connection, self.let_go().await)?;
                    tokio::time::sleep(limits::COLLISION_PAUSE).await;
                }
            }
        }
    }

    /// The tables that are locked, unless some were made or dropped meanwhile.
    async fn attempt(&self, lock: Lock) -> Attempt<Option<Vec<String>>> {
        let tables = self.there().await?;
        let mode = if lock == Lock::Read { "READ" } else { "WRITE" };
        let locked = tables.iter().map(|table| Ok(format!("{} {mode}", quoted(table)?))).collect::<Result<Vec<_>>>()?;
        if !locked.is_empty() {
            let patience = if self.connection.version.product == Product::MariaDb { " NOWAIT" } else { "" };
            self.connection.line.run(format!("LOCK TABLES {}{patience}", locked.join(", "))).await?;
        }
        Ok((self.there().await? == tables).then_some(tables))
    }

    async fn there(&self) -> Attempt<Vec<String>> {
        names(
            &self.connection,
            &format!("{TABLES} AND TABLE_SCHEMA = DATABASE() AND TABLE_NAME <> '{}' ORDER BY 1", steps::TABLE),
        )
        .await
    }

    async fn let_go(&self) -> Attempt<()> {
        self.connection.line.run("UNLOCK TABLES").await?;
        Ok(())
    }

    /// What makes the triggers again, as they are in the character sets of those who made them.
    async fn triggers(&self) -> Attempt<Vec<Step>> {
        let line = &self.connection.line;
        let triggers = names(&self.connection, TRIGGERS).await?;
        line.run("SET character_set_results = NULL").await?;
        let mut found = Vec::new();
        for name in triggers {
            let rows = line.query(format!("SHOW CREATE TRIGGER {}", quoted(&name)?)).await?;
            let Some(row) = rows.first() else { continue };
            let (mode, client, collation): (String, String, String) = (cell(row, 1)?, cell(row, 3)?, cell(row, 4)?);
            let set =
                format!("SET sql_mode = '{mode}', character_set_client = {client}, collation_connection = {collation}");
            found.push((String::new(), set.into_bytes()));
            found.push((name, cell(row, 2)?));
        }
        line.run("SET character_set_results = utf8mb4").await?;
        Ok(found)
    }
}

/// Puts the new tables into the place of the old ones. Whatever this returns, [`Keeper::resume`] knows which ones are there.
///
/// # Errors
/// Before the tables are exchanged. Once they are, none.
pub(super) async fn swap(keeper: &Keeper, mut locked: Locked, before: Option<&[String]>, watch: &Watch) -> Result<()> {
    locked.lock(Lock::Write, watch).await?;
    if before.is_some_and(|before| before != locked.tables) {
        return Err(Error::new(Code::StoreLocked, "somebody has made or dropped tables meanwhile")
            .because("they may not be in what is kept, and would be lost")
            .leaving("nothing was changed")
            .next("restore again, once nobody makes tables", ""));
    }
    let connection = &keeper.connection;
    let triggers = said(&locked.connection, locked.triggers().await)?;
    said(connection, steps::write(connection, Way::Back, &triggers).await)?;
    let rename = said(connection, rename(keeper, &locked).await)?;
    let mine = connection.line.query("SELECT CONNECTION_ID()").await.map_err(|error| connection.error(error))?;
    let mine: u64 = mine.first().map_or(Ok(0), |row| cell(row, 0))?;
    watch(0, 0)?;
    let exchange = connection.line.run(rename);
    let (exchanged, dropped) = tokio::join!(exchange, let_in(&locked, &triggers, mine));
    said(connection, exchanged.map_err(Into::into))?;
    said(&locked.connection, dropped)
}

/// Drops the triggers once the session stands in line, and lets go of the tables.
async fn let_in(locked: &Locked, triggers: &[Step], session: u64) -> Attempt<()> {
    let line = &locked.connection.line;
    let stands = format!(
        "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID = {session} AND STATE LIKE 'Waiting for%lock'"
    );
    let end = Instant::now() + limits::LOCK_WAIT / 2;
    let mut is_in_line = locked.tables.is_empty();
    while !is_in_line && Instant::now() < end {
        is_in_line = line.query(stands.as_str()).await?.first().map_or(Ok(0), |row| cell::<u64>(row, 0))? > 0;
        tokio::time::sleep(limits::RESTORE_QUEUE_POLL).await;
    }
    // Without triggers dropped, the server moves none of the tables.
    if is_in_line {
        for (name, _) in triggers.iter().filter(|(name, _)| !name.is_empty()) {
            line.run(format!("DROP TRIGGER {}", quoted(name)?)).await?;
        }
    }
    locked.let_go().await
}

/// The one statement that moves all.
async fn rename(keeper: &Keeper, locked: &Locked) -> Attempt<String> {
    let Keeper { connection, places, .. } = keeper;
    let (new, old) = (quoted(&places.new)?, quoted(&places.old)?);
    let mut moved = Vec::new();
    let sequences = names(connection, &format!("{SEQUENCES} AND TABLE_SCHEMA = DATABASE()")).await?;
    for table in locked.tables.iter().chain(&sequences) {
        let table = quoted(table)?;
        moved.push(format!("{table} TO {old}.{table}"));
    }
    for kind in [TABLES, SEQUENCES] {
        for table in names(connection, &format!("{kind} AND TABLE_SCHEMA = '{}'", places.new)).await? {
            let table = quoted(&table)?;
            moved.push(if table == quoted(MARK)? {
                format!("{new}.{table} TO {old}.{table}")
            } else {
                format!("{new}.{table} TO {table}")
            });
        }
    }
    Ok(format!("RENAME TABLE {}", moved.join(", ")))
}
