//! Backups by the programs that an engine brings for it.
//!
//! The program writes to a pipe and reads from one, and this process stands at the other end: it sees every byte, so it sums them
//! up, stops between two of them, and when it dies the program finds the pipe closed and ends too. The password is in the
//! program's environment, which only the same user sees, and never among its arguments.

mod kind;
mod output;
mod tool;
mod trailer;

use std::sync::Arc;

use syncline_core::error::{Code, Error, Result};
use syncline_core::store::Watch;

pub(crate) use self::kind::{Kind, Stamp};
pub(crate) use self::output::Output;
pub(crate) use self::tool::{Environment, Program, Running, Tool, major};
pub(crate) use self::trailer::{Facts, Summed, Trailer, damaged, unreadable};

/// A watch that lets everything pass.
pub(crate) fn watchless() -> Watch {
    Arc::new(|_, _| Ok(()))
}

/// Does what waits for a disk where nobody else has to wait for it.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(Error::new(Code::Internal, "a thread has failed").because(error.to_string())))
}
