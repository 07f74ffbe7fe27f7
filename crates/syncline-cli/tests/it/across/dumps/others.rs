//! Others at work on the database meanwhile.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use syncline_testkit::postgres::Options;
use syncline_testkit::process::{self, Running};

use super::{ROWS, names, server, with_second};
use crate::across::Server;
use crate::scene::{Scene, StopOnDrop};

/// Two tables whose sums add up to nothing.
const BALANCES: &str = "CREATE TABLE debit (id int PRIMARY KEY, amount int, filler text); \
    CREATE TABLE credit (id int PRIMARY KEY, amount int, filler text); \
    INSERT INTO debit SELECT i, 0, repeat(md5(i::text), 20) FROM generate_series(1, 4000) i; \
    INSERT INTO credit SELECT * FROM debit";

const SUM: &str = "SELECT (SELECT sum(amount) FROM debit) + (SELECT sum(amount) FROM credit)";

#[test]
fn a_backup_is_of_one_moment_while_others_write() {
    let (server, second) = with_second(server(BALANCES));
    let (done, database) = (AtomicBool::new(false), &server.database);
    let written = thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let (mut session, mut written) = (database.session(), 0);
            while !done.load(Ordering::Acquire) {
                let (from, to) = (written * 7919 % 4000 + 1, written * 104_729 % 4000 + 1);
                session.run(&format!(
                    "BEGIN; UPDATE debit SET amount = amount - 1 WHERE id = {from}; \
                     UPDATE credit SET amount = amount + 1 WHERE id = {to}; COMMIT"
                ));
                written += 1;
            }
            written
        });
        let _stop = StopOnDrop(&done);
        for round in 0..4 {
            server.scene.ok(&format!("backup env:PG -o {round}.dump"));
        }
        done.store(true, Ordering::Release);
        writer.join().unwrap()
    });
    assert!(written > 20, "only {written} were written meanwhile");
    let mut moved = Vec::new();
    for round in 0..4 {
        server.scene.ok(&format!("restore {round}.dump env:PG2 --yes --no-safety-backup"));
        assert_eq!(second.psql(SUM).trim(), "0", "backup {round}");
        moved.push(second.psql("SELECT sum(amount) FROM credit").trim().parse::<i64>().unwrap());
    }
    assert!(moved.is_sorted() && moved[3] > moved[0], "{moved:?}");
}

/// Whoever has read nothing yet reads the new content, however old his view is: an empty table would be neither.
#[test]
fn a_view_that_is_older_sees_no_empty_table() {
    let server = server(ROWS);
    server.scene.ok("backup env:PG -o b.dump");
    server.database.psql("DELETE FROM t WHERE id > 10");
    let mut old = server.database.session();
    old.run("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM pg_class LIMIT 1");
    server.scene.ok("restore b.dump env:PG --yes");
    let (seen, state) = old.run("SELECT count(*) FROM t");
    assert_eq!((seen.trim(), state.as_str()), ("3000", "00000"));
    old.run("COMMIT");
    // A program that is connected all the time, with a statement it has prepared before.
    let mut open = server.database.session();
    open.run("PREPARE look AS SELECT count(*) FROM t; EXECUTE look");
    server.database.psql("DELETE FROM t WHERE id > 20");
    server.scene.ok("restore b.dump env:PG --yes");
    assert_eq!(open.run("EXECUTE look").0.trim(), "3000");
}

/// Whoever has read something keeps the restore waiting, so that nobody reads some of the old and some of the new.
#[test]
fn who_has_read_something_is_waited_for() {
    let server = server(&format!("{ROWS}; CREATE TABLE u AS SELECT 1 AS x"));
    server.scene.ok("backup env:PG -o b.dump");
    server.database.psql("UPDATE u SET x = 2; DELETE FROM t");
    let mut reader = server.database.session();
    reader.run("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT x FROM u");
    let restore = Running::start(server.scene.command(&["restore", "b.dump", "env:PG", "--yes"]));
    let began = Instant::now();
    let waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'";
    while server.database.psql(waits).trim() == "0" {
        assert!(began.elapsed() < Duration::from_secs(60), "it never waited");
    }
    assert_eq!(reader.run("SELECT (SELECT x FROM u), (SELECT count(*) FROM t)").0.trim(), "2|0");
    reader.run("COMMIT");
    let done = restore.finish(process::DEADLINE);
    assert_eq!(done.code, Some(0), "{}{}", done.stdout, done.stderr);
    assert_eq!(reader.run("SELECT (SELECT x FROM u), (SELECT count(*) FROM t)").0.trim(), "1|3000");
}

