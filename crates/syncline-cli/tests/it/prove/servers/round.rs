//! One round: mirrors whose process or server is killed, continued until they are done, and undone in the same way.

use std::collections::BTreeSet;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Duration;

use serde_json::Value;
use syncline::event::Point;
use syncline_testkit::deterministic::Numbers;
use syncline_testkit::process::{self, Finished, Running, Scratch};

use super::super::reader::Reader;
use super::super::state::{check_sound, open};
use super::super::tally::text;
use super::super::victim::{self, Between, Course, Place, Way, Work};
use super::super::world::copy;
use super::application;
use super::children;
use super::content::Content;
use super::engine::{Database, Stop};
use super::onlooker::{Onlooker, split};
use super::outcome::{check_told, must_succeed, without_server};
use super::soundness::{check, check_but_checkpoints, definitions, wait_for_locks};
use super::tally::{Tally, Whom};
use super::world::{APPLICATION, Servers, Side, World, fill, forget, target};
use crate::scene::StopOnDrop;

/// Leaves the application's rows alone.
static FILTER: LazyLock<String> = LazyLock::new(|| format!("quotas: id < {APPLICATION}"));

/// A round at work.
pub(crate) struct Round<'r> {
    tally: &'r mut Tally,
    servers: &'r Servers,
    seed: u64,
    numbers: Numbers,
    directory: Scratch,
    world: World<'r>,
    batch: u64,
    way: Way,
    has_application: bool,
    /// The state directory that is at work.
    state: &'static str,
}

/// The runs that brought the target from one state to the next.
struct Act {
    before: Content,
    /// What was in the target and what is in the source, as files.
    old: PathBuf,
    new: PathBuf,
    definitions: Option<String>,
    course: Course,
    /// Newest first.
    runs: Vec<String>,
}

/// How a process or its server is to meet its end.
#[derive(Clone, Copy, Debug)]
enum End {
    At(Place),
    Process(Duration),
    Server(Duration, Stop),
    Both(Duration, Stop),
}

/// What is to be done, and killed on the way.
#[derive(Clone, Copy, Debug)]
enum Task<'a> {
    Mirror,
    Undo(&'a str),
}

impl<'r> Round<'r> {
    /// The round that belongs to `seed`.
    pub(crate) fn new(seed: u64, servers: &'r Servers, tally: &'r mut Tally) -> Self {
        let mut numbers = Numbers::new(seed ^ 0x7067);
        let directory = Scratch::new();
        let way = match seed % 3 {
            1 if (seed / 3 + seed / 6).is_multiple_of(2) => Way::Refill,
            1 => Way::Full,
            _ => Way::Auto,
        };
        let holds = seed % 6 == 2 || seed % 6 == 5;
        let world = World::new(directory.path(), servers, seed, &mut numbers, holds);
        let batch = *numbers.pick(&[50, 100, 200, 500, 500]);
        let has_application = world.target.server().is_some() && seed % 5 < 2;
        Self { tally, servers, seed, numbers, directory, world, batch, way, has_application, state: "state" }
    }

    /// What it is about, for the message when it fails.
    pub(crate) fn title(&self) -> String {
        let (pairing, World { start, holds, .. }) = (self.pairing(), &self.world);
        format!(
            "{pairing}, {start:?}, {:?}, {} rows a batch, holds {holds}, application {}",
            self.way, self.batch, self.has_application
        )
    }

    /// Keeps what a failure is looked into with, and says where.
    pub(crate) fn keep(&self) -> String {
        let kept =
            std::env::temp_dir().join(format!("syncline-kill-{}-{}", self.servers.server.engine().name, self.seed));
        let copied = std::process::Command::new("cp").arg("-r").arg(self.directory.path()).arg(&kept).status();
        let texts = [("source.txt", self.world.source.content()), ("target.txt", self.world.target.content())];
        texts.iter().for_each(|(name, content)| std::fs::write(kept.join(name), content.text()).unwrap_or_default());
        if let Some(database) = self.world.target.server() {
            std::fs::write(kept.join("definitions.txt"), definitions(database)).unwrap_or_default();
        }
        std::fs::write(kept.join("server.log"), self.servers.server.log()).unwrap_or_default();
        format!("{} ({})", kept.display(), if copied.is_ok() { "whole" } else { "in part" })
    }

    /// Carries it out.
    pub(crate) fn run(&mut self) {
        let pairing = self.pairing();
        *self.tally.pairings.entry(pairing).or_default() += 1;
        self.tally.held_rounds += u64::from(self.world.holds);
        self.tally.refreshes += u64::from(self.way != Way::Auto);
        self.tally.refills += u64::from(self.way == Way::Refill);
        let first = self.mirror();
        let mut acts = vec![first];
        if self.seed % 8 == 2 && !self.world.holds {
            self.world.edit(&mut self.numbers);
            let second = self.mirror();
            acts.push(second);
        }
        while let Some(act) = acts.pop() {
            self.undo(&act);
        }
        let runs = self.runs();
        self.tally.ran(&runs);
    }

