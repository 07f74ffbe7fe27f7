//! Time that passes only where somebody waits.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use syncline_core::pace::Clock;

/// What looks at the clock take, in milliseconds and in turn: work takes time too, and not always the same.
const LOOKS: [u64; 7] = [1, 40, 2, 13, 1, 27, 3];

/// A clock that hardly moves until somebody sleeps by it, and then is later by that.
pub struct SimulatedClock {
    now: Mutex<Duration>,
    looks: AtomicUsize,
    asleep: Box<dyn Fn(Duration) + Send + Sync>,
}

impl SimulatedClock {
    /// A clock at zero. `asleep` is called whenever somebody falls asleep, with the time at which he does: what it looks at
    /// is how things are during a wait.
    pub fn new(asleep: impl Fn(Duration) + Send + Sync + 'static) -> Self {
        Self { now: Mutex::default(), looks: AtomicUsize::new(0), asleep: Box::new(asleep) }
    }
}

#[async_trait]
impl Clock for SimulatedClock {
    fn now(&self) -> Duration {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        *now += Duration::from_millis(LOOKS[self.looks.fetch_add(1, Ordering::Relaxed) % LOOKS.len()]);
        *now
    }

    async fn sleep(&self, time: Duration) {
        (self.asleep)(self.now());
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) += time;
        // Others have something to do meanwhile.
        tokio::task::yield_now().await;
    }
}
