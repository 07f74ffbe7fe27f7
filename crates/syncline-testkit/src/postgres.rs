//! Private PostgreSQL servers from the system's packages: in a temporary directory, on a port of their own, gone with
//! the test process however that ends.
//!
//! | what | when |
//! |---|---|
//! | [`fresh_database`] | nearly always: an empty database on the one server of this test process |
//! | [`Cluster::own`], [`Options`] | the server itself is stopped, killed or configured by the test |
//! | [`samples`] | cells of every type are read or written |
//! | [`PostgresLab`] | the conformance suite looks at a store |
//!
//! `PG_TEST_BIN`, a directory of the server's programs, chooses another version than the newest that is installed.

mod database;
mod guard;
mod lab;
mod options;
mod programs;
mod psql;
pub mod samples;
mod session;
mod template;
mod tls;

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU16, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tempfile::TempDir;

pub use self::database::Database;
pub use self::guard::Stop;
use self::guard::{Guard, Unstarted};
pub use self::lab::{Open, PostgresLab};
pub use self::options::Options;
use self::programs::Programs;
pub use self::session::Session;
use crate::process::Finished;

/// The role that owns the server, a superuser.
pub const SUPERUSER: &str = "postgres";

/// Its password. By TCP everyone needs one; by the socket nobody does.
pub const PASSWORD: &str = "top/secret:@1";

/// Ports of servers: below those that the system gives to outgoing connections, so that none of these can take a port
/// while its server is restarted.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// How often another port is tried when somebody was faster.
const ATTEMPTS: usize = 20;

/// A longer directory could make the path of the socket too long for the system, which takes 107 bytes.
const LONGEST_BASE: usize = 50;

/// A running PostgreSQL server. Dropping it stops it and removes all it had.
#[derive(Debug)]
pub struct Cluster {
    // Before the directory: the server goes first.
    guard: Mutex<Option<Guard>>,
    directory: TempDir,
    programs: Programs,
    port: u16,
    databases: AtomicU32,
}

/// A new, empty database on the server that all tests of this process share.
///
/// # Panics
/// When PostgreSQL is not installed or does not start.
pub fn fresh_database() -> Database<'static> {
    Cluster::shared().fresh_database()
}

