//! What is still to be done once rows are committed: definitions are in no transaction, so they follow it.
//!
//! Each step is written down in the transaction of the rows, and carried out behind its commit. A run that is cut off in
//! between leaves them to the next writer. Each can be carried out twice, or to an end that was begun.

use mysql_async::Row;
use syncline_core::error::{Code, Error, Result};

use super::checkpoints::{SETTLED, create, drop_empty};
use super::session::Session;
use crate::mysql::connect::failure::{Attempt, Failure};
use crate::mysql::connect::{Connection, cell, quoted};
use crate::mysql::schema::exists;
use crate::mysql::snapshot::sequence;

/// Where the steps are written down.
pub(super) const TABLE: &str = "_syncline_pending";

const INSERT: &str = "INSERT INTO _syncline_pending (action, name, hidden, value) VALUES (?, ?, ?, ?)";

/// What tables are called until they are there for all: this and a number.
pub(super) const HIDDEN: &str = "_syncline_new_";

/// What tables are called that are about to go.
pub(super) const LEAVING: &str = "_syncline_old_";

const COLUMNS: &str = "seq bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, action varchar(20) NOT NULL, \
    name varchar(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL, \
    hidden varchar(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL, value bigint NOT NULL";

/// A step behind a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::mysql) enum Step {
    /// A table is made, and goes if nothing comes of its transaction.
    Make {
        /// What it is called until it has its name.
        hidden: String,
    },
    /// A table that was made gets its name.
    Show {
        /// The name.
        name: String,
        /// What it was called until now.
        hidden: String,
    },
    /// A table goes, if nobody has put anything into it since.
    Drop {
        /// What it is called.
        name: String,
        /// What it is called while it is looked at.
        hidden: String,
    },
    /// A table goes on counting from a number.
    Count {
        /// The table.
        table: String,
        /// The last number that counts as given out; 0 for none.
        last: i64,
    },
}

impl Step {
    fn columns(&self) -> (&'static str, &str, &str, i64) {
        match self {
            Step::Make { hidden } => ("make", "", hidden, 0),
            Step::Show { name, hidden } => ("show", name, hidden, 0),
            Step::Drop { name, hidden } => ("drop", name, hidden, 0),
            Step::Count { table, last } => ("count", table, "", *last),
        }
    }

    fn of(row: &Row) -> Result<(u64, Self)> {
        let (name, hidden) = (cell(row, 2)?, cell(row, 3)?);
        let step = match cell::<String>(row, 1)?.as_str() {
            "make" => Step::Make { hidden },
            "show" => Step::Show { name, hidden },
            "drop" => Step::Drop { name, hidden },
            "count" => Step::Count { table: name, last: cell(row, 4)? },
            other => {
                let what = format!("{TABLE} holds a step {other:?}, which this version does not know");
                return Err(Error::new(Code::StoreFailed, what).next("go on with the version that has begun", ""));
            }
        };
        Ok((cell(row, 0)?, step))
    }
}

/// Makes the table where there is none. Not by the session of a transaction, which that would end.
pub(super) async fn prepare(catalog: &Connection) -> Attempt<()> {
    create(catalog, TABLE, COLUMNS).await
}

/// Writes steps down in the open transaction.
pub(super) async fn write(session: &Session, steps: &[Step]) -> Attempt<()> {
    for step in steps {
        session.run_with(INSERT, step.columns()).await?;
    }
    Ok(())
}

/// Writes down, before it is done, that a table is made. It is known by that: others may have tables with such names.
pub(super) async fn announce(catalog: &Connection, hidden: &str) -> Attempt<()> {
    prepare(catalog).await?;
    let step = Step::Make { hidden: hidden.to_owned() };
    Ok(catalog.line.run_with(INSERT, step.columns()).await.map(drop)?)
}

/// Carries out what is written down, and removes tables that were made for a transaction which has come to nothing.
///
/// # Errors
/// `STORE_LOCKED` where others do not let go of a table in time; the steps that are left are so still.
pub(super) async fn tidy(catalog: &Connection) -> Attempt<()> {
    let made = format!("SELECT 1 FROM {TABLE} WHERE action = 'make' LIMIT 1");
    let is_left = exists(catalog, TABLE).await? && !catalog.line.query(made).await?.is_empty();
    for step in finish(catalog, Whose::Earlier).await? {
        if let Step::Make { hidden } = step {
            catalog.line.run(format!("DROP TABLE IF EXISTS {}", quoted(&hidden)?)).await?;
            let forgotten = format!("DELETE FROM {TABLE} WHERE action = 'make' AND hidden = ?");
            catalog.line.run_with(forgotten, (hidden,)).await?;
        }
    }
    // Of a transaction that came to nothing, nothing stays.
    if is_left { drop_empty(catalog, TABLE).await } else { Ok(()) }
}

/// As [`tidy`], and takes away the table itself once nothing is in it: whoever made it may have been cut off between two steps.
pub(super) async fn clear(catalog: &Connection) -> Attempt<()> {
    tidy(catalog).await?;
    drop_empty(catalog, TABLE).await
}

