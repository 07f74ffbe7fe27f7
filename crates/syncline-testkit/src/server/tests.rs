//! What the tests of every engine's servers look at.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use crate::process::{DEADLINE, Scratch};

/// Tells a process that is to be killed that it is meant.
const VICTIM: &str = "SYNCLINE_TEST_VICTIM";

/// A server as the system sees it.
pub(crate) struct Process {
    pub(crate) pid: String,
    pub(crate) directory: PathBuf,
}

impl Process {
    pub(crate) fn in_directory(directory: &Path) -> Self {
        let pid = fs::read_to_string(directory.join("pid")).unwrap().trim().to_owned();
        Self { pid, directory: directory.to_owned() }
    }

    fn read(line: &str) -> Option<Self> {
        let (pid, directory) = line.split_once(' ')?;
        Some(Self { pid: pid.to_owned(), directory: directory.into() })
    }

    pub(crate) fn runs(&self) -> bool {
        Path::new("/proc").join(&self.pid).exists()
    }

    /// Kills the little program that watches over it.
    pub(crate) fn kill_guard(&self) {
        let stat = fs::read_to_string(Path::new("/proc").join(&self.pid).join("stat")).unwrap();
        // After the name in parentheses: the state, then the parent.
        let guard = stat.rsplit(") ").next().unwrap().split(' ').nth(1).unwrap();
        assert!(Command::new("/bin/sh").args(["-c", &format!("kill -9 {guard}")]).status().unwrap().success());
    }
}

/// Starts this test program once more for its one ignored test `name`, which starts two servers, and kills it.
pub(crate) fn servers_go_with_the_process_of(name: &str) {
    let scratch = Scratch::new();
    let told = scratch.join("servers");
    let mut command = Command::new(env::current_exe().unwrap());
    command.args([name, "--exact", "--ignored", "--nocapture"]).env(VICTIM, &told);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let text = || fs::read_to_string(&told).unwrap_or_default();
    until("both servers run", || text().ends_with("all\n") || child.try_wait().unwrap().is_some());
    let servers: Vec<_> = text().lines().filter_map(Process::read).collect();
    assert!(servers.len() == 2 && servers.iter().all(Process::runs), "{}", text());
    child.kill().unwrap();
    child.wait().unwrap();
    until("both servers have ended", || !servers.iter().any(Process::runs));
    until("their directories are gone", || !servers.iter().any(|server| server.directory.exists()));
}

/// The other side of [`servers_go_with_the_process_of`]. The thread that starts the servers ends before.
pub(crate) fn wait_to_be_killed<T: Send + 'static>(start: fn() -> (T, [Process; 2])) {
    let Some(told) = env::var_os(VICTIM) else { return };
    let (_kept, servers) = thread::spawn(start).join().unwrap();
    let lines = servers.map(|server| format!("{} {}\n", server.pid, server.directory.display())).concat();
    fs::write(told, lines + "all\n").unwrap();
    loop {
        thread::park();
    }
}

pub(crate) fn until(what: &str, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + DEADLINE;
    while !done() {
        assert!(Instant::now() < end, "not within {DEADLINE:?}: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}
