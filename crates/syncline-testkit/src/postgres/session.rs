//! A session that stays: another program at work, whose transactions and locks last from one line to the next.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use super::Cluster;
use super::psql;

/// What `psql` prints when it is done with what it was told.
const DONE: &str = "\u{1e}done";

/// An open `psql` as the superuser. Dropping it ends the session, and with it what was not committed.
#[derive(Debug)]
pub struct Session {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Session {
    pub(super) fn open(cluster: &Cluster, database: &str) -> Self {
        let mut command = psql::command(cluster, database, &[]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let (input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut session = Self { child, input, output };
        session.run("\\set ON_ERROR_STOP off\n");
        session
    }

    /// Runs statements and returns what they printed, and behind it the SQLSTATE of the last one: `00000` if it went well.
    ///
    /// # Panics
    /// When the session has ended.
    pub fn run(&mut self, statements: &str) -> (String, String) {
        self.send(statements);
        self.answer()
    }

    /// Sends statements whose answer is waited for later.
    ///
    /// # Panics
    /// When the session has ended.
    pub fn send(&mut self, statements: &str) {
        writeln!(self.input, "{statements}\n;\n\\echo {DONE} :SQLSTATE").unwrap();
        self.input.flush().unwrap();
    }

    /// Waits for the answer to what was sent, as [`Session::run`] returns it.
    ///
    /// # Panics
    /// When the session has ended.
    pub fn answer(&mut self) -> (String, String) {
        let mut printed = String::new();
        loop {
            let mut line = String::new();
            assert!(self.output.read_line(&mut line).unwrap() > 0, "the session has ended: {printed}");
            if let Some(state) = line.strip_prefix(DONE) {
                return (printed, state.trim().to_owned());
            }
            printed.push_str(&line);
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
