//! One database of a server.

use super::{Server, Session, client};
use crate::process::Finished;

/// A database that is a test's own, dropped when it goes out of scope.
#[derive(Debug)]
pub struct Database<'a> {
    server: &'a Server,
    name: String,
}

impl<'a> Database<'a> {
    pub(super) fn new(server: &'a Server, name: String) -> Self {
        Self { server, name }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The server it is on.
    pub fn server(&self) -> &'a Server {
        self.server
    }

    /// Its URL for the superuser.
    pub fn url(&self) -> String {
        self.server.url(&self.name)
    }

    /// Its URL for another user.
    pub fn url_as(&self, user: &str, password: &str) -> String {
        self.server.url_as(user, password, &self.name)
    }

    /// [`Server::mariadb`] here.
    ///
    /// # Panics
    /// When a statement fails.
    pub fn mariadb(&self, script: &str) -> String {
        self.server.mariadb(&self.name, script)
    }

    /// [`Server::try_mariadb`] here.
    pub fn try_mariadb(&self, script: &str) -> Finished {
        self.server.try_mariadb(&self.name, script)
    }

    /// [`Server::rows`] here.
    ///
    /// # Panics
    /// When the query fails.
    pub fn rows(&self, query: &str) -> Vec<Vec<Option<String>>> {
        self.server.rows(&self.name, query)
    }

    /// [`Server::session`] here.
    ///
    /// # Panics
    /// When `mariadb` cannot be started.
    pub fn session(&self) -> Session {
        self.server.session(&self.name)
    }
}

impl Drop for Database<'_> {
    fn drop(&mut self) {
        // A session that has looked at a table keeps it from being dropped until its transaction ends.
        let name = &self.name;
        let sessions =
            format!("SELECT concat('KILL ', id, ';') FROM information_schema.processlist WHERE db = '{name}'");
        let kills = self.server.try_mariadb("", &sessions).stdout;
        // The server may be down by now; a private one takes its databases along.
        let script = format!("{kills} SET lock_wait_timeout = 20; DROP DATABASE IF EXISTS {name}");
        let _ = client::run(self.server, "", &script, &[client::ON]);
    }
}
