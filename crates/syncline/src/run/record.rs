//! The entry of a run in the state directory.

use std::time::Instant;

use syncline_core::error::{Error, Result};

use super::worked::Worked;
use crate::session::{Syncline, now_ms};
use crate::state::{LogLevel, RunEnd};
use crate::summary::{ErrorReport, Status, Summary};

/// A run's entry in the state, closed whatever the run comes to.
pub(crate) struct Record<'a> {
    pub(crate) session: &'a Syncline,
    pub(crate) run: String,
    pub(crate) started: Instant,
    pub(crate) continues: Option<String>,
}

impl Record<'_> {
    /// Writes the end of the run down and gives its summary.
    pub(crate) async fn close(self, worked: Result<Worked>) -> Result<Summary> {
        self.close_with(worked, false).await
    }

    /// As [`Record::close`]; with `undoes`, the run that was undone is marked so if all went well.
    pub(crate) async fn close_with(self, worked: Result<Worked>, undoes: bool) -> Result<Summary> {
        let state = self.session.state().await?;
        let mut worked = match worked {
            Ok(worked) => worked,
            Err(error) => Worked::whole(Err(error), false),
        };
        let status = worked.status();
        let end = std::mem::replace(&mut worked.end, Ok(()));
        let state_text = worked.state_text();
        let end = end.map_err(|error| error.leaving_if_unsaid(state_text.clone()));
        let summary = Summary {
            format: 1,
            kind: "summary".to_owned(),
            run: self.run.clone(),
            status,
            verified: worked.verified,
            tables: worked.tables,
            duration_ms: u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
            continues: self.continues.clone(),
            backup: state.find_run(&self.run).await?.backup,
            notes: worked.notes,
        };
        let error = end.as_ref().err().map(ErrorReport::from);
        // What could not be taken back yet can still be, so the run stays open to undo until nothing is left of it.
        let is_undone = undoes && status == Status::Succeeded;
        let recorded = RunEnd {
            status,
            verified: summary.verified,
            summary: Some(summary.clone()),
            error: error.clone(),
            ended_ms: now_ms(),
            mark_undone: is_undone,
        };
        let unrecorded = |failed: Error| failed.leaving(state_text.clone());
        state.finish_run(&self.run, recorded).await.map_err(unrecorded)?;
        self.log(&summary, error.as_ref()).await.map_err(unrecorded)?;
        self.session.log_end(&summary, error.as_ref().filter(|_| status != Status::Cancelled)).await;
        match end {
            Err(error) if status != Status::Cancelled => Err(error),
            _ => Ok(summary),
        }
    }

    async fn log(&self, summary: &Summary, error: Option<&ErrorReport>) -> Result<()> {
        let state = self.session.state().await?;
        for table in &summary.tables {
            let mut counts = format!(
                "{}: {} inserted, {} updated, {} deleted, {} unchanged ({})",
                table.table, table.inserted, table.updated, table.deleted, table.unchanged, table.strategy
            );
            if table.held + table.conflicts > 0 {
                counts += &format!("; {} held, {} changed meanwhile", table.held, table.conflicts);
            }
            let (level, message) = match &table.error {
                None if table.held + table.conflicts > 0 => (LogLevel::Warn, counts),
                None => (LogLevel::Info, counts),
                Some(error) => (LogLevel::Error, format!("{counts}; {}: {}", error.code, error.what)),
            };
            state.log(&self.run, level, &message, now_ms()).await?;
        }
        for note in &summary.notes {
            state.log(&self.run, LogLevel::Info, note, now_ms()).await?;
        }
        if let Some(error) = error {
            state.log(&self.run, LogLevel::Error, &format!("{}: {}", error.code, error.what), now_ms()).await?;
        }
        Ok(())
    }
}
