//! A session that stays: another program at work, whose transactions and locks last from one line to the next.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use super::{Server, client};

/// What the client prints when it is done with what it was told.
const DONE: &str = "that was all of it";

/// An open `mariadb` as the superuser. Dropping it ends the session, and with it what was not committed.
#[derive(Debug)]
pub struct Session {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    // A file rather than a pipe: nobody has to empty it.
    errors: File,
    /// How many bytes of it have been read.
    heard: u64,
}

impl Session {
    pub(super) fn open(server: &Server, database: &str) -> Self {
        let mut command = client::command(server, database, &[client::PLAIN, client::ON, "--unbuffered"]);
        let errors = tempfile::tempfile().unwrap();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(errors.try_clone().unwrap());
        let mut child = command.spawn().unwrap();
        let (input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, input, output, errors, heard: 0 }
    }

    /// Runs statements and returns what they printed, and behind it the number of the last error, `0` if all went well.
    ///
    /// # Panics
    /// When the client has ended.
    pub fn run(&mut self, statements: &str) -> (String, String) {
        self.send(statements);
        self.answer()
    }

    /// Sends statements whose answer is waited for later.
    ///
    /// # Panics
    /// When the client has ended.
    pub fn send(&mut self, statements: &str) {
        // Said by the client and not by the server, which may be gone.
        writeln!(self.input, "{statements}\n;\n\\! echo {DONE}").unwrap();
        self.input.flush().unwrap();
    }

    /// Waits for the answer to what was sent, as [`Session::run`] returns it.
    ///
    /// # Panics
    /// When the client has ended.
    pub fn answer(&mut self) -> (String, String) {
        let mut printed = String::new();
        loop {
            let mut line = String::new();
            assert!(self.output.read_line(&mut line).unwrap() > 0, "the client has ended: {printed}");
            if line.trim_end() == DONE {
                return (printed, self.last_error());
            }
            printed.push_str(&line);
        }
    }

    /// Of those that the client has told since it was asked last. It shares its place in the file with us.
    fn last_error(&mut self) -> String {
        let mut told = Vec::new();
        self.errors.seek(SeekFrom::Start(self.heard)).unwrap();
        self.errors.read_to_end(&mut told).unwrap();
        self.heard += told.len() as u64;
        let told = String::from_utf8_lossy(&told);
        told.lines().rev().find_map(error_number).unwrap_or("0").to_owned()
    }
}

/// That of `ERROR 1205 (HY000) at line 1: Lock wait timeout exceeded; try restarting transaction`.
fn error_number(line: &str) -> Option<&str> {
    line.strip_prefix("ERROR ")?.split_once(" (").map(|(number, _)| number)
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
