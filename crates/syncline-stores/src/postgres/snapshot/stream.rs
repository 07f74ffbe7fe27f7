//! Rows of a query, handed over while they come.

use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

use futures_util::future::poll_fn;
use futures_util::stream::{BoxStream, Stream, StreamExt};
use std::future::Future;
use std::pin::pin;
use syncline_core::error::Result;
use syncline_core::store::Flow;
use tokio::task::JoinHandle;

use super::meter::Gauge;
use super::session::Session;
use crate::postgres::codec::{Cells, Codec, Decoder};
use crate::stream::{Load, Outlet};

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
    let session = Arc::clone(session);
    crate::stream::flow(flow, |outlet| {
        let work = work(outlet);
        async move {
            let is_whole = work.await?;
            if is_whole {
                session.done();
            }
            Ok(is_whole)
        }
    })
}

impl<T: Load> Outlet<T> {
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
        let mut unwanted = pin!(self.closed());
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
