//! How batches get from the work that reads them to who asks for them.

use std::future::Future;
use std::task::{Context, Poll};

use futures_util::stream::{self, BoxStream, StreamExt};
use syncline_core::error::{Code, Error, Result};
use syncline_core::limits;
use syncline_core::store::{DigestBatch, Flow};
use syncline_core::value::{RowBatch, SumPart};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

/// What goes through a stream. It ends with a word, so that work that died is never taken for a table that ended.
pub(crate) enum Parcel<T> {
    /// With it goes whom to tell when the next one is asked for.
    Batch(T, Option<oneshot::Sender<()>>),
    Failed(Error),
    End,
}

/// The consumer's end of a stream.
pub(crate) struct Inlet<T> {
    parcels: mpsc::Receiver<Parcel<T>>,
    /// Whom to tell that the batch before is done with.
    done_with: Option<oneshot::Sender<()>>,
    has_ended: bool,
}

/// Both ends of a stream.
pub(crate) fn stream<T>() -> (mpsc::Sender<Parcel<T>>, Inlet<T>) {
    let (batches, parcels) = mpsc::channel(limits::STREAM_AHEAD);
    (batches, Inlet { parcels, done_with: None, has_ended: false })
}

impl<T> Inlet<T> {
    /// The next batch. `died` is the error for work that ended without a word.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>, died: impl FnOnce() -> Error) -> Poll<Option<Result<T>>> {
        if self.has_ended {
            return Poll::Ready(None);
        }
        // Nobody listens when the work has died, which this poll finds out.
        self.done_with.take().map(|done_with| done_with.send(()));
        self.parcels.poll_recv(context).map(|parcel| {
            let item = match parcel {
                Some(Parcel::Batch(batch, done_with)) => {
                    self.done_with = done_with;
                    return Some(Ok(batch));
                }
                Some(Parcel::Failed(error)) => Some(Err(error)),
                Some(Parcel::End) => None,
                None => Some(Err(died())),
            };
            self.has_ended = true;
            item
        })
    }

    /// Takes no more batches. `false` when the last word was heard already.
    pub(crate) fn close(&mut self) -> bool {
        if !self.has_ended {
            self.parcels.close();
        }
        !self.has_ended
    }
}

/// What a task that reads hands its batches to.
pub(crate) struct Outlet<T> {
    batches: mpsc::Sender<Parcel<T>>,
    flow: Flow,
}

/// What has to be known of a batch to hand it over.
pub(crate) trait Load: Send + 'static {
    /// Memory that it takes.
    fn bytes(&self) -> usize;
}

impl Load for RowBatch {
    fn bytes(&self) -> usize {
        RowBatch::bytes(self)
    }
}

impl Load for DigestBatch {
    fn bytes(&self) -> usize {
        self.keys.bytes()
    }
}

impl Load for SumPart {
    fn bytes(&self) -> usize {
        size_of::<Self>() + size_of_val(&*self.digests)
    }
}

/// Does `work` on a task of its own while its batches are read from the stream. Dropping the stream stops the work.
pub(crate) fn flow<'s, T, F>(
    flow: Flow,
    work: impl FnOnce(Outlet<T>) -> F,
) -> (BoxStream<'s, Result<T>>, JoinHandle<()>)
where
    T: Load,
    F: Future<Output = Result<bool>> + Send + 'static,
{
    let (batches, mut inlet) = stream();
    let work = work(Outlet { batches: batches.clone(), flow });
    let task = tokio::spawn(async move {
        let last = match work.await {
            Ok(_) => Parcel::End,
            Err(error) => Parcel::Failed(error),
        };
        let _ = batches.send(last).await;
    });
    let died = || Error::new(Code::Internal, "the task that reads a table has died");
    (stream::poll_fn(move |context| inlet.poll(context, died)).boxed(), task)
}

impl<T: Load> Outlet<T> {
    /// What it is held to.
    pub(crate) fn flow(&self) -> Flow {
        self.flow
    }

    /// Hands over a batch, waiting while the consumer is behind; after one that a single row has made too large no other is
    /// read before it is taken. `false` when nobody wants more.
    pub(crate) async fn send(&self, batch: T) -> bool {
        if self.flow.reads_ahead && batch.bytes() <= 2 * limits::BATCH_BYTES {
            return self.batches.send(Parcel::Batch(batch, None)).await.is_ok();
        }
        let (done_with, is_done_with) = oneshot::channel();
        let is_sent = self.batches.send(Parcel::Batch(batch, Some(done_with))).await.is_ok();
        is_sent && is_done_with.await.is_ok()
    }

    /// Waits until nobody wants more.
    pub(crate) async fn closed(&self) {
        self.batches.closed().await;
    }
}
