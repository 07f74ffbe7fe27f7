//! Work whose results are read while it is done.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures_util::stream::{self, BoxStream, StreamExt};
use rusqlite::Connection;
use rusqlite::limits::Limit;
use syncline_core::error::{Code, Error, Result};
use syncline_core::store::Flow;
use tokio::sync::{mpsc, oneshot};

use super::ConnectionThread;
use crate::sqlite::connect::failure::{Attempt, Doing};
use crate::stream::{Inlet, Parcel};

/// What a streaming job hands its batches to.
pub(in crate::sqlite) struct Outlet<T> {
    batches: mpsc::Sender<Parcel<T>>,
    flow: Flow,
}

impl ConnectionThread {
    /// Does `work` on the connection while its batches are read from the stream. Dropping the stream stops the work.
    pub(in crate::sqlite) fn stream<T, F>(&self, doing: Doing, work: F) -> BoxStream<'_, Result<T>>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection, &Outlet<T>) -> Attempt<()> + Send + 'static,
    {
        self.flow(doing, Flow::default(), work)
    }

    /// As [`ConnectionThread::stream`], held to this flow.
    pub(in crate::sqlite) fn flow<T, F>(&self, doing: Doing, flow: Flow, work: F) -> BoxStream<'_, Result<T>>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection, &Outlet<T>) -> Attempt<()> + Send + 'static,
    {
        let (batches, inlet) = crate::stream::stream();
        let place = Arc::clone(&self.place);
        self.queue(move |conn| {
            let outlet = Outlet { batches, flow };
            // A stream that was dropped before its turn has set its stop too early to be seen.
            if outlet.batches.is_closed() {
                return;
            }
            let last = match within(conn, flow.value_bytes, |conn| work(conn, &outlet)) {
                Ok(()) => Parcel::End,
                Err(failure) => Parcel::Failed(failure.into_error(place.path(), doing)),
            };
            let _ = outlet.batches.blocking_send(last);
        });
        let mut wanted = Wanted { thread: self, inlet };
        stream::poll_fn(move |context| wanted.inlet.poll(context, || wanted.thread.gone())).boxed()
    }
}

impl<T> Outlet<T> {
    /// What it is held to.
    pub(in crate::sqlite) fn flow(&self) -> Flow {
        self.flow
    }

    /// Hands over a batch, waiting while the consumer is behind. `false` when nobody wants more.
    pub(in crate::sqlite) fn send(&self, batch: T) -> bool {
        if !self.flow.reads_ahead {
            return self.send_and_wait(batch);
        }
        self.batches.blocking_send(Parcel::Batch(batch, None)).is_ok()
    }

    /// Hands over a batch and waits until the next one is asked for. For batches that are so large that one more of them,
    /// read ahead, would not fit the memory that a run may use.
    pub(in crate::sqlite) fn send_and_wait(&self, batch: T) -> bool {
        let (done_with, is_done_with) = oneshot::channel();
        let is_sent = self.batches.blocking_send(Parcel::Batch(batch, Some(done_with))).is_ok();
        is_sent && is_done_with.blocking_recv().is_ok()
    }
}

/// The consumer's end, which stops the work when it is dropped.
struct Wanted<'a, T> {
    thread: &'a ConnectionThread,
    inlet: Inlet<T>,
}

impl<T> Drop for Wanted<'_, T> {
    /// Closes first and stops then: a job that has not begun sees the one, a job that has begun the other.
    fn drop(&mut self) {
        if self.inlet.close() {
            self.thread.signals.stop.store(true, Ordering::Release);
        }
    }
}

/// Does `work` while SQLite passes on no value that is larger.
fn within(
    conn: &mut Connection,
    bytes: Option<usize>,
    work: impl FnOnce(&mut Connection) -> Attempt<()>,
) -> Attempt<()> {
    let Some(bytes) = bytes else { return work(conn) };
    let before = conn.set_limit(Limit::SQLITE_LIMIT_LENGTH, i32::try_from(bytes).unwrap_or(i32::MAX))?;
    let done = work(conn);
    conn.set_limit(Limit::SQLITE_LIMIT_LENGTH, before)?;
    done.map_err(|failure| if failure.is_too_big() { too_large(bytes).into() } else { failure })
}

fn too_large(bytes: usize) -> Error {
    Error::new(
        Code::ValueTooLarge,
        format!("a value is larger than the {bytes} bytes that one of several readers may hold"),
    )
}
