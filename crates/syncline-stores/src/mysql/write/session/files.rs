//! Files that a session loads.

use std::sync::atomic::Ordering;

use super::{BEGIN, GUARD, Session, objection};
use crate::mysql::connect::failure::{Attempt, Failure};
use crate::mysql::connect::line::{Arrival, Course, Lane, Part, Parts};
use crate::refused::Objection;

/// The server does not take files of clients.
const NO_FILES: [u16; 3] = [1148, 3948, 4166];

/// What makes the files of a lane durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::mysql) enum Commits {
    /// The end of the transaction that is open.
    Together,
    /// Each is a transaction of its own.
    Apart,
}

impl Session {
    /// Whether the server is thought to take files of ours.
    pub(in crate::mysql) fn takes_files(&self) -> bool {
        self.takes_files.load(Ordering::Relaxed)
    }

    /// Loads one file into a table, all of it or nothing. `None` where the server takes none.
    ///
    /// # Errors
    /// What is about more than a row.
    pub(in crate::mysql) async fn load(
        &self,
        table: &str,
        statement: impl FnOnce(&str) -> String,
        file: Part<()>,
    ) -> Attempt<Option<Result<(), Objection>>> {
        let (queue, parts) = Parts::new();
        let lane = self.begin_lane(statement, parts, Commits::Together)?;
        // Where nobody takes it, the end says why.
        let _ = queue.send(file).await;
        drop(queue);
        let Arrival::Stopped { why, .. } = lane.end().await else { return Ok(Some(Ok(()))) };
        let Some(objection) = self.stopped(table, why)? else { return Ok(None) };
        self.take_back().await?;
        Ok(Some(Err(objection)))
    }

    /// Begins to load parts into a table, by one file after the other. Nothing else can be asked of the session until their end.
    pub(in crate::mysql) fn begin_lane<K: Send + 'static>(
        &self,
        statement: impl FnOnce(&str) -> String,
        parts: Parts<K>,
        commits: Commits,
    ) -> Attempt<Lane<K>> {
        self.require_open()?;
        let (before, after) = match commits {
            Commits::Together => (GUARD, None),
            Commits::Apart => (BEGIN, Some("COMMIT")),
        };
        Ok(self.connection.line.begin_lane(Course { before, after, objection }, statement, parts))
    }

    /// What the server has against a row of the last file of a lane; `None` where it takes no files at all. What is left of the file
    /// goes by [`Session::take_back`], or with the transaction that it was alone in.
    ///
    /// # Errors
    /// What is about more than a row.
    pub(in crate::mysql) fn stopped(&self, table: &str, why: Attempt<Objection>) -> Attempt<Option<Objection>> {
        let failure = match why {
            Ok(objection) => return Ok(Some(objection)),
            Err(failure) => failure,
        };
        self.note(&failure);
        if failure.number().is_some_and(|number| NO_FILES.contains(&number)) {
            self.takes_files.store(false, Ordering::Relaxed);
            return Ok(None);
        }
        match failure {
            Failure::Mysql(error) => Failure::of_row(table)(error).refusal().map(Some),
            failure => Err(failure),
        }
    }
}
