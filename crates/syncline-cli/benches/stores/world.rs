//! Where the rows are: a file, and a private server with a database of the same rows.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::File;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use syncline_testkit::mariadb;
use syncline_testkit::postgres::{Cluster, Options};

use crate::orders::{CHANGES, Dataset};
use crate::target::Target;

/// The longest that a server may take to write what is left to write.
const REST: Duration = Duration::from_secs(60);

/// The servers there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Server {
    Postgres,
    Mariadb,
}

impl Server {
    /// The table in its words.
    pub(crate) fn table(self) -> &'static str {
        match self {
            Self::Postgres => TABLE,
            Self::Mariadb => MARIADB_TABLE,
        }
    }
}

/// The table in MariaDB.
const MARIADB_TABLE: &str = "CREATE TABLE orders (
    id bigint PRIMARY KEY,
    customer_id bigint NOT NULL,
    status text NOT NULL,
    amount decimal(12,2) NOT NULL,
    note text,
    created_at datetime(6) NOT NULL,
    updated_at datetime(6) NOT NULL,
    payload json NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin";

/// The table in PostgreSQL.
const TABLE: &str = "CREATE TABLE orders (
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

/// The dataset, and servers for as long as this lives.
pub(crate) struct World {
    pub(crate) dataset: Dataset,
    cluster: Cluster,
    /// Started when it is first asked for.
    mariadb: OnceCell<mariadb::Server>,
    pub(crate) sling: Option<PathBuf>,
    /// The same rows as CSV, by `sqlite3`.
    ready: PathBuf,
    /// Databases that have been made from the source.
    made: RefCell<BTreeSet<(Server, &'static str)>>,
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
        Self { dataset, cluster, mariadb: OnceCell::new(), sling, ready, made: RefCell::default() }
    }

    /// What is measured here.
    pub(crate) fn versions(&self) -> String {
        let sqlite3 = Command::new("sqlite3").arg("-version").output().unwrap();
        let sqlite3 = String::from_utf8_lossy(&sqlite3.stdout).split(' ').next().unwrap_or_default().to_owned();
        let server = self.cluster.psql("postgres", "SHOW server_version");
        format!("PostgreSQL {}; sqlite3 {sqlite3}, ours {}", server.trim(), rusqlite::version())
    }

