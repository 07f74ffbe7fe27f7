//! A connection that lives on a thread of its own, because SQLite blocks and a connection may not be shared.
//!
//! Work is queued and done one piece after the other. The queue needs no bound: its users await the answer before they
//! ask again, and what is queued without waiting is at most one rollback.

mod signals;
mod stream;
#[cfg(test)]
mod tests;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc as queue;
use std::thread::JoinHandle;
use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::Connection;
use syncline_core::error::{Code, Error, Result};
use tokio::sync::oneshot;

use self::signals::{Signals, open};
use super::connect::failure::{Attempt, Doing};
use super::connect::{Place, Role};

pub(super) use self::stream::Outlet;

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// A connection on its own thread. Dropping it waits for the thread, so that the connection is closed and the files
/// that SQLite keeps beside the database are gone.
#[derive(Debug)]
pub(super) struct ConnectionThread {
    place: Arc<Place>,
    jobs: Option<queue::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    signals: Arc<Signals>,
    name: String,
}

impl ConnectionThread {
    /// Starts the thread and opens the database on it.
    ///
    /// # Errors
    /// As [`connect::open`].
    pub(super) async fn start(place: Arc<Place>, role: Role) -> Result<Self> {
        let (jobs, work) = queue::channel::<Job>();
        let (opened, answer) = oneshot::channel();
        let signals = Arc::new(Signals::default());
        let (seat, flags) = (Arc::clone(&place), Arc::clone(&signals));
        let thread = std::thread::Builder::new()
            .name("syncline-sqlite".to_owned())
            .spawn(move || match open(&seat, role, &flags) {
                Ok(mut conn) => {
                    let _ = opened.send(Ok(()));
                    for job in work {
                        flags.stop.store(false, Ordering::Release);
                        job(&mut conn);
                    }
                }
                Err(error) => drop(opened.send(Err(error))),
            })
            .map_err(|error| Error::new(Code::Internal, "no thread could be started").because(error.to_string()))?;
        // Built before the first await: should the caller go away, dropping it closes what was opened.
        let this = Self { place, jobs: Some(jobs), thread: Some(thread), signals, name: unique_name() };
        answer.await.map_err(|_| this.gone())??;
        Ok(this)
    }

    /// A name that no other connection has or had, in this process or another.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Does `work` on the connection and waits for its result. When the future is dropped the work is done all the same.
    ///
    /// # Errors
    /// What `work` fails with, and `INTERNAL` when the thread has died.
    pub(super) async fn call<T, F>(&self, doing: Doing, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> Attempt<T> + Send + 'static,
    {
        self.ask(doing, work).await
    }

    /// As [`ConnectionThread::call`], but the work is queued before the future is first asked.
    ///
    /// # Errors
    /// As there.
    pub(super) fn ask<T, F>(&self, doing: Doing, work: F) -> impl Future<Output = Result<T>> + use<'_, T, F>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> Attempt<T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        self.queue(move |conn| drop(reply.send(work(conn))));
        async move {
            let done = answer.await.map_err(|_| self.gone())?;
            done.map_err(|failure| failure.into_error(self.place.path(), doing))
        }
    }

    /// As [`ConnectionThread::call`], without waiting for locks of others.
    ///
    /// # Errors
    /// As there, and `STORE_LOCKED` at once.
    pub(super) async fn call_now<T, F>(&self, doing: Doing, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> Attempt<T> + Send + 'static,
    {
        let signals = Arc::clone(&self.signals);
        self.call(doing, move |conn| {
            signals.hasty.store(true, Ordering::Release);
            let done = work(conn);
            signals.hasty.store(false, Ordering::Release);
            done
        })
        .await
    }

    /// Does `work` on the connection after everything queued before; nobody waits for it. Does nothing when the thread
    /// has died, for then the connection is closed.
    pub(super) fn queue(&self, work: impl FnOnce(&mut Connection) + Send + 'static) {
        if let Some(jobs) = &self.jobs {
            let _ = jobs.send(Box::new(work));
        }
    }

    fn gone(&self) -> Error {
        let what = format!("the thread that works on {} ended without an answer", self.place.path().display());
        Error::new(Code::Internal, what)
    }
}

impl Drop for ConnectionThread {
    fn drop(&mut self) {
        self.signals.closing.store(true, Ordering::Release);
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has nothing left to say: its callers have had their errors.
            let _ = thread.join();
        }
    }
}

fn unique_name() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    format!("{now}-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}