    fn pairing(&self) -> String {
        let engine = |side: &Side<'_>| side.server().map_or("SQLite", |database| database.engine().name);
        format!("{} -> {}", engine(&self.world.source), engine(&self.world.target))
    }

    /// Mirrors until nothing is left to do, whatever is killed on the way.
    fn mirror(&mut self) -> Act {
        let (source, before) = (self.world.source.content(), self.world.target.content());
        let known: Vec<String> = self.runs().iter().map(|run| text(run, "id")).collect();
        let wanted = source.mirrored(&before, self.world.holds);
        let course = self.calibrate();
        let definitions = self.world.target.server().map(|database| definitions(database));
        let (old, new) = self.twins(known.len());
        self.watched(&old, &new, self.way != Way::Auto, |round| {
            round.kill_mirrors(&course, &before, &wanted);
            if round.seed % 7 == 2 {
                round.go_on_elsewhere(&wanted);
            }
            let was = round.world.target.content();
            let ended = round.start(Task::Mirror).finish(process::DEADLINE);
            must_succeed(&ended, round.world.holds, "the mirror that nobody killed");
            let is = round.world.target.content();
            is.must_be(&wanted, "the target is not what the source is");
            round.tally.acknowledged += check_told(&ended, &was, &is, true);
        });
        self.check_sound();
        self.world.source.content().must_be(&source, "the source was changed");
        let mut runs: Vec<String> = self.runs().iter().map(|run| text(run, "id")).collect();
        runs.retain(|id| !known.contains(id));
        Act { before, old, new, definitions, course, runs }
    }

    /// What is in the target now and what is to be, as files.
    fn twins(&self, act: usize) -> (PathBuf, PathBuf) {
        let [old, new] = ["old", "new"].map(|side| self.directory.join(format!("{side}-{act}.db")));
        copy(&self.world.target_twin, &old);
        copy(&self.world.source_twin, &new);
        (old, new)
    }

    fn kill_mirrors(&mut self, course: &Course, before: &Content, wanted: &Content) {
        let mut end = self.rotated(course, self.seed + self.seed / 4);
        let mut done = BTreeSet::new();
        for _ in 0..3 {
            let was = self.world.target.content();
            let (is_hit, finished) = self.kill(end, Task::Mirror);
            let is = self.world.target.content();
            let now = is.progress(before, wanted);
            let lost: Vec<_> = done.difference(&now).take(3).collect();
            assert!(lost.is_empty(), "what was written before a crash is gone after the next: {lost:?}");
            self.tally.kept_parts += u64::from(is_hit && !now.is_empty() && is != *wanted);
            self.tally.acknowledged += check_told(&finished, &was, &is, !is_hit);
            if let (true, End::At(Place { point: Point::Committed, nth })) = (is_hit, end) {
                assert!(was != is || nth == 1, "the target shows nothing of {nth} transactions");
            }
            done = now;
            if !is_hit || self.numbers.below(2) == 0 {
                break;
            }
            let turn = self.numbers.below(5);
            end = self.rotated(course, turn);
        }
    }

    /// Another state directory, which has never heard of what was cut off, brings the rest, and takes just that back.
    fn go_on_elsewhere(&mut self, wanted: &Content) {
        // What a process sent last may be at work still.
        self.world.target.server().into_iter().for_each(|database| wait_for_locks(database));
        let was = self.world.target.content();
        self.state = "elsewhere";
        let ended = self.start(Task::Mirror).finish(process::DEADLINE);
        must_succeed(&ended, self.world.holds, "the mirror of another state directory");
        self.world.target.content().must_be(wanted, "another state directory has not brought all");
        self.world.target.server().into_iter().for_each(|database| check_but_checkpoints(database));
        let run = text(&self.runs()[0], "id");
        if self.can_be_undone(&run) {
            let ended = self.start(Task::Undo(&run)).finish(process::DEADLINE);
            must_succeed(&ended, false, "the undo of another state directory");
        }
        self.state = "state";
        // A table that was there under no name yet has one by now.
        if wanted.are_all_in(&was) {
            self.world.target.content().must_be(&was, "another state directory has taken back what it has not brought");
        }
        self.tally.elsewhere += 1;
    }

