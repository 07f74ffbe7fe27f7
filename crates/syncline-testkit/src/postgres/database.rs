//! One database of a cluster.

use super::{Cluster, PASSWORD, SUPERUSER, Session};
use crate::process::Finished;

/// A database that is a test's own, dropped when it goes out of scope.
#[derive(Debug)]
pub struct Database<'a> {
    cluster: &'a Cluster,
    name: String,
}

impl<'a> Database<'a> {
    pub(super) fn new(cluster: &'a Cluster, name: String) -> Self {
        Self { cluster, name }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The server it is on.
    pub fn cluster(&self) -> &'a Cluster {
        self.cluster
    }

    /// Its URL for the superuser.
    pub fn url(&self) -> String {
        self.url_as(SUPERUSER, PASSWORD)
    }

    /// Its URL for another role.
    pub fn url_as(&self, role: &str, password: &str) -> String {
        self.cluster.url_as(role, password, &self.name)
    }

    /// [`Cluster::psql`] here.
    ///
    /// # Panics
    /// When a statement fails.
    pub fn psql(&self, script: &str) -> String {
        self.cluster.psql(&self.name, script)
    }

    /// [`Cluster::try_psql`] here.
    pub fn try_psql(&self, script: &str) -> Finished {
        self.cluster.try_psql(&self.name, script)
    }

    /// [`Cluster::rows`] here.
    ///
    /// # Panics
    /// When the query fails.
    pub fn rows(&self, query: &str) -> Vec<Vec<Option<String>>> {
        self.cluster.rows(&self.name, query)
    }

    /// [`Cluster::session`] here.
    ///
    /// # Panics
    /// When `psql` cannot be started.
    pub fn session(&self) -> Session {
        self.cluster.session(&self.name)
    }
}

impl Drop for Database<'_> {
    fn drop(&mut self) {
        // The server may be down by now; it takes its databases along. A busy one first writes all it has to its files, and waits for
        // all of its sessions: nobody needs that.
        let script = format!("SET statement_timeout = '20s';\nDROP DATABASE {} WITH (FORCE)", self.name);
        let _ = self.cluster.try_psql("postgres", &script);
    }
}
