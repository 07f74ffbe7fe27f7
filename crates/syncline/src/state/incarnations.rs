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

/// The present incarnation of a database.
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

#[cfg(test)]
mod tests {
    use syncline_core::state::{Evidence, LoadRecord};
    use syncline_core::value::Forms;

    use super::*;
    use crate::state::{NewRun, RunVerb, fixtures};

    fn run(verb: RunVerb, identity: &str) -> NewRun {
        let (source_identity, request, keeps_images) = (None, None, verb != RunVerb::Restore);
        NewRun { verb, target_identity: identity.into(), source_identity, request, keeps_images, ..fixtures::run(1) }
    }

    /// A mirror that has changed something and has ended.
    async fn mirror(state: &State, identity: &str) -> String {
        let id = state.begin_run(run(RunVerb::Mirror, identity)).await.unwrap();
        let load = LoadRecord {
            table: "t".into(),
            in_target: None,
            columns: vec![],
            created: true,
            sum: vec![],
            sketch: vec![],
            sequence: None,
            forms: Forms::default(),
        };
        state.evidence(&id).record_load(1, &load).await.unwrap();
        state.evidence(&id).seal(1).await.unwrap();
        state.mark_interrupted(&id, 2).await.unwrap();
        id
    }

    #[tokio::test]
    async fn a_restore_supersedes_the_runs_before_it_on_its_target_alone() {
        let dir = tempfile::tempdir().unwrap();
        let state = State::open(dir.path()).await.unwrap();
        assert_eq!(state.incarnation("b").await.unwrap(), 1);
        let (before, other) = (mirror(&state, "b").await, mirror(&state, "other").await);
        let restore = state.begin_run(run(RunVerb::Restore, "b")).await.unwrap();
        assert_eq!(state.begin_incarnation(&restore).await.unwrap(), 2);
        assert_eq!((state.incarnation("b").await.unwrap(), state.incarnation("other").await.unwrap()), (2, 1));
        let superseded = async |id: &str| state.find_run(id).await.unwrap().superseded_by;
        assert_eq!(superseded(&before).await, Some(restore.clone()));
        assert_eq!((superseded(&other).await, superseded(&restore).await), (None, None));
        assert_eq!(state.newest_undoable().await.unwrap().unwrap().id, other);
        let after = mirror(&state, "b").await;
        assert_eq!(state.find_run(&after).await.unwrap().incarnation, 2);
        assert_eq!(state.newest_undoable().await.unwrap().unwrap().id, after);
        // A state that is opened again, and a second restore.
        let state = State::open(dir.path()).await.unwrap();
        let second = state.begin_run(run(RunVerb::Restore, "b")).await.unwrap();
        assert_eq!(state.begin_incarnation(&second).await.unwrap(), 3);
        assert_eq!(superseded(&before).await, Some(second.clone()));
        assert_eq!(superseded(&after).await, Some(second));
    }

    #[tokio::test]
    async fn a_restore_that_changed_nothing_takes_its_incarnation_back() {
        let dir = tempfile::tempdir().unwrap();
        let state = State::open(dir.path()).await.unwrap();
        let before = mirror(&state, "b").await;
        let restore = state.begin_run(run(RunVerb::Restore, "b")).await.unwrap();
        state.begin_incarnation(&restore).await.unwrap();
        state.withdraw_incarnation(&restore).await.unwrap();
        assert_eq!(state.incarnation("b").await.unwrap(), 1);
        assert_eq!(state.find_run(&restore).await.unwrap().incarnation, 1);
        assert_eq!(state.newest_undoable().await.unwrap().unwrap().id, before);
        let again = state.begin_run(run(RunVerb::Restore, "b")).await.unwrap();
        assert_eq!(state.begin_incarnation(&again).await.unwrap(), 2);
    }

    #[tokio::test]
    async fn a_backup_is_recorded_with_its_run() {
        let dir = tempfile::tempdir().unwrap();
        let state = State::open(dir.path()).await.unwrap();
        let id = state.begin_run(run(RunVerb::Mirror, "b")).await.unwrap();
        assert_eq!(state.find_run(&id).await.unwrap().backup, None);
        state.record_backup(&id, "/backups/b.db").await.unwrap();
        assert_eq!(state.find_run(&id).await.unwrap().backup.as_deref(), Some("/backups/b.db"));
        let failed = [
            state.record_backup("r_none", "x").await.unwrap_err(),
            state.begin_incarnation("r_none").await.unwrap_err(),
        ];
        assert!(failed.iter().all(|error| error.code() == Code::RunNotFound), "{failed:?}");
    }
}
