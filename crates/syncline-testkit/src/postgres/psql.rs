//! Looks at a server through PostgreSQL's own client, which shares no code with the store under test.

use std::io::{Seek, Write};
use std::process::{Command, Stdio};

use super::{Cluster, SUPERUSER};
use crate::process::{self, DEADLINE, Finished, Running};

// Control characters that no test has in its texts.
const CELL: &str = "\u{1f}";
const ROW: &str = "\u{1e}";
const NULL: &str = "\u{1d}";

/// Runs a script up to the first statement that fails. Through the socket: what a test does to passwords, TLS or
/// `pg_hba.conf` is no matter to it.
pub(super) fn run(cluster: &Cluster, database: &str, script: &str, options: &[&str]) -> Finished {
    let mut command = command(cluster, database, options);
    // A file rather than a pipe: nobody has to feed it.
    let mut input = tempfile::tempfile().unwrap();
    input.write_all(script.as_bytes()).unwrap();
    input.rewind().unwrap();
    command.stdin(Stdio::from(input));
    Running::start(command).finish(DEADLINE)
}

/// The client with a session in `database`, to be told what to read.
pub(super) fn command(cluster: &Cluster, database: &str, options: &[&str]) -> Command {
    let port = cluster.port().to_string();
    let socket = cluster.socket().to_string_lossy();
    let fixed = ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-U", SUPERUSER, "-h", &socket, "-p", &port];
    let program = cluster.program("psql");
    let args = [&fixed[..], options, &["-d", database]].concat();
    let mut command = process::command(&program, args, cluster.socket());
    command.env("PGCLIENTENCODING", "UTF8");
    command
}

pub(super) fn printed(cluster: &Cluster, database: &str, script: &str) -> String {
    checked(script, run(cluster, database, script, &[]))
}

pub(super) fn rows(cluster: &Cluster, database: &str, query: &str) -> Vec<Vec<Option<String>>> {
    let null = format!("null={NULL}");
    let options = ["-F", CELL, "-R", ROW, "-P", &null];
    let printed = checked(query, run(cluster, database, query, &options));
    let Some(printed) = printed.strip_suffix('\n') else { return Vec::new() };
    let cell = |text: &str| (text != NULL).then(|| text.to_owned());
    printed.split(ROW).map(|row| row.split(CELL).map(cell).collect()).collect()
}

fn checked(script: &str, finished: Finished) -> String {
    assert_eq!(finished.code, Some(0), "{script}: {}", finished.stderr);
    finished.stdout
}
