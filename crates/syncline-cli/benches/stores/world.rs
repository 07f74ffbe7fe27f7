//! Where the rows are: a file, and a private server with a database of the same rows.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::File;
use std::path::PathBuf;
use std::process::Command;

use syncline_testkit::postgres::{Cluster, Options};

use crate::orders::{CHANGES, Dataset};
use crate::target::Target;

/// The table in PostgreSQL.
pub(crate) const TABLE: &str = "CREATE TABLE orders (
    id bigint PRIMARY KEY,
    customer_id bigint NOT NULL,
    status text NOT NULL,
    amount numeric(12,2) NOT NULL,
    note text,
    created_at timestamp NOT NULL,
    updated_at timestamp NOT NULL,
    payload json NOT NULL
)";

/// The database that holds the rows.
pub(crate) const SOURCE: &str = "source";

/// The database that rows are written into.
pub(crate) const SCRATCH: &str = "scratch";

/// As whom everybody connects. Not every tool understands a password with characters that mean something in a URL.
const ROLE: &str = "bench";

/// The dataset, and a server for as long as this lives.
pub(crate) struct World {
    pub(crate) dataset: Dataset,
    pub(crate) cluster: Cluster,
    pub(crate) sling: Option<PathBuf>,
    /// The same rows as CSV, by `sqlite3`.
    ready: PathBuf,
    /// Databases that have been made from the source.
    made: RefCell<BTreeSet<&'static str>>,
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.ready);
    }
}

impl World {
    /// Starts a server with PostgreSQL's own settings, durable, and loads the rows by the engines' own tools.
    pub(crate) fn new(dataset: Dataset, sling: Option<PathBuf>) -> Self {
        let file = dataset.file("orders");
        let ready = dataset.scratch("ready").with_extension("csv");
        let written = Command::new("sqlite3")
            .arg("-csv")
            .arg(&file)
            .arg("SELECT * FROM orders")
            .stdout(File::create(&ready).unwrap())
            .status();
        assert!(written.unwrap().success(), "sqlite3 wrote no CSV");
        let cluster = Options::default().start();
        cluster.psql("postgres", &format!("CREATE ROLE {ROLE} SUPERUSER LOGIN PASSWORD '{ROLE}'"));
        cluster.psql("postgres", &format!("CREATE DATABASE {SOURCE} TEMPLATE template0"));
        cluster.psql("postgres", &format!("CREATE DATABASE {SCRATCH} TEMPLATE template0"));
        let copy = format!("{TABLE};\n\\copy orders FROM '{}' (FORMAT csv)\nVACUUM ANALYZE orders", ready.display());
        cluster.psql(SOURCE, &copy);
        Self { dataset, cluster, sling, ready, made: RefCell::default() }
    }

    /// What is measured here.
    pub(crate) fn versions(&self) -> String {
        let sqlite3 = Command::new("sqlite3").arg("-version").output().unwrap();
        let sqlite3 = String::from_utf8_lossy(&sqlite3.stdout).split(' ').next().unwrap_or_default().to_owned();
        let server = self.cluster.psql("postgres", "SHOW server_version");
        format!("PostgreSQL {}; sqlite3 {sqlite3}, ours {}", server.trim(), rusqlite::version())
    }

    /// A database that is the source but for the changes of this name, made when it is first asked for.
    pub(crate) fn changed(&self, name: &'static str) -> &'static str {
        if !self.made.borrow_mut().insert(name) {
            return name;
        }
        self.cluster.psql("postgres", &format!("CREATE DATABASE {name} TEMPLATE {SOURCE}"));
        let rows = self.dataset.rows;
        match name {
            "spread" => self.change(name, 1, rows / CHANGES),
            "clustered" => self.change(name, rows / 2, 1),
            _ => {}
        }
        name
    }

    /// Changes every `step`-th row from `first` on: of ten, eight have another status, one is gone, one is new.
    fn change(&self, database: &str, first: u64, step: u64) {
        let rows = self.dataset.rows;
        let script = format!(
            "CREATE TEMP TABLE change AS SELECT n % 10 AS sort, {first} + n * {step} AS id FROM generate_series(0, {CHANGES} - 1) n;
             INSERT INTO orders SELECT {rows} + id, customer_id, status, amount, note, created_at, updated_at, payload
                 FROM orders JOIN change USING (id) WHERE sort = 1;
             DELETE FROM orders WHERE id IN (SELECT id FROM change WHERE sort = 0);
             UPDATE orders SET status = 'changed' WHERE id IN (SELECT id FROM change WHERE sort > 1);
             DROP TABLE change;
             VACUUM ANALYZE orders"
        );
        self.cluster.psql(database, &script);
    }

    /// The URL of a database.
    pub(crate) fn url(&self, database: &str) -> OsString {
        self.cluster.url_as(ROLE, ROLE, database).into()
    }

    /// What every side finds in its environment.
    pub(crate) fn environment(&self, target: Target) -> Vec<(&'static str, OsString)> {
        let programs = self.cluster.program("psql").parent().unwrap().to_owned();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths(std::iter::once(programs).chain(std::env::split_paths(&path))).unwrap();
        let mut variables = vec![
            ("PATH", path),
            ("FILE", self.dataset.file("orders").into()),
            ("READY", self.ready.clone().into()),
            ("SOURCE", self.url(SOURCE)),
            ("TARGET", target.name(self)),
            ("CREATE", target.definition().into()),
        ];
        if let Some(sling) = &self.sling {
            variables.push(("SLING", sling.into()));
        }
        variables
    }
}
