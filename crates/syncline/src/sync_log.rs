//! The synchronization log: what a person asks for who wants to know what happened, a line each, in `logs/synchronization.log` of the
//! state directory. A program's own hook is told the same.
//!
//! | event | |
//! |---|---|
//! | `sync_start` | a run began |
//! | `sync_complete` | a run came to its end, with what it did |
//! | `sync_error` | a table failed, or a run, or it could not begin |
//! | `conflict_skip` | rows of a table were left as they are, and wait for a person |
//! | `log_hook_error` | the program's own hook failed; nothing else did |
//!
//! Rows are counted here and never shown. The log is for people: it is written after the fact, and what a run rests on is in `state.db`.

mod file;
#[cfg(test)]
mod tests;

use std::error::Error as StdError;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError};

use serde::Serialize;
use syncline_core::error::{Error, Result};
use syncline_core::value::calendar;

use crate::session::{Syncline, now_ms};
use crate::state::{LogLevel, NewRun};
use crate::summary::{ErrorReport, Summary, TableSummary};

/// Is told every line of the synchronization log but those about itself: the level, and the line from its event on. It is called from the
/// run's own task, so it returns at once. Whatever it fails with, a panic included, is logged as `log_hook_error` and stops nothing.
pub type LogHook = dyn Fn(LogLevel, &str) -> std::result::Result<(), Box<dyn StdError + Send + Sync>> + Send + Sync;

impl Syncline {
    /// The same session with a hook that is told what goes into the synchronization log.
    #[must_use]
    pub fn with_log_hook(
        mut self,
        hook: impl Fn(LogLevel, &str) -> std::result::Result<(), Box<dyn StdError + Send + Sync>> + Send + Sync + 'static,
    ) -> Self {
        self.log_hook = Some(Arc::new(hook));
        self
    }

    /// Does what a command is for. What it fails with is in the log, whether there was a run by then or not.
    pub(crate) async fn logged<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        self.set_entered(None);
        let done = work.await;
        if let Err(error) = &done {
            self.tell_log(LogLevel::Error, self.line("sync_error").error(&ErrorReport::from(error))).await;
        }
        done
    }

    /// Enters a run into the state, and gives it its name.
    pub(crate) async fn enter(&self, run: NewRun) -> Result<String> {
        let (verb, source, target) = (word(&run.verb), run.source.clone(), run.target.clone());
        let id = self.state().await?.begin_run(run).await?;
        self.set_entered(Some(id.clone()));
        let line = self.line("sync_start").with("verb", &verb).with("source", &source).with("target", &target);
        self.tell_log(LogLevel::Info, line).await;
        Ok(id)
    }

    /// What a run has come to; an error that ended it is told of by whoever began it.
    pub(crate) async fn log_end(&self, summary: &Summary, error: Option<&ErrorReport>) {
        for table in &summary.tables {
            if table.conflicts + table.held > 0 {
                let line = self.line("conflict_skip").with("table", &table.table);
                let line = line.with("held", &table.held).with("changed_meanwhile", &table.conflicts);
                self.tell_log(LogLevel::Warn, line).await;
            }
            if let Some(error) = &table.error {
                let line = self.line("sync_error").with("table", &table.table).error(error);
                self.tell_log(LogLevel::Error, line).await;
            }
        }
        if error.is_some() {
            return;
        }
        let sum = |of: fn(&TableSummary) -> u64| summary.tables.iter().map(of).sum::<u64>();
        let line = self.line("sync_complete").with("status", &word(&summary.status));
        let line = line.with("verified", &word(&summary.verified)).with("inserted", &sum(|table| table.inserted));
        let line = line.with("updated", &sum(|table| table.updated)).with("deleted", &sum(|table| table.deleted));
        self.tell_log(LogLevel::Info, line.with("duration_ms", &summary.duration_ms)).await;
    }

    /// An attempt that came to nothing, in a run that goes on.
    pub(crate) async fn log_attempt(&self, error: &Error) {
        let line = self.line("sync_error").error(&ErrorReport::from(error)).with("retried", &true);
        self.tell_log(LogLevel::Warn, line).await;
    }

    /// A run whose process is gone, as the next one finds it.
    pub(crate) async fn log_death(&self, run: &str) {
        let line = Line("sync_error".to_owned()).with("run", &run);
        let line =
            line.with("what", &"its process died; what it had committed is kept, and the next run goes on from there");
        self.tell_log(LogLevel::Error, line).await;
    }

    fn line(&self, event: &'static str) -> Line {
        let line = Line(event.to_owned());
        match self.entered.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            Some(run) => line.with("run", run),
            None => line,
        }
    }

    fn set_entered(&self, run: Option<String>) {
        *self.entered.lock().unwrap_or_else(PoisonError::into_inner) = run;
    }

    async fn tell_log(&self, level: LogLevel, line: Line) {
        self.write_log(level, &line).await;
        let Some(hook) = &self.log_hook else { return };
        let told = catch_unwind(AssertUnwindSafe(|| hook(level, &line.0)));
        let why = match told {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(_) => "it panicked".to_owned(),
        };
        self.write_log(LogLevel::Error, &self.line("log_hook_error").with("what", &why)).await;
    }

    /// A log that cannot be written is remarked upon, and no reason to stop: what counts is recorded elsewhere.
    async fn write_log(&self, level: LogLevel, line: &Line) {
        // A command that has failed before it needed the state leaves no directory behind.
        let Some(state) = self.opened_state() else { return };
        let (dir, text) = (state.dir().to_owned(), text(now_ms(), level, line));
        let written = tokio::task::spawn_blocking(move || file::append(&dir, &text)).await;
        let failed = match written {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        self.remark(format!("{} cannot be written: {failed}", file::path(state.dir()).display()));
    }
}

/// What happened, and its particulars.
struct Line(String);

impl Line {
    /// A particular: a name, and a value as JSON writes it, so that no value looks like two.
    fn with(mut self, name: &str, value: &impl Serialize) -> Self {
        let value = serde_json::to_string(value).unwrap_or_else(|error| format!("\"{error}\""));
        self.0 += &format!(" {name}={value}");
        self
    }

    fn error(self, error: &ErrorReport) -> Self {
        let line = self.with("code", &error.code).with("what", &error.what);
        match &error.why {
            Some(why) => line.with("why", why),
            None => line,
        }
    }
}

/// A line as it is written: when, by UTC, how much it matters, and what.
fn text(at_ms: i64, level: LogLevel, line: &Line) -> String {
    let at = calendar::timestamp(at_ms.saturating_mul(1_000)).replacen(' ', "T", 1);
    format!("{at}Z {:<5} {}\n", word(&level).to_uppercase(), line.0)
}

/// A word that is written by serde.
fn word(value: &impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}
