//! Every command takes 100 MB and three times the largest value at most, whatever the tables hold.
#![cfg(target_os = "linux")]

use std::process::Command;
use std::thread;
use std::time::Duration;

use syncline_testkit::mariadb::fresh_database;

use crate::across::mariadb::Maria;
use crate::scene::Scene;

/// The largest value.
const LARGEST_MB: u64 = 20;

/// The promise.
const BOUND_MB: u64 = 100 + 3 * LARGEST_MB;

/// More large values than the bound has room for, and many small ones.
const TABLES: &str = "CREATE TABLE wide (id INTEGER PRIMARY KEY, value BLOB);
    CREATE TABLE narrow (id INTEGER PRIMARY KEY, value TEXT)";
const ROWS: &str = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10)
    INSERT INTO wide SELECT i, zeroblob(20000000) FROM n;
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
    INSERT INTO narrow SELECT i, 'value ' || i FROM n";

#[test]
fn large_values_do_not_add_up() {
    let scene = Scene::with_pair(&format!("{TABLES}; {ROWS}"), TABLES);
    check(&scene, &["copy", "a.db", "new.db"]);
    check(&scene, &["copy", "a.db", "b.db"]);
    scene.sql("b.db", "UPDATE wide SET value = CAST(x'01' || value AS BLOB); UPDATE narrow SET value = 'other'");
    check(&scene, &["diff", "a.db", "b.db"]);
    check(&scene, &["mirror", "a.db", "b.db", "--tables", "narrow"]);
}

/// Eight huge rows become small or other huge ones, four go, and small ones change beside them.
#[test]
fn large_values_do_not_add_up_where_differences_are_written() {
    let scene = Scene::with_pair(&format!("{TABLES}; {ROWS}"), &format!("{TABLES}; {ROWS}"));
    scene.sql("a.db", "UPDATE wide SET value = x'00' WHERE id <= 3; DELETE FROM wide WHERE id > 8");
    scene.sql("a.db", "UPDATE narrow SET value = 'other'");
    scene.sql("b.db", "UPDATE wide SET value = CAST(x'01' || value AS BLOB) WHERE id BETWEEN 4 AND 8");
    scene.sql("b.db", "INSERT INTO wide VALUES (11, zeroblob(20000000)), (12, zeroblob(20000000))");
    let before = scene.rows("b.db", SUMS);
    check(&scene, &["diff", "a.db", "b.db", "--rows", "--tables", "wide"]);
    check(&scene, &["plan", "mirror", "a.db", "b.db", "--where", "wide: id IN (4, 5)", "-o", "p.plan"]);
    check(&scene, &["mirror", "a.db", "b.db", "--max-delete", "4"]);
    assert_eq!(scene.rows("b.db", SUMS), scene.rows("a.db", SUMS));
    check(&scene, &["undo", "--yes"]);
    assert_eq!(scene.rows("b.db", SUMS), before);
}

/// As many tables at once as can be asked for: with large values in all of them, with middling ones, and with long keys.
#[test]
fn tables_that_are_read_side_by_side_share_the_memory() {
    let mut tables = String::from("BEGIN;");
    for n in 0..8 {
        tables += &format!(
            "CREATE TABLE large{n} (id INTEGER PRIMARY KEY, value BLOB); CREATE TABLE middling{n} (id INTEGER PRIMARY KEY, value BLOB);
             CREATE TABLE long{n} (id TEXT PRIMARY KEY, value);
             INSERT INTO large{n} VALUES (1, x'00'), (2, zeroblob(20000000));
             WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40) INSERT INTO middling{n} SELECT i, zeroblob(500000) FROM n;
             WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) INSERT INTO long{n} SELECT printf('%02000d', i), i FROM n;"
        );
    }
    let scene = Scene::with_pair(&format!("{tables}; COMMIT"), &format!("{tables}; COMMIT"));
    for n in 0..8 {
        scene.sql("b.db", &format!("UPDATE long{n} SET value = 0; UPDATE middling{n} SET value = x'00' WHERE id < 9"));
    }
    check(&scene, &["diff", "a.db", "b.db", "--jobs", "8"]);
    check(&scene, &["verify", "a.db", "a.db", "--jobs", "8", "--tables", "large*,middling*"]);
    check(&scene, &["mirror", "a.db", "b.db", "--jobs", "8", "--tables", "large*,middling*"]);
    check(&scene, &["mirror", "a.db", "b.db", "--jobs", "8", "--tables", "long*"]);
}

/// Values that are small enough for the driver to keep the room of each.
#[test]
fn middling_values_on_mariadb_do_not_add_up() {
    let (maria, other) = (Maria::new(), fresh_database());
    let scene = maria.scene.with_variable("OTHER", &other.url());
    maria.database.mariadb(
        "CREATE TABLE t (id int PRIMARY KEY, value longblob);
         INSERT INTO t SELECT seq, repeat(char(65 + seq % 26), 3000000) FROM seq_1_to_100",
    );
    let bound = 100 + 3 * 3;
    for args in [
        ["copy", "env:MY", "new.db", "--no-verify"],
        ["copy", "env:MY", "env:OTHER", "--no-verify"],
        ["diff", "env:MY", "env:OTHER", "--rows"],
    ] {
        let peak = peak_mb(scene.command(&args));
        assert!(peak <= bound, "{args:?} took {peak} MB");
    }
}

const SUMS: &str = "SELECT count(*), sum(length(value)), sum(unicode(value)) FROM wide \
    UNION ALL SELECT count(*), sum(length(value)), sum(unicode(value)) FROM narrow";

/// Runs the command and holds its peak of memory against the bound.
fn check(scene: &Scene, args: &[&str]) {
    let peak = peak_mb(scene.command(args));
    assert!(peak <= BOUND_MB, "{args:?} took {peak} MB");
}

/// Runs the command to its end. The peak only rises, so at most what it took in its last moment is missed.
pub(crate) fn peak_mb(mut command: Command) -> u64 {
    let mut child = command.stdout(std::process::Stdio::null()).spawn().unwrap();
    let mut peak = 0;
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let held = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
        peak = held.and_then(|held| held.parse::<u64>().ok()).map_or(peak, |kib| kib * 1024 / 1_000_000);
        thread::sleep(Duration::from_millis(2));
    };
    assert!(status.success(), "{command:?}: {status}");
    assert!(peak > 0, "the peak of memory was seen");
    peak
}
