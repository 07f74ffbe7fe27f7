//! Tables that are kept from changing: those that no view has until their rows are written, and those with `FLOAT` columns until the
//! program and we have our views.

use syncline_core::error::{Code, Error, Result};
use syncline_core::limits;
use syncline_core::store::Watch;
use tokio::time::Instant;

use crate::mysql::connect::{ConnectOptions, Connection, Product, cell, connect, quoted};
use crate::mysql::examine::grant_here;

/// Sessions of the program that wait until others have changed a table, or those who wait to change one.
const WAITING: &str = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE DB = DATABASE() \
    AND STATE LIKE 'Waiting for table%' AND (INFO LIKE 'SELECT /*!40001 SQL_NO_CACHE%' OR INFO LIKE 'show %')";

/// Engines that keep no rows of their own: the program copies none of them.
const ELSEWHERE: &str = "'MRG_MyISAM', 'MRG_ISAM', 'CONNECT', 'OQGRAPH', 'SPIDER', 'VP', 'FEDERATED'";

/// The tables of which something is to be known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tables {
    /// Tables whose rows are in no view.
    pub(super) unsteady: Vec<String>,
    /// Tables that have a column of the type `FLOAT`, and are in views.
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
        let sql = format!(
            "SELECT t.TABLE_NAME, CAST(t.TABLE_TYPE = 'SYSTEM VERSIONED' AS UNSIGNED), CAST(t.ENGINE NOT IN \
             (SELECT e.ENGINE FROM information_schema.ENGINES e WHERE e.TRANSACTIONS = 'YES') AS UNSIGNED), \
             CAST(t.TABLE_NAME IN (SELECT c.TABLE_NAME FROM information_schema.COLUMNS c \
             WHERE c.TABLE_SCHEMA = DATABASE() AND c.DATA_TYPE = 'float') AS UNSIGNED) FROM {tables} ORDER BY t.TABLE_NAME"
        );
        let mut found = Self { unsteady: Vec::new(), floats: Vec::new() };
        for row in connection.line.query(sql).await.map_err(|error| connection.error(error))? {
            let (name, is) = (cell::<String>(&row, 0)?, |at| cell::<u64>(&row, at).map(|is| is != 0));
            let (has_history, is_unsteady, has_floats) = (is(1)?, is(2)?, is(3)?);
            if has_history && (is_unsteady || has_floats) {
                return Err(inexact(&name, is_unsteady));
            }
            if is_unsteady {
                found.unsteady.push(name);
            } else if has_floats {
                found.floats.push(name);
            }
        }
        Ok(found)
    }

    /// Those whose rows are not written by the program.
    pub(super) fn apart(&self) -> impl Iterator<Item = &String> {
        self.unsteady.iter().chain(&self.floats)
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

fn inexact(table: &str, is_unsteady: bool) -> Error {
    let (why, next, effect) = if is_unsteady {
        ("it is system-versioned and has no transactions", "ALTER TABLE … ENGINE = InnoDB", "gives it transactions")
    } else {
        (
            "it is system-versioned, and mariadb-dump cuts values of its FLOAT columns off",
            "ALTER TABLE … MODIFY … DOUBLE",
            "holds every value of a FLOAT, and is copied as it is",
        )
    };
    Error::new(Code::StoreFailed, format!("{table} cannot be copied exactly"))
        .because(why)
        .leaving("no backup was written")
        .next(next, effect)
}

/// Tables that nobody writes to. Dropping it lets go of them.
pub(super) struct Still {
    /// The session that has locked them, where there are any. It alone may read them without waiting: others wait behind those who
    /// wait for us to change them.
    pub(super) lock: Option<Connection>,
    /// Whether there are some that have to be held until they are written.
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
        let all: Vec<_> = tables.apart().collect();
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

/// Returns once the program has waited for [`limits::LOCK_WAIT`] for a table that others change: it would wait for a day, and we with
/// it. They may be waiting for us.
pub(super) async fn waits_too_long(connection: &Connection, label: &str) -> Error {
    let mut since = None;
    loop {
        tokio::time::sleep(limits::TOOL_POLL).await;
        let rows = connection.line.query(WAITING).await.unwrap_or_default();
        let is_waiting = rows.first().is_some_and(|row| cell::<u64>(row, 0).is_ok_and(|count| count > 0));
        since = if is_waiting { since.or_else(|| Some(Instant::now())) } else { None };
        if since.is_some_and(|since| since.elapsed() >= limits::LOCK_WAIT) {
            return Error::new(Code::StoreLocked, format!("a table of {label} is locked by others"))
                .because("somebody changes its definition, or waits to")
                .leaving("no backup was written")
                .next("back it up again, once nobody changes tables", "");
        }
    }
}
