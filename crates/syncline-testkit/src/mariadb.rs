//! Private MariaDB servers from the system's packages: in a temporary directory, on a port of their own, gone with the
//! test process however that ends.
//!
//! | what | when |
//! |---|---|
//! | [`fresh_database`] | nearly always: an empty database on the one server of this test process |
//! | [`Server::own`], [`Options`] | the server itself is stopped, killed or configured by the test |
//! | [`samples`] | cells of every type are read or written |
//! | [`MariadbLab`] | the conformance suite looks at a store |
//!
//! `MARIADB_TEST_BIN`, a directory of the server's programs, chooses another version than the one that is installed.
//! `MYSQL_TEST_URL`, `mysql://user:password@host:port/`, makes the shared server a MySQL server that runs already: fresh
//! databases are made and dropped there. A test with a server of its own has a private one all the same.

mod client;
mod database;
mod engine;
mod lab;
mod options;
mod place;
mod programs;
pub mod samples;
mod session;
mod template;

use std::path::{Path, PathBuf};
use std::process;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

pub use self::database::Database;
use self::engine::ENGINE;
pub use self::engine::Stop;
pub use self::lab::{MariadbLab, Open};
pub use self::options::Options;
use self::place::Place;
pub use self::session::Session;
use crate::failures;
use crate::process::Finished;
use crate::server::{PrivateServer, percent_encoded};

/// The user who may do everything on a private server.
pub const SUPERUSER: &str = "root";

/// Its password by TCP. By the socket it needs none.
pub const PASSWORD: &str = "top/secret:@1";

/// A MariaDB server, or a MySQL server of somebody else's. Dropping a private one stops it and removes all it had.
#[derive(Debug)]
pub struct Server {
    place: Place,
    version: OnceLock<String>,
    databases: AtomicU32,
}

/// A new, empty database on the server that all tests of this process share.
///
/// # Panics
/// When MariaDB is not installed or does not start.
pub fn fresh_database() -> Database<'static> {
    Server::shared().fresh_database()
}

