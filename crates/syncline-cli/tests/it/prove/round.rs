//! One round: mirrors that are killed and continued, then undone, killed again while they are, until the target is what
//! it was.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;
use syncline::event::Point;
use syncline_testkit::deterministic::Numbers;
use syncline_testkit::process::{self, Finished, Running, Scratch};

use super::reader::Reader;
use super::state::{Dump, check_equal, check_sound, exchanges, open};
use super::tally::{Tally, text};
use super::victim::{self, Course, Place, Work};
use super::world::{World, copy, edit};

/// A round at work.
pub(crate) struct Round<'t> {
    tally: &'t mut Tally,
    seed: u64,
    numbers: Numbers,
    directory: Scratch,
    world: World,
    batch: u64,
}

/// The runs that brought the target from one state to the next.
struct Act {
    before: Dump,
    /// Copies of the target before, and of the source.
    old: PathBuf,
    new: PathBuf,
    course: Course,
    /// Newest first.
    runs: Vec<String>,
}

/// How a process is to meet its end.
#[derive(Clone, Copy, Debug)]
enum End {
    At(Place),
    After(Duration),
}

/// What an undo is about to do.
struct Plan {
    rows: u64,
    tables: u64,
}

impl<'t> Round<'t> {
    /// The round that belongs to `seed`.
    pub(crate) fn new(seed: u64, tally: &'t mut Tally) -> Self {
        let mut numbers = Numbers::new(seed);
        let directory = Scratch::new();
        let world = World::new(directory.path(), seed, &mut numbers);
        let batch = *numbers.pick(&[50, 100, 200, 500, 500]);
        Self { tally, seed, numbers, directory, world, batch }
    }

    /// What it is about, for the message when it fails.
    pub(crate) fn title(&self) -> String {
        format!("{:?}, {}, {} rows a batch", self.world.start, self.world.journals, self.batch)
    }

    /// Carries it out.
    pub(crate) fn run(mut self) {
        let mut acts = vec![self.mirror(0)];
        if self.seed % 3 == 1 {
            edit(&self.world.source, &mut self.numbers);
            acts.push(self.mirror(1));
        }
        while let Some(act) = acts.pop() {
            self.undo(&act);
        }
        let runs = self.runs();
        self.tally.ran(&runs);
    }

    /// Mirrors until nothing is left to do, however often it is killed on the way.
    fn mirror(&mut self, act: usize) -> Act {
        let (source, target) = (self.world.source.clone(), self.world.target.clone());
        let [old, new] = ["old", "new"].map(|side| self.directory.join(format!("{side}-{act}.db")));
        let before = Dump::of(&target);
        let known: Vec<String> = self.runs().iter().map(|run| text(run, "id")).collect();
        copy(&target, &old);
        copy(&source, &new);
        let course = self.calibrate();
        let reader = self.reader(&old, &new);
        self.kill_mirrors(&course, act);
        let ended = self.start_mirror().finish(process::DEADLINE);
        must_succeed(&ended, "the mirror that nobody killed");
        self.tally.saw(reader.map(Reader::finish));
        check_equal(&source, &target);
        Dump::of(&source).must_be(&Dump::of(&new), "the source was changed");
        if act > 0 || !self.world.start.is_load() {
            self.tally.exchanges += u64::from(exchanges(&old, &new) > 0);
        }
        let mut runs: Vec<String> = self.runs().iter().map(|run| text(run, "id")).collect();
        runs.retain(|id| !known.contains(id));
        Act { before, old, new, course, runs }
    }

    fn kill_mirrors(&mut self, course: &Course, act: usize) {
        let end = match self.seed.is_multiple_of(2) {
            true => {
                let point = Point::ALL[(self.seed / 2) as usize % Point::ALL.len()];
                End::At(Place { point, nth: 1 + self.numbers.below(course.count(point) as u64) as usize })
            }
            false => self.instant(course, course.written),
        };
        let is_hit = self.kill_mirror(end);
        let is_in_transaction = matches!(end, End::At(Place { point: Point::Written | Point::EvidenceKept, .. }));
        if is_hit && is_in_transaction && act == 0 && self.world.start.is_load() {
            self.tally.killed_loads += 1;
        }
        if is_hit && self.numbers.below(3) == 0 {
            let end = self.again(course, course.written);
            self.tally.killed_again += u64::from(self.kill_mirror(end));
        }
    }

