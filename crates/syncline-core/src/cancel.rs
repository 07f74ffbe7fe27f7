//! Stopping a run between two batches.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Code, Error, Result};

/// A flag that asks a run to stop. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// A flag that is not raised.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for the stop. It takes effect after the batch at hand.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether the stop was asked for.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Ends the caller's work if the stop was asked for.
    ///
    /// # Errors
    /// `RUN_CANCELLED` then.
    pub fn check(&self) -> Result<()> {
        if self.is_cancelled() { Err(Error::new(Code::RunCancelled, "the run was interrupted")) } else { Ok(()) }
    }
}
