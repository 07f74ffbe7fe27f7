//! What a proof has seen, so that one that proved nothing does not pass.

use std::fmt;
use std::time::Duration;

use serde_json::Value;
use syncline::event::Point;

use super::reader::Seen;
use super::victim::index;

/// Counts over all rounds.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) rounds: u64,
    /// Processes that were to be killed.
    pub(crate) mirror_kills: u64,
    pub(crate) undo_kills: u64,
    /// Kills that hit a process which recovered from an earlier kill.
    pub(crate) killed_again: u64,
    /// Kills that hit the transaction of a load.
    pub(crate) killed_loads: u64,
    /// Mirrors in which rows exchanged unique values.
    pub(crate) exchanges: u64,
    /// Time a row takes to undo, as far as known.
    pub(crate) undo_pace: Option<Duration>,
    points: [u64; 6],
    /// Runs that had begun and not ended when their process was killed.
    cut_mirrors: u64,
    cut_undos: u64,
    continued: u64,
    runs: u64,
    seen: Seen,
}

/// A text of a JSON object.
pub(crate) fn text(object: &Value, name: &str) -> String {
    object[name].as_str().unwrap_or_else(|| panic!("{object} has no {name}")).to_owned()
}

impl Tally {
    /// A process was to be killed at a point, and was or had ended before.
    pub(crate) fn at(&mut self, point: Point, is_hit: bool) {
        self.points[index(point)] += u64::from(is_hit);
    }

    /// The runs on record at the end of a round. One is interrupted when a kill hit it after its beginning and before
    /// its end.
    pub(crate) fn ran(&mut self, runs: &[Value]) {
        self.rounds += 1;
        self.runs += runs.len() as u64;
        for run in runs {
            let is_cut = text(run, "status") == "interrupted";
            match text(run, "verb").as_str() {
                "undo" => self.cut_undos += u64::from(is_cut),
                _ => self.cut_mirrors += u64::from(is_cut),
            }
            self.continued += u64::from(!run["continues"].is_null());
        }
    }

    /// Both together.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.rounds += other.rounds;
        self.mirror_kills += other.mirror_kills;
        self.undo_kills += other.undo_kills;
        self.killed_again += other.killed_again;
        self.killed_loads += other.killed_loads;
        self.exchanges += other.exchanges;
        self.points.iter_mut().zip(other.points).for_each(|(count, more)| *count += more);
        self.cut_mirrors += other.cut_mirrors;
        self.cut_undos += other.cut_undos;
        self.continued += other.continued;
        self.runs += other.runs;
        self.saw(Some(other.seen));
        self
    }

    /// What a reader saw, if there was one.
    pub(crate) fn saw(&mut self, seen: Option<Seen>) {
        let Some(seen) = seen else { return };
        self.seen.looks += seen.looks;
        self.seen.midway += seen.midway;
        self.seen.longest_wait = self.seen.longest_wait.max(seen.longest_wait);
    }

    /// An undo that nobody disturbed took so long for its work.
    pub(crate) fn undo_took(&mut self, rows: u64, took: Duration) {
        if rows > 100 {
            let pace = took / rows as u32;
            self.undo_pace = Some(self.undo_pace.map_or(pace, |known| (known * 3 + pace) / 4));
        }
    }

    /// Panics unless what the proof is about has happened.
    pub(crate) fn must_mean_something(&self) {
        let (kills, cut) = (self.mirror_kills + self.undo_kills, self.cut_mirrors + self.cut_undos);
        // A few dozen kills say little about a share; the full proof holds it to more.
        let share = if kills < 200 { 50 } else { 80 };
        assert!(cut * 100 >= kills * share, "only {cut} of {kills} kills fell into a run at work");
        for point in Point::ALL {
            assert!(self.points[index(point)] > 0, "nothing was killed at {point:?}");
        }
        assert!(self.continued > 0, "no run went on from one that was cut off");
        assert!(self.killed_loads > 0, "no load was killed");
        assert!(self.cut_undos > 0, "no undo was killed");
        assert!(self.exchanges > 0, "no unique values were exchanged");
        assert!(self.seen.midway > 0, "no reader saw a target between two states");
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kills, cut) = (self.mirror_kills + self.undo_kills, self.cut_mirrors + self.cut_undos);
        let share = cut * 100 / kills.max(1);
        writeln!(f, "rounds            {}", self.rounds)?;
        writeln!(f, "kills             {kills}: {} of mirrors, {} of undos", self.mirror_kills, self.undo_kills)?;
        writeln!(f, "  mid-work        {cut} ({share} %): {} mirrors, {} undos", self.cut_mirrors, self.cut_undos)?;
        writeln!(f, "  while recovering {}", self.killed_again)?;
        for (point, count) in Point::ALL.iter().zip(self.points) {
            writeln!(f, "  {:<15} {count}", format!("at {point:?}"))?;
        }
        writeln!(f, "runs              {}, {} of them went on from one that was cut off", self.runs, self.continued)?;
        writeln!(f, "killed loads      {}", self.killed_loads)?;
        writeln!(f, "exchanges         {}", self.exchanges)?;
        writeln!(f, "reader            {} looks, {} midway", self.seen.looks, self.seen.midway)?;
        write!(f, "longest look      {} ms", self.seen.longest_wait.as_millis())
    }
}
