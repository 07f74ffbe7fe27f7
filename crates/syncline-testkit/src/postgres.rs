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
mod engine;
mod lab;
mod options;
mod programs;
mod psql;
pub mod samples;
mod session;
mod template;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

pub use self::database::Database;
use self::engine::ENGINE;
pub use self::engine::Stop;
pub use self::lab::{Open, PostgresLab};
pub use self::options::Options;
pub use self::session::Session;
use crate::failures;
use crate::process::Finished;
use crate::server::{PrivateServer, percent_encoded};

/// The role that owns the server, a superuser.
pub const SUPERUSER: &str = "postgres";

/// Its password. By TCP everyone needs one; by the socket nobody does.
pub const PASSWORD: &str = "top/secret:@1";

/// A running PostgreSQL server. Dropping it stops it and removes all it had.
#[derive(Debug)]
pub struct Cluster {
    server: PrivateServer,
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
        failures::told_at_once();
        // No test is about what it loses should the machine fail.
        SHARED.get_or_init(|| Options::default().without_fsync().start())
    }

    /// A server of the caller's own.
    ///
    /// # Panics
    /// When PostgreSQL is not installed or does not start.
    pub fn own() -> Self {
        Options::default().start()
    }

    fn start_with(options: &Options) -> Self {
        let server = PrivateServer::start_new(&ENGINE, programs::find(), |programs, directory| {
            template::copy(programs, &directory.join("data"));
            options.write(programs, directory);
        });
        Self { server, databases: AtomicU32::new(0) }
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
        self.server.port()
    }

    /// The directory of its socket, for clients that go by that.
    pub fn socket(&self) -> &Path {
        self.server.directory()
    }

    /// The data directory.
    pub fn data(&self) -> PathBuf {
        self.server.directory().join("data")
    }

    /// One of the programs that came with the server, such as `psql`.
    pub fn program(&self, name: &str) -> PathBuf {
        self.server.programs().file(name)
    }

    /// The URL of `database` for the superuser.
    pub fn url(&self, database: &str) -> String {
        self.url_as(SUPERUSER, PASSWORD, database)
    }

    /// The URL of `database` for another role.
    pub fn url_as(&self, role: &str, password: &str, database: &str) -> String {
        let [role, password, database] = [role, password, database].map(percent_encoded);
        format!("postgres://{role}:{password}@127.0.0.1:{}/{database}", self.port())
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
        self.server.authority()
    }

    /// All that the server has logged.
    pub fn log(&self) -> String {
        self.server.log()
    }

    /// Ends the server as told, and returns once it has ended. Nothing when it is down.
    ///
    /// # Panics
    /// When it does not end.
    pub fn stop(&self, how: Stop) {
        self.server.stop(how.signal());
    }

    /// Starts the server again after [`Cluster::stop`], on the same port, and returns once it takes connections.
    /// Nothing when it is up.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start(&self) {
        self.server.start();
    }

    /// [`Cluster::stop`] and [`Cluster::start`].
    pub fn restart(&self, how: Stop) {
        self.stop(how);
        self.start();
    }
}

#[cfg(test)]
mod tests;
