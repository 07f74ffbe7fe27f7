//! Runs that go by the change log, between engines.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use syncline_testkit::postgres::fresh_database;

use super::Server;

/// Two tables, and one with keys of text, in words that every engine knows.
const TABLES: &str = "
    CREATE TABLE account (id INTEGER PRIMARY KEY, name VARCHAR(40) UNIQUE, total INTEGER NOT NULL);
    CREATE TABLE entry (id INTEGER PRIMARY KEY, account INTEGER NOT NULL REFERENCES account (id), amount INTEGER NOT NULL);
    CREATE TABLE tag (code VARCHAR(20) NOT NULL, kind VARCHAR(20) NOT NULL, note VARCHAR(40), PRIMARY KEY (code, kind));";

fn rows() -> String {
    let account = |id| format!("INSERT INTO account VALUES ({id}, 'account {id}', 100);");
    let entry = |id| format!("INSERT INTO entry VALUES ({id}, {}, {id});", id % 50 + 1);
    let tag = |id| format!("INSERT INTO tag VALUES ('T{id}', 'k', NULL);");
    (1..=50).map(account).chain((1..=200).map(entry)).chain((1..=60).map(tag)).collect()
}

/// What an application does, time and again.
const EDITS: [&str; 6] = [
    "UPDATE account SET total = total + 1 WHERE id <= 3; DELETE FROM entry WHERE id = 5; INSERT INTO entry VALUES (900, 1, 9)",
    "UPDATE tag SET code = 'moved' WHERE code = 'T7'; DELETE FROM tag WHERE code = 'T8'; INSERT INTO tag VALUES ('t9', 'k', 'case')",
    "UPDATE account SET name = 'swap' WHERE id = 10; UPDATE account SET name = 'account 10' WHERE id = 11;
     UPDATE account SET name = 'account 11' WHERE id = 10",
    "BEGIN; DELETE FROM entry; ROLLBACK",
    "UPDATE entry SET id = id + 10000 WHERE id BETWEEN 100 AND 110",
    "INSERT INTO account VALUES (60, 'late', 0); INSERT INTO entry VALUES (901, 60, 1); DELETE FROM entry WHERE id = 901; DELETE FROM account WHERE id = 60",
];

/// Goes through all edits with `write`, and looks after each whether both sides are equal.
fn follow(server: &Server, source: &str, target: &str, write: impl Fn(&str)) {
    let run = format!("mirror {source} {target} --strategy incremental");
    write(TABLES);
    write(&rows());
    server.scene.ok(&format!("track {source}"));
    server.scene.ok(&run);
    for edit in EDITS {
        write(edit);
        let shown = server.scene.ok(&run);
        assert!(!shown.contains("compare:") && shown.contains("incremental:"), "{edit}: {shown}");
        let said = server.scene.run(&format!("diff {source} {target} --exit-code"));
        assert_eq!(said.code, Some(0), "{edit}: {}{}", said.out, said.err);
    }
    let shown = server.scene.ok(&run);
    assert_eq!(shown.matches("nothing was touched").count(), 3, "{shown}");
    assert!(server.scene.ok(&format!("status {source}")).contains("up to date"));
    server.scene.ok(&format!("untrack {source}"));
}

#[test]
fn from_a_file_to_postgres() {
    let server = Server::new();
    follow(&server, "a.db", "env:PG", |sql| server.scene.sql("a.db", sql));
}

#[test]
fn from_postgres_to_a_file() {
    let server = Server::new();
    follow(&server, "env:PG", "b.db", |sql| drop(server.database.psql(sql)));
}

#[test]
fn from_postgres_to_postgres() {
    let (server, other) = (Server::new(), fresh_database());
    let server = Server { scene: server.scene.with_variable("OTHER", &other.url()), ..server };
    follow(&server, "env:PG", "env:OTHER", |sql| drop(server.database.psql(sql)));
}

/// Neither side is written to by runs that have nothing to carry, whatever else goes on on the server.
#[test]
fn idle_servers_are_not_written_to() {
    let (server, other) = (Server::new(), fresh_database());
    let server = Server { scene: server.scene.with_variable("OTHER", &other.url()), ..server };
    server.database.psql(TABLES);
    server.database.psql(&rows());
    server.scene.ok("track env:PG");
    let run = "mirror env:PG env:OTHER --strategy incremental";
    server.scene.ok(run);
    let position = || other.rows("SELECT string_agg(position, ',' ORDER BY source_table) FROM _syncline_cursor");
    let written = || server.database.rows("SELECT max(seen)::text, string_agg(position, ',') FROM _syncline_consumer");
    let before = (position(), written());
    for number in 0..3 {
        fresh_database().psql(&format!("CREATE TABLE busy_{number} (a int); INSERT INTO busy_{number} VALUES (1)"));
        server.scene.ok(run);
    }
    assert_eq!((position(), written()), before);
}