/// The server's own vacuum goes on for as long as it likes, unless somebody waits for it long enough.
#[test]
fn a_vacuum_of_the_server_is_outwaited() {
    let slow =
        [("naptime", "1s"), ("vacuum_threshold", "1"), ("vacuum_cost_delay", "100ms"), ("vacuum_cost_limit", "1")];
    let options = slow.iter().fold(Options::default().without_fsync(), |options, (name, value)| {
        options.setting(&format!("autovacuum_{name}"), value)
    });
    let cluster = options.start();
    let database = cluster.fresh_database();
    database.psql(ROWS);
    let scene = Scene::new().with_variable("PG", &database.url());
    scene.ok("backup env:PG -o b.dump");
    database.psql("UPDATE t SET v = ''");
    let vacuums = "SELECT count(*) FROM pg_stat_activity WHERE query ~ '^autovacuum: VACUUM .*public.t$'";
    let began = Instant::now();
    while database.psql(vacuums).trim() == "0" {
        assert!(began.elapsed() < Duration::from_secs(120), "it is never vacuumed");
    }
    scene.ok("restore b.dump env:PG --yes");
    assert_eq!(database.psql("SELECT count(*) FROM t WHERE v <> ''").trim(), "3000");
}

/// What somebody writes is either in what is kept, or waits for the end of the restore: nothing is in neither.
#[test]
fn nothing_is_written_between_what_is_kept_and_the_restore() {
    let (server, second) = with_second(server(
        "CREATE TABLE n (i int); CREATE TABLE filler (v text); \
        INSERT INTO filler SELECT repeat(md5(i::text), 30) FROM generate_series(1, 20000) i",
    ));
    server.scene.ok("backup env:PG -o b.dump");
    let (done, database) = (AtomicBool::new(false), &server.database);
    let acknowledged = thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let (mut session, mut acknowledged) = (database.session(), 0);
            while !done.load(Ordering::Acquire) {
                let (_, state) = session.run(&format!("INSERT INTO n VALUES ({})", acknowledged + 1));
                assert_eq!(state, "00000");
                acknowledged += 1;
            }
            acknowledged
        });
        let _stop = StopOnDrop(&done);
        let said = server.scene.run("restore b.dump env:PG --yes --json");
        assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
        let kept = said.last()["safety_backup"].as_str().unwrap().to_owned();
        done.store(true, Ordering::Release);
        server.scene.ok(&format!("restore {kept} env:PG2 --yes --no-safety-backup"));
        writer.join().unwrap()
    });
    let numbers = |database: &syncline_testkit::postgres::Database<'_>| {
        let numbers = database.psql("SELECT i FROM n ORDER BY i");
        numbers.lines().map(|line| line.parse::<i64>().unwrap()).collect::<Vec<_>>()
    };
    let all: Vec<_> = numbers(&second).into_iter().chain(numbers(&server.database)).collect();
    assert_eq!(all, (1..=acknowledged).collect::<Vec<_>>());
}

/// A program that goes on after us would write to a file that nobody wants any more.
#[test]
fn a_backup_that_is_killed_takes_its_program_along() {
    let server = server("CREATE TABLE t AS SELECT i, repeat(md5(i::text), 40) AS v FROM generate_series(1, 60000) i");
    let mut killed = 0;
    for round in 0..6_u32 {
        let file = format!("{round}.dump");
        let backup = Running::start(server.scene.command(&["backup", "env:PG", "-o", &file]));
        if round % 2 == 0 {
            wait_for_program(&server, |count| count > 0);
        }
        let end = process::kill_after(backup, Duration::from_millis(u64::from(round) * 40));
        killed += u32::from(!end.ended_before);
        assert_eq!(server.scene.path(&file).exists(), end.ended_before, "round {round}");
        wait_for_program(&server, |count| count == 0);
    }
    assert!(killed > 0, "nothing was killed");
    server.scene.ok("backup env:PG -o last.dump");
    assert!(
        names(&server).iter().all(|name| name.ends_with(".dump") && !name.starts_with('.')),
        "{:?}",
        names(&server)
    );
}

/// Waits until so many sessions of `pg_dump` are on the database.
fn wait_for_program(server: &Server, enough: impl Fn(u32) -> bool) {
    let began = Instant::now();
    let query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query ~ '^COPY '";
    while !enough(server.database.psql(query).trim().parse().unwrap()) {
        assert!(began.elapsed() < Duration::from_secs(60), "pg_dump does not come, or does not go");
    }
}
