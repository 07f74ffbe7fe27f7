//! Looks at a server through the engine's own client, which shares no code with the store under test.

use std::io::{Seek, Write};
use std::process::{Command, Stdio};

use super::Server;
use super::place::Place;
use super::programs::CLIENT;
use crate::process::{self, DEADLINE, Finished, Running};

/// Rows without a line of names above them.
pub(super) const PLAIN: &str = "--skip-column-names";

/// Goes on after a statement that failed.
pub(super) const ON: &str = "--force";

/// Runs a script up to the first statement that fails. On a private server through the socket: what a test does to
/// passwords or TLS is no matter to it.
pub(super) fn run(server: &Server, database: &str, script: &str, options: &[&str]) -> Finished {
    // Line ends and NUL in texts stay what they are.
    let mut command = command(server, database, &[&["--binary-mode"][..], options].concat());
    // A file rather than a pipe: nobody has to feed it.
    let mut input = tempfile::tempfile().unwrap();
    input.write_all(script.as_bytes()).unwrap();
    input.rewind().unwrap();
    command.stdin(Stdio::from(input));
    Running::start(command).finish(DEADLINE)
}

/// The client with a session in `database`, to be told what to read.
pub(super) fn command(server: &Server, database: &str, options: &[&str]) -> Command {
    // This has to come first.
    let mut args = vec!["--no-defaults".to_owned()];
    args.extend(["--batch", "--default-character-set=utf8mb4", "--skip-reconnect"].map(str::to_owned));
    let (user, password) = server.superuser();
    args.push(format!("--user={user}"));
    match &server.place {
        Place::Private(_) => args.push(format!("--socket={}", server.socket().display())),
        Place::Elsewhere(_) => {
            args.extend(["--protocol=tcp".to_owned(), format!("--host={}", server.host())]);
            args.push(format!("--port={}", server.port()));
        }
    }
    args.extend(options.iter().map(|option| (*option).to_owned()));
    args.extend((!database.is_empty()).then(|| format!("--database={database}")));
    let mut command = process::command(&server.program(CLIENT), args, server.directory());
    if matches!(server.place, Place::Elsewhere(_)) {
        command.env("MYSQL_PWD", password);
    }
    command
}

pub(super) fn printed(server: &Server, database: &str, script: &str) -> String {
    checked(script, run(server, database, script, &[PLAIN]))
}

/// As XML, the one form in which the client tells NULL from a text.
pub(super) fn rows(server: &Server, database: &str, query: &str) -> Vec<Vec<Option<String>>> {
    let printed = checked(query, run(server, database, query, &["--xml"]));
    let rows = printed.split("<row>").skip(1).map(|row| row.split("</row>").next().expect("BUG: split into nothing"));
    rows.map(|row| row.split("<field name=\"").skip(1).map(cell).collect()).collect()
}

/// What stands behind the name of a field.
fn cell(field: &str) -> Option<String> {
    let (_, rest) = field.split_once('"').expect("BUG: a field without a name");
    let text = rest.strip_prefix('>')?.split("</field>").next()?;
    let plain = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&amp;", "&")];
    Some(plain.iter().fold(text.to_owned(), |text, (escaped, plain)| text.replace(escaped, plain)))
}

fn checked(script: &str, finished: Finished) -> String {
    assert_eq!(finished.code, Some(0), "{script}: {}", finished.stderr);
    finished.stdout
}
