//! `syncline backup` and `syncline restore` of PostgreSQL databases, looked at with PostgreSQL's own programs.

mod afterwards;
mod everything;
mod others;
mod refused;
mod tools;

use std::path::Path;

use syncline_testkit::postgres::{Database, fresh_database};
use syncline_testkit::process;

use super::Server;

/// A second database on the server, which the binary reaches as `env:PG2`.
fn with_second(mut server: Server) -> (Server, Database<'static>) {
    let second = fresh_database();
    server.scene = server.scene.with_variable("PG2", &second.url());
    (server, second)
}

/// A server's database that holds what the statements make.
fn server(sql: &str) -> Server {
    let server = Server::new();
    server.database.psql(sql);
    server
}

/// All that is in a database, definitions, rows and rights, as `pg_dump` writes it for people.
fn plain(database: &Database<'_>) -> String {
    let cluster = database.cluster();
    let (socket, port) = (cluster.socket().to_string_lossy().into_owned(), cluster.port().to_string());
    let args = ["-h", &socket, "-p", &port, "-U", "postgres", "-d", database.name()];
    let done = process::run(&cluster.program("pg_dump"), args, Path::new("/"));
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    // Newer versions put a word of chance around what is for psql.
    let lines = done.stdout.lines().filter(|line| !line.starts_with("\\restrict") && !line.starts_with("\\unrestrict"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Rows whose number and sum can be looked at.
const ROWS: &str = "CREATE TABLE t (id int PRIMARY KEY, v text); \
    INSERT INTO t SELECT i, repeat(md5(i::text), 8) FROM generate_series(1, 3000) i";

/// The names of all files in the directory of a server's scene that are no part of its state.
fn names(server: &Server) -> Vec<String> {
    let entries = std::fs::read_dir(server.scene.path("")).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| name != "state");
    names.sort();
    names
}
