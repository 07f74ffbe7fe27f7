//! Databases of an engine, reached by its own shell.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use syncline_testkit::{mariadb, postgres};

/// One of the three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
    Mariadb,
}

/// Databases of an engine, and a directory with a state of its own. All go when it is dropped.
pub(crate) struct Site {
    pub(crate) engine: Engine,
    directory: PathBuf,
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

impl Site {
    pub(crate) fn new(engine: Engine) -> Self {
        let name = format!("syncline-bench-track-{}-{engine:?}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir_all(&directory).unwrap();
        Self { engine, directory }
    }

    /// An empty database of this name, in place of any other.
    pub(crate) fn database(&self, name: &str) {
        match self.engine {
            Engine::Sqlite => {
                for end in ["", "-wal", "-shm"] {
                    let _ = fs::remove_file(self.directory.join(format!("{name}{end}")));
                }
                self.run(name, "PRAGMA journal_mode = WAL;");
            }
            Engine::Postgres => {
                cluster().psql("postgres", &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
                cluster().psql("postgres", &format!("CREATE DATABASE {name} TEMPLATE template0"));
            }
            Engine::Mariadb => {
                let made = format!("DROP DATABASE IF EXISTS {name}; CREATE DATABASE {name} CHARACTER SET utf8mb4");
                server().mariadb("", &made);
            }
        }
    }

    /// Runs a script by the engine's own shell.
    pub(crate) fn run(&self, name: &str, script: &str) {
        match self.engine {
            Engine::Sqlite => {
                let mut shell = self.shell(name);
                std::io::Write::write_all(shell.stdin.as_mut().unwrap(), script.as_bytes()).unwrap();
                drop(shell.stdin.take());
                assert!(shell.wait().unwrap().success(), "sqlite3 failed");
            }
            Engine::Postgres => drop(cluster().psql(name, script)),
            Engine::Mariadb => drop(server().mariadb(name, script)),
        }
    }

    /// The shell, which is told statements by its standard input.
    pub(crate) fn shell(&self, name: &str) -> Child {
        let mut command = match self.engine {
            Engine::Sqlite => {
                let mut command = Command::new("sqlite3");
                command.args(["-bail", "-cmd", "PRAGMA synchronous = NORMAL", "-cmd", ".timeout 10000"]);
                command.arg(self.directory.join(name));
                command
            }
            Engine::Postgres => {
                let mut command = Command::new(cluster().program("psql"));
                command.args(["-q", "-X"]).arg(cluster().url(name));
                command
            }
            Engine::Mariadb => {
                let (user, password) = server().superuser();
                let mut command = Command::new(server().program("mariadb"));
                command.args(["--no-defaults", "-h", server().host(), "-u", user, name]);
                command.arg(format!("--port={}", server().port())).env("MYSQL_PWD", password);
                command
            }
        };
        command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap()
    }

    /// What Syncline calls the database.
    pub(crate) fn url(&self, name: &str) -> OsString {
        match self.engine {
            Engine::Sqlite => self.directory.join(name).into(),
            Engine::Postgres => cluster().url(name).into(),
            Engine::Mariadb => server().url(name).into(),
        }
    }

    /// Syncline with these arguments.
    pub(crate) fn syncline(&self, args: &[OsString]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_syncline"));
        command.args(args).env("SYNCLINE_STATE_DIR", self.directory.join("state")).env("HOME", &self.directory);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// Runs Syncline to its good end.
    pub(crate) fn ok(&self, words: &str, names: &[&str]) {
        let args = words.split(' ').map(OsString::from).chain(names.iter().map(|name| self.url(name)));
        let mut command = self.syncline(&args.collect::<Vec<_>>());
        let status = command.status().unwrap();
        assert!(status.success(), "{words} {names:?} ended with {status}");
    }
}

/// A server with PostgreSQL's own settings, durable.
fn cluster() -> &'static postgres::Cluster {
    static CLUSTER: OnceLock<postgres::Cluster> = OnceLock::new();
    CLUSTER.get_or_init(postgres::Cluster::own)
}

/// A server with MariaDB's own settings, durable; the sizes of tests are smaller.
fn server() -> &'static mariadb::Server {
    static SERVER: OnceLock<mariadb::Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        let sizes = [("innodb_buffer_pool_size", "128M"), ("innodb_log_file_size", "96M")];
        sizes.iter().fold(mariadb::Options::default(), |all, (name, value)| all.setting(name, value)).start()
    })
}
