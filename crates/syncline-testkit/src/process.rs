//! Programs under test: started with a known environment, bounded in time, killed at a chosen moment.
//!
//! Everything waits by polling with a bound; nothing here can hang a test run.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long a program may run unless told otherwise: far above what any test needs on a slow machine.
pub const DEADLINE: Duration = Duration::from_secs(120);

/// How often a running program is looked at.
const POLL: Duration = Duration::from_millis(2);

/// A directory that is removed with everything in it when it goes out of scope.
#[derive(Debug)]
pub struct Scratch(TempDir);

impl Scratch {
    /// A new, empty directory.
    ///
    /// # Panics
    /// When the system has no room for one.
    pub fn new() -> Self {
        Self(tempfile::Builder::new().prefix("syncline-test-").tempdir().unwrap())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// The path of `name` inside it, whether it exists or not.
    pub fn join(&self, name: impl AsRef<Path>) -> std::path::PathBuf {
        self.path().join(name)
    }
}

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
    }
}

/// What a program left behind.
#[derive(Debug)]
pub struct Finished {
    /// Its exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
}

/// What became of a program that was to be killed.
#[derive(Debug)]
pub struct Killed {
    /// It had ended by itself before the moment came, so the kill hit nothing.
    pub ended_before: bool,
    /// What it left behind.
    pub finished: Finished,
}

/// A program that has been started. Dropping it kills it.
#[derive(Debug)]
pub struct Running {
    program: String,
    child: Child,
    // Files rather than pipes: a program that writes much never waits for a reader.
    stdout: File,
    stderr: File,
}

/// A program to be started in `directory`: nothing on standard input, and an environment of which nothing is inherited
/// but `PATH`. The home directory is `directory` too, so that no test reads or writes the user's own files.
pub fn command<A: AsRef<OsStr>>(program: &Path, args: impl IntoIterator<Item = A>, directory: &Path) -> Command {
    let mut command = Command::new(program);
    command.args(args).current_dir(directory).stdin(Stdio::null()).env_clear();
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command.env("HOME", directory).env("TMPDIR", directory).env("LC_ALL", "C.UTF-8").env("TZ", "UTC");
    command
}

/// Runs a [`command`] to its end.
///
/// # Panics
/// When it cannot be started, or is not done within [`DEADLINE`]; it is killed then.
pub fn run<A: AsRef<OsStr>>(program: &Path, args: impl IntoIterator<Item = A>, directory: &Path) -> Finished {
    Running::start(command(program, args, directory)).finish(DEADLINE)
}

/// Sends SIGKILL once `delay` has passed since the call, and says whether the program had ended by then.
///
/// # Panics
/// When the system cannot kill or wait.
pub fn kill_after(mut running: Running, delay: Duration) -> Killed {
    let ended = running.wait(delay);
    let status = ended.unwrap_or_else(|| running.kill());
    // It may have ended between the last look and the signal; then the signal hit nothing.
    let ended_before = ended.is_some() || status.code().is_some();
    Killed { ended_before, finished: running.collect(status) }
}

impl Running {
    /// Starts `command` and captures what it writes.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start(mut command: Command) -> Self {
        let (stdout, stderr) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
        command.stdout(stdout.try_clone().unwrap()).stderr(stderr.try_clone().unwrap());
        let child = command.spawn().unwrap_or_else(|why| panic!("cannot start {command:?}: {why}"));
        Self { program: format!("{:?}", command.get_program()), child, stdout, stderr }
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it is not done within `deadline`; it is killed, and what it wrote is in the message.
    pub fn finish(mut self, deadline: Duration) -> Finished {
        match self.wait(deadline) {
            Some(status) => self.collect(status),
            None => {
                let status = self.kill();
                let finished = self.collect(status);
                panic!("{} is not done within {deadline:?}: {finished:?}", self.program);
            }
        }
    }

    /// Whether it ends by itself within `bound`.
    ///
    /// # Panics
    /// When the system cannot wait for it.
    pub fn ends_within(&mut self, bound: Duration) -> bool {
        self.wait(bound).is_some()
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    fn wait(&mut self, bound: Duration) -> Option<ExitStatus> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return Some(status);
            }
            let left = bound.checked_sub(start.elapsed()).filter(|left| !left.is_zero())?;
            thread::sleep(left.min(POLL));
        }
    }

    fn kill(&mut self) -> ExitStatus {
        self.child.kill().unwrap();
        self.child.wait().unwrap()
    }

    fn collect(&mut self, status: ExitStatus) -> Finished {
        let code = status.code();
        Finished { code, stdout: read(&mut self.stdout).unwrap(), stderr: read(&mut self.stderr).unwrap() }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only when it has ended, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(file: &mut File) -> io::Result<String> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, scratch: &Scratch) -> Running {
        Running::start(command(Path::new("/bin/sh"), ["-c", script], scratch.path()))
    }

    #[test]
    fn output_and_exit_code_are_captured() {
        let scratch = Scratch::new();
        let finished = run(Path::new("/bin/sh"), ["-c", "echo out; echo err >&2; exit 3"], scratch.path());
        assert_eq!((finished.code, &*finished.stdout, &*finished.stderr), (Some(3), "out\n", "err\n"));
    }

    #[test]
    fn nothing_is_inherited_and_nothing_can_be_typed() {
        let scratch = Scratch::new();
        let finished = shell("env; cat", &scratch).finish(DEADLINE);
        let names: Vec<_> = finished.stdout.lines().filter_map(|line| line.split('=').next()).collect();
        // The shell itself may add PWD, SHLVL and _.
        for name in names {
            let known = ["PATH", "HOME", "TMPDIR", "LC_ALL", "TZ", "PWD", "OLDPWD", "SHLVL", "_"];
            assert!(known.contains(&name), "{name} was inherited");
        }
    }

    #[test]
    fn a_kill_says_whether_it_hit() {
        let scratch = Scratch::new();
        let hit = kill_after(shell("exec tail -f /dev/null", &scratch), Duration::from_millis(20));
        assert!(!hit.ended_before);
        assert_eq!(hit.finished.code, None);

        let missed = kill_after(shell("exit 0", &scratch), DEADLINE);
        assert!(missed.ended_before);
        assert_eq!(missed.finished.code, Some(0));
    }

    #[test]
    #[should_panic(expected = "not done within")]
    fn a_program_that_hangs_is_killed_and_shown() {
        let scratch = Scratch::new();
        shell("exec tail -f /dev/null", &scratch).finish(Duration::from_millis(20));
    }

    #[test]
    fn a_scratch_directory_goes_with_its_content() {
        let scratch = Scratch::new();
        let path = scratch.path().to_owned();
        std::fs::write(scratch.join("file"), b"x").unwrap();
        drop(scratch);
        assert!(!path.exists());
    }
}
