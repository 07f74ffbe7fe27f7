//! Work whose results are read while it is done.

use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

use futures_util::future::poll_fn;
use futures_util::stream::{self, BoxStream, Stream, StreamExt};
use std::future::Future;
use std::pin::pin;
use syncline_core::error::{Code, Error, Result};
use syncline_core::limits;
use syncline_core::store::Flow;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::meter::Gauge;
use super::session::Session;
use crate::postgres::codec::{Cells, Codec, Decoder};
use crate::stream::Parcel;

/// What a task that reads hands its batches to.
pub(in crate::postgres) struct Outlet<T> {
    batches: mpsc::Sender<Parcel<T>>,
    flow: Flow,
}

/// What has to be known of a batch to hand it over.
pub(in crate::postgres) trait Load: Send + 'static {
    /// Memory that it takes.
    fn bytes(&self) -> usize;
}

/// Does `work` on a task of its own while its batches are read from the stream. Dropping the stream stops the work.
pub(super) fn flow<'s, T, F>(
    session: &Arc<Session>,
    flow: Flow,
    work: impl FnOnce(Outlet<T>) -> F,
) -> (BoxStream<'s, Result<T>>, JoinHandle<()>)
where
    T: Load,
    F: Future<Output = Result<bool>> + Send + 'static,
{
    let (batches, mut inlet) = crate::stream::stream();
    let outlet = Outlet { batches: batches.clone(), flow };
    let (session, work) = (Arc::clone(session), work(outlet));
    let task = tokio::spawn(async move {
        let last = match work.await {
            Ok(is_whole) => {
                if is_whole {
                    session.done();
                }
                Parcel::End
            }
            Err(error) => Parcel::Failed(error),
        };
        let _ = batches.send(last).await;
    });
    let died = || Error::new(Code::Internal, "the task that reads a table has died");
    (stream::poll_fn(move |context| inlet.poll(context, died)).boxed(), task)
}

impl<T: Load> Outlet<T> {
    /// What it is held to.
    pub(in crate::postgres) fn flow(&self) -> Flow {
        self.flow
    }

    /// Hands over a batch, waiting while the consumer is behind; after one that a single row has made too large no other is
    /// read before it is taken. `false` when nobody wants more.
    pub(in crate::postgres) async fn send(&self, batch: T) -> bool {
        if self.flow.reads_ahead && batch.bytes() <= 2 * limits::BATCH_BYTES {
            return self.batches.send(Parcel::Batch(batch, None)).await.is_ok();
        }
        let (done_with, is_done_with) = oneshot::channel();
        let is_sent = self.batches.send(Parcel::Batch(batch, Some(done_with))).await.is_ok();
        is_sent && is_done_with.await.is_ok()
    }

    /// Shows each row of a query to `row`, and hands over the batches that it returns. `false` when nobody wants more.
    pub(in crate::postgres) async fn copy(
        &self,
        session: &Session,
        query: &str,
        codecs: Vec<Codec>,
        mut row: impl FnMut(&mut Cells<'_>) -> Result<Option<T>> + Send,
    ) -> Result<bool> {
        let mut copy = Box::pin(session.copy(query).await?);
        let mut decoder = Decoder::new(codecs);
        let mut full = Vec::new();
        let mut gauge = Gauge::new(&session.meter);
        loop {
            let mut waited_since = None;
            let chunk = match self.next(&mut copy, &mut waited_since).await {
                Next::Unwanted => {
                    session.abandon(copy).await;
                    return Ok(false);
                }
                Next::End => break,
                Next::Chunk(chunk) => chunk.map_err(|error| session.error(error))?,
            };
            gauge.came(chunk.len(), waited_since);
            let read = decoder.each_row(&chunk, |cells| {
                full.extend(row(cells)?);
                Ok(())
            });
            drop(chunk);
            for batch in full.drain(..) {
                if !self.send(batch).await {
                    session.abandon(copy).await;
                    return Ok(false);
                }
            }
            if let Err(error) = read {
                session.abandon(copy).await;
                return Err(error);
            }
        }
        decoder.finish()?;
        Ok(true)
    }

    /// The next chunk, and since when it was waited for if it had not come yet.
    async fn next<S: Stream + Unpin>(&self, stream: &mut S, waited_since: &mut Option<Instant>) -> Next<S::Item> {
        let mut unwanted = pin!(self.batches.closed());
        poll_fn(|context| match stream.poll_next_unpin(context) {
            Poll::Ready(Some(chunk)) => Poll::Ready(Next::Chunk(chunk)),
            Poll::Ready(None) => Poll::Ready(Next::End),
            Poll::Pending => {
                waited_since.get_or_insert_with(Instant::now);
                unwanted.as_mut().poll(context).map(|()| Next::Unwanted)
            }
        })
        .await
    }
}

/// Shows each row of a query to `row`.
pub(in crate::postgres) async fn each_row(
    session: &Session,
    query: &str,
    codecs: Vec<Codec>,
    mut row: impl FnMut(&mut Cells<'_>) -> Result<()> + Send,
) -> Result<()> {
    let mut copy = Box::pin(session.copy(query).await?);
    let mut decoder = Decoder::new(codecs);
    while let Some(chunk) = copy.next().await {
        let chunk = chunk.map_err(|error| session.error(error))?;
        if let Err(error) = decoder.each_row(&chunk, &mut row) {
            session.abandon(copy).await;
            return Err(error);
        }
    }
    decoder.finish()
}

enum Next<C> {
    Chunk(C),
    End,
    Unwanted,
}
