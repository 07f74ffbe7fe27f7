//! Runs at a pace, by a clock that moves only where the run waits.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rusqlite::Connection;
use syncline::event::{Event, EventSink, Phase};
use syncline::request::{RunRequest, Strategy, Verb};
use syncline::summary::{Status, Summary, Verified};
use syncline::{Cancel, Clock, DiffRequest, Syncline, VerifyRequest};
use syncline_testkit::clock::SimulatedClock;

use crate::scene::Scene;

const RATE: u64 = 100;

/// A tenth of a second's worth, which is what the pace is kept in.
const PART: u64 = RATE / 10;

/// Two tables with keys, one of them with a unique value that changes hands, and one without a key.
const TABLES: &str = "PRAGMA journal_mode = WAL; CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);
    CREATE TABLE u (id INTEGER PRIMARY KEY, v INTEGER UNIQUE); CREATE TABLE bag (n INTEGER);";

fn source() -> String {
    format!(
        "{TABLES} WITH n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300) INSERT INTO t SELECT i, 'new' FROM n;
         INSERT INTO u SELECT id, 61 - id FROM t WHERE id <= 60; INSERT INTO bag SELECT id % 50 FROM t WHERE id <= 200"
    )
}

/// Most of `t` differs, `u` has its unique values in another order, and `bag` has rows too many.
fn target() -> String {
    format!(
        "{TABLES} WITH n (i) AS (SELECT 21 UNION ALL SELECT i + 1 FROM n WHERE i < 400) INSERT INTO t SELECT i, 'old' FROM n;
         UPDATE t SET v = 'new' WHERE id <= 50; INSERT INTO u SELECT id - 20, id - 20 FROM t WHERE id <= 80;
         INSERT INTO bag SELECT id % 60 FROM t WHERE id <= 180"
    )
}

/// What is seen of a run, and when.
#[derive(Default)]
struct Seen {
    /// Rows that a phase of a table has come to. A table may go through one twice.
    progress: Vec<(Duration, String, u64)>,
    phases: usize,
    notes: Vec<String>,
    /// Waits during which another program could not write to the target.
    waits_with_lock: usize,
    waits: usize,
}

struct Watch(Arc<Mutex<Seen>>, Arc<SimulatedClock>);

impl EventSink for Watch {
    fn emit(&self, event: Event) {
        let mut seen = self.0.lock().unwrap();
        let (table, phase, rows) = match event {
            Event::PhaseStarted { table, phase, .. } => {
                seen.phases += 1;
                (table, phase, 0)
            }
            Event::Progress { table, phase, rows } => (table, phase, rows),
            Event::Note(note) => return seen.notes.push(note),
            _ => return,
        };
        // Rows without a key are compared once all are read: their progress says nothing of that.
        if (phase, &*table) != (Phase::Compare, "bag") {
            let name = format!("{phase:?} of {table}, the run's phase {}", seen.phases);
            seen.progress.push((self.1.now(), name, rows));
        }
    }
}

/// A session by a simulated clock. `cancel_after` is the number of waits after which the run is cancelled.
struct Paced<'s> {
    scene: &'s Scene,
    seen: Arc<Mutex<Seen>>,
    clock: Arc<SimulatedClock>,
    cancel: Cancel,
}

impl<'s> Paced<'s> {
    fn new(scene: &'s Scene, cancel_after: usize) -> Self {
        let (seen, cancel, target) = (Arc::<Mutex<Seen>>::default(), Cancel::new(), scene.path("b.db"));
        let (sees, stop) = (Arc::clone(&seen), cancel.clone());
        let asleep = move |_| {
            let other = Connection::open(&target).unwrap();
            other.busy_timeout(Duration::ZERO).unwrap();
            let is_free = other.execute_batch("BEGIN IMMEDIATE; ROLLBACK").is_ok();
            let mut seen = sees.lock().unwrap();
            seen.waits += 1;
            seen.waits_with_lock += usize::from(!is_free);
            if seen.waits == cancel_after {
                stop.cancel();
            }
        };
        Self { scene, seen, clock: Arc::new(SimulatedClock::new(asleep)), cancel }
    }

