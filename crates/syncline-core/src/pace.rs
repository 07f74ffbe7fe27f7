//! Holding a run to so many rows a second.
//!
//! Rows are paid for before they are read or written, a small part of a second at a time, and what one payment costs is
//! waited out before the next. Nothing is saved up while nobody asks, so a second never holds more than the rate and one
//! such part. There is no clock in here: whoever makes a pace brings one.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::cancel::Cancel;
use crate::error::{Code, Error, Result};
use crate::limits;

/// Time, as those know it who wait.
#[async_trait]
pub trait Clock: Send + Sync {
    /// The time since some fixed moment. It never goes back.
    fn now(&self) -> Duration;

    /// Returns once this much time has passed, or a little more. Dropping the future ends the wait.
    async fn sleep(&self, time: Duration);
}

/// Rows a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate(NonZeroU64);

impl Rate {
    /// The number of rows.
    pub fn rows(self) -> u64 {
        self.0.get()
    }

    /// What so many rows take.
    pub fn time_of(self, rows: u64) -> Duration {
        let nanoseconds = u128::from(rows) * 1_000_000_000 / u128::from(self.rows());
        Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} rows/s", self.0)
    }
}

impl FromStr for Rate {
    type Err = Error;

    /// Reads `N` or `N/s`.
    fn from_str(text: &str) -> Result<Self> {
        let rows = text.strip_suffix("/s").unwrap_or(text);
        // Without a sign: `parse` takes a plus.
        let rows = Some(rows).filter(|rows| rows.bytes().all(|byte| byte.is_ascii_digit()));
        let rows = rows.and_then(|rows| rows.parse::<NonZeroU64>().ok());
        rows.filter(|rows| rows.get() <= limits::RATE_MAX).map(Rate).ok_or_else(|| {
            let what = format!("--rate {text:?} is no number of rows a second from 1 to {}", limits::RATE_MAX);
            Error::new(Code::UsageInvalid, what)
                .leaving("nothing was changed")
                .next("--rate 5000", "at most 5000 rows a second")
        })
    }
}

/// What is counted by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Rows read from the source.
    Source,
    /// Rows read from the target.
    Target,
    /// Rows written.
    Written,
}

/// The pace of one run. All that works for it shares it, at the same time too.
pub struct Pace {
    rate: Rate,
    clock: Arc<dyn Clock>,
    cancel: Cancel,
    /// When each lane is free again.
    free: Mutex<[Duration; 3]>,
}

impl Pace {
    /// A pace at which nothing has been paid for yet. Its waits end when `cancel` is raised.
    pub fn new(rate: Rate, clock: Arc<dyn Clock>, cancel: Cancel) -> Self {
        Self { rate, clock, cancel, free: Mutex::default() }
    }

    /// The rate.
    pub fn rate(&self) -> Rate {
        self.rate
    }

    /// The most rows that should be paid for at once.
    pub fn rows_at_once(&self) -> usize {
        usize::try_from(self.rate.rows() / limits::PACE_PARTS).unwrap_or(usize::MAX).max(1)
    }

    /// Waits for what was paid for before, and pays for so many rows.
    ///
    /// # Errors
    /// `RUN_CANCELLED`; nothing is paid then.
    pub async fn pay(&self, lane: Lane, rows: usize) -> Result<()> {
        let cost = self.rate.time_of(rows as u64);
        while let Some(wait) = self.begin(lane, cost) {
            self.nap(wait).await?;
        }
        self.cancel.check()
    }

    /// Waits for what was paid for before, so that the next payment comes without waiting.
    ///
    /// # Errors
    /// As [`Pace::pay`].
    pub async fn ready(&self, lane: Lane) -> Result<()> {
        self.pay(lane, 0).await
    }

    /// Puts right what was paid, once it is known how many rows there were.
    pub fn correct(&self, lane: Lane, paid: usize, rows: u64) {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let free = &mut free[lane as usize];
        *free = free.saturating_add(self.rate.time_of(rows)).saturating_sub(self.rate.time_of(paid as u64));
    }

    /// Pays if nothing is owed, else tells how long that takes.
    fn begin(&self, lane: Lane, cost: Duration) -> Option<Duration> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let (free, now) = (&mut free[lane as usize], self.clock.now());
        if *free > now {
            return Some(*free - now);
        }
        *free = now.saturating_add(cost);
        None
    }

    async fn nap(&self, wait: Duration) -> Result<()> {
        self.cancel.check()?;
        self.clock.sleep(wait.min(limits::PACE_NAP)).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
