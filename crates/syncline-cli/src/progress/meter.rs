//! How far a table is, how fast, and how long it will take: said only when it can be said honestly.

use std::time::{Duration, Instant};

use syncline::event::Phase;

use crate::render::text;

/// Measures one phase of one table.
#[derive(Debug)]
pub(super) struct Meter {
    /// Rows done.
    pub(super) rows: u64,
    /// Rows to go through, where that is known.
    pub(super) total: Option<u64>,
    name: String,
    started: Instant,
}

/// Before that, a speed is a guess.
const MEASURED: Duration = Duration::from_secs(2);

/// Longer names are cut, so that the numbers stay on the screen.
const NAME_WIDTH: usize = 40;

impl Meter {
    /// Starts the clock.
    pub(super) fn start(table: &str, phase: Phase, total: Option<u64>, now: Instant) -> Self {
        let name = format!("{}  {}", text::clip(&text::escape(table), NAME_WIDTH), phase_name(phase));
        Self { rows: 0, total, name, started: now }
    }

    /// The table and its phase.
    pub(super) fn name(&self) -> String {
        self.name.clone()
    }

    /// The whole line.
    pub(super) fn line(&self, now: Instant) -> String {
        format!("{}  {}", self.name, self.counts(now))
    }

    /// Rows, speed and time left.
    pub(super) fn counts(&self, now: Instant) -> String {
        let rows = text::count(self.rows);
        let mut counts = match self.total {
            Some(total) => format!("{rows} of {} rows", text::count(total)),
            None => format!("{rows} rows"),
        };
        let elapsed = now.saturating_duration_since(self.started);
        if elapsed < MEASURED || self.rows == 0 {
            return counts;
        }
        #[allow(clippy::cast_precision_loss, reason = "a speed is rounded anyway")]
        let rate = self.rows as f64 / elapsed.as_secs_f64();
        counts += &format!("  {} rows/s", text::rough(rate));
        // A total is an estimate made beforehand; past it there is nothing left to promise.
        if let Some(left) = self.total.and_then(|total| total.checked_sub(self.rows)).filter(|left| *left > 0) {
            #[allow(clippy::cast_precision_loss, reason = "a time left is rounded anyway")]
            let seconds = (left as f64 / rate).ceil();
            counts += &format!("  ETA {}", text::seconds(seconds));
        }
        counts
    }
}

/// The phase as people and programs read it.
pub(super) fn phase_name(phase: Phase) -> &'static str {
    match phase {
        Phase::Compare => "compare",
        Phase::Load => "load",
        Phase::Apply => "apply",
        Phase::Verify => "verify",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(rows: u64, total: Option<u64>, after: Duration) -> String {
        let now = Instant::now();
        let mut meter = Meter::start("orders", Phase::Apply, total, now);
        meter.rows = rows;
        meter.line(now + after)
    }

    #[test]
    fn speed_and_time_left_are_said_after_two_seconds() {
        let seconds = Duration::from_secs;
        assert_eq!(line(100, Some(391_000), seconds(1)), "orders  apply  100 of 391,000 rows");
        assert_eq!(
            line(240_000, Some(391_000), seconds(11)),
            "orders  apply  240,000 of 391,000 rows  22k rows/s  ETA 7 s"
        );
        assert_eq!(line(240_000, None, seconds(11)), "orders  apply  240,000 rows  22k rows/s");
        assert_eq!(line(12, Some(10), seconds(4)), "orders  apply  12 of 10 rows  3 rows/s");
    }

    #[test]
    fn a_hostile_name_is_shown_harmless() {
        let meter = Meter::start("a\x1b[2J\nb", Phase::Load, None, Instant::now());
        assert_eq!(meter.name(), "a\\x1b[2J\\nb  load");
    }
}