    fn block_on<T>(&self, work: impl AsyncFnOnce(Syncline) -> T) -> T {
        let settings =
            self.scene.settings(Arc::new(Watch(Arc::clone(&self.seen), Arc::clone(&self.clock))), self.cancel.clone());
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let session = Syncline::open(settings).await.unwrap();
            work(session.with_clock(Arc::clone(&self.clock) as _)).await
        })
    }

    fn run(&self, request: &RunRequest) -> Summary {
        self.block_on(async |session| session.run(request).await.unwrap())
    }

    /// No phase of any table went further within a second than the rate allows, and the whole took as long as so many
    /// rows must.
    fn was_slow(&self, rows_at_least: u64) {
        let seen = self.seen.lock().unwrap();
        for (at, phase, rows) in &seen.progress {
            let before = |(then, of, _): &&(Duration, String, u64)| {
                then <= at && *at - *then < Duration::from_secs(1) && of == phase
            };
            let least = seen.progress.iter().filter(before).map(|(.., rows)| *rows).min().unwrap();
            assert!(rows - least <= RATE + 2 * PART, "{phase}: from {least} to {rows} by {at:?}");
        }
        let took = self.clock.now();
        let owed = Duration::from_millis(rows_at_least.saturating_sub(PART) * 1_000 / RATE);
        assert!(took >= owed, "{rows_at_least} rows in {took:?}");
    }
}

fn mirror() -> RunRequest {
    RunRequest {
        rate: RATE.to_string().parse().ok(),
        max_delete: "100%".parse().unwrap(),
        ..RunRequest::new(Verb::Mirror, "a.db", "b.db")
    }
}

fn is_equal(scene: &Scene) {
    assert_eq!(scene.run("diff a.db b.db --exit-code").code, Some(0));
}

/// Rows of each table that were written, and how the run ended.
fn counts(summary: &Summary) -> Vec<(String, u64, u64, u64, u64)> {
    let of = |table: &syncline::summary::TableSummary| {
        (table.table.clone(), table.inserted, table.updated, table.deleted, table.unchanged)
    };
    summary.tables.iter().map(of).collect()
}

#[test]
fn a_mirror_waits_without_the_lock() {
    let scene = Scene::with_pair(&source(), &target());
    let paced = Paced::new(&scene, 0);
    let summary = paced.run(&RunRequest { tables: vec!["t".into()], ..mirror() });
    assert_eq!((summary.status, summary.verified), (Status::Succeeded, Verified::Equal));
    // 380 rows of the target are read, 370 written and 300 read again.
    paced.was_slow(380 + 370 + 300);
    let seen = paced.seen.lock().unwrap();
    assert!(seen.waits > 50, "{} waits", seen.waits);
    assert_eq!(seen.waits_with_lock, 0, "of {} waits", seen.waits);
}

#[test]
fn whatever_way_a_table_is_carried_it_is_slow() {
    let full = |request: RunRequest| RunRequest { strategy: Strategy::Full, ..request };
    let cases: [(&str, RunRequest, u64); 5] = [
        ("differences", mirror(), 380 + 370 + 300 + 60 + 200),
        ("a refresh", full(mirror()), 380 + 370 + 300 + 60 + 200),
        ("emptied and filled", RunRequest { truncate_target: true, ..full(mirror()) }, 300 + 300),
        ("a copy", RunRequest { verb: Verb::Copy, ..mirror() }, 380 + 280 + 300),
        ("no proof, no images", RunRequest { verify: false, undo: false, ..mirror() }, 380 + 370),
    ];
    for (case, request, rows) in cases {
        let scene = Scene::with_pair(&source(), &target());
        let paced = Paced::new(&scene, 0);
        let summary = paced.run(&request);
        assert_eq!(summary.status, Status::Succeeded, "{case}");
        paced.was_slow(rows);
        let other = Scene::with_pair(&source(), &target());
        let fast = Paced::new(&other, 0).run(&RunRequest { rate: None, ..request.clone() });
        assert_eq!(counts(&summary), counts(&fast), "{case}");
        if request.verb == Verb::Mirror {
            is_equal(&scene);
        }
    }
}

#[test]
fn a_load_is_slow_too_and_says_how_long_nobody_else_can_write() {
    let scene = Scene::new();
    scene.sql("a.db", &source());
    scene.sql("a.db", "INSERT INTO t SELECT id + 300, v FROM t; INSERT INTO t SELECT id + 600, v FROM t");
    let paced = Paced::new(&scene, 0);
    let summary = paced.run(&mirror());
    assert_eq!((summary.status, summary.verified), (Status::Succeeded, Verified::Equal));
    // Read while they are loaded, and read again.
    paced.was_slow(2 * 1_200);
    let seen = paced.seen.lock().unwrap();
    let expected = "t is filled in one transaction: nobody else can write to the target for about 12 s";
    assert_eq!(seen.notes.iter().filter(|note| note.contains("one transaction")).collect::<Vec<_>>(), [expected]);
    assert!(seen.waits_with_lock > 0, "the note says that they are there");
    drop(seen);
    is_equal(&scene);
}