    /// A database that is the source but for the changes of this name, made when it is first asked for.
    pub(crate) fn changed(&self, server: Server, name: &'static str) -> &'static str {
        if !self.made.borrow_mut().insert((server, name)) {
            return name;
        }
        match server {
            Server::Postgres => self.run(server, "postgres", &format!("CREATE DATABASE {name} TEMPLATE {SOURCE}")),
            Server::Mariadb => {
                self.run(server, "", &format!("CREATE DATABASE {name} CHARACTER SET utf8mb4"));
                self.run(server, name, &format!("{MARIADB_TABLE}; INSERT INTO orders SELECT * FROM {SOURCE}.orders"));
            }
        }
        self.change_again(server, name);
        name
    }

    /// Makes the changes of this name in a database that is as the source is.
    pub(crate) fn change_again(&self, server: Server, name: &'static str) {
        if !self.made.borrow().contains(&(server, name)) {
            self.changed(server, name);
            return;
        }
        let rows = self.dataset.rows;
        match name {
            "spread" | "repaired" => self.change(server, name, 1, rows / CHANGES),
            "clustered" => self.change(server, name, rows / 2, 1),
            _ => {}
        }
    }

    /// Lets what is still to be written be written.
    pub(crate) fn rest(&self) {
        self.run(Server::Postgres, "postgres", "CHECKPOINT");
        if self.mariadb.get().is_some() {
            self.run(Server::Mariadb, "", "FLUSH TABLES; SET GLOBAL innodb_max_dirty_pages_pct = 0");
            let dirty = "SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS \
                WHERE VARIABLE_NAME = 'INNODB_BUFFER_POOL_PAGES_DIRTY'";
            let began = Instant::now();
            // The rest of what the side before has written; a few pages are always written to.
            while self.mariadb().mariadb("", dirty).trim().parse::<u64>().is_ok_and(|pages| pages > 100) {
                assert!(began.elapsed() < REST, "MariaDB does not come to rest");
                thread::sleep(Duration::from_millis(100));
            }
            self.run(Server::Mariadb, "", "SET GLOBAL innodb_max_dirty_pages_pct = DEFAULT");
        }
        assert!(Command::new("sync").status().unwrap().success(), "sync failed");
    }

    /// Runs a script by the server's own client.
    pub(crate) fn run(&self, server: Server, database: &str, script: &str) {
        match server {
            Server::Postgres => drop(self.cluster.psql(database, script)),
            Server::Mariadb => drop(self.mariadb().mariadb(database, script)),
        }
    }

    /// What a query finds.
    pub(crate) fn rows(&self, server: Server, database: &str, query: &str) -> Vec<Vec<Option<String>>> {
        match server {
            Server::Postgres => self.cluster.rows(database, query),
            Server::Mariadb => self.mariadb().rows(database, query),
        }
    }

    /// A server with MariaDB's own settings but for the size of its cache, durable, and the same rows.
    fn mariadb(&self) -> &mariadb::Server {
        self.mariadb.get_or_init(|| {
            // The size that MariaDB has by itself; those of tests are smaller.
            let sizes = [("innodb_buffer_pool_size", "128M"), ("innodb_log_file_size", "96M"), ("local_infile", "1")];
            let options = sizes.iter().fold(mariadb::Options::default(), |all, (name, value)| all.setting(name, value));
            let server = options.start();
            let make = |name: &str| server.mariadb("", &format!("CREATE DATABASE {name} CHARACTER SET utf8mb4"));
            [SOURCE, SCRATCH].into_iter().for_each(|name| drop(make(name)));
            server.mariadb("", &format!("CREATE USER {ROLE}@'%' IDENTIFIED BY '{ROLE}'; GRANT ALL ON *.* TO {ROLE}@'%'"));
            let load = format!(
                r#"{MARIADB_TABLE}; LOAD DATA LOCAL INFILE '{}' INTO TABLE orders CHARACTER SET utf8mb4
                   FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '"' ESCAPED BY '' LINES TERMINATED BY '\n'
                   (id, customer_id, status, amount, @note, created_at, updated_at, payload) SET note = nullif(@note, '');
                   ANALYZE TABLE orders"#,
                self.ready.display()
            );
            server.mariadb(SOURCE, &load);
            server
        })
    }

    /// Changes every `step`-th row from `first` on: of ten, eight have another status, one is gone, one is new.
    fn change(&self, server: Server, database: &str, first: u64, step: u64) {
        let rows = self.dataset.rows;
        let (numbers, rest) = match server {
            Server::Postgres => (format!("generate_series(0, {CHANGES} - 1) s(n)"), "VACUUM ANALYZE orders"),
            Server::Mariadb => (format!("(SELECT seq AS n FROM seq_0_to_{}) s", CHANGES - 1), "ANALYZE TABLE orders"),
        };
        let script = format!(
            "CREATE TEMPORARY TABLE changes (sort bigint, id bigint PRIMARY KEY);
             INSERT INTO changes SELECT n % 10, {first} + n * {step} FROM {numbers};
             INSERT INTO orders SELECT {rows} + id, customer_id, status, amount, note, created_at, updated_at, payload
                 FROM orders JOIN changes USING (id) WHERE sort = 1;
             DELETE FROM orders WHERE id IN (SELECT id FROM changes WHERE sort = 0);
             UPDATE orders SET status = 'changed' WHERE id IN (SELECT id FROM changes WHERE sort > 1);
             DROP TABLE changes;
             {rest}"
        );
        self.run(server, database, &script);
    }

    /// The URL of a database.
    pub(crate) fn url(&self, server: Server, database: &str) -> OsString {
        match server {
            Server::Postgres => self.cluster.url_as(ROLE, ROLE, database).into(),
            Server::Mariadb => self.mariadb().url_as(ROLE, ROLE, database).into(),
        }
    }

    /// What every side finds in its environment.
    pub(crate) fn environment(&self, source: Server, target: Target) -> Vec<(&'static str, OsString)> {
        let programs = self.cluster.program("psql").parent().unwrap().to_owned();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths(std::iter::once(programs).chain(std::env::split_paths(&path))).unwrap();
        let mut variables = vec![
            ("PATH", path),
            ("FILE", self.dataset.file("orders").into()),
            ("READY", self.ready.clone().into()),
            ("SOURCE", self.url(source, SOURCE)),
            ("SOURCE_NAME", SOURCE.into()),
            ("TARGET_NAME", target.database().into()),
            ("TARGET", target.name(self)),
            ("CREATE", target.definition().into()),
        ];
        if let Some(mariadb) = self.mariadb.get() {
            // Its client takes no user from a variable, but from this file.
            let client = self.dataset.scratch("client").with_extension("cnf");
            let login =
                format!("[client]\nuser={ROLE}\npassword={ROLE}\nhost={}\nport={}\n", mariadb.host(), mariadb.port());
            std::fs::write(&client, login).unwrap();
            variables.push(("MYSQL_HOST", mariadb.host().into()));
            variables.push(("MYSQL_TCP_PORT", mariadb.port().to_string().into()));
            variables.push(("CLIENT", client.into()));
        }
        if let Some(sling) = &self.sling {
            variables.push(("SLING", sling.into()));
        }
        variables
    }
}
