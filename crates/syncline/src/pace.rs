//! How fast a session works.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use syncline_core::capture::PacedStore;
use syncline_core::pace::{Clock, Lane, Pace, Rate};

use crate::open::Database;
use crate::session::Syncline;

/// The time that has passed since this was made.
pub(crate) struct WallClock(Instant);

impl WallClock {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }
}

#[async_trait]
impl Clock for WallClock {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }

    async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}

impl Syncline {
    /// The same session, in which no database is read or written faster than this, whatever a recorded request says.
    #[must_use]
    pub fn paced(mut self, rate: Option<Rate>) -> Self {
        self.rate = rate.or(self.rate);
        self
    }

    /// The same session by another clock, for those who simulate time.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The rate that holds for a request that asks for this one.
    pub(crate) fn rate_of(&self, asked: Option<Rate>) -> Option<Rate> {
        self.rate.or(asked)
    }

    /// A pace for one piece of work, where there is to be one.
    pub(crate) fn pace(&self, asked: Option<Rate>) -> Option<Arc<Pace>> {
        let rate = self.rate_of(asked)?;
        Some(Arc::new(Pace::new(rate, Arc::clone(&self.clock), self.cancel().clone())))
    }
}

impl Database {
    /// The same database, whose rows are read at this pace.
    #[must_use]
    pub(crate) fn paced(mut self, pace: Option<&Arc<Pace>>, lane: Lane) -> Self {
        if let Some(pace) = pace {
            self.store = Arc::new(PacedStore::new(self.store, Arc::clone(pace), lane));
            self.pace = Some(Arc::clone(pace));
        }
        self
    }
}
