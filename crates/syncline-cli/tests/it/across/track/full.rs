//! A source without room for another change: the application is told by its own database, in whose transaction the log is, and what
//! did go in is carried.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rusqlite::Connection;
use syncline_testkit::process::Finished;
use syncline_testkit::{mariadb, postgres};

use crate::scene::Scene;

const TABLE: &str = "CREATE TABLE t (id INTEGER PRIMARY KEY, v VARCHAR(2000))";

/// Rows of a statement.
const AT_ONCE: i64 = 200;

/// Statements that would need far more room than there is.
const STATEMENTS: i64 = 400;

/// A disk of its own; gone with the value.
struct Disk(PathBuf);

impl Disk {
    /// `None` where nobody may mount one.
    fn on(folder: &Path, megabytes: u32, owned_as: &Path) -> Option<Self> {
        let size = format!("size={megabytes}m");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder).output();
        if !mounted.is_ok_and(|done| done.status.success()) {
            println!("not allowed to mount a small disk here: not tried");
            return None;
        }
        let like = format!("--reference={}", owned_as.display());
        for program in ["chown", "chmod"] {
            assert!(Command::new(program).arg(&like).arg(folder).status().unwrap().success());
        }
        Some(Self(folder.to_owned()))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").args(["-l"]).arg(&self.0).status();
    }
}

/// Writes until there is no room, and says how many rows went in and why no more did.
fn fill(write: impl Fn(&str) -> Result<(), String>) -> (i64, String) {
    for statement in 0..STATEMENTS {
        let value = "x".repeat(1_000);
        let rows = (0..AT_ONCE).map(|row| format!("({}, '{value}')", statement * AT_ONCE + row + 1_000));
        let insert = format!("INSERT INTO t VALUES {}", rows.collect::<Vec<_>>().join(","));
        if let Err(why) = write(&insert) {
            return (statement * AT_ONCE, why);
        }
    }
    panic!("there is room for everything");
}

/// Whether a shell has carried out its script, or why not.
fn went_through(said: Finished) -> Result<(), String> {
    if said.code == Some(0) { Ok(()) } else { Err(said.stderr) }
}

/// What went in is there, and comes, before there is room again or behind it.
fn check(scene: &Scene, source: &str, (count, expected): (i64, i64), make_room: impl FnOnce()) {
    assert_eq!(count, expected, "{source}: a statement is in whole or not at all");
    let line = format!("mirror {source} b.db --strategy incremental --tables t");
    let said = scene.run(&line);
    assert!(said.code == Some(0) || said.err.contains("error[DISK_FULL]"), "{source}: {}{}", said.out, said.err);
    make_room();
    let shown = scene.ok(&line);
    assert!(!shown.contains("compare:"), "{source}: {shown}");
    assert_eq!(scene.number("b.db", "SELECT count(*) FROM t"), expected, "{source}");
    scene.ok(&format!("diff {source} b.db --tables t --exit-code"));
}

#[test]
fn a_file_without_room() {
    let scene = Scene::new();
    scene.sql("a.db", &format!("{TABLE}; INSERT INTO t VALUES (1, 'a')"));
    scene.ok("track a.db");
    scene.ok("mirror a.db b.db --strategy incremental --tables t");
    let app = Connection::open(scene.path("a.db")).unwrap();
    app.busy_timeout(Duration::from_secs(30)).unwrap();
    app.query_row("PRAGMA max_page_count = 2000", [], |_| Ok(())).unwrap();
    let (rows, why) = fill(|sql| app.execute_batch(sql).map_err(|error| error.to_string()));
    assert!(why.contains("full"), "{why}");
    let count = app.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap();
    check(&scene, "a.db", (count, rows + 1), || ());
}

#[test]
fn a_postgres_server_without_room() {
    let cluster = postgres::Cluster::own();
    let scene = Scene::new();
    let small = cluster.data().parent().unwrap().join("small");
    std::fs::create_dir(&small).unwrap();
    let Some(_disk) = Disk::on(&small, 32, &cluster.data()) else { return };
    cluster.psql("postgres", &format!("CREATE TABLESPACE small LOCATION '{}'", small.display()));
    let database = cluster.database_with("TABLESPACE small");
    let scene = scene.with_variable("PG", &database.url());
    database.psql(&format!("{TABLE}; INSERT INTO t VALUES (1, 'a')"));
    scene.ok("track env:PG");
    scene.ok("mirror env:PG b.db --strategy incremental --tables t");
    database.psql("CREATE TABLE filler AS SELECT repeat('x', 1000) FROM generate_series(1, 4000)");
    let (rows, why) = fill(|sql| went_through(database.try_psql(sql)));
    assert!(why.contains("No space left on device"), "{why}");
    let count = database.rows("SELECT count(*) FROM t")[0][0].as_ref().unwrap().parse().unwrap();
    check(&scene, "env:PG", (count, rows + 1), || drop(database.psql("DROP TABLE filler")));
}

#[test]
fn a_mariadb_server_without_room() {
    let server = mariadb::Server::own();
    let database = server.fresh_database();
    let scene = Scene::new().with_variable("MY", &database.url());
    let folder = server.data().join(database.name());
    let options = std::fs::read(folder.join("db.opt")).unwrap();
    let Some(_disk) = Disk::on(&folder, 48, &server.data()) else { return };
    std::fs::write(folder.join("db.opt"), options).unwrap();
    database.mariadb(&format!("{TABLE}; INSERT INTO t VALUES (1, 'a')"));
    scene.ok("track env:MY");
    scene.ok("mirror env:MY b.db --strategy incremental --tables t");
    // A table below a megabyte that grows until the disk is full makes the server abort itself when it takes the statement back, ours and
    // anybody's (10.11: "Out of disk space in rollback"). So the logs are larger here.
    database.mariadb("INSERT INTO t SELECT seq + 1000000, 'warm' FROM seq_1_to_20000");
    scene.ok("mirror env:MY b.db --strategy incremental --tables t");
    database.mariadb(
        "CREATE TABLE filler (v VARCHAR(1000)); INSERT INTO filler SELECT repeat('x', 1000) FROM seq_1_to_6000",
    );
    let (rows, why) = fill(|sql| went_through(database.try_mariadb(sql)));
    assert!(why.contains("is full"), "{why}");
    let count = database.rows("SELECT count(*) FROM t")[0][0].as_ref().unwrap().parse().unwrap();
    check(&scene, "env:MY", (count, rows + 20_001), || drop(database.mariadb("DROP TABLE filler")));
    // Its files are on the disk that goes.
    drop(database);
}
