//! Others at work on the server: who hold locks, end sessions, restart it, or start a run of their own.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use syncline_testkit::postgres::{Database, Options, Session, Stop, fresh_database};

use super::{is_told, rows, scene_with};
use crate::scene::{Said, Scene};

/// As many rows as it takes to be still at work when a request to stop has come through.
const MANY: u32 = 4_000;

/// A mirror of changed rows, 20 at a time, that waits for row 100, which the application has locked.
struct Waiting<'a> {
    scene: Scene,
    database: &'a Database<'a>,
    application: Session,
    run: Child,
}

impl<'a> Waiting<'a> {
    fn new(database: &'a Database<'a>, count: u32) -> Self {
        let scene = scene_with(database, &rows(count, "new"));
        database.psql(&rows(count, "old"));
        let mut application = database.session();
        application.run("BEGIN; SELECT id FROM t WHERE id = 100 FOR UPDATE");
        let args = ["mirror", "a.db", "env:PG", "--batch-size", "20", "--json", "--progress", "none"];
        let run = scene.command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let waiting = Self { scene, database, application, run };
        waiting.until(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
        );
        waiting
    }

    /// Waits until a query counts something.
    fn until(&self, query: &str) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while self.database.psql(query).trim() == "0" {
            assert!(Instant::now() < deadline, "never: {query}");
        }
    }

    /// Ends the session that waits, or what it does, with this function of the server.
    fn end_by(&self, function: &str) {
        // Now and then it does not wait, to let go of what it has locked.
        self.until(&format!(
            "SELECT count({function}(pid)) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        ));
    }

    fn said(self) -> (Scene, Said, Session) {
        let Self { scene, run, application, .. } = self;
        (scene, run.wait_with_output().unwrap().into(), application)
    }
}

/// The rows before those that were locked are kept, and the next run does the rest.
fn goes_on(scene: &Scene, said: &Said, database: &Database<'_>) {
    let all: u64 = database.psql("SELECT count(*) FROM t").trim().parse().unwrap();
    let first: u64 = database.psql("SELECT count(*) FROM t WHERE v = 'new'").trim().parse().unwrap();
    let run = &scene.json("runs list --json")["data"][0]["id"];
    if said.last()["type"] == "summary" {
        assert_eq!(said.last()["tables"][0]["updated"], first, "{}", said.out);
    }
    assert!(first > 0 && first < all && first.is_multiple_of(20), "{}", said.out);
    let next = scene.run("mirror a.db env:PG --json");
    assert_eq!(next.code, Some(0), "{}{}", next.out, next.err);
    let next = next.last();
    assert_eq!((&next["continues"], next["verified"].as_str()), (run, Some("equal")), "{next}");
    assert_eq!(next["tables"][0]["updated"].as_u64().unwrap() + first, all);
    assert_eq!(database.psql("SELECT count(*) FROM pg_class WHERE relname LIKE '%syncline%'").trim(), "0");
    scene.ok("undo --yes");
    assert_eq!(database.psql("SELECT count(*) FROM t WHERE v = 'new'").trim(), first.to_string());
}

#[test]
fn an_administrator_ends_the_session() {
    let database = fresh_database();
    let waiting = Waiting::new(&database, 200);
    waiting.end_by("pg_terminate_backend");
    let (scene, said, application) = waiting.said();
    assert_eq!(said.code, Some(5), "{}{}", said.out, said.err);
    let error = is_told("mirror", &said, "CONNECTION_LOST");
    assert!(error["why"].to_string().contains("administrator"), "{error}");
    drop(application);
    goes_on(&scene, &said, &database);
}

#[test]
fn an_administrator_ends_a_statement() {
    let database = fresh_database();
    let waiting = Waiting::new(&database, 200);
    waiting.end_by("pg_cancel_backend");
    let (scene, said, application) = waiting.said();
    assert_eq!(said.code, Some(1), "{}{}", said.out, said.err);
    is_told("mirror", &said, "STATEMENT_CANCELLED");
    drop(application);
    goes_on(&scene, &said, &database);
}

#[test]
fn a_server_that_is_restarted_ends_the_run_and_the_next_goes_on() {
    let cluster = Options::default().without_fsync().start();
    let database = cluster.fresh_database();
    for how in [Stop::Fast, Stop::Immediate] {
        database.psql("DROP TABLE IF EXISTS t");
        let waiting = Waiting::new(&database, 200);
        cluster.restart(how);
        let (scene, said, _) = waiting.said();
        assert_eq!(said.code, Some(5), "{}{}", said.out, said.err);
        is_told("mirror", &said, "CONNECTION_LOST");
        goes_on(&scene, &said, &database);
    }
}

#[test]
fn a_signal_or_another_process_ends_the_run_between_two_batches() {
    for signal in ["-INT", "-TERM", ""] {
        let database = fresh_database();
        let mut waiting = Waiting::new(&database, MANY);
        if signal.is_empty() {
            let run = waiting.scene.json("runs list --json")["data"][0]["id"].as_str().unwrap().to_owned();
            let second = waiting.scene.run("mirror a.db env:PG --json");
            assert_eq!(second.code, Some(8), "{}{}", second.out, second.err);
            is_told("mirror", &second, "RUN_LOCKED");
            // Also for who has another state directory.
            let other = scene_with(&database, "CREATE TABLE other (id INTEGER PRIMARY KEY)");
            assert_eq!(other.run("copy a.db env:PG").code, Some(8));
            waiting.scene.ok(&format!("runs cancel {run}"));
        } else {
            Command::new("kill").args([signal, &waiting.run.id().to_string()]).status().unwrap();
        }
        // The application is done a moment later.
        let (_, state) = waiting.application.run("UPDATE t SET v = v WHERE id = 100; COMMIT");
        assert_eq!(state, "00000");
        let (scene, said, _application) = waiting.said();
        let expected = if signal == "-TERM" { 143 } else { 130 };
        assert_eq!(said.code, Some(expected), "{}{}", said.out, said.err);
        assert_eq!(said.last()["status"], "cancelled");
        goes_on(&scene, &said, &database);
    }
}

#[test]
fn a_row_that_stays_locked_ends_the_run() {
    let database = fresh_database();
    let waiting = Waiting::new(&database, 200);
    let (scene, said, mut application) = waiting.said();
    assert_eq!(said.code, Some(5), "{}{}", said.out, said.err);
    is_told("mirror", &said, "STORE_LOCKED");
    // Nothing has happened to the application.
    assert_eq!(application.run("UPDATE t SET v = 'mine' WHERE id = 100; COMMIT").1, "00000");
    assert_eq!(database.psql("SELECT v FROM t WHERE id = 100").trim(), "mine");
    goes_on(&scene, &said, &database);
}

/// The application closes a circle: it wants rows that the run may have locked, while the run waits for the row it has.
fn the_application_wins(waiting: Waiting<'_>) {
    let Waiting { database, .. } = waiting;
    let mut waiting = waiting;
    let (_, state) = waiting.application.run("UPDATE t SET v = 'mine' WHERE id BETWEEN 81 AND 99");
    assert_eq!(state, "00000", "the application was chosen to give way");
    assert_eq!(waiting.application.run("COMMIT").1, "00000");
    let (scene, said, _application) = waiting.said();
    // What it has written in the meantime is left.
    assert_eq!((said.code, said.last()["status"].as_str()), (Some(7), Some("conflicts")), "{}{}", said.out, said.err);
    assert_eq!(said.last()["tables"][0]["conflicts"], 19);
    assert_eq!(database.psql("SELECT count(*) FROM t WHERE v = 'mine'").trim(), "19");
    let next = scene.run("mirror a.db env:PG --json");
    assert_eq!((next.code, next.last()["verified"].as_str()), (Some(0), Some("equal")), "{}{}", next.out, next.err);
}

#[test]
fn in_a_deadlock_the_application_wins() {
    let database = fresh_database();
    the_application_wins(Waiting::new(&database, 200));
}

#[test]
fn a_deadlock_that_the_application_closes_late_is_no_harm_to_it() {
    let database = fresh_database();
    let waiting = Waiting::new(&database, 200);
    // By now the server has looked for a deadlock from the run's side, and found none.
    waiting.until(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
         AND application_name <> 'psql' AND xact_start < clock_timestamp() - interval '1.2 s' AND query LIKE '%lock_timeout%'",
    );
    the_application_wins(waiting);
}
