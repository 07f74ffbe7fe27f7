//! How a MariaDB server is started, and how it is ended.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use super::programs::SERVER;
use crate::server::{Engine, Unstarted};

/// The socket in the server's directory.
pub(super) const SOCKET: &str = "socket";

/// The file of options there.
pub(super) const OPTIONS: &str = "my.cnf";

/// The file in which the server writes its process id once it takes connections.
const READY: &str = "ready";

/// MariaDB as a private server.
pub(super) const ENGINE: Engine = Engine {
    name: "MariaDB",
    short: "maria",
    program: SERVER,
    arguments,
    is_ready: |directory, pid| fs::read_to_string(directory.join(READY)).is_ok_and(|text| text.trim() == pid),
    unstarted,
    // It is one process, and what it has goes with it.
    last_signal: "KILL",
};

/// How a server is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Connections are cut, transactions rolled back, and what is in memory is written out.
    Fast,
    /// SIGKILL: the next start recovers from the log.
    Kill,
}

impl Stop {
    pub(super) fn signal(self) -> &'static str {
        match self {
            Stop::Fast => "TERM",
            Stop::Kill => "KILL",
        }
    }
}

fn arguments(directory: &Path, port: u16) -> Vec<OsString> {
    let option = |name: &str, file: &str| {
        let mut option = OsString::from(format!("--{name}="));
        option.push(directory.join(file));
        option
    };
    // The file of options has to come first.
    let files = [("defaults-file", OPTIONS), ("datadir", "data"), ("socket", SOCKET), ("pid-file", READY)];
    let files = files.map(|(name, file)| option(name, file));
    files.into_iter().chain([option("tmpdir", ""), format!("--port={port}").into()]).collect()
}

fn unstarted(log: String) -> Unstarted {
    if log.contains("Address already in use") {
        Unstarted::PortTaken
    } else if log.contains("Unable to lock ./") || log.contains("Can't lock aria control file") {
        Unstarted::InUse
    } else {
        Unstarted::Failed(log)
    }
}
