//! A server and the little program that watches over it: it ends the server when it is told to, or when the process
//! that started it is gone.

use std::fs;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::programs::Programs;
use crate::process::DEADLINE;

/// How often a server that starts or ends is looked at.
const POLL: Duration = Duration::from_millis(5);

/// Reads the signal to send. The end of its input means that nobody is left to say one: then the directory goes too.
/// Should the guard itself be killed, the system ends the server.
const SCRIPT: &str = "\
directory=$1; shift
setpriv --pdeathsig QUIT -- \"$@\" </dev/null >>\"$directory/log\" 2>&1 &
server=$!
echo $server >\"$directory/pid\"
read -r signal || signal=
kill -s ${signal:-QUIT} $server
wait $server
[ -n \"$signal\" ] || rm -rf \"$directory\"
";

/// How a server is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Connections are cut, transactions rolled back, and a checkpoint is written.
    Fast,
    /// At once, without a checkpoint: the next start recovers from the log.
    Immediate,
    /// SIGKILL to the server's first process; the others find out by themselves.
    Kill,
}

/// Why a server did not start.
#[derive(Debug)]
pub(super) enum Unstarted {
    /// Another process listens on its port.
    PortTaken,
    /// Processes of a server before it still run on the directory.
    InUse,
    /// Something else, in the server's words.
    Failed(String),
}

/// A server that runs. Dropping this ends it.
#[derive(Debug)]
pub(super) struct Guard {
    child: Child,
    /// `None` once it has been told to end.
    input: Option<ChildStdin>,
}

impl Guard {
    /// Starts a server in `directory` and waits until it takes connections.
    pub(super) fn start(programs: &Programs, directory: &Path, port: u16) -> Result<Self, Unstarted> {
        let before = log(directory).len();
        // A pid file would tell of the server before this one.
        let _ = fs::remove_file(directory.join("pid"));
        let server = programs.file("postgres");
        let (data, port) = (directory.join("data"), port.to_string());
        let words = [Path::new("-c"), Path::new(SCRIPT), Path::new("guard"), directory];
        let args = [&server, Path::new("-D"), &data, Path::new("-p"), Path::new(&port)];
        let mut command = programs.command(Path::new("/bin/sh"), words.iter().chain(&args), directory);
        // A group of its own: what is typed at the terminal of the tests is not meant for the server.
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap_or_else(|why| panic!("cannot start {command:?}: {why}"));
        let input = child.stdin.take();
        let guard = Self { child, input };
        if wait_until_ready(directory) {
            return Ok(guard);
        }
        guard.stop(Stop::Kill);
        let said = log(directory).split_off(before);
        Err(if said.contains("Address already in use") {
            Unstarted::PortTaken
        } else if said.contains("is still in use") || said.contains("another server might be running") {
            Unstarted::InUse
        } else {
            Unstarted::Failed(said)
        })
    }

    /// Ends the server and waits for that.
    pub(super) fn stop(mut self, how: Stop) {
        let signal: &[u8] = match how {
            Stop::Fast => b"INT\n",
            Stop::Immediate => b"QUIT\n",
            Stop::Kill => b"KILL\n",
        };
        if let Some(mut input) = self.input.take() {
            input.write_all(signal).unwrap();
        }
        assert!(self.ended(), "PostgreSQL did not end within {DEADLINE:?} of {how:?}");
    }

    fn ended(&mut self) -> bool {
        poll(DEADLINE, || !matches!(self.child.try_wait(), Ok(None)))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.input.take());
        // Nothing may panic here; the guard goes on by itself if it takes longer.
        let _ = self.ended();
    }
}

/// All that the server of `directory` has logged.
pub(super) fn log(directory: &Path) -> String {
    String::from_utf8_lossy(&fs::read(directory.join("log")).unwrap_or_default()).into_owned()
}

/// Whether the server came up rather than ended.
fn wait_until_ready(directory: &Path) -> bool {
    let pid = || fs::read_to_string(directory.join("pid")).ok().filter(|text| text.ends_with('\n'));
    let mut ready = false;
    let decided = poll(DEADLINE, || {
        let Some(pid) = pid() else { return false };
        ready = is_ready(directory, pid.trim());
        ready || !is_alive(pid.trim())
    });
    decided && ready
}

/// The server's own file says so in its eighth line, after its process id in the first.
fn is_ready(directory: &Path, pid: &str) -> bool {
    let Ok(status) = fs::read_to_string(directory.join("data/postmaster.pid")) else { return false };
    let lines: Vec<_> = status.lines().map(str::trim).collect();
    lines.first() == Some(&pid) && lines.get(7) == Some(&"ready")
}

/// Whether the process runs. A zombie has ended; its guard looks at it later.
fn is_alive(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_some_and(|state| !state.is_empty() && !state.starts_with('Z'))
}

fn poll(bound: Duration, mut done: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + bound;
    loop {
        if done() {
            return true;
        }
        if Instant::now() >= end {
            return false;
        }
        thread::sleep(POLL);
    }
}
