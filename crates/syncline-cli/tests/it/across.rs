//! SQLite and PostgreSQL with each other, looked at with their own shells.

mod bad_input;
mod misfits;
mod plans;
mod round_trip;
mod slow_links;
mod type_traps;
mod undone;
mod verified;

use std::process::Command;

use syncline_testkit::postgres::{Database, fresh_database};

use crate::scene::Scene;

/// A directory, and a database on a server that the binary inside it can reach as `env:PG`.
pub(crate) struct Server {
    pub(crate) scene: Scene,
    pub(crate) database: Database<'static>,
}

impl Server {
    /// An empty directory and an empty database.
    pub(crate) fn new() -> Self {
        let database = fresh_database();
        Self { scene: Scene::new().with_variable("PG", &database.url()), database }
    }

    /// All rows of a table in the order of its first columns, as `psql` writes them: cells with `|` between them.
    pub(crate) fn by_psql(&self, query: &str) -> Vec<String> {
        let cells = |row: Vec<Option<String>>| {
            row.into_iter().map(|cell| cell.unwrap_or_else(|| "NULL".to_owned())).collect::<Vec<_>>().join("|")
        };
        self.database.rows(query).into_iter().map(cells).collect()
    }

    /// The same of a file, as `sqlite3` writes them.
    pub(crate) fn by_sqlite3(&self, file: &str, query: &str) -> Vec<String> {
        let args = ["-list", "-nullvalue", "NULL"];
        let output = Command::new("sqlite3").args(args).arg(self.scene.path(file)).arg(query).output().unwrap();
        assert!(output.status.success(), "{query}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
    }
}
