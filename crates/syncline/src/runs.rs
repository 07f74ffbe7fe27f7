//! The history of runs.

use syncline_core::error::{Code, Error, Result};
use syncline_core::mapping::tables::exactly;

use crate::request::RunRequest;
use crate::restore::restore_command;
use crate::session::Syncline;
use crate::state::{LogLine, RunLock, RunRecord, RunVerb, State};
use crate::summary::{Status, Summary};

/// One page of the list of runs, newest first.
#[derive(Clone, Debug)]
pub struct RunPage {
    /// The runs.
    pub runs: Vec<RunRecord>,
    /// What to ask the next page with; `None` at the end.
    pub next_cursor: Option<String>,
}

impl Syncline {
    /// Recorded runs, newest first.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub async fn runs(&self, limit: usize, cursor: Option<&str>) -> Result<RunPage> {
        let state = self.state().await?;
        let (runs, next_cursor) = state.list_runs(limit, cursor).await?;
        Ok(RunPage { runs: runs.into_iter().map(|run| as_it_is(state, run)).collect(), next_cursor })
    }

    /// One run, by its identifier or the beginning of it.
    ///
    /// # Errors
    /// `RUN_NOT_FOUND`.
    pub async fn run_record(&self, run: &str) -> Result<RunRecord> {
        let state = self.state().await?;
        Ok(as_it_is(state, state.find_run(run).await?))
    }

    /// What a run has logged.
    ///
    /// # Errors
    /// `RUN_NOT_FOUND`.
    pub async fn run_logs(&self, run: &str) -> Result<Vec<LogLine>> {
        let state = self.state().await?;
        let record = state.find_run(run).await?;
        state.logs(&record.id).await
    }

    /// Asks a run in another process to stop after its present batch.
    ///
    /// # Errors
    /// `RUN_NOT_FOUND`, or `USAGE_INVALID` when the run has ended.
    pub async fn cancel_run(&self, run: &str) -> Result<()> {
        let state = self.state().await?;
        let record = self.run_record(run).await?;
        if record.status != Status::Running {
            let what = format!("{} has ended already", record.id);
            return Err(Error::new(Code::UsageInvalid, what)
                .because("only a run at work can be stopped")
                .next(format!("syncline runs show {}", record.id), "see how"));
        }
        state.request_cancel(&record.id).await
    }

    /// Runs again, with its own request, a run that did not come to its end.
    ///
    /// # Errors
    /// `USAGE_INVALID` when the run did come to its end; else as for a run.
    pub async fn resume_run(&self, run: &str) -> Result<Summary> {
        let record = self.run_record(run).await?;
        if record.status == Status::Running {
            return Err(Error::new(Code::RunLocked, format!("{} is still at work", record.id))
                .next(format!("syncline runs cancel {}", record.id), "stop it first"));
        }
        if matches!(record.status, Status::Succeeded | Status::Partial | Status::Conflicts) {
            let what = format!("{} came to its end, there is nothing to resume", record.id);
            return Err(what_is_left(Error::new(Code::UsageInvalid, what).because("it was not cut off"), &record));
        }
        if let Some((plan, request)) = planned(&record) {
            return self.resume_plan(plan, request).await;
        }
        self.run(&repeatable(&record)?).await
    }

    /// Tries the tables again that a run could not carry.
    ///
    /// # Errors
    /// `USAGE_INVALID` when there are none; else as for a run.
    pub async fn retry_run(&self, run: &str) -> Result<Summary> {
        let record = self.run_record(run).await?;
        let tables = record.summary.iter().flat_map(|summary| &summary.tables);
        let failed: Vec<_> = tables.filter(|table| table.error.is_some()).map(|table| exactly(&table.table)).collect();
        if failed.is_empty() {
            let error = Error::new(Code::UsageInvalid, format!("no table of {} has failed", record.id))
                .because("only tables that could not be carried are tried again");
            return Err(what_is_left(error, &record));
        }
        if let Some((plan, request)) = planned(&record) {
            return self.resume_plan(plan, request).await;
        }
        self.run(&RunRequest { tables: failed, ..repeatable(&record)? }).await
    }
}

/// A run that says it is running and whose lock nobody holds has died.
fn as_it_is(state: &State, mut run: RunRecord) -> RunRecord {
    if run.status == Status::Running && !RunLock::is_held(state.dir(), &run.target_identity) {
        run.status = Status::Interrupted;
    }
    run
}

/// The plan that a run was to carry out. Without it, it would do what nobody has looked at.
fn planned(record: &RunRecord) -> Option<(&str, &RunRequest)> {
    let request = record.request.as_ref().filter(|_| record.verb.has_source())?;
    Some((request.plan.as_deref()?, request))
}

/// Advises what there is to do about a run.
fn what_is_left(error: Error, record: &RunRecord) -> Error {
    let tables = || record.summary.iter().flat_map(|summary| &summary.tables);
    let has_failed = tables().any(|table| table.error.is_some());
    let has_held = tables().any(|table| table.held + table.conflicts > 0);
    match record.status {
        Status::Cancelled | Status::Failed | Status::Interrupted => {
            error.next(format!("syncline runs resume {}", record.id), "go on where it was cut off")
        }
        _ if has_failed => error.next(format!("syncline runs retry {}", record.id), "try its failed tables again"),
        _ if has_held => {
            error.next(format!("syncline conflicts retry --filter run:{}", record.id), "try its held rows again")
        }
        _ => error.next(format!("syncline runs show {}", record.id), "see what it has done"),
    }
}

/// The request of a run that may do more than the run has come to.
fn repeatable(record: &RunRecord) -> Result<RunRequest> {
    let what = |what: &str| Error::new(Code::UsageInvalid, format!("{} {what}", record.id));
    match (record.verb, &record.request) {
        (RunVerb::Retry, _) => {
            Err(what("is a retry of held rows").next("syncline conflicts retry", "try again what is still held"))
        }
        (RunVerb::Restore, None) => {
            Err(what("is a restore").next(restore_command(&record.source, record), "restore again"))
        }
        (_, None) => Err(what("is an undo").next("syncline undo RUN", "undo the run it was to undo")),
        (_, Some(request)) => Ok(request.clone()),
    }
}
