//! The process that is killed at a named point: this test program, started once more, which runs Syncline's library and
//! sends itself SIGKILL when it comes there.

use std::path::Path;
use std::process::Command;
use std::str::FromStr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use syncline::event::{Event, EventSink, Point};
use syncline::request::{DeleteLimit, RunRequest, SchemaPolicy, Strategy, Verb};
use syncline::{Cancel, Settings, Syncline};
use syncline_testkit::process::{self, Running};

/// Holds what the victim has to do, one word a line.
const VARIABLE: &str = "SYNCLINE_PROVE_VICTIM";

/// Where to end a victim.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) point: Point,
    /// The kill comes when it is there for this time, counted from 1.
    pub(crate) nth: usize,
}

/// What a run did that nobody killed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Course {
    /// How often it came to each point, in the order of [`Point::ALL`].
    pub(crate) counts: [usize; 6],
    /// When it had decided what to do, since the process began.
    pub(crate) decided: Duration,
    /// When it had nothing left to write.
    pub(crate) written: Duration,
}

impl Course {
    pub(crate) fn count(&self, point: Point) -> usize {
        self.counts[index(point)]
    }
}

pub(crate) fn index(point: Point) -> usize {
    Point::ALL.iter().position(|other| *other == point).unwrap()
}

/// A mirror between databases of any engine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Between<'a> {
    pub(crate) source: &'a str,
    pub(crate) target: &'a str,
    /// Rows in a batch.
    pub(crate) batch: u64,
    pub(crate) way: Way,
    /// A condition on the rows of one table.
    pub(crate) filter: &'a str,
}

/// How a mirror brings what differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// As it decides for each table.
    Auto,
    /// All in one transaction.
    Full,
    /// As before, and tables that nothing references are emptied first.
    Refill,
}

impl Way {
    /// What is typed for it.
    pub(crate) fn flags(self) -> &'static [&'static str] {
        match self {
            Way::Auto => &[],
            Way::Full => &["--strategy", "full"],
            Way::Refill => &["--strategy", "full", "--truncate-target"],
        }
    }
}