    /// Takes the runs of an act back, newest first, whatever is killed on the way.
    fn undo(&mut self, act: &Act) {
        self.watched(&act.old, &act.new, false, |round| {
            for run in &act.runs {
                if !round.can_be_undone(run) {
                    continue;
                }
                let turn = round.numbers.below(5);
                let end = round.rotated(&act.course, turn);
                let (is_hit, _) = round.kill(end, Task::Undo(run));
                if is_hit && !round.is_undone(run) && round.numbers.below(3) == 0 {
                    let turn = round.numbers.below(5);
                    let end = round.rotated(&act.course, turn);
                    round.kill(end, Task::Undo(run));
                }
                if !round.is_undone(run) {
                    let ended = round.start(Task::Undo(run)).finish(process::DEADLINE);
                    must_succeed(&ended, false, "the undo that nobody killed");
                }
            }
        });
        self.check_sound();
        self.world.target.content().must_be(&act.before, "not as it was before the runs that were undone");
        if let (Some(database), Some(defined)) = (self.world.target.server(), &act.definitions) {
            assert_eq!(&definitions(database), defined, "what is defined in the target has changed");
        }
    }

    /// Does `work` while readers look on and, in some rounds, an application writes.
    fn watched(&mut self, old: &Path, new: &Path, is_one_step: bool, work: impl FnOnce(&mut Self)) {
        match &self.world.target {
            Side::File(path) if path.exists() => {
                let reader = Reader::start(path, old, new);
                work(self);
                self.tally.looks_at_files += reader.finish().looks;
            }
            Side::File(_) => work(self),
            Side::Server(database) => {
                let database = Arc::clone(database);
                self.watched_on_server(&database, (old, new), is_one_step, work);
            }
        }
    }

    fn watched_on_server(
        &mut self,
        database: &Database<'_>,
        (old, new): (&Path, &Path),
        is_one_step: bool,
        work: impl FnOnce(&mut Self),
    ) {
        fill(database, old, Some("was"));
        fill(database, new, Some("will"));
        if self.world.holds {
            // They do not come, and what stands in their places is among what was before.
            database.run("DELETE FROM will.quotas WHERE n >= 1000");
        }
        let old = Content::of_file(old);
        let (there, missing) = split(|table| old.rows(table).is_some());
        let with_quotas = there.iter().any(|table| table.name == "quotas");
        // What is empty is loaded by itself.
        let is_one_step = is_one_step && there.iter().all(|table| !old.rows(table.name).unwrap().is_empty());
        let has_children = children::add(database);
        let is_one_step = is_one_step && missing.is_empty();
        let onlooker = Onlooker { database, is_one_step, has_children, there, missing };
        let (stop, has_application) = (AtomicBool::new(false), self.has_application);
        let (seen, done) = thread::scope(|scope| {
            let at_end = StopOnDrop(&stop);
            let reader = scope.spawn(|| onlooker.read(&stop));
            let writer = has_application.then(|| scope.spawn(|| application::write(database, with_quotas, &stop)));
            work(self);
            drop(at_end);
            let done = writer.map(|writer| writer.join().unwrap_or_else(|panic| resume_unwind(panic)));
            (reader.join().unwrap_or_else(|panic| resume_unwind(panic)), done)
        });
        self.tally.saw(seen);
        if has_children {
            self.tally.children += children::take_back(database);
        }
        if let Some(done) = done {
            done.check(database, with_quotas);
            self.tally.applications += done.acknowledged.len() as u64;
            self.tally.yielded += done.yielded;
            done.take_back(database, with_quotas);
        }
        forget(database);
    }

    fn check_sound(&self) {
        match &self.world.target {
            Side::File(path) => check_sound(&open(path)),
            Side::Server(database) => check(database),
        }
    }

    /// Lets the work be done once on a copy, to know when a process is at work and how often it comes to which point.
    fn calibrate(&self) -> Course {
        let trial = Scratch::new();
        let source = self.world.source.name();
        let state = trial.join("state");
        match &self.world.target {
            Side::File(path) => {
                let target = trial.join("target.db");
                copy(path, &target);
                victim::course(trial.path(), &state, self.between(&source, target.to_str().unwrap()))
            }
            Side::Server(_) => {
                let target = target(&self.servers.server, &self.world.target_twin, self.world.holds);
                victim::course(trial.path(), &state, self.between(&source, &target.url()))
            }
        }
    }

    fn between<'a>(&self, source: &'a str, target: &'a str) -> Work<'a> {
        Work::Between(Between { source, target, batch: self.batch, way: self.way, filter: &FILTER })
    }

    /// The way to end that has its turn.
    fn rotated(&mut self, course: &Course, turn: u64) -> End {
        let from = if self.numbers.below(10) == 0 { Duration::ZERO } else { course.decided };
        let span = course.written.saturating_sub(from).as_micros() as u64;
        let instant = from + Duration::from_micros(self.numbers.below(span.max(1)));
        let stop = *self.numbers.pick(&[Stop::Kill, Stop::Cut]);
        match turn % 5 {
            0 | 1 => {
                let point = Point::ALL[(self.seed / 2 + self.numbers.below(2)) as usize % Point::ALL.len()];
                End::At(Place { point, nth: 1 + self.numbers.below(course.count(point) as u64) as usize })
            }
            2 => End::Process(instant),
            3 => End::Server(instant, stop),
            _ => End::Both(instant, stop),
        }
    }

