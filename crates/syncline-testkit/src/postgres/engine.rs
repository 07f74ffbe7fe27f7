//! How a PostgreSQL server is started, and how it is ended.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use crate::server::{Engine, Unstarted};

/// PostgreSQL as a private server.
pub(super) const ENGINE: Engine = Engine {
    name: "PostgreSQL",
    short: "pg",
    program: "postgres",
    arguments: |directory, port| {
        let port = port.to_string();
        let data = directory.join("data");
        ["-D".into(), OsString::from(data), "-p".into(), port.into()].into()
    },
    is_ready,
    unstarted,
    // SIGKILL would leave its other processes and its shared memory behind.
    last_signal: "QUIT",
};

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

impl Stop {
    pub(super) fn signal(self) -> &'static str {
        match self {
            Stop::Fast => "INT",
            Stop::Immediate => "QUIT",
            Stop::Kill => "KILL",
        }
    }
}

/// The server's own file says so in its eighth line, after its process id in the first.
fn is_ready(directory: &Path, pid: &str) -> bool {
    let Ok(status) = fs::read_to_string(directory.join("data/postmaster.pid")) else { return false };
    let lines: Vec<_> = status.lines().map(str::trim).collect();
    lines.first() == Some(&pid) && lines.get(7) == Some(&"ready")
}

fn unstarted(log: String) -> Unstarted {
    if log.contains("Address already in use") {
        Unstarted::PortTaken
    } else if log.contains("is still in use") || log.contains("another server might be running") {
        Unstarted::InUse
    } else {
        Unstarted::Failed(log)
    }
}
