//! The databases of a round, as their own programs see them.

use std::path::PathBuf;
use std::time::Duration;

use rusqlite::Connection;
use syncline_testkit::{mariadb, postgres};

/// Servers of one worker: the rounds of another must not notice when one is killed.
pub(in crate::prove) struct Servers {
    postgres: postgres::Cluster,
    maria: mariadb::Server,
}

impl Servers {
    pub(in crate::prove) fn start() -> Self {
        // A write of a page can be cut in two by SIGKILL.
        let maria = mariadb::Options::default().without_fsync().setting("innodb_doublewrite", "1").start();
        Self { postgres: postgres::Options::default().without_fsync().start(), maria }
    }

    /// Has both at work.
    pub(in crate::prove) fn up(&self) {
        self.postgres.start();
        self.maria.start();
    }

    /// An empty database of one of the three engines.
    pub(in crate::prove) fn database(&self, engine: u64, file: PathBuf) -> Side<'_> {
        match engine % 3 {
            0 => Side::File(file),
            1 => Side::Postgres(self.postgres.fresh_database()),
            _ => Side::Maria(self.maria.fresh_database()),
        }
    }

    /// Kills the server of a database, and starts it again.
    pub(in crate::prove) fn kill(&self, side: &Side<'_>, pause: Duration) {
        match side {
            Side::File(_) => {}
            Side::Postgres(_) => {
                self.postgres.stop(postgres::Stop::Immediate);
                std::thread::sleep(pause);
                self.postgres.start();
            }
            Side::Maria(_) => {
                self.maria.stop(mariadb::Stop::Kill);
                std::thread::sleep(pause);
                self.maria.start();
            }
        }
    }
}

/// One database.
pub(in crate::prove) enum Side<'s> {
    File(PathBuf),
    Postgres(postgres::Database<'s>),
    Maria(mariadb::Database<'s>),
}

impl Side<'_> {
    pub(in crate::prove) fn engine(&self) -> &'static str {
        match self {
            Side::File(_) => "SQLite",
            Side::Postgres(_) => "PostgreSQL",
            Side::Maria(_) => "MariaDB",
        }
    }

    /// What Syncline calls it.
    pub(in crate::prove) fn name(&self) -> String {
        match self {
            Side::File(path) => path.to_str().unwrap().to_owned(),
            Side::Postgres(database) => database.url(),
            Side::Maria(database) => database.url(),
        }
    }

    /// A statement that takes a while, where an open transaction keeps nobody else from writing.
    pub(in crate::prove) fn pause(&self) -> &'static str {
        match self {
            Side::File(_) => "",
            Side::Postgres(_) => "SELECT pg_sleep(0.05);",
            Side::Maria(_) => "DO SLEEP(0.05);",
        }
    }

    pub(in crate::prove) fn is_server(&self) -> bool {
        !matches!(self, Side::File(_))
    }

    /// Whether a script went through to its end.
    pub(in crate::prove) fn write(&self, script: &str) -> bool {
        self.try_write(script).is_ok()
    }

    /// Why a script did not go through to its end.
    pub(in crate::prove) fn try_write(&self, script: &str) -> Result<(), String> {
        let said = match self {
            Side::File(path) => {
                let conn = Connection::open(path).unwrap();
                conn.busy_timeout(Duration::from_secs(30)).unwrap();
                return conn.execute_batch(script).map_err(|error| error.to_string());
            }
            Side::Postgres(database) => database.try_psql(script),
            Side::Maria(database) => database.try_mariadb(script),
        };
        if said.code == Some(0) { Ok(()) } else { Err(said.stderr) }
    }

    /// What a query says, as the database's own program puts it.
    pub(in crate::prove) fn said(&self, query: &str) -> String {
        match self {
            Side::File(path) => {
                let conn = Connection::open(path).unwrap();
                let mut statement = conn.prepare(query).unwrap();
                let line = |row: &rusqlite::Row<'_>| row.get::<_, String>(0);
                statement.query_map([], line).unwrap().map(Result::unwrap).collect::<Vec<_>>().join("\n")
            }
            Side::Postgres(database) => database.psql(&format!("{query};")),
            Side::Maria(database) => database.mariadb(&format!("{query};")),
        }
    }

    /// The first column of a query; `None` where it cannot be asked now, or there is no such table yet.
    pub(in crate::prove) fn numbers(&self, query: &str) -> Option<Vec<i64>> {
        let lines = match self {
            Side::File(path) => {
                if !path.exists() {
                    return None;
                }
                let conn = Connection::open(path).unwrap();
                conn.busy_timeout(Duration::from_secs(30)).unwrap();
                let mut statement = conn.prepare(query).ok()?;
                let rows = statement.query_map([], |row| row.get::<_, Option<i64>>(0)).ok()?;
                return rows.map(Result::ok).map(Option::flatten).collect();
            }
            Side::Postgres(database) => {
                database.try_psql(&format!("\\pset format unaligned\n\\pset tuples_only on\n{query};"))
            }
            Side::Maria(database) => database.try_mariadb(&format!("{query};")),
        };
        if lines.code != Some(0) {
            return None;
        }
        // Whatever else a shell says is no number.
        let words = lines.stdout.lines().map(str::trim).filter(|line| !line.is_empty());
        let words = words.filter(|line| line.chars().all(|c| c.is_ascii_digit() || c == '-') || *line == "NULL");
        words.map(|line| line.parse().ok()).collect()
    }
}
