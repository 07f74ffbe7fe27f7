//! Being let in by a server.

use std::time::Duration;

use syncline_core::error::{Code, Error, Result};
use syncline_core::limits;
use tokio::time::{Instant, sleep, timeout};

/// How long a session waits for a place at a server that is full, if it is worth waiting for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Until the server has had the time to put away sessions that have ended: it counts them so long.
    Awaited,
    /// Not at all: the session can be done without.
    IfFree,
}

/// What an attempt to be let in comes to: a failure of the server's or of the way there is the engine's own.
pub(crate) type Admission<T, E> = Result<std::result::Result<T, E>>;

/// Attempts to be let in until the server is not full any more, or for as long as that is worth it.
///
/// # Errors
/// What the attempt returns, and `STORE_UNREACHABLE` when all of it takes longer than `within`.
pub(crate) async fn be_let_in<T, E, F>(
    (label, within): (&str, Duration),
    place: Place,
    is_full: impl Fn(&E) -> bool,
    attempt: impl Fn() -> F,
) -> Admission<T, E>
where
    F: Future<Output = Admission<T, E>>,
{
    let patience = match place {
        // Who waits for less altogether is to be told why all the same.
        Place::Awaited => limits::PLACE_WAIT.min(within / 2),
        Place::IfFree => Duration::ZERO,
    };
    let began = Instant::now();
    let attempts = async {
        loop {
            match attempt().await {
                Ok(Err(failure)) if is_full(&failure) && began.elapsed() < patience => {
                    sleep(limits::PLACE_POLL).await;
                }
                admission => return admission,
            }
        }
    };
    timeout(within, Box::pin(attempts)).await.unwrap_or_else(|_| {
        Err(Error::new(Code::StoreUnreachable, format!("{label} cannot be reached"))
            .because(format!("the server did not let us in within {} s", within.as_secs())))
    })
}