    /// Takes the runs of an act back, newest first, however often that is killed on the way.
    fn undo(&mut self, act: &Act) {
        let reader = self.reader(&act.old, &act.new);
        let mut is_first = true;
        for run in &act.runs {
            let Some(plan) = self.plan(run) else { continue };
            let pace = self.tally.undo_pace.unwrap_or(act.course.written.saturating_sub(act.course.decided) / 4_000);
            // A little less than expected: a kill that comes too late proves nothing.
            let expected = act.course.decided + pace * plan.rows as u32 * 9 / 10;
            if is_first || self.numbers.below(3) == 0 {
                let end = match is_first && !self.seed.is_multiple_of(2) {
                    true => self.rotated(&plan),
                    false => self.instant(&act.course, expected),
                };
                is_first = false;
                let is_hit = self.kill_undo(run, end);
                // A kill may hit when all is done and recorded, and only the process is left.
                if is_hit && self.numbers.below(3) == 0 && !self.is_undone(run) {
                    let end = self.again(&act.course, expected);
                    self.tally.killed_again += u64::from(self.kill_undo(run, end));
                }
                if !self.is_undone(run) {
                    must_succeed(&self.start_undo(run).finish(process::DEADLINE), "the undo that nobody killed");
                }
            } else {
                let began = Instant::now();
                must_succeed(&self.start_undo(run).finish(process::DEADLINE), "an undo");
                self.tally.undo_took(plan.rows, began.elapsed().saturating_sub(act.course.decided));
            }
        }
        self.tally.saw(reader.map(Reader::finish));
        check_sound(&open(&self.world.target));
        Dump::of(&self.world.target).must_be(&act.before, "not as it was before the runs that were undone");
    }

    /// Lets the work be done once on a copy, to know when a process is at work and how often it comes to which point.
    fn calibrate(&self) -> Course {
        let trial = Scratch::new();
        let target = trial.join("target.db");
        copy(&self.world.target, &target);
        let work = Work::Mirror(&self.world.source, &target, self.batch);
        victim::course(trial.path(), &trial.join("state"), work)
    }

    /// A reader in two rounds of three: the last connection to close a database does things of its own, and in some
    /// rounds that should be the one that is killed.
    fn reader(&self, old: &Path, new: &Path) -> Option<Reader> {
        let is_wanted = !self.seed.is_multiple_of(3) && self.world.target.exists();
        is_wanted.then(|| Reader::start(&self.world.target, old, new))
    }

    /// An instant while the work goes on, or once in ten times at any time before its end.
    fn instant(&mut self, course: &Course, end: Duration) -> End {
        let from = if self.numbers.below(10) == 0 { Duration::ZERO } else { course.decided.min(end) };
        let span = end.saturating_sub(from).as_micros() as u64;
        End::After(from + Duration::from_micros(self.numbers.below(span.max(1))))
    }

    /// The end of a process that goes on from one that was killed: it has less to do, and nobody knows how much.
    fn again(&mut self, course: &Course, end: Duration) -> End {
        if self.numbers.below(2) == 0 {
            return End::At(Place { point: *self.numbers.pick(&Point::ALL), nth: 1 });
        }
        self.instant(course, course.decided + end.saturating_sub(course.decided) / 3)
    }

    /// A point of an undo, every point in turn.
    fn rotated(&mut self, plan: &Plan) -> End {
        let point = Point::ALL[(self.seed as usize / 2 + 3) % Point::ALL.len()];
        let nth = match point {
            Point::Written | Point::EvidenceKept | Point::Committed => 1 + self.numbers.below(plan.tables) as usize,
            Point::Decided | Point::Sealed | Point::Forgotten => 1,
        };
        End::At(Place { point, nth })
    }

