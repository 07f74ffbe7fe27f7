//! The databases of a round, as their own programs see them.

use std::path::PathBuf;
use std::time::Duration;

use rusqlite::Connection;
use syncline_testkit::{mariadb, postgres};

/// Servers of one worker: the rounds of another must not notice when one is killed.
pub(super) struct Servers {
    postgres: postgres::Cluster,
    maria: mariadb::Server,
}

impl Servers {
    pub(super) fn start() -> Self {
        // A write of a page can be cut in two by SIGKILL.
        let maria = mariadb::Options::default().without_fsync().setting("innodb_doublewrite", "1").start();
        Self { postgres: postgres::Options::default().without_fsync().start(), maria }
    }

    /// Has both at work.
    pub(super) fn up(&self) {
        self.postgres.start();
        self.maria.start();
    }

    /// An empty database of one of the three engines.
    pub(super) fn database(&self, engine: u64, file: PathBuf) -> Side<'_> {
        match engine % 3 {
            0 => Side::File(file),
            1 => Side::Postgres(self.postgres.fresh_database()),
            _ => Side::Maria(self.maria.fresh_database()),
        }
    }

    /// Kills the server of a database, and starts it again.
    pub(super) fn kill(&self, side: &Side<'_>, pause: Duration) {
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
pub(super) enum Side<'s> {
    File(PathBuf),
    Postgres(postgres::Database<'s>),
    Maria(mariadb::Database<'s>),
}

impl Side<'_> {
    pub(super) fn engine(&self) -> &'static str {
        match self {
            Side::File(_) => "SQLite",
            Side::Postgres(_) => "PostgreSQL",
            Side::Maria(_) => "MariaDB",
        }
    }

    /// What Syncline calls it.
    pub(super) fn name(&self) -> String {
        match self {
            Side::File(path) => path.to_str().unwrap().to_owned(),
            Side::Postgres(database) => database.url(),
            Side::Maria(database) => database.url(),
        }
    }

    pub(super) fn is_server(&self) -> bool {
        !matches!(self, Side::File(_))
    }

    /// Whether a script went through to its end.
    pub(super) fn write(&self, script: &str) -> bool {
        match self {
            Side::File(path) => {
                let conn = Connection::open(path).unwrap();
                conn.busy_timeout(Duration::from_secs(30)).unwrap();
                conn.execute_batch(script).is_ok()
            }
            Side::Postgres(database) => database.try_psql(script).code == Some(0),
            Side::Maria(database) => database.try_mariadb(script).code == Some(0),
        }
    }

    /// The first column of a query; `None` where it cannot be asked now, or there is no such table yet.
    pub(super) fn numbers(&self, query: &str) -> Option<Vec<i64>> {
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
