//! Incarnations: a restore puts other content into a database, and what was known about the old content no longer holds.
//!
//! The first incarnation of every database is 1. A restore begins the next one *before* it writes, so that a crash
//! anywhere leaves a number that is too high rather than one that is too low: evidence of an earlier incarnation is never
//! applied to content it was not made for. A restore that is sure to have changed nothing takes its number back.

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use syncline_core::error::{Code, Error, Result};

use super::State;
use super::database::Outcome;
use super::run_record::{to_count, to_sql};

/// The present incarnation of the database in the first column of the outer statement's row.
const PRESENT: &str = "SELECT coalesce(max(number), 1) FROM incarnation WHERE target_identity = ?1";

impl State {
    /// The present incarnation of a database, named by the identity its engine gives it; 1 for one that was never
    /// restored, and for one that is not known here.
    pub async fn incarnation(&self, target_identity: &str) -> Result<u64> {
        let identity = target_identity.to_owned();
        self.database.read("look up an incarnation", move |connection| present(connection, &identity)).await
    }

    /// Begins the next incarnation of the database that a restore is about to write, and returns its number. Runs of
    /// earlier ones are superseded from here on.
    ///
    /// # Errors
    /// `RUN_NOT_FOUND` when there is no such run.
    pub async fn begin_incarnation(&self, run: &str) -> Result<u64> {
        let run = run.to_owned();
        self.database
            .write("begin an incarnation", move |tx| {
                let identity = identity_of(tx, &run)?;
                let number = present(tx, &identity)?.saturating_add(1);
                let insert = "INSERT INTO incarnation (target_identity, number, begun_by) VALUES (?1, ?2, ?3)";
                tx.execute(insert, params![identity, to_sql(number), run])?;
                tx.execute("UPDATE run SET incarnation = ?2 WHERE id = ?1", params![run, to_sql(number)])?;
                Ok(number)
            })
            .await
    }

    /// Takes back the incarnation that a restore has begun: it has changed nothing.
    pub async fn withdraw_incarnation(&self, run: &str) -> Result<()> {
        let run = run.to_owned();
        self.database
            .write("withdraw an incarnation", move |tx| {
                tx.execute("DELETE FROM incarnation WHERE begun_by = ?1", [&run])?;
                let number = present(tx, &identity_of(tx, &run)?)?;
                tx.execute("UPDATE run SET incarnation = ?2 WHERE id = ?1", params![run, to_sql(number)])?;
                Ok(())
            })
            .await
    }

    /// Records where the content lies that a run is about to replace or change.
    ///
    /// # Errors
    /// `RUN_NOT_FOUND` when there is no such run.
    pub async fn record_backup(&self, run: &str, file: &str) -> Result<()> {
        let (run, file) = (run.to_owned(), file.to_owned());
        self.database
            .write("record the backup before a run", move |tx| {
                match tx.execute("UPDATE run SET backup = ?2 WHERE id = ?1", params![run, file])? {
                    0 => Err(unknown(&run).into()),
                    _ => Ok(()),
                }
            })
            .await
    }
}

/// As [`State::incarnation`], within a transaction.
pub(super) fn present(connection: &Connection, target_identity: &str) -> Outcome<u64> {
    let number = connection.prepare_cached(PRESENT)?.query_row([target_identity], |row| row.get(0))?;
    Ok(to_count(number))
}

fn identity_of(tx: &Transaction<'_>, run: &str) -> Outcome<String> {
    let identity = tx.query_row("SELECT target_identity FROM run WHERE id = ?1", [run], |row| row.get(0)).optional()?;
    identity.ok_or_else(|| unknown(run).into())
}

fn unknown(run: &str) -> Error {
    Error::new(Code::RunNotFound, format!("there is no run {run}"))
}
