//! How fast rows come.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use syncline_core::store::Traffic;

/// Counts what comes through the sessions of a view and its twins.
#[derive(Default)]
pub(in crate::postgres) struct Meter {
    bytes: AtomicU64,
    nanos: AtomicU64,
}

impl Meter {
    /// All so far.
    pub(super) fn traffic(&self) -> Traffic {
        let waited = Duration::from_nanos(self.nanos.load(Ordering::Relaxed));
        Traffic { bytes: self.bytes.load(Ordering::Relaxed), waited }
    }
}

/// What comes through one stream. It is counted when the stream has to be waited for, or has ended.
pub(super) struct Gauge<'m> {
    meter: &'m Meter,
    bytes: u64,
    has_begun: bool,
}

impl<'m> Gauge<'m> {
    pub(super) fn new(meter: &'m Meter) -> Self {
        Self { meter, bytes: 0, has_begun: false }
    }

    /// So many bytes came, after a wait that began then. How long the first ones take says what the server had to do for them,
    /// not how fast its link is.
    #[inline]
    pub(super) fn came(&mut self, bytes: usize, waited_since: Option<Instant>) {
        self.bytes += bytes as u64;
        if let Some(since) = waited_since.filter(|_| self.has_begun) {
            let nanos = u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX);
            self.meter.nanos.fetch_add(nanos, Ordering::Relaxed);
        }
        self.has_begun = true;
    }
}

impl Drop for Gauge<'_> {
    fn drop(&mut self) {
        self.meter.bytes.fetch_add(self.bytes, Ordering::Relaxed);
    }
}
