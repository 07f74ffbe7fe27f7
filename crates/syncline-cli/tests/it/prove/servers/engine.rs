//! The servers of the proof, and all in which their engines differ.

use syncline_testkit::process::Finished;
use syncline_testkit::{mariadb, postgres};

use super::content::Table;
use super::{maria, postgresql};

/// What differs between the engines. Everything else is said in words that both understand.
pub(crate) struct Engine {
    /// What it is called in what is printed.
    pub(crate) name: &'static str,
    /// The schema in which a session is.
    pub(crate) here: &'static str,
    /// Begins a transaction that sees one instant.
    pub(crate) begin: &'static str,
    /// How long a transaction stays between its two looks. Prints nothing that reads like a count.
    pub(crate) stay: &'static str,
    /// Whether two values are the same, NULL being itself.
    pub(crate) same: &'static str,
    /// What goes at the end of a statement that drops a schema.
    pub(crate) with_all: &'static str,
    /// What its client says when a server is gone.
    pub(crate) gone: &'static [&'static str],
    /// What it says of a transaction that it has taken back in favour of another.
    pub(crate) yielded: &'static [&'static str],
    /// What it says when there is no such table.
    pub(crate) no_table: &'static str,
    /// What the application has beside the tables that are mirrored.
    pub(crate) application: &'static str,
    /// A definition in its words, from those of PostgreSQL.
    pub(crate) definition: fn(&str) -> String,
    /// Puts rows, in the text of COPY, into a table with these columns.
    pub(crate) insert: fn(&str, &str, &[String]) -> String,
    /// What follows a table that has been filled.
    pub(crate) afterwards: fn(&str) -> &'static str,
    /// What follows when all are.
    pub(crate) settled: &'static str,
    /// What tells that something on a table has fired, where that may not be.
    pub(crate) guard: fn(&str) -> String,
    /// Everything but rows.
    pub(crate) defined: &'static str,
    /// What is left of a run.
    pub(crate) left: &'static str,
    /// Sessions that hold something still, and what there is to say of them.
    pub(crate) held: [&'static str; 2],
    /// The rows of tables that are there, in the text of COPY.
    pub(crate) rows: fn(&Database<'_>, &[&'static Table]) -> Rows,
}

/// Names of tables, and with each one of its rows.
pub(crate) type Rows = Vec<(String, String)>;

/// A server.
#[derive(Debug)]
pub(crate) enum Server {
    Postgres(postgres::Cluster),
    Maria(mariadb::Server),
}

/// How a server is ended.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stop {
    /// SIGKILL.
    Kill,
    /// Whatever it was doing is cut off, by itself.
    Cut,
}

impl Server {
    pub(crate) fn engine(&self) -> &'static Engine {
        match self {
            Server::Postgres(_) => &postgresql::ENGINE,
            Server::Maria(_) => &maria::ENGINE,
        }
    }

    pub(crate) fn fresh_database(&self) -> Database<'_> {
        match self {
            Server::Postgres(cluster) => Database::Postgres(cluster.fresh_database()),
            Server::Maria(server) => Database::Maria(server.fresh_database()),
        }
    }

    /// Ends it. Nothing when it is down.
    pub(crate) fn stop(&self, how: Stop) {
        match (self, how) {
            (Server::Postgres(cluster), Stop::Kill) => cluster.stop(postgres::Stop::Kill),
            (Server::Postgres(cluster), Stop::Cut) => cluster.stop(postgres::Stop::Immediate),
            (Server::Maria(server), Stop::Kill) => server.stop(mariadb::Stop::Kill),
            (Server::Maria(server), Stop::Cut) => server.stop(mariadb::Stop::Fast),
        }
    }

    /// Starts it again. Nothing when it is up.
    pub(crate) fn start(&self) {
        match self {
            Server::Postgres(cluster) => cluster.start(),
            Server::Maria(server) => server.start(),
        }
    }

    pub(crate) fn log(&self) -> String {
        match self {
            Server::Postgres(cluster) => cluster.log(),
            Server::Maria(server) => server.log(),
        }
    }
}

/// A database on one of them, looked at through the engine's own client.
#[derive(Debug)]
pub(crate) enum Database<'s> {
    Postgres(postgres::Database<'s>),
    Maria(mariadb::Database<'s>),
}

impl Database<'_> {
    pub(crate) fn engine(&self) -> &'static Engine {
        match self {
            Database::Postgres(_) => &postgresql::ENGINE,
            Database::Maria(_) => &maria::ENGINE,
        }
    }

    /// What Syncline calls it. What a run keeps of a URL has no password, and an undo goes by that: nobody needs one.
    pub(crate) fn url(&self) -> String {
        match self {
            Database::Postgres(database) => database.url(),
            Database::Maria(database) => database.url_as(maria::USER, ""),
        }
    }

    /// Runs a script and returns what it printed.
    ///
    /// # Panics
    /// When a statement fails.
    pub(crate) fn run(&self, script: &str) -> String {
        match self {
            Database::Postgres(database) => database.psql(script),
            Database::Maria(database) => database.mariadb(script),
        }
    }

    /// Runs a script that may fail.
    pub(crate) fn try_run(&self, script: &str) -> Finished {
        match self {
            Database::Postgres(database) => database.try_psql(script),
            Database::Maria(database) => database.try_mariadb(script),
        }
    }

    /// Whether a table is there.
    pub(crate) fn has(&self, table: &str) -> bool {
        let here = self.engine().here;
        let sql = format!(
            "SELECT count(*) FROM information_schema.tables WHERE table_schema = {here} AND table_name = '{table}'"
        );
        self.run(&sql).trim() == "1"
    }

    /// Whether a client failed for a server that was ended.
    pub(crate) fn is_gone(&self, finished: &Finished) -> bool {
        self.engine().gone.iter().any(|words| finished.stderr.contains(words))
    }
}
