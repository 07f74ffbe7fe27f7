//! A connection that lives on a thread of its own, because SQLite blocks and a connection may not be shared.
//!
//! Work is queued and done one piece after the other. The queue needs no bound: its users await the answer before they
//! ask again, and what is queued without waiting is at most one rollback.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc as queue;
use std::task::{Context, Poll};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures_util::stream::{self, BoxStream, StreamExt};
use rusqlite::Connection;
use rusqlite::limits::Limit;
use syncline_core::error::{Code, Error, Result};
use syncline_core::limits;
use syncline_core::store::Flow;
use tokio::sync::{mpsc, oneshot};

use super::connect::failure::{Attempt, Doing};
use super::connect::{self, Place, Role};

/// Steps of SQLite's machine between two looks at whether the work is still wanted.
const STEPS_BETWEEN_LOOKS: i32 = 10_000;

/// The longest sleep between two attempts to get a lock. Another program that writes one transaction after the other leaves
/// the lock free for a percent or two of the time, and a look has to fall into it: with naps of this length ten seconds hold
/// two thousand looks, which practically never all miss. At 50 ms they are two hundred, and runs did give up.
const LOCK_NAP_MAX: Duration = Duration::from_millis(5);

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

/// What the thread looks at while SQLite keeps it busy.
#[derive(Debug, Default)]
struct Signals {
    /// Nobody wants the rest of the running stream. Cleared when the next job starts; since a stream is dropped before
    /// the next job is queued, that job never sees a stop meant for the one before.
    stop: AtomicBool,
    /// The connection is being dropped, so waiting for locks is pointless.
    closing: AtomicBool,
    /// The running job would rather fail than wait for locks.
    hasty: AtomicBool,
}

/// What a streaming job hands its batches to.
pub(super) struct Outlet<T> {
    batches: mpsc::Sender<Parcel<T>>,
    flow: Flow,
}

/// A stream ends with a word, so that a thread that died is never taken for a table that ended.
enum Parcel<T> {
    /// With it goes whom to tell when the next one is asked for.
    Batch(T, Option<oneshot::Sender<()>>),
    Failed(Error),
    End,
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
        let (reply, answer) = oneshot::channel();
        self.queue(move |conn| drop(reply.send(work(conn))));
        let done = answer.await.map_err(|_| self.gone())?;
        done.map_err(|failure| failure.into_error(self.place.path(), doing))
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

    /// Does `work` on the connection while its batches are read from the stream. Dropping the stream stops the work.
    pub(super) fn stream<T, F>(&self, doing: Doing, work: F) -> BoxStream<'_, Result<T>>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection, &Outlet<T>) -> Attempt<()> + Send + 'static,
    {
        self.flow(doing, Flow::default(), work)
    }

    /// As [`ConnectionThread::stream`], held to this flow.
    pub(super) fn flow<T, F>(&self, doing: Doing, flow: Flow, work: F) -> BoxStream<'_, Result<T>>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection, &Outlet<T>) -> Attempt<()> + Send + 'static,
    {
        let (batches, parcels) = mpsc::channel(limits::STREAM_AHEAD);
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
        let mut inlet = Inlet { thread: self, parcels, done_with: None, ended: false };
        stream::poll_fn(move |context| inlet.poll(context)).boxed()
    }

    fn gone(&self) -> Error {
        let what = format!("the thread that works on {} ended without an answer", self.place.path().display());
        Error::new(Code::Internal, what)
    }
}

impl<T> Outlet<T> {
    /// What it is held to.
    pub(super) fn flow(&self) -> Flow {
        self.flow
    }

    /// Hands over a batch, waiting while the consumer is behind. `false` when nobody wants more.
    pub(super) fn send(&self, batch: T) -> bool {
        if !self.flow.reads_ahead {
            return self.send_and_wait(batch);
        }
        self.batches.blocking_send(Parcel::Batch(batch, None)).is_ok()
    }

    /// Hands over a batch and waits until the next one is asked for. For batches that are so large that one more of them,
    /// read ahead, would not fit the memory that a run may use.
    pub(super) fn send_and_wait(&self, batch: T) -> bool {
        let (done_with, is_done_with) = oneshot::channel();
        let is_sent = self.batches.blocking_send(Parcel::Batch(batch, Some(done_with))).is_ok();
        is_sent && is_done_with.blocking_recv().is_ok()
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

/// The consumer's end of a stream.
struct Inlet<'a, T> {
    thread: &'a ConnectionThread,
    parcels: mpsc::Receiver<Parcel<T>>,
    /// Whom to tell that the batch before is done with.
    done_with: Option<oneshot::Sender<()>>,
    ended: bool,
}

impl<T> Inlet<'_, T> {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<T>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        // Nobody listens when the thread has died, which this poll finds out.
        self.done_with.take().map(|done_with| done_with.send(()));
        self.parcels.poll_recv(context).map(|parcel| {
            let item = match parcel {
                Some(Parcel::Batch(batch, done_with)) => {
                    self.done_with = done_with;
                    return Some(Ok(batch));
                }
                Some(Parcel::Failed(error)) => Some(Err(error)),
                Some(Parcel::End) => None,
                None => Some(Err(self.thread.gone())),
            };
            self.ended = true;
            item
        })
    }
}