impl Cluster {
    /// The server of this test process, started by whoever comes first. It ends with the process.
    ///
    /// # Panics
    /// When PostgreSQL is not installed or does not start.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        SHARED.get_or_init(Self::own)
    }

    /// A server of the caller's own.
    ///
    /// # Panics
    /// When PostgreSQL is not installed or does not start.
    pub fn own() -> Self {
        Options::default().start()
    }

    fn start_with(options: &Options) -> Self {
        let programs = Programs::find();
        let private = fs::Permissions::from_mode(0o700);
        let mut directory = tempfile::Builder::new();
        let directory = directory.prefix("syncline-pg-").permissions(private).tempdir_in(base(&programs)).unwrap();
        programs.hand_over(directory.path());
        template::copy(&programs, &directory.path().join("data"));
        options.write(&programs, directory.path());
        for _ in 0..ATTEMPTS {
            let port = free_port();
            match Guard::start(&programs, directory.path(), port) {
                Ok(guard) => {
                    let guard = Mutex::new(Some(guard));
                    return Self { guard, directory, programs, port, databases: AtomicU32::new(0) };
                }
                Err(Unstarted::PortTaken) => {}
                Err(Unstarted::InUse) => panic!("BUG: a new directory is in use"),
                Err(Unstarted::Failed(log)) => panic!("PostgreSQL did not start: {log}"),
            }
        }
        panic!("no free port in {PORTS:?} after {ATTEMPTS} attempts");
    }

    /// A new, empty database, which is dropped when it goes out of scope.
    ///
    /// # Panics
    /// When the server refuses, or is down.
    pub fn fresh_database(&self) -> Database<'_> {
        self.database_with("")
    }

    /// A new, empty database with further words of `CREATE DATABASE`: `LOCALE_PROVIDER icu ICU_LOCALE 'en-US'`.
    ///
    /// # Panics
    /// When the server refuses, or is down.
    pub fn database_with(&self, words: &str) -> Database<'_> {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.psql("postgres", &format!("CREATE DATABASE {name} TEMPLATE template0 {words}"));
        Database::new(self, name)
    }

    /// The port on 127.0.0.1; the same for the life of the cluster.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The directory of its socket, for clients that go by that.
    pub fn socket(&self) -> &Path {
        self.directory.path()
    }

    /// The data directory.
    pub fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// One of the programs that came with the server, such as `psql`.
    pub fn program(&self, name: &str) -> PathBuf {
        self.programs.file(name)
    }

    /// The URL of `database` for the superuser.
    pub fn url(&self, database: &str) -> String {
        self.url_as(SUPERUSER, PASSWORD, database)
    }

    /// The URL of `database` for another role.
    pub fn url_as(&self, role: &str, password: &str, database: &str) -> String {
        let [role, password, database] = [role, password, database].map(percent_encoded);
        format!("postgres://{role}:{password}@127.0.0.1:{}/{database}", self.port)
    }

    /// Runs a script in `database` by PostgreSQL's own `psql` as the superuser, and returns what it printed: a line a
    /// row, `|` between cells, nothing for NULL.
    ///
    /// # Panics
    /// When a statement fails.
    pub fn psql(&self, database: &str, script: &str) -> String {
        psql::printed(self, database, script)
    }

    /// Like [`Cluster::psql`], for scripts that may fail: exit code 3 and the server's words on standard error.
    pub fn try_psql(&self, database: &str, script: &str) -> Finished {
        psql::run(self, database, script, &[])
    }

    /// The rows of a query, cell by cell as text, told apart from NULL.
    ///
    /// # Panics
    /// When it fails.
    pub fn rows(&self, database: &str, query: &str) -> Vec<Vec<Option<String>>> {
        psql::rows(self, database, query)
    }

    /// Opens a session in `database` that stays, as the superuser.
    ///
    /// # Panics
    /// When `psql` cannot be started.
    pub fn session(&self, database: &str) -> Session {
        Session::open(self, database)
    }

    /// The certificate of the authority that has signed the server's, for a server with [`Options::tls`]. Any other
    /// server's authority is another one.
    pub fn authority(&self) -> PathBuf {
        self.directory.path().join(tls::AUTHORITY)
    }

    /// All that the server has logged.
    pub fn log(&self) -> String {
        guard::log(self.directory.path())
    }

    /// Ends the server as told, and returns once it has ended. Nothing when it is down.
    ///
    /// # Panics
    /// When it does not end.
    pub fn stop(&self, how: Stop) {
        if let Some(guard) = self.guard().take() {
            guard.stop(how);
        }
    }

    /// Starts the server again after [`Cluster::stop`], on the same port, and returns once it takes connections.
    /// Nothing when it is up.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start(&self) {
        let mut guard = self.guard();
        if guard.is_some() {
            return;
        }
        // What a killed server has left behind, backends that look away for a moment, may still hold port and memory.
        let patience = Instant::now() + Duration::from_secs(30);
        loop {
            match Guard::start(&self.programs, self.directory.path(), self.port) {
                Ok(started) => break *guard = Some(started),
                Err(Unstarted::Failed(log)) => panic!("PostgreSQL did not start again: {log}"),
                Err(held) => assert!(Instant::now() < patience, "PostgreSQL cannot start again: {held:?}"),
            }
        }
    }

    /// [`Cluster::stop`] and [`Cluster::start`].
    pub fn restart(&self, how: Stop) {
        self.stop(how);
        self.start();
    }

    fn guard(&self) -> MutexGuard<'_, Option<Guard>> {
        self.guard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where clusters live: the temporary directory, unless the server's user cannot reach it or its name is too long.
fn base(programs: &Programs) -> PathBuf {
    let temporary = std::env::temp_dir();
    let short = temporary.as_os_str().len() <= LONGEST_BASE;
    if short && programs.can_reach(&temporary) { temporary } else { PathBuf::from("/tmp") }
}

/// A port that nobody listens on at this moment. Processes begin at different ones, so that they seldom meet.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let count = PORTS.end - PORTS.start;
    loop {
        let step = u64::from(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = PORTS.start + ((u64::from(process::id()) * 37 + step) % u64::from(count)) as u16;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// A part of a URL with all but letters, digits and `_` escaped.
fn percent_encoded(text: &str) -> String {
    let escaped = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(escaped).collect()
}

/// Writes a file that the server's user owns and nobody else reads.
fn write_private(programs: &Programs, path: &Path, content: &str) {
    fs::write(path, content).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    programs.hand_over(path);
}

#[cfg(test)]
mod tests;