impl Server {
    /// The server of this test process, started by whoever comes first, or the one of `MYSQL_TEST_URL`. A private one ends
    /// with the process.
    ///
    /// # Panics
    /// When MariaDB is not installed or does not start.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Server> = OnceLock::new();
        failures::told_at_once();
        SHARED.get_or_init(|| match Place::of_environment() {
            Some(place) => Self::at(place),
            // No test is about what it loses should the machine fail.
            None => Options::default().without_waiting().start(),
        })
    }

    /// A private server of the caller's own.
    ///
    /// # Panics
    /// When MariaDB is not installed or does not start.
    pub fn own() -> Self {
        Options::default().start()
    }

    fn start_with(options: &Options) -> Self {
        let server = PrivateServer::start_new(&ENGINE, programs::find(), |programs, directory| {
            template::copy(programs, &directory.join("data"));
            options.write(programs, directory);
        });
        Self::at(Place::Private(server))
    }

    fn at(place: Place) -> Self {
        Self { place, version: OnceLock::new(), databases: AtomicU32::new(0) }
    }

    /// A new, empty database, which is dropped when it goes out of scope.
    ///
    /// # Panics
    /// When the server refuses, or is down.
    pub fn fresh_database(&self) -> Database<'_> {
        // Whatever the default of somebody else's server is.
        self.database_with("CHARACTER SET utf8mb4")
    }

    /// A new, empty database with further words of `CREATE DATABASE`: `CHARACTER SET latin1`.
    ///
    /// # Panics
    /// When the server refuses, or is down.
    pub fn database_with(&self, words: &str) -> Database<'_> {
        // On a server of somebody else's there are other processes' too, and what a killed one has left behind.
        let number = self.databases.fetch_add(1, Ordering::Relaxed);
        let name = format!("syncline_test_{}_{number}", process::id());
        self.mariadb("", &format!("DROP DATABASE IF EXISTS {name}; CREATE DATABASE {name} {words}"));
        Database::new(self, name)
    }

    /// Whether it is MariaDB rather than MySQL.
    ///
    /// # Panics
    /// When it is down.
    pub fn is_mariadb(&self) -> bool {
        self.version().contains("MariaDB")
    }

    /// What it says of its version: `10.11.14-MariaDB-0+deb12u2`.
    ///
    /// # Panics
    /// When it is down.
    pub fn version(&self) -> &str {
        self.version.get_or_init(|| self.mariadb("", "SELECT version()").trim().to_owned())
    }

    /// Its host: an address or a name.
    pub fn host(&self) -> &str {
        self.place.host()
    }

    /// The port on that; the same as long as there is the server.
    pub fn port(&self) -> u16 {
        self.place.port()
    }

    /// The user who may do everything, and the password.
    pub fn superuser(&self) -> (&str, &str) {
        self.place.superuser()
    }

    /// The file of its socket, for clients that go by that.
    ///
    /// # Panics
    /// When the server is not private, here and in what is below.
    pub fn socket(&self) -> PathBuf {
        self.place.private().directory().join(engine::SOCKET)
    }

    /// The data directory.
    ///
    /// # Panics
    /// When the server is not private.
    pub fn data(&self) -> PathBuf {
        self.place.private().directory().join("data")
    }

    /// One of the programs that came with the server, such as `mariadb-dump`.
    pub fn program(&self, name: &str) -> PathBuf {
        self.place.programs().file(name)
    }

    /// The URL of `database` for the superuser.
    pub fn url(&self, database: &str) -> String {
        let (user, password) = self.superuser();
        self.url_as(user, password, database)
    }

    /// The URL of `database` for another user.
    pub fn url_as(&self, user: &str, password: &str, database: &str) -> String {
        let [user, password, database] = [user, password, database].map(percent_encoded);
        format!("mysql://{user}:{password}@{}:{}/{database}", self.host(), self.port())
    }

    /// Runs a script in `database`, or in none where that is empty, by the engine's own client `mariadb` as the superuser,
    /// and returns what it printed: a line a row, a tab between cells, `NULL` for NULL.
    ///
    /// # Panics
    /// When a statement fails.
    pub fn mariadb(&self, database: &str, script: &str) -> String {
        client::printed(self, database, script)
    }

    /// Like [`Server::mariadb`], for scripts that may fail: exit code 1 and the server's words on standard error.
    pub fn try_mariadb(&self, database: &str, script: &str) -> Finished {
        client::run(self, database, script, &[client::PLAIN])
    }

    /// The rows of a query, cell by cell as text, told apart from NULL. A NUL in a cell comes as a space.
    ///
    /// # Panics
    /// When it fails.
    pub fn rows(&self, database: &str, query: &str) -> Vec<Vec<Option<String>>> {
        client::rows(self, database, query)
    }

    /// Opens a session in `database` that stays, as the superuser.
    ///
    /// # Panics
    /// When `mariadb` cannot be started.
    pub fn session(&self, database: &str) -> Session {
        Session::open(self, database)
    }

    /// The certificate of the authority that has signed the server's, for a server with [`Options::tls`]. Any other
    /// server's authority is another one.
    ///
    /// # Panics
    /// When the server is not private.
    pub fn authority(&self) -> PathBuf {
        self.place.private().authority()
    }

    /// All that the server has logged.
    ///
    /// # Panics
    /// When the server is not private.
    pub fn log(&self) -> String {
        self.place.private().log()
    }

    /// Ends the server as told, and returns once it has ended. Nothing when it is down.
    ///
    /// # Panics
    /// When it does not end, or is not private.
    pub fn stop(&self, how: Stop) {
        self.place.private().stop(how.signal());
    }

    /// Starts the server again after [`Server::stop`], on the same port, and returns once it takes connections. Nothing
    /// when it is up.
    ///
    /// # Panics
    /// When it does not start, or is not private.
    pub fn start(&self) {
        self.place.private().start();
    }

    /// [`Server::stop`] and [`Server::start`].
    ///
    /// # Panics
    /// As these.
    pub fn restart(&self, how: Stop) {
        self.stop(how);
        self.start();
    }

    /// Where its clients work.
    fn directory(&self) -> &Path {
        self.place.directory()
    }
}

#[cfg(test)]
mod tests;
