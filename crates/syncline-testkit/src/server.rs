//! A private server of any engine: in a temporary directory, on a port of its own, gone with the test process however
//! that ends. What is particular about an engine is its [`Engine`].

pub(crate) mod certificate;
mod guard;
mod ports;
mod programs;
pub(crate) mod template;

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use self::guard::Guard;
use self::ports::{ATTEMPTS, PORTS, free_port};
pub(crate) use self::programs::Programs;

/// What is particular about the servers of an engine.
#[derive(Debug)]
pub(crate) struct Engine {
    /// What people call it.
    pub(crate) name: &'static str,
    /// What the names of its directories have in them.
    pub(crate) short: &'static str,
    /// The server's program.
    pub(crate) program: &'static str,
    /// What the program is told: the directory and the port are given.
    pub(crate) arguments: fn(&Path, u16) -> Vec<OsString>,
    /// Whether the server of a directory takes connections, given its process id.
    pub(crate) is_ready: fn(&Path, &str) -> bool,
    /// Why it did not start, by what it has logged.
    pub(crate) unstarted: fn(String) -> Unstarted,
    /// The signal that ends it where nobody is left to name another: at once, for nobody needs what it has.
    pub(crate) last_signal: &'static str,
}

/// Why a server did not start.
#[derive(Debug)]
pub(crate) enum Unstarted {
    /// Another process listens on its port.
    PortTaken,
    /// Processes of a server before it still run on the directory.
    InUse,
    /// Something else, in the server's words.
    Failed(String),
}

/// A server that runs, or has been stopped. Dropping it ends it and removes all it had.
#[derive(Debug)]
pub(crate) struct PrivateServer {
    engine: &'static Engine,
    // Before the directory: the server goes first.
    guard: Mutex<Option<Guard>>,
    directory: TempDir,
    programs: Programs,
    port: u16,
}

impl PrivateServer {
    /// Starts a server in a directory into which `prepare` puts what it needs.
    ///
    /// # Panics
    /// When it does not start.
    pub(crate) fn start_new(
        engine: &'static Engine,
        programs: Programs,
        prepare: impl FnOnce(&Programs, &Path),
    ) -> Self {
        let private = fs::Permissions::from_mode(0o700);
        let mut directory = tempfile::Builder::new();
        let prefix = format!("syncline-{}-", engine.short);
        let directory = directory.prefix(&prefix).permissions(private).tempdir_in(programs.base()).unwrap();
        programs.hand_over(directory.path());
        prepare(&programs, directory.path());
        for _ in 0..ATTEMPTS {
            let port = free_port();
            match Guard::start(engine, &programs, directory.path(), port) {
                Ok(guard) => return Self { engine, guard: Mutex::new(Some(guard)), directory, programs, port },
                Err(Unstarted::PortTaken) => {}
                Err(Unstarted::InUse) => panic!("BUG: a new directory is in use"),
                Err(Unstarted::Failed(log)) => panic!("{} did not start: {log}", engine.name),
            }
        }
        panic!("no free port in {PORTS:?} after {ATTEMPTS} attempts");
    }

    /// The port on 127.0.0.1; the same as long as there is the server.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// All that the server has is in here; only it and whoever runs the tests get in.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The programs that came with the server.
    pub(crate) fn programs(&self) -> &Programs {
        &self.programs
    }

    /// The certificate of the authority that has signed the server's, where it has one.
    pub(crate) fn authority(&self) -> PathBuf {
        self.directory().join(certificate::AUTHORITY)
    }

    /// All that the server has logged.
    pub(crate) fn log(&self) -> String {
        guard::log(self.directory())
    }

    /// Ends the server by a signal, and returns once it has ended. Nothing when it is down.
    ///
    /// # Panics
    /// When it does not end.
    pub(crate) fn stop(&self, signal: &str) {
        if let Some(guard) = self.guard().take() {
            guard.stop(signal);
        }
    }

    /// Starts the server again on the same port, and returns once it takes connections. Nothing when it is up.
    ///
    /// # Panics
    /// When it does not start.
    pub(crate) fn start(&self) {
        let mut guard = self.guard();
        if guard.is_some() {
            return;
        }
        // What a killed server has left behind, processes that look away for a moment, may still hold port and memory.
        let patience = Instant::now() + Duration::from_secs(30);
        loop {
            match Guard::start(self.engine, &self.programs, self.directory(), self.port) {
                Ok(started) => break *guard = Some(started),
                Err(Unstarted::Failed(log)) => panic!("{} did not start again: {log}", self.engine.name),
                Err(held) => {
                    assert!(Instant::now() < patience, "{} cannot start again: {held:?}", self.engine.name);
                }
            }
        }
    }

    fn guard(&self) -> MutexGuard<'_, Option<Guard>> {
        self.guard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A part of a URL with all but letters, digits and `_` escaped.
pub(crate) fn percent_encoded(text: &str) -> String {
    let escaped = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(escaped).collect()
}

#[cfg(test)]
pub(crate) mod tests;
