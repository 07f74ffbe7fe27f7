//! Databases of different engines with each other, looked at with their own shells.

pub(crate) mod bad_input;
mod connections;
mod cursor;
mod dumps;
mod filters;
mod long_names;
pub(crate) mod mariadb;
mod misfits;
mod own_types;
mod plans;
mod references;
mod round_trip;
mod sakila;
mod servers;
mod slow_links;
mod track;
mod type_traps;
mod undone;
mod verified;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use syncline_testkit::postgres::{Database, fresh_database};

use crate::scene::Scene;

/// A file of the data that lies beside the repository, or in the directory that `SYNCLINE_TEST_DATA` names. Where it is missing
/// that is said past the capture of the test: one that was skipped has shown nothing.
pub(crate) fn shared(name: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let file = std::env::var_os("SYNCLINE_TEST_DATA").map_or_else(beside, PathBuf::from).join(name);
    if !file.exists() {
        let test = std::thread::current().name().unwrap_or_default().to_owned();
        let _ = writeln!(std::io::stderr(), "skipped {test}: there is no {}", file.display());
        return None;
    }
    Some(file)
}

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
