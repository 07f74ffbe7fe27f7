//! A server and the little program that watches over it: it ends the server when it is told to, or when the process
//! that started it is gone.

use std::fs;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::{Engine, Programs, Unstarted};
use crate::process::DEADLINE;

/// How often a server that starts or ends is looked at.
const POLL: Duration = Duration::from_millis(5);

/// Reads the signal to send. The end of its input means that nobody is left to say one: then the directory goes too.
/// Should the guard itself be killed, the system ends the server.
const SCRIPT: &str = "\
directory=$1; last=$2; shift 2
setpriv --pdeathsig \"$last\" -- \"$@\" </dev/null >>\"$directory/log\" 2>&1 &
server=$!
echo $server >\"$directory/pid\"
read -r signal || signal=
kill -s ${signal:-$last} $server
wait $server
[ -n \"$signal\" ] || rm -rf \"$directory\"
";

/// A server that runs. Dropping this ends it.
#[derive(Debug)]
pub(super) struct Guard {
    engine: &'static Engine,
    child: Child,
    /// `None` once it has been told to end.
    input: Option<ChildStdin>,
}

impl Guard {
    /// Starts a server in `directory` and waits until it takes connections.
    pub(super) fn start(
        engine: &'static Engine,
        programs: &Programs,
        directory: &Path,
        port: u16,
    ) -> Result<Self, Unstarted> {
        let before = log(directory).len();
        // A pid file would tell of the server before this one.
        let _ = fs::remove_file(directory.join("pid"));
        let words = [Path::new("-c"), Path::new(SCRIPT), Path::new("guard"), directory, Path::new(engine.last_signal)];
        let mut command = programs.command(Path::new("/bin/sh"), words, directory);
        command.arg(programs.file(engine.program)).args((engine.arguments)(directory, port));
        // A group of its own: what is typed at the terminal of the tests is not meant for the server.
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap_or_else(|why| panic!("cannot start {command:?}: {why}"));
        let input = child.stdin.take();
        let guard = Self { engine, child, input };
        if guard.wait_until_ready(directory) {
            return Ok(guard);
        }
        guard.stop("KILL");
        Err((engine.unstarted)(log(directory).split_off(before)))
    }

    /// Ends the server by a signal and waits for that.
    pub(super) fn stop(mut self, signal: &str) {
        if let Some(mut input) = self.input.take() {
            writeln!(input, "{signal}").unwrap();
        }
        assert!(self.ended(), "{} did not end within {DEADLINE:?} of {signal}", self.engine.name);
    }

    /// Whether the server came up rather than ended.
    fn wait_until_ready(&self, directory: &Path) -> bool {
        let pid = || fs::read_to_string(directory.join("pid")).ok().filter(|text| text.ends_with('\n'));
        let mut ready = false;
        let decided = poll(DEADLINE, || {
            let Some(pid) = pid() else { return false };
            ready = (self.engine.is_ready)(directory, pid.trim());
            ready || !is_alive(pid.trim())
        });
        decided && ready
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
