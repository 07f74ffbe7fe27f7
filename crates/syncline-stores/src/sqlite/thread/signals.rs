//! What can stop the work of a thread, and what cuts its waiting short.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use syncline_core::error::Result;

use crate::sqlite::connect::{self, Place, Role};

/// Steps of SQLite's machine between two looks at whether the work is still wanted.
const STEPS_BETWEEN_LOOKS: i32 = 10_000;

/// The longest sleep between two attempts to get a lock. Another program that writes one transaction after the other leaves
/// the lock free for a percent or two of the time, and a look has to fall into it: with naps of this length ten seconds hold
/// two thousand looks, which practically never all miss. At 50 ms they are two hundred, and runs did give up.
const LOCK_NAP_MAX: Duration = Duration::from_millis(5);

/// What the thread looks at while SQLite keeps it busy.
#[derive(Debug, Default)]
pub(super) struct Signals {
    /// Nobody wants the rest of the running stream. Cleared when the next job starts; since a stream is dropped before
    /// the next job is queued, that job never sees a stop meant for the one before.
    pub(super) stop: AtomicBool,
    /// The connection is being dropped, so waiting for locks is pointless.
    pub(super) closing: AtomicBool,
    /// The running job would rather fail than wait for locks.
    pub(super) hasty: AtomicBool,
}

pub(super) fn open(place: &Place, role: Role, signals: &Arc<Signals>) -> Result<Connection> {
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
