//! Rows on their way into an empty table: while SQLite's own thread writes the ones, the next are made ready.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use syncline_core::change::{Refusal, TableTask};
use syncline_core::error::{Code, Error, Result};
use syncline_core::limits;
use syncline_core::value::RowBatch;

use super::fitted::Fitter;
use crate::sqlite::connect::failure::Doing;
use crate::sqlite::thread::ConnectionThread;

/// The load of one table. At most two batches are with the thread: one that is written, and one that waits for it.
pub(in crate::sqlite) struct Loading<'w> {
    thread: &'w ConnectionThread,
    task: TableTask,
    fitter: Fitter,
    /// What becomes of the batch that was given last.
    last: Option<BoxFuture<'w, Result<Vec<Refusal>>>>,
}

impl<'w> Loading<'w> {
    /// The load of a task.
    pub(in crate::sqlite) fn begin(thread: &'w ConnectionThread, task: &TableTask) -> Self {
        Self { thread, task: task.clone(), fitter: Fitter::of(task), last: None }
    }

    /// Gives more rows of the task to the thread. Returns what was refused of those before.
    ///
    /// # Errors
    /// `INTERNAL` for rows of another task, and what the database fails with.
    pub(in crate::sqlite) async fn push(&mut self, task: &TableTask, rows: RowBatch) -> Result<Vec<Refusal>> {
        if task.table.name != self.task.table.name || task.columns != self.task.columns {
            return Err(Error::new(Code::Internal, "rows of two tables are loaded at once"));
        }
        // A huge row is in memory but once.
        let is_huge = rows.bytes() > 2 * limits::BATCH_BYTES;
        let mut refused = if is_huge { self.finish().await? } else { Vec::new() };
        let (task, rows) = (self.task.clone(), self.fitter.fit(rows)?);
        let next = self.thread.ask(Doing::Writing, move |conn| super::load(conn, &task, &rows)).boxed();
        if let Some(before) = self.last.replace(next) {
            refused.extend(before.await?);
        }
        if is_huge {
            refused.extend(self.finish().await?);
        }
        Ok(refused)
    }

    /// Waits for what is on its way, and returns what was refused of it.
    ///
    /// # Errors
    /// What the database fails with.
    pub(in crate::sqlite) async fn finish(&mut self) -> Result<Vec<Refusal>> {
        match self.last.take() {
            Some(last) => last.await,
            None => Ok(Vec::new()),
        }
    }

    /// Whether nothing is on its way.
    pub(in crate::sqlite) fn is_done(&self) -> bool {
        self.last.is_none()
    }
}
