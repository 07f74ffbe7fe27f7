//! Tables that are kept from changing while they are copied: those that no view has, and for a moment those whose rows are read
//! by two sessions.

use std::collections::BTreeSet;

use mysql_async::Row;
use syncline_core::error::{Code, Error, Result};
use syncline_core::limits;
use syncline_core::store::Watch;
use tokio::time::Instant;

use crate::mysql::connect::{ConnectOptions, Connection, Product, cell, connect, quoted};
use crate::mysql::examine::grant_here;

/// Engines that keep no rows of their own: the program copies none of them.
const ELSEWHERE: &str = "'MRG_MyISAM', 'MRG_ISAM', 'CONNECT', 'OQGRAPH', 'SPIDER', 'VP', 'FEDERATED'";

/// The tables of which something is to be known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tables {
    /// Tables whose rows are in no view.
    pub(super) unsteady: Vec<String>,
    /// Tables that have a column of the type `FLOAT`.
    pub(super) floats: Vec<String>,
}

impl Tables {
    /// Asks for them.
    ///
    /// # Errors
    /// `STORE_FAILED` for a table that cannot be copied exactly.
    pub(super) async fn ask(connection: &Connection) -> Result<Self> {
        let tables = format!(
            "information_schema.TABLES t WHERE t.TABLE_SCHEMA = DATABASE() \
             AND t.TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED') AND t.ENGINE NOT IN ({ELSEWHERE})"
        );
        let unsteady = format!(
            "SELECT t.TABLE_NAME FROM {tables} AND t.ENGINE NOT IN \
             (SELECT e.ENGINE FROM information_schema.ENGINES e WHERE e.TRANSACTIONS = 'YES') ORDER BY t.TABLE_NAME"
        );
        let floats = format!(
            "SELECT t.TABLE_NAME, t.TABLE_TYPE FROM {tables} AND t.TABLE_NAME IN (SELECT c.TABLE_NAME \
             FROM information_schema.COLUMNS c WHERE c.TABLE_SCHEMA = DATABASE() AND c.DATA_TYPE = 'float') \
             ORDER BY t.TABLE_NAME"
        );
        let ask = |sql: String| async { connection.line.query(sql).await.map_err(|error| connection.error(error)) };
        let name = |row: &Row| cell::<String>(row, 0);
        let unsteady = ask(unsteady).await?.iter().map(name).collect::<Result<_>>()?;
        let floats = ask(floats).await?;
        for row in &floats {
            if cell::<String>(row, 1)? == "SYSTEM VERSIONED" {
                return Err(inexact(&name(row)?));
            }
        }
        Ok(Self { unsteady, floats: floats.iter().map(name).collect::<Result<_>>()? })
    }

    /// Makes sure that they are still the same.
    ///
    /// # Errors
    /// `TABLE_REBUILT`.
    pub(super) fn require_same(&self, now: &Self, label: &str) -> Result<()> {
        if self == now {
            return Ok(());
        }
        Err(Error::new(Code::TableRebuilt, format!("tables of {label} were made or changed while it was copied"))
            .because("definitions are in no view, and of these tables rows may be missing or cut off")
            .leaving("no backup was written")
            .next("back it up again, once nobody changes tables", ""))
    }
}

fn inexact(table: &str) -> Error {
    Error::new(Code::StoreFailed, format!("{table} cannot be copied exactly"))
        .because("it is system-versioned, and mariadb-dump cuts values of its FLOAT columns off")
        .leaving("no backup was written")
        .next("ALTER TABLE … MODIFY … DOUBLE", "holds every value of a FLOAT, and is copied as it is")
}

/// Tables that nobody writes to. Dropping it lets go of them.
pub(super) struct Still {
    /// The session that has locked them, where there are any.
    lock: Option<Connection>,
    /// Whether there are some that have to be held until the end.
    is_lasting: bool,
}

impl Still {
    /// Waits until nobody writes to the tables, and keeps it so. Readers go on.
    ///
    /// Whoever waits for one table with another one in hand may be in a ring with a writer, and the server then ends the writer's
    /// transaction. So several are taken at once or not at all, where the server knows how to; one is waited for a
    /// second at a time, in which those who come later wait behind us.
    ///
    /// # Errors
    /// `STORE_LOCKED`, what `watch` returns, and `PERMISSION_DENIED` without the right to.
    pub(super) async fn take(
        options: &ConnectOptions,
        resident: &Connection,
        tables: &Tables,
        watch: &Watch,
    ) -> Result<Self> {
        let all: BTreeSet<_> = tables.unsteady.iter().chain(&tables.floats).collect();
        if all.is_empty() {
            return Ok(Self { lock: None, is_lasting: false });
        }
        let names = all.iter().map(|table| Ok(format!("{} READ", quoted(table)?))).collect::<Result<Vec<_>>>()?;
        let connection = connect(options).await?;
        let failed = |error| connection.error(error).leaving("no backup was written");
        connection.line.run("SET lock_wait_timeout = 1").await.map_err(failed)?;
        let patience = if all.len() > 1 && connection.version.product == Product::MariaDb { " NOWAIT" } else { "" };
        let statement = format!("LOCK TABLES {}{patience}", names.join(", "));
        let end = Instant::now() + limits::LOCK_WAIT;
        loop {
            watch(0, 0)?;
            match connection.line.run(&statement).await.map_err(failed) {
                Ok(_) => return Ok(Self { lock: Some(connection), is_lasting: !tables.unsteady.is_empty() }),
                Err(error) if error.code() == Code::StoreLocked && Instant::now() < end => {
                    tokio::time::sleep(limits::COLLISION_PAUSE).await;
                }
                Err(error) => return Err(told(error, resident).await?),
            }
        }
    }

    /// Both sessions that read the rows of these have their views by now.
    pub(super) fn let_go_of_floats(&mut self) {
        if !self.is_lasting {
            self.lock = None;
        }
    }
}

async fn told(error: Error, resident: &Connection) -> Result<Error> {
    Ok(match error.code() {
        Code::PermissionDenied => error.next(
            grant_here(resident, "LOCK TABLES").await?,
            "nobody is to write meanwhile to tables that have no transactions or a FLOAT column",
        ),
        Code::StoreLocked => error.next(
            "back it up when less is written",
            "tables that have no transactions or a FLOAT column are locked as it begins",
        ),
        _ => error,
    })
}