impl<T> Drop for Inlet<'_, T> {
    /// Closes first and stops then: a job that has not begun sees the one, a job that has begun the other.
    fn drop(&mut self) {
        if !self.ended {
            self.parcels.close();
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

fn open(place: &Place, role: Role, signals: &Arc<Signals>) -> Result<Connection> {
    let (looking, waiting, lock_wait) = (Arc::clone(signals), Arc::clone(signals), place.lock_wait());
    let mut since = Instant::now();
    connect::open(place, role, |conn| {
        conn.progress_handler(STEPS_BETWEEN_LOOKS, Some(move || looking.stop.load(Ordering::Acquire)))?;
        // SQLite's own timeout could not be cut short when the connection is dropped while it waits.
        conn.busy_handler(Some(move |attempt: i32| {
            if attempt == 0 {
                since = Instant::now();
            }
            let left = lock_wait.saturating_sub(since.elapsed());
            let is_pointless = waiting.closing.load(Ordering::Acquire) || waiting.hasty.load(Ordering::Acquire);
            let wait = !left.is_zero() && !is_pointless;
            if wait {
                let nap = Duration::from_millis(1 << attempt.clamp(0, 10));
                std::thread::sleep(nap.min(LOCK_NAP_MAX).min(left));
            }
            wait
        }))
    })
}

fn unique_name() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    format!("{now}-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;

    use super::super::{Access, connect::Place};
    use super::*;

    async fn thread(dir: &tempfile::TempDir) -> ConnectionThread {
        let place = Place::find(&dir.path().join("a.db"), Access::Create, Duration::from_secs(1)).unwrap();
        ConnectionThread::start(Arc::new(place), Role::Writer).await.unwrap()
    }

    #[tokio::test]
    async fn a_panic_on_the_thread_is_an_error_for_its_callers() {
        let dir = tempfile::tempdir().unwrap();
        let thread = thread(&dir).await;
        let error = thread.call(Doing::Reading, |_| -> Attempt<()> { panic!("a planted bug") }).await.unwrap_err();
        assert_eq!(error.code(), Code::Internal);
        let error = thread.call(Doing::Reading, |_| Ok(())).await.unwrap_err();
        assert_eq!(error.code(), Code::Internal);
    }

    #[tokio::test]
    async fn a_panic_in_a_stream_is_not_the_end_of_the_table() {
        let dir = tempfile::tempdir().unwrap();
        let thread = thread(&dir).await;
        let stream = thread.stream(Doing::Reading, |_, outlet| {
            outlet.send(1);
            panic!("a planted bug")
        });
        let items: Vec<_> = stream.collect().await;
        assert_eq!(*items[0].as_ref().unwrap(), 1);
        assert_eq!(items[1].as_ref().unwrap_err().code(), Code::Internal);
        assert_eq!(items.len(), 2);
    }

    #[tokio::test]
    async fn nothing_is_read_before_it_is_asked_for_where_that_is_ruled_out() {
        let dir = tempfile::tempdir().unwrap();
        let thread = thread(&dir).await;
        let (begun, looked) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let count = Arc::clone(&begun);
        let mut stream =
            thread.flow(Doing::Reading, Flow { rows: 1, reads_ahead: false, ..Flow::default() }, move |_, outlet| {
                while count.fetch_add(1, Ordering::AcqRel) < 20 {
                    // What the consumer has looked at is all that was read before.
                    if !outlet.send((count.load(Ordering::Acquire), looked.load(Ordering::Acquire))) {
                        break;
                    }
                    looked.fetch_add(1, Ordering::AcqRel);
                }
                Ok(())
            });
        let mut asked = 0;
        while let Some(batch) = stream.next().await {
            asked += 1;
            assert_eq!(batch.unwrap(), (asked, asked - 1));
            assert_eq!(begun.load(Ordering::Acquire), asked, "a batch was begun that nobody has asked for");
        }
        assert_eq!(asked, 20);
    }

    #[tokio::test]
    async fn a_stream_that_is_dropped_stops_the_work_even_before_the_first_row() {
        let dir = tempfile::tempdir().unwrap();
        let thread = thread(&dir).await;
        let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n";
        drop(thread.stream::<i64, _>(Doing::Reading, move |conn, outlet| {
            outlet.send(conn.query_row(endless, [], |row| row.get(0))?);
            Ok(())
        }));
        let one: i64 =
            thread.call(Doing::Reading, |conn| Ok(conn.query_row("SELECT 1", [], |row| row.get(0))?)).await.unwrap();
        assert_eq!(one, 1);
    }
}