/// Sixteen writers, with deadlocks, rollbacks and savepoints, while runs go on; a reader of the target never sees a part of a
/// transaction.
#[test]
fn nothing_is_lost_while_many_write() {
    const WRITERS: i64 = 16;
    let (server, other) = (Server::new(), fresh_database());
    let server = Server { scene: server.scene.with_variable("OTHER", &other.url()), ..server };
    server.database.psql(TABLES);
    server.database.psql(&rows());
    server.scene.ok("track env:PG");
    let run = "mirror env:PG env:OTHER --strategy incremental --no-verify --max-delete 100000";
    let done = AtomicBool::new(false);
    let sum = "SELECT (SELECT sum(total) FROM account)::text";
    let (written, looks) = thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|seed| {
                scope.spawn({
                    let (server, done) = (&server, &done);
                    move || write_on(server, seed, done)
                })
            })
            .collect();
        server.scene.ok(run);
        let reader = scope.spawn(|| {
            let mut looks = 0;
            while !done.load(Ordering::Acquire) {
                assert_eq!(other.rows(sum)[0][0].as_deref(), Some("5000"), "a part of a transfer was seen");
                looks += 1;
            }
            looks
        });
        for _ in 0..8 {
            let said = server.scene.run(run);
            assert!(matches!(said.code, Some(0 | 3)), "{}{}", said.out, said.err);
        }
        done.store(true, Ordering::Release);
        (writers.into_iter().map(|writer| writer.join().unwrap()).sum::<u64>(), reader.join().unwrap())
    });
    assert!(written > 16 && looks > 5, "{written} scripts of ten transactions, {looks} looks");
    let shown = server.scene.ok(run);
    assert!(!shown.contains("compare:"), "{shown}");
    let said = server.scene.run("diff env:PG env:OTHER --exit-code");
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
}

/// Moves money between accounts, in orders that lead to deadlocks, and adds and takes away other rows.
fn write_on(server: &Server, seed: i64, done: &AtomicBool) -> u64 {
    let (mut n, mut scripts) = (seed * 7_919 + 1, 0);
    while !done.load(Ordering::Acquire) {
        let mut script = String::new();
        for _ in 0..10 {
            n = (n * 1_103_515_245 + 12_345) % 1_000_003;
            let (from, to, row) = (n % 50 + 1, n / 50 % 50 + 1, 1_000 + n % 500);
            let end = if n % 5 == 0 { "ROLLBACK" } else { "COMMIT" };
            script += &format!(
                "BEGIN; UPDATE account SET total = total - 1 WHERE id = {from}; SAVEPOINT s; DELETE FROM tag WHERE code = 'x{row}';
                 INSERT INTO tag VALUES ('x{row}', 'k', '{n}') ON CONFLICT (code, kind) DO UPDATE SET note = '{n}';
                 UPDATE account SET total = total + 1 WHERE id = {to};
                 SAVEPOINT t; DELETE FROM entry; ROLLBACK TO t; DELETE FROM entry WHERE id = {row};
                 INSERT INTO entry VALUES ({row}, {from}, {n}) ON CONFLICT (id) DO UPDATE SET amount = {n}; {end};\n"
            );
        }
        // A deadlock ends one transaction, which is then rolled back as a whole, and the script goes on.
        server.database.try_psql(&format!("\\set ON_ERROR_STOP off\n{script}"));
        scripts += 1;
    }
    scripts
}

/// Of MySQL and MariaDB nothing is built yet, and that is said before anything is written.
#[test]
fn an_engine_without_logs_is_refused_beforehand() {
    let maria = super::mariadb::Maria::new();
    maria.scene.sql("a.db", TABLES);
    maria.scene.ok("track a.db");
    for line in ["mirror a.db env:MY --strategy incremental", "track env:MY"] {
        let said = maria.scene.run(line);
        assert_eq!(said.code, Some(2), "{line}: {}{}", said.out, said.err);
        assert!(said.err.contains("yet") && said.err.contains("nothing was changed"), "{}", said.err);
    }
    assert!(maria.tables().is_empty());
}