/// What a victim is to do.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Work<'a> {
    /// Source, target, rows in a batch.
    Mirror(&'a Path, &'a Path, u64),
    /// Between databases of any engine, in the ways a mirror can go.
    Between(Between<'a>),
    /// Source and target of a copy that adds columns.
    Widen(&'a Path, &'a Path),
    /// Source and target, until it is killed.
    Follow(&'a str, &'a str),
    /// The run.
    Undo(&'a str),
    /// The file of the plan.
    Apply(&'a Path),
}

/// Starts a victim in `directory`.
pub(crate) fn start(directory: &Path, state: &Path, place: Option<Place>, work: Work<'_>) -> Running {
    let mut words = vec![path(state)];
    words.push(place.map_or("nowhere".to_owned(), |place| format!("{:?}", place.point)));
    words.push(place.map_or(0, |place| place.nth).to_string());
    words.extend(match work {
        Work::Mirror(source, target, batch) => {
            vec!["mirror".to_owned(), path(source), path(target), batch.to_string()]
        }
        Work::Between(Between { source, target, batch, way, filter }) => {
            let words = ["between", source, target, &batch.to_string(), &format!("{way:?}"), filter];
            words.map(str::to_owned).to_vec()
        }
        Work::Widen(source, target) => vec!["widen".to_owned(), path(source), path(target)],
        Work::Follow(source, target) => ["follow", source, target].map(str::to_owned).to_vec(),
        Work::Undo(run) => vec!["undo".to_owned(), run.to_owned()],
        Work::Apply(plan) => vec!["apply".to_owned(), path(plan)],
    });
    let arguments = ["prove::victim::victim", "--exact", "--nocapture"];
    let mut command = process::command(&std::env::current_exe().unwrap(), arguments, directory);
    command.env(VARIABLE, words.join("\n"));
    Running::start(command)
}

/// Lets a mirror run to its end, and says how it went.
pub(crate) fn course(directory: &Path, state: &Path, work: Work<'_>) -> Course {
    let began = Instant::now();
    let finished = start(directory, state, None, work).finish(process::DEADLINE);
    let passed = began.elapsed();
    assert_eq!(finished.code, Some(0), "{}{}", finished.stdout, finished.stderr);
    let told =
        finished.stdout.lines().find_map(|line| line.strip_prefix("course ")).expect("a victim tells its course");
    let numbers: Vec<u64> = told.split(' ').map(|word| u64::from_str(word).unwrap()).collect();
    let [counts @ .., decided, written, lived] = numbers.as_slice() else { panic!("{told}") };
    // What passed before and after the victim's own clock ran is put before it.
    let around = passed.saturating_sub(Duration::from_micros(*lived));
    let since_start = |micros: &u64| around + Duration::from_micros(*micros);
    let counts = counts.iter().map(|count| *count as usize).collect::<Vec<_>>().try_into().unwrap();
    Course { counts, decided: since_start(decided), written: since_start(written) }
}

fn path(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

/// Counts down to the point and kills the process there; writes down how it came along.
struct Watch {
    place: Option<Place>,
    counts: [AtomicUsize; 6],
    began: Instant,
    decided_written: Mutex<[Duration; 2]>,
}

impl EventSink for Watch {
    fn emit(&self, event: Event) {
        let Event::Reached(point) = event else { return };
        let nth = self.counts[index(point)].fetch_add(1, Ordering::Relaxed) + 1;
        if self.place.is_some_and(|place| place.point == point && place.nth == nth) {
            kill_self();
        }
        match point {
            Point::Decided => self.decided_written.lock().unwrap()[0] = self.began.elapsed(),
            Point::Forgotten => self.decided_written.lock().unwrap()[1] = self.began.elapsed(),
            _ => {}
        }
    }
}

/// SIGKILL, which no handler can soften.
fn kill_self() -> ! {
    let pid = std::process::id().to_string();
    loop {
        let sent = Command::new("kill").args(["-9", &pid]).status();
        assert!(sent.is_ok_and(|status| status.success()), "there is no program to kill with");
    }
}

/// Does nothing unless the proof has started it.
#[test]
fn victim() {
    let Ok(words) = std::env::var(VARIABLE) else { return };
    let words: Vec<&str> = words.lines().collect();
    let [state, point, nth, work @ ..] = words.as_slice() else { panic!("{words:?}") };
    let point = Point::ALL.into_iter().find(|known| format!("{known:?}") == *point);
    let place = point.map(|point| Place { point, nth: nth.parse().unwrap() });
    let watch =
        Arc::new(Watch { place, counts: Default::default(), began: Instant::now(), decided_written: Mutex::default() });
    let settings = Settings {
        state_dir: state.into(),
        backup_root: None,
        working_dir: std::env::current_dir().unwrap(),
        environment: Box::new(|_| None),
        config: syncline::config::ConfigPlaces::default(),
        events: watch.clone(),
        cancel: Cancel::new(),
    };
    tokio::runtime::Runtime::new().unwrap().block_on(do_work(settings, work));
    let counts = watch.counts.each_ref().map(|count| count.load(Ordering::Relaxed).to_string());
    let [decided, written] = watch.decided_written.lock().unwrap().map(|instant| instant.as_micros());
    let told = format!("course {} {decided} {written} {}", counts.join(" "), watch.began.elapsed().as_micros());
    super::say(&told);
}

async fn do_work(settings: Settings, work: &[&str]) {
    let session = Syncline::open(settings).await.unwrap();
    let summary = match work {
        ["mirror", source, target, batch] => session.run(&unguarded(source, target, batch)).await.unwrap(),
        ["between", source, target, batch, way, filter] => {
            let mut request = unguarded(source, target, batch);
            if *way != "Auto" {
                request.strategy = Strategy::Full;
            }
            request.truncate_target = *way == "Refill";
            request.mapping.filters.push((*filter).to_owned());
            session.run(&request).await.unwrap()
        }
        ["widen", source, target] => {
            let request = RunRequest::new(Verb::Copy, *source, *target);
            session.run(&RunRequest { schema: SchemaPolicy::Add, ..request }).await.unwrap()
        }
        ["follow", source, target] => session.follow(&unguarded(source, target, "5000")).await.unwrap(),
        ["undo", run] => {
            let plan = session.undo_plan(Some(run)).await.unwrap();
            session.undo(&plan).await.unwrap()
        }
        ["apply", plan] => session.apply_plan(Path::new(plan)).await.unwrap(),
        other => panic!("{other:?}"),
    };
    assert!(summary.tables.iter().all(|table| table.error.is_none()), "{summary:?}");
}

/// A mirror that no guard stops.
fn unguarded(source: &str, target: &str, batch: &str) -> RunRequest {
    let mut request = RunRequest::new(Verb::Mirror, source, target);
    request.max_delete = DeleteLimit::Percent(100);
    request.allow_empty_source = true;
    request.batch_rows = batch.parse().unwrap();
    request
}
