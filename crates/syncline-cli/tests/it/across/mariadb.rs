//! MariaDB with the other engines and with itself, looked at with its own client.

mod bad_input;
mod definitions;
mod dumps;
mod loads;
mod misfits;
mod others;
mod refresh;
mod round_trip;
mod sakila;
mod scripts;
mod undone;

use syncline_testkit::mariadb::{self, Database, fresh_database};

use crate::scene::Scene;

/// A directory, and a database on a MariaDB server that the binary inside it can reach as `env:MY`.
pub(crate) struct Maria {
    pub(crate) scene: Scene,
    pub(crate) database: Database<'static>,
}

impl Maria {
    /// An empty directory and an empty database.
    pub(crate) fn new() -> Self {
        Self::on(fresh_database())
    }

    /// A directory, and this database.
    pub(crate) fn on(database: Database<'static>) -> Self {
        Self { scene: Scene::new().with_variable("MY", &database.url()), database }
    }

    /// An empty database on a server that nobody else uses. It ends with the process.
    pub(crate) fn alone(options: mariadb::Options) -> Self {
        let server: &'static mariadb::Server = Box::leak(Box::new(options.without_fsync().start()));
        Self::on(server.fresh_database())
    }

    /// All rows of a query as `mariadb` writes them: cells with `|` between them.
    pub(crate) fn rows(&self, query: &str) -> Vec<String> {
        lines(&self.database, query)
    }

    /// The tables there are, ours among them.
    pub(crate) fn tables(&self) -> Vec<String> {
        self.rows("SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() ORDER BY 1")
    }
}

/// All rows of a query in a database, as its client writes them.
pub(crate) fn lines(database: &Database<'_>, query: &str) -> Vec<String> {
    let cells = |row: Vec<Option<String>>| {
        row.into_iter().map(|cell| cell.unwrap_or_else(|| "NULL".to_owned())).collect::<Vec<_>>().join("|")
    };
    database.rows(query).into_iter().map(cells).collect()
}
