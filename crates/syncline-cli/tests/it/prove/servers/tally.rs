//! What the proof has seen.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;
use syncline::event::Point;

use super::super::tally::text;
use super::super::victim::index;
use super::onlooker::Seen;

/// Counts over all rounds.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) rounds: u64,
    pub(crate) pairings: BTreeMap<String, u64>,
    /// Processes, servers, and both that were to be killed while a process was at work.
    pub(crate) kills: [u64; 3],
    /// Those that were at work when it came.
    pub(crate) hits: [u64; 3],
    pub(crate) undo_hits: u64,
    /// What a process said whose server was killed.
    pub(crate) codes: BTreeMap<String, u64>,
    points: [u64; 6],
    /// Runs on record, those that were cut off, and those that went on from one.
    runs: u64,
    cut: u64,
    continued: u64,
    /// Rows whose commit Syncline has told, held against the target.
    pub(crate) acknowledged: u64,
    /// Rows of the application that were acknowledged.
    pub(crate) applications: u64,
    /// Transactions of its that a server has taken back in favour of a run's.
    pub(crate) yielded: u64,
    pub(crate) held_rounds: u64,
    pub(crate) refreshes: u64,
    /// Refreshes that empty tables first.
    pub(crate) refills: u64,
    /// Rows beside the mirror that reference rows of it, and were all there afterwards.
    pub(crate) children: u64,
    /// Crashes after which another state directory went on.
    pub(crate) elsewhere: u64,
    /// Crashes after which part of the work was in the target and stayed there.
    pub(crate) kept_parts: u64,
    pub(crate) seen: Seen,
    pub(crate) looks_at_files: u64,
}

/// Whom a kill is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whom {
    Process,
    Server,
    Both,
}

impl Tally {
    pub(crate) fn killed(&mut self, whom: Whom, is_hit: bool, is_undo: bool) {
        self.kills[whom as usize] += 1;
        self.hits[whom as usize] += u64::from(is_hit);
        self.undo_hits += u64::from(is_hit && is_undo);
    }

    pub(crate) fn at(&mut self, point: Point, is_hit: bool) {
        self.points[index(point)] += u64::from(is_hit);
    }

    /// The runs on record at the end of a round.
    pub(crate) fn ran(&mut self, runs: &[Value]) {
        self.rounds += 1;
        self.runs += runs.len() as u64;
        for run in runs {
            self.cut += u64::from(matches!(&*text(run, "status"), "interrupted" | "failed"));
            self.continued += u64::from(!run["continues"].is_null());
        }
    }

    pub(crate) fn saw(&mut self, seen: Seen) {
        self.seen.looks += seen.looks;
        self.seen.down += seen.down;
        self.seen.midway += seen.midway;
        self.seen.settled += seen.settled;
        self.seen.longest = self.seen.longest.max(seen.longest);
    }

    /// Both together.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.rounds += other.rounds;
        for (mine, others) in [(&mut self.pairings, other.pairings), (&mut self.codes, other.codes)] {
            others.into_iter().for_each(|(name, count)| *mine.entry(name).or_default() += count);
        }
        self.kills.iter_mut().zip(other.kills).for_each(|(count, more)| *count += more);
        self.hits.iter_mut().zip(other.hits).for_each(|(count, more)| *count += more);
        self.points.iter_mut().zip(other.points).for_each(|(count, more)| *count += more);
        self.undo_hits += other.undo_hits;
        self.runs += other.runs;
        self.cut += other.cut;
        self.continued += other.continued;
        self.acknowledged += other.acknowledged;
        self.applications += other.applications;
        self.elsewhere += other.elsewhere;
        self.yielded += other.yielded;
        self.held_rounds += other.held_rounds;
        self.refreshes += other.refreshes;
        self.refills += other.refills;
        self.children += other.children;
        self.kept_parts += other.kept_parts;
        self.looks_at_files += other.looks_at_files;
        self.saw(other.seen);
        self
    }

    /// Panics unless what the proof is about has happened.
    pub(crate) fn must_mean_something(&self) {
        let (kills, hits): (u64, u64) = (self.kills.iter().sum(), self.hits.iter().sum());
        assert!(
            self.cut * 100 >= kills * 50,
            "only {} of {kills} kills fell into a run at work ({hits} hit)",
            self.cut
        );
        for point in Point::ALL {
            assert!(self.points[index(point)] > 0, "nothing was killed at {point:?}");
        }
        assert!(self.hits.iter().all(|hits| *hits > 0), "{:?}", self.hits);
        assert!(self.undo_hits > 0, "no undo was killed");
        assert!(self.continued > 0, "no run went on from one that was cut off");
        assert!(self.elsewhere > 0, "no other state directory went on");
        assert!(self.kept_parts > 0, "no crash left a part of the work");
        assert!(self.applications > 0 && self.acknowledged > 0, "nothing was acknowledged");
        assert!(self.held_rounds > 0 && self.refreshes > self.refills, "no row was held, or no table refreshed");
        assert!(self.refills > 0 && self.children > 0, "no table was emptied and filled again, or none had children");
        assert!(self.seen.midway > 0 && self.seen.down > 0, "no reader saw a target between two states");
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kills, hits): (u64, u64) = (self.kills.iter().sum(), self.hits.iter().sum());
        writeln!(f, "rounds            {} {:?}", self.rounds, self.pairings)?;
        writeln!(f, "kills             {kills}, {hits} hit, {} of them in an undo", self.undo_hits)?;
        writeln!(f, "  mid-work        {} ({} %)", self.cut, self.cut * 100 / kills.max(1))?;
        for (what, at) in [("the process", 0), ("the server", 1), ("both", 2)] {
            writeln!(f, "  {what:<15} {} of {} hit", self.hits[at], self.kills[at])?;
        }
        for (point, count) in Point::ALL.iter().zip(self.points) {
            writeln!(f, "  {:<15} {count}", format!("at {point:?}"))?;
        }
        writeln!(f, "without a server  {:?}", self.codes)?;
        writeln!(f, "runs              {}, {} of them went on from one that was cut off", self.runs, self.continued)?;
        writeln!(
            f,
            "parts kept        after {} crashes; {} were gone on with by another state directory",
            self.kept_parts, self.elsewhere
        )?;
        writeln!(
            f,
            "acknowledged      {} rows by summaries, {} of the application, which gave way {} times",
            self.acknowledged, self.applications, self.yielded
        )?;
        let Self { refreshes, refills, held_rounds, children, .. } = self;
        writeln!(
            f,
            "refreshes         {refreshes}, {refills} of tables emptied first; rounds with held rows {held_rounds}"
        )?;
        writeln!(f, "children kept     {children}, of tables beside the mirror")?;
        let Seen { looks, down, midway, settled, longest } = self.seen;
        writeln!(
            f,
            "readers           {looks} looks, {midway} midway, {settled} before or after, {down} without a server"
        )?;
        writeln!(f, "  of files        {} looks, the longest look {} ms", self.looks_at_files, longest.as_millis())?;
        write!(f, "verdict           nothing lost, doubled or half done")
    }
}
