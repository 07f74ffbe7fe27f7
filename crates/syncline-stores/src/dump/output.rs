//! What a program writes, in parts that are worth writing to a file.

use bytes::BytesMut;
use syncline_core::error::Result;
use syncline_core::limits;

use super::tool::Running;

/// As much as is written at once.
const STEP: usize = limits::BACKUP_STEP_BYTES as usize;

/// The output of a program, read part by part.
pub(crate) struct Output {
    running: Running,
    part: BytesMut,
}

impl Output {
    /// Of a program that was just started.
    pub(crate) fn of(running: Running) -> Self {
        Self { running, part: BytesMut::with_capacity(STEP) }
    }

    /// The next part: of [`limits::BACKUP_STEP_BYTES`] at least, unless it is the last one; `None` behind that. `idle` is asked
    /// now and then whether to go on.
    ///
    /// # Errors
    /// What `idle` returns.
    pub(crate) async fn next(&mut self, idle: &(impl Fn() -> Result<()> + Sync)) -> Result<Option<&[u8]>> {
        self.part.clear();
        loop {
            self.part.reserve(STEP.saturating_sub(self.part.len()));
            let read = self.running.read(&mut self.part, idle).await?;
            if self.part.len() >= STEP || read == 0 {
                return Ok((!self.part.is_empty()).then_some(&self.part[..]));
            }
        }
    }

    /// Waits for the program's end, once all it writes is read.
    ///
    /// # Errors
    /// As [`Running::finish`].
    pub(crate) async fn finish(self) -> Result<()> {
        self.running.finish().await
    }
}
