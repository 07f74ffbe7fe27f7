//! `syncline backup` and `syncline restore` of MariaDB databases, looked at with MariaDB's own programs.

mod afterwards;
mod everything;
mod killed;
mod others;
mod refused;
mod restored;
mod tools;
mod unrestored;

use syncline_testkit::mariadb::{Database, fresh_database};

use super::Maria;

/// A server's database that holds what the statements make, and what the binary reaches as `env:MY`.
fn maria(sql: &str) -> Maria {
    let maria = Maria::new();
    maria.database.mariadb(sql);
    maria
}

/// The backup in a file, put into a new database by the server's own client.
fn put_back(maria: &Maria, file: &str) -> Database<'static> {
    let database = fresh_database();
    database.mariadb(&std::fs::read_to_string(maria.scene.path(file)).unwrap());
    database
}

/// All that is in a database, definitions and rows, as `mariadb-dump` writes it, but for the database's name.
fn plain(database: &Database<'_>) -> String {
    let server = database.server();
    let (user, password) = server.superuser();
    let args = ["--no-defaults", "--protocol=tcp", "-h", server.host(), "-u", user, "--skip-dump-date", "--hex-blob"];
    let done = std::process::Command::new(server.program("mariadb-dump"))
        .args(args)
        .args([&format!("--port={}", server.port()), "--routines", "--events", "--dump-history", database.name()])
        .env("MYSQL_PWD", password)
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap().replace(database.name(), "DATABASE")
}

/// Two texts of many lines, of which the first that differs is told.
#[track_caller]
fn similar(left: &str, right: &str) {
    for (at, (left, right)) in left.lines().zip(right.lines()).enumerate() {
        assert_eq!(left, right, "line {at}");
    }
    assert_eq!(left.lines().count(), right.lines().count());
}

/// Rows whose number can be looked at.
const ROWS: &str =
    "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT seq, repeat(md5(seq), 8) FROM seq_1_to_3000";

/// The names of all files in the directory of a scene that are no part of its state.
fn names(maria: &Maria) -> Vec<String> {
    let entries = std::fs::read_dir(maria.scene.path("")).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| name != "state");
    names.sort();
    names
}

/// What a restore has left beside the database, or in it.
fn places(maria: &Maria) -> Vec<String> {
    let hash = xxhash_rust::xxh3::xxh3_64(maria.database.name().as_bytes());
    let sql = format!(
        "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME LIKE '%{hash:016x}' \
        UNION ALL SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = '_syncline_restore'"
    );
    maria.rows(&sql)
}