#[test]
fn reading_alone_and_taking_back_are_slow_as_well() {
    let scene = Scene::with_pair(&source(), &target());
    let rate = RATE.to_string().parse().ok();
    let pair = || DiffRequest {
        source: "a.db".into(),
        target: "b.db".into(),
        tables: Vec::new(),
        mapping: Default::default(),
    };
    let paced = Paced::new(&scene, 0);
    let report = paced.block_on(async |session| session.paced(rate).diff(&pair(), None).await.unwrap());
    assert!(!report.equal);
    paced.was_slow(380 + 60 + 200);
    scene.ok("mirror a.db b.db --max-delete 100%");
    let paced = Paced::new(&scene, 0);
    let report =
        paced.block_on(async |session| session.paced(rate).verify(&VerifyRequest::Pair(pair())).await.unwrap());
    assert_eq!(report.verified, Verified::Equal);
    paced.was_slow(300 + 60 + 200);
    let paced = Paced::new(&scene, 0);
    let summary = paced.block_on(async |session| {
        let session = session.paced(rate);
        session.undo(&session.undo_plan(None).await.unwrap()).await.unwrap()
    });
    assert_eq!(summary.status, Status::Succeeded);
    paced.was_slow(370 + 60);
    let before = Scene::with_pair(&source(), &target());
    for table in ["t", "u", "bag"] {
        let rows = format!("SELECT * FROM {table} ORDER BY 1");
        assert_eq!(scene.rows("b.db", &rows), before.rows("b.db", &rows), "{table}");
    }
}

#[test]
fn a_run_that_waits_can_be_stopped_at_once() {
    let scene = Scene::with_pair(&source(), &target());
    let mut kept = 0;
    for waits in [1, 30, 60, 75] {
        let paced = Paced::new(&scene, waits);
        let summary = paced.run(&RunRequest { tables: vec!["t".into()], ..mirror() });
        assert_eq!(summary.status, Status::Cancelled, "after {waits} waits");
        assert_eq!(paced.seen.lock().unwrap().waits, waits, "it went on waiting");
        kept += summary.tables.iter().map(|table| table.inserted + table.updated + table.deleted).sum::<u64>();
    }
    assert!(kept > 0, "never caught while it wrote");
    assert_eq!(Paced::new(&scene, 0).run(&mirror()).verified, Verified::Equal);
    is_equal(&scene);
}

#[test]
fn a_plan_and_a_recorded_run_keep_their_rate() {
    let scene = Scene::with_pair(&source(), &target());
    scene.ok("plan mirror a.db b.db --tables t --max-delete 100% --rate 5000 -o p.plan");
    scene.ok("apply p.plan --rate 6000");
    assert_eq!(newest_rate(&scene), 6_000);
    scene.ok("mirror a.db b.db --max-delete 100% --rate 7000/s --no-verify");
    assert_eq!(newest_rate(&scene), 7_000);
    is_equal(&scene);
}

fn newest_rate(scene: &Scene) -> u64 {
    let list = scene.json("runs list --json");
    let shown = scene.json(&format!("runs show {} --json", list["data"][0]["id"].as_str().unwrap()));
    shown["request"]["rate"].as_u64().unwrap_or_else(|| panic!("no rate in {shown}"))
}

#[test]
fn a_rate_that_is_none_is_a_mistake() {
    let scene = Scene::with_pair(&source(), &target());
    for command in ["mirror a.db b.db", "copy a.db b.db", "diff a.db b.db", "verify a.db b.db", "undo", "apply p.plan"]
    {
        for rate in ["0", "-5", "fast", "1e3", "1000000001"] {
            let said = scene.run(&format!("{command} --rate {rate}"));
            assert_eq!(said.code, Some(2), "{command} --rate {rate}: {}", said.err);
            assert!(said.err.contains("USAGE_INVALID") && said.err.contains(rate), "{}", said.err);
        }
    }
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM t"), 380);
}