    /// Whether something at work was hit, and what the process said. The server is up afterwards.
    fn kill(&mut self, end: End, task: Task<'_>) -> (bool, Finished) {
        let (whom, is_hit, finished) = match end {
            End::At(place) => {
                let finished = self.start_victim(place, task).finish(process::DEADLINE);
                self.tally.at(place.point, finished.code.is_none());
                (Whom::Process, finished.code.is_none(), finished)
            }
            End::Process(delay) => {
                let finished = process::kill_after(self.start(task), delay).finished;
                (Whom::Process, finished.code.is_none(), finished)
            }
            End::Server(delay, how) => {
                let mut running = self.start(task);
                if !running.ends_within(delay) {
                    self.servers.server.stop(how);
                }
                // In half of all cases it is up again before the process has noticed everything.
                if self.numbers.below(2) == 0 {
                    self.servers.server.start();
                }
                let finished = running.finish(process::DEADLINE);
                self.servers.server.start();
                let code = without_server(&finished, self.world.holds);
                *self.tally.codes.entry(code.clone().unwrap_or_else(|| "done before".to_owned())).or_default() += 1;
                (Whom::Server, code.is_some(), finished)
            }
            End::Both(delay, how) => {
                let mut running = self.start(task);
                running.ends_within(delay);
                // A server that goes last may be at work still on what it was sent last.
                let is_process_first = self.numbers.below(2) == 0;
                if !is_process_first {
                    self.servers.server.stop(how);
                }
                let finished = process::kill_after(running, Duration::ZERO).finished;
                self.servers.server.stop(how);
                self.servers.server.start();
                if finished.code.is_some() {
                    without_server(&finished, self.world.holds);
                }
                (Whom::Both, finished.code.is_none_or(|code| code == 5), finished)
            }
        };
        if !is_hit {
            must_succeed(&finished, self.world.holds, "what was to be killed and ended before");
        }
        self.tally.killed(whom, is_hit, matches!(task, Task::Undo(_)));
        (is_hit, finished)
    }

    fn start_victim(&self, place: Place, task: Task<'_>) -> Running {
        let (source, target) = (self.world.source.name(), self.world.target.name());
        let work = match task {
            Task::Mirror => self.between(&source, &target),
            Task::Undo(run) => Work::Undo(run),
        };
        victim::start(self.directory.path(), &self.state(), Some(place), work)
    }

    fn start(&self, task: Task<'_>) -> Running {
        let (source, target, batch) = (self.world.source.name(), self.world.target.name(), self.batch.to_string());
        match task {
            Task::Mirror => {
                // Several sessions may load what is new.
                let jobs = if self.seed % 3 == 1 { "2" } else { "1" };
                let bounds = ["--max-delete", "100%", "--allow-empty-source", "--where", &FILTER];
                let flags = [&["--batch-size", &batch, "--jobs", jobs], &bounds[..]].concat();
                self.command(&[&["mirror", &source, &target, "--json"], self.way.flags(), &flags[..]].concat())
            }
            Task::Undo(run) => self.command(&["undo", run, "--yes", "--json"]),
        }
    }

    fn command(&self, words: &[&str]) -> Running {
        let state = self.state();
        let words = [words, &["--state-dir", state.to_str().unwrap()]].concat();
        let program = Path::new(env!("CARGO_BIN_EXE_syncline"));
        Running::start(process::command(program, words, self.directory.path()))
    }

    fn state(&self) -> PathBuf {
        self.directory.join(self.state)
    }

    /// All runs on record, newest first.
    fn runs(&self) -> Vec<Value> {
        let listed = self.command(&["runs", "list", "--limit", "1000", "--json"]).finish(process::DEADLINE);
        must_succeed(&listed, false, "the list of runs");
        let list: Value = serde_json::from_str(&listed.stdout).unwrap();
        list["data"].as_array().unwrap().clone()
    }

    fn is_undone(&self, run: &str) -> bool {
        self.runs().iter().any(|known| text(known, "id") == run && !known["undone_by"].is_null())
    }

    /// Whether a run has changed anything.
    fn can_be_undone(&self, run: &str) -> bool {
        let said = self.command(&["undo", run, "--json"]).finish(process::DEADLINE);
        let last: Value = serde_json::from_str(said.stdout.lines().last().unwrap_or("null")).unwrap();
        match last["code"].as_str() {
            Some("NOTHING_TO_UNDO") => false,
            Some("CONFIRMATION_NEEDED") => true,
            _ => panic!("the plan of an undo\n{}{}", said.stdout, said.stderr),
        }
    }
}
