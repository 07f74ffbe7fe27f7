//! How batches get from the work that reads them to who asks for them.

use std::task::{Context, Poll};

use syncline_core::error::{Error, Result};
use syncline_core::limits;
use tokio::sync::{mpsc, oneshot};

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