/// Whose steps are carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// Those of a transaction that was just committed.
    Own,
    /// Those that were left: others have been at work since.
    Earlier,
}

/// Carries out what is written down, and returns what could not be: numbers of tables that others are at work on are set once
/// they let go, and tables that have no name yet may get one still.
pub(super) async fn finish(catalog: &Connection, whose: Whose) -> Attempt<Vec<Step>> {
    if !exists(catalog, TABLE).await? {
        return Ok(Vec::new());
    }
    let columns = "seq, action, name, hidden, value";
    let rows = catalog.line.query(format!("SELECT {columns} FROM {TABLE} ORDER BY seq {SETTLED}")).await?;
    let steps = rows.iter().map(Step::of).collect::<Result<Vec<_>>>()?;
    show_all(catalog, &steps).await?;
    let mut left = Vec::new();
    for (seq, step) in steps {
        let done = match &step {
            Step::Make { hidden } if exists(catalog, hidden).await? => {
                left.push(step);
                continue;
            }
            // By now it has its name, or is gone.
            Step::Make { .. } | Step::Show { .. } => Ok(()),
            Step::Drop { name, hidden } => leave(catalog, name, hidden).await,
            Step::Count { table, last } => count(catalog, table, *last, whose).await,
        };
        match done {
            Ok(()) => {
                catalog.line.run(format!("DELETE FROM {TABLE} WHERE seq = {seq}")).await?;
            }
            Err(failure) if failure.is_retryable() && matches!(step, Step::Count { .. }) => left.push(step),
            Err(failure) => return Err(failure),
        }
    }
    Ok(left)
}

/// All tables of a transaction get their names at once.
async fn show_all(catalog: &Connection, steps: &[(u64, Step)]) -> Attempt<()> {
    let mut renamed = Vec::new();
    for (_, step) in steps {
        let Step::Show { name, hidden } = step else { continue };
        if !exists(catalog, hidden).await? {
            // It has its name, or somebody has dropped it.
            continue;
        }
        if exists(catalog, name).await? {
            return Err(taken(name, hidden).into());
        }
        renamed.push(format!("{} TO {}", quoted(hidden)?, quoted(name)?));
    }
    if !renamed.is_empty() {
        catalog.line.run(format!("RENAME TABLE {}", renamed.join(", "))).await?;
    }
    Ok(())
}

fn taken(name: &str, hidden: &str) -> Error {
    Error::new(Code::TargetChanged, format!("{name} was made in the target by another program meanwhile"))
        .because(format!("the rows that were to be in it are in the table {hidden}"))
        .leaving("both tables are as they are")
        .next(
            format!("drop or rename the other {name}, and run the command again"),
            "the one with the rows gets its name",
        )
}

/// Drops a table if it is empty. It is taken away first, so that nobody puts anything into it meanwhile.
async fn leave(catalog: &Connection, name: &str, hidden: &str) -> Attempt<()> {
    if !exists(catalog, hidden).await? {
        if !exists(catalog, name).await? {
            return Ok(());
        }
        rename(catalog, name, hidden).await?;
    }
    let hidden_table = quoted(hidden)?;
    if catalog.line.query(format!("SELECT 1 FROM {hidden_table} LIMIT 1")).await?.is_empty() {
        return Ok(catalog.line.run(format!("DROP TABLE IF EXISTS {hidden_table}")).await.map(drop)?);
    }
    // Others have written to it since: it is theirs now.
    rename(catalog, hidden, name).await
}

async fn rename(catalog: &Connection, from: &str, to: &str) -> Attempt<()> {
    let sql = format!("RENAME TABLE {} TO {}", quoted(from)?, quoted(to)?);
    Ok(catalog.line.run(sql).await.map(drop)?)
}

async fn count(catalog: &Connection, table: &str, last: i64, whose: Whose) -> Attempt<()> {
    if whose == Whose::Earlier && sequence::read(catalog, table).await? >= Some(last) {
        // What others were given since is not given out again.
        return Ok(());
    }
    let next = last.max(0).unsigned_abs() + 1;
    let sql = format!("ALTER TABLE {} AUTO_INCREMENT = {next}", quoted(table)?);
    match catalog.line.run(sql).await {
        Ok(_) => Ok(()),
        // It is gone, and its numbers with it.
        Err(mysql_async::Error::Server(said)) if said.code == NO_SUCH_TABLE => Ok(()),
        Err(error) => Err(Failure::from(error)),
    }
}

const NO_SUCH_TABLE: u16 = 1146;

/// Tables that are there under names of ours.
pub(super) async fn hidden(catalog: &Connection) -> Attempt<Vec<String>> {
    let sql = "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() \
        AND TABLE_NAME LIKE '\\_syncline\\_new\\_%' ORDER BY TABLE_NAME";
    let rows = catalog.line.query(sql).await?;
    Ok(rows.iter().map(|row| cell(row, 0)).collect::<Result<_>>()?)
}