    /// Whether the kill hit.
    fn kill_mirror(&mut self, end: End) -> bool {
        let (source, target) = (self.world.source.clone(), self.world.target.clone());
        let work = Work::Mirror(&source, &target, self.batch);
        self.tally.mirror_kills += 1;
        self.kill(end, work, |round| round.start_mirror())
    }

    /// Whether the kill hit.
    fn kill_undo(&mut self, run: &str, end: End) -> bool {
        self.tally.undo_kills += 1;
        self.kill(end, Work::Undo(run), |round| round.start_undo(run))
    }

    fn kill(&mut self, end: End, work: Work<'_>, binary: impl FnOnce(&Self) -> Running) -> bool {
        let finished = match end {
            End::At(place) => {
                let victim = victim::start(self.directory.path(), &self.state(), Some(place), work);
                let finished = victim.finish(process::DEADLINE);
                self.tally.at(place.point, finished.code.is_none());
                finished
            }
            End::After(delay) => process::kill_after(binary(self), delay).finished,
        };
        if finished.code.is_some() {
            must_succeed(&finished, "what was to be killed and ended before");
        }
        finished.code.is_none()
    }

    fn start_mirror(&self) -> Running {
        let [source, target] = [&self.world.source, &self.world.target].map(|path| path.to_str().unwrap());
        let batch = self.batch.to_string();
        let flags = ["--batch-size", &batch, "--max-delete", "100%", "--allow-empty-source"];
        let way: &[&str] = if self.seed % 5 == 3 { &["--strategy", "full"] } else { &[] };
        self.start(&[&["mirror", source, target], way, &flags[..]].concat())
    }

    fn start_undo(&self, run: &str) -> Running {
        self.start(&["undo", run, "--yes"])
    }

    fn start(&self, words: &[&str]) -> Running {
        let state = self.state();
        let words = [words, &["--state-dir", state.to_str().unwrap()]].concat();
        let program = Path::new(env!("CARGO_BIN_EXE_syncline"));
        Running::start(process::command(program, words, self.directory.path()))
    }

    fn state(&self) -> PathBuf {
        self.directory.join("state")
    }

    /// All runs on record, newest first.
    fn runs(&self) -> Vec<Value> {
        let listed = self.start(&["runs", "list", "--limit", "1000", "--json"]).finish(process::DEADLINE);
        must_succeed(&listed, "the list of runs");
        let list: Value = serde_json::from_str(&listed.stdout).unwrap();
        list["data"].as_array().unwrap().clone()
    }

    fn is_undone(&self, run: &str) -> bool {
        self.runs().iter().any(|known| text(known, "id") == run && !known["undone_by"].is_null())
    }

    /// What undoing a run would do; `None` when it changed nothing.
    fn plan(&self, run: &str) -> Option<Plan> {
        let said = self.start(&["undo", run, "--json"]).finish(process::DEADLINE);
        let lines: Vec<Value> = said.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let code = lines.last().map(|line| text(line, "code"));
        match (code.as_deref(), lines.as_slice()) {
            (Some("NOTHING_TO_UNDO"), _) => None,
            (Some("CONFIRMATION_NEEDED"), [plan, ..]) => {
                let tables = plan["tables"].as_array().unwrap();
                let rows = |table: &Value| -> u64 {
                    ["restore", "revert", "remove"].iter().map(|what| table[what].as_u64().unwrap()).sum()
                };
                Some(Plan { rows: tables.iter().map(rows).sum(), tables: tables.len() as u64 })
            }
            _ => panic!("the plan of an undo\n{}{}", said.stdout, said.stderr),
        }
    }
}

fn must_succeed(finished: &Finished, what: &str) {
    assert_eq!(finished.code, Some(0), "{what}\n{}{}", finished.stdout, finished.stderr);
}
