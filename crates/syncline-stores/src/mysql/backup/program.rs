//! `mariadb-dump` and `mysqldump`, and the way to the server as they are told it.

use std::ffi::OsString;
use std::path::Path;

use syncline_core::error::{Code, Error, Result};

use super::still::Tables;
use crate::dump::{Environment, Program, Running, Tool};
use crate::mysql::connect::{ConnectOptions, Connection, Product, Version, cell};
use crate::server::{Host, Roots, SYSTEM_BUNDLE, TlsMode};

/// The programs of each product, the first one that is there being taken.
const OF_MARIADB: [Program; 2] = [
    Program { name: "mariadb-dump", package: "mariadb-client" },
    Program { name: "mysqldump", package: "mariadb-client" },
];
const OF_MYSQL: [Program; 1] = [Program { name: "mysqldump", package: "mysql-client" }];

/// Variables that would lead the programs elsewhere than us, or lend them another password.
const NOT_HEEDED: &[&str] = &[
    "MYSQL_HOST",
    "MYSQL_TCP_PORT",
    "MYSQL_UNIX_PORT",
    "MYSQL_PWD",
    "MYSQL_HOME",
    "MARIADB_HOME",
    "MYSQL_GROUP_SUFFIX",
    "MYSQL_DEBUG",
    "LANGUAGE",
];

/// One view, in UTC and UTF-8, rows of any size. The script locks no tables: where one is locked, a sequence that another one takes
/// its numbers from cannot be asked, and the script could not be carried out.
const ALWAYS: &[&str] = &[
    "--single-transaction",
    "--skip-lock-tables",
    "--skip-add-locks",
    "--quick",
    "--hex-blob",
    "--default-character-set=utf8mb4",
    "--tz-utc",
    "--no-tablespaces",
    "--skip-dump-date",
    "--max-allowed-packet=1G",
];

/// From this version on MariaDB keeps the history of tables in a script, and takes it back.
const KNOWS_HISTORY: (u32, u32) = (10, 11);

/// The encryption of a session; empty without one.
const ENCRYPTION: &str = "SHOW SESSION STATUS LIKE 'Ssl_version'";

/// What of a database is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Everything.
    Whole,
    /// Everything but triggers; of tables that are written apart perhaps no rows.
    WithoutTriggers,
    /// Triggers alone.
    Triggers,
}

/// The program, found, and told the way.
pub(super) struct DumpProgram<'o> {
    tool: Tool,
    product: Product,
    options: &'o ConnectOptions,
    way: Vec<OsString>,
    environment: Environment,
    has_history: bool,
}

impl<'o> DumpProgram<'o> {
    /// The program of the server's product, of its version at least.
    ///
    /// # Errors
    /// `TOOL_MISSING`, and `TLS_FAILED` where the program cannot go the way as safely as it was asked for.
    pub(super) async fn find(options: &'o ConnectOptions, server: &Connection, has_history: bool) -> Result<Self> {
        let product = server.version.product;
        let environment = environment(options);
        // What it is asked first is no reason to tell it a password.
        let mild: Environment =
            environment.iter().filter(|(name, value)| *name != "MYSQL_PWD" || value.is_none()).cloned().collect();
        let tool = installed(&server.version, &mild).await?;
        let rows = server.line.query(ENCRYPTION).await.map_err(|error| server.error(error))?;
        let is_encrypted =
            rows.first().map_or(Ok(false), |row| cell::<String>(row, 1).map(|version| !version.is_empty()))?;
        let way = way(options, product, is_encrypted)?;
        let has_history = has_history && product == Product::MariaDb && server.version.number >= KNOWS_HISTORY;
        Ok(Self { tool, product, options, way, environment, has_history })
    }

    /// What it says about itself.
    pub(super) fn version(&self) -> &str {
        &self.tool.version
    }

    /// Begins to write the script of the database to its output.
    ///
    /// # Errors
    /// `TOOL_MISSING` when it cannot be started.
    pub(super) fn start(&self, part: Part, tables: &Tables) -> Result<Running> {
        self.tool.start(&self.arguments(part, tables), &self.environment)
    }

    fn arguments(&self, part: Part, tables: &Tables) -> Vec<OsString> {
        let database = &self.options.database;
        // Files of options come first, and are not read.
        let mut args: Vec<OsString> = vec!["--no-defaults".into()];
        args.extend(self.way.iter().cloned());
        args.extend(ALWAYS.iter().map(Into::into));
        args.extend(
            match part {
                Part::Whole => ["--routines", "--events", "--triggers"].as_slice(),
                Part::WithoutTriggers => &["--routines", "--events", "--skip-triggers"],
                Part::Triggers => &["--no-create-info", "--no-data", "--triggers", "--skip-routines", "--skip-events"],
            }
            .iter()
            .map(Into::into),
        );
        if self.has_history {
            args.push("--dump-history".into());
        }
        if self.product == Product::MySql {
            // Neither statistics nor the place in the binary log is part of a database.
            args.extend(["--set-gtid-purged=OFF", "--column-statistics=0"].map(Into::into));
        }
        if part == Part::WithoutTriggers && self.product == Product::MariaDb {
            // They are written another way. A name with a dot could be another table's.
            let plain = tables.apart().filter(|table| !table.contains('.') && !database.contains('.'));
            args.extend(plain.map(|table| format!("--ignore-table-data={database}.{table}").into()));
        }
        args.extend(["--".into(), database.into()]);
        args
    }
}

async fn installed(server: &Version, environment: &Environment) -> Result<Tool> {
    let programs: &[Program] = match server.product {
        Product::MariaDb => &OF_MARIADB,
        Product::MySql => &OF_MYSQL,
    };
    let mut first = None;
    for program in programs {
        match program.find(environment).await.and_then(|tool| suited(tool, server)) {
            Ok(tool) => return Ok(tool),
            Err(error) => first = first.or(Some(error)),
        }
    }
    Err(first.unwrap_or_else(|| programs[0].missing("none is known")))
}

/// The other product's program does not know what this one has; nor does an older one.
fn suited(tool: Tool, server: &Version) -> Result<Tool> {
    let found = version(&tool.version);
    if found.product == server.product && found.number >= server.number {
        return Ok(tool);
    }
    let (major, minor) = server.number;
    let why = format!("{} is not {} {major}.{minor} or newer, as the server is", tool.version, server.product);
    Err(tool.program().missing(why))
}

/// What a program says of its version: `Ver 10.19 Distrib 10.11.19-MariaDB,`, `from 11.4.2-MariaDB, client 10.19`, `Ver 8.0.36 for`.
fn version(text: &str) -> Version {
    let mut words = text.split([' ', ',']).filter(|word| !word.is_empty()).peekable();
    let mut found = "";
    while let Some(word) = words.next() {
        let next = words.peek().copied().unwrap_or_default();
        match word {
            "Distrib" | "from" => found = next,
            "Ver" if found.is_empty() => found = next,
            _ => {}
        }
    }
    Version::parse(found)
}

/// Where the server is, and how safely it is reached. Nothing of this is a secret.
fn way(options: &ConnectOptions, product: Product, is_encrypted: bool) -> Result<Vec<OsString>> {
    let mut way: Vec<OsString> = vec![format!("--user={}", options.user).into()];
    match &options.host {
        Host::Name(name) => {
            let (host, port) = (format!("--host={name}"), format!("--port={}", options.port));
            way.extend(["--protocol=tcp".into(), host.into(), port.into()]);
        }
        Host::Socket(path) => {
            let mut socket = OsString::from("--socket=");
            socket.push(path);
            way.extend(["--protocol=socket".into(), socket]);
        }
    }
    let is_socket = matches!(options.host, Host::Socket(_));
    let tls = if is_socket { TlsMode::Disable } else { options.tls };
    match product {
        Product::MariaDb => way.extend(tls_of_mariadb(options, tls, is_encrypted)?),
        Product::MySql => way.extend(tls_of_mysql(options, tls, is_encrypted)?),
    }
    Ok(way)
}

/// `--ssl` alone is what a server makes of it: nobody in between can be kept from taking it away, nor from answering. So it is enough
/// where whoever answers is taken. Authorities are asked only together with the name; asking for more than was asked for is
/// safe.
fn tls_of_mariadb(options: &ConnectOptions, tls: TlsMode, is_encrypted: bool) -> Result<Vec<OsString>> {
    Ok(match tls {
        TlsMode::Disable => vec!["--skip-ssl".into()],
        TlsMode::Allow | TlsMode::Prefer if !is_encrypted => vec!["--skip-ssl".into()],
        TlsMode::Require if options.roots.is_some() => checked(options)?,
        TlsMode::Allow | TlsMode::Prefer | TlsMode::Require => {
            vec!["--ssl".into(), "--skip-ssl-verify-server-cert".into()]
        }
        TlsMode::VerifyCa | TlsMode::VerifyFull => checked(options)?,
    })
}

fn checked(options: &ConnectOptions) -> Result<Vec<OsString>> {
    Ok(vec!["--ssl".into(), "--ssl-verify-server-cert".into(), authorities(options)?])
}

fn tls_of_mysql(options: &ConnectOptions, tls: TlsMode, is_encrypted: bool) -> Result<Vec<OsString>> {
    let mode = match tls {
        TlsMode::Disable => "DISABLED",
        TlsMode::Allow | TlsMode::Prefer if !is_encrypted => "DISABLED",
        TlsMode::Require if options.roots.is_some() => "VERIFY_CA",
        TlsMode::Allow | TlsMode::Prefer | TlsMode::Require => "REQUIRED",
        TlsMode::VerifyCa => "VERIFY_CA",
        TlsMode::VerifyFull => "VERIFY_IDENTITY",
    };
    let mut told = vec![format!("--ssl-mode={mode}").into()];
    if mode.starts_with("VERIFY") {
        told.push(authorities(options)?);
    }
    Ok(told)
}

/// The file of the authorities that are asked.
fn authorities(options: &ConnectOptions) -> Result<OsString> {
    let file = match &options.roots {
        Some(Roots::File(path)) => path.as_path(),
        Some(Roots::System) | None => Path::new(SYSTEM_BUNDLE),
    };
    if !file.exists() {
        return Err(Error::new(
            Code::TlsFailed,
            format!("there is no safe way to {} for the program", options.label()),
        )
        .because(format!("it takes the authorities from a file, and there is no {}", file.display()))
        .leaving("no backup was written")
        .next("ssl-ca=FILE", "names the authority whose PEM certificate is in the file"));
    }
    let mut told = OsString::from("--ssl-ca=");
    told.push(file);
    Ok(told)
}

fn environment(options: &ConnectOptions) -> Environment {
    let mut environment: Environment = NOT_HEEDED.iter().map(|name| (*name, None)).collect();
    // What they say is read here, and is in one language only.
    environment.push(("LC_ALL", Some("C".into())));
    // Not even where they are told to read no file would MySQL's programs leave this one alone.
    environment.push(("MYSQL_TEST_LOGIN_FILE", Some("/dev/null".into())));
    environment.extend(options.password.iter().map(|password| ("MYSQL_PWD", Some(password.reveal().into()))));
    environment
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::server::Password;

    fn options(tls: TlsMode, roots: Option<Roots>) -> ConnectOptions {
        ConnectOptions {
            host: Host::Name("db.example".into()),
            port: 3307,
            user: "u ser".into(),
            password: Some(Password::new("secret")),
            database: "-x".into(),
            tls,
            roots,
            connect_timeout: Duration::from_secs(7),
            program_name: "syncline".into(),
        }
    }

    #[test]
    fn versions_are_read() {
        let of = |text: &str| (version(text).product, version(text).number);
        let maria = |number| (Product::MariaDb, number);
        assert_eq!(
            of("mariadb-dump  Ver 10.19 Distrib 10.11.19-MariaDB, for debian-linux-gnu (x86_64)"),
            maria((10, 11))
        );
        assert_eq!(of("mariadb-dump from 11.4.2-MariaDB, client 10.19 for linux-systemd (x86_64)"), maria((11, 4)));
        assert_eq!(
            of("mysqldump  Ver 8.0.36 for Linux on x86_64 (MySQL Community Server - GPL)"),
            (Product::MySql, (8, 0))
        );
        assert_eq!(of("mysqldump  Ver 10.13 Distrib 5.7.44, for Linux (x86_64)"), (Product::MySql, (5, 7)));
    }

    #[test]
    fn the_way_is_never_less_safe_than_was_asked_for() {
        let told = |product, tls, roots, is_encrypted| {
            let way = way(&options(tls, roots), product, is_encrypted).unwrap();
            way.iter().map(|arg| arg.to_str().unwrap().to_owned()).skip(4).collect::<Vec<_>>().join(" ")
        };
        let file = || Some(Roots::File("/".into()));
        let maria = |tls, roots, is_encrypted| told(Product::MariaDb, tls, roots, is_encrypted);
        assert_eq!(maria(TlsMode::Disable, None, false), "--skip-ssl");
        assert_eq!(maria(TlsMode::Prefer, None, false), "--skip-ssl");
        for tls in [TlsMode::Prefer, TlsMode::Allow, TlsMode::Require] {
            assert_eq!(maria(tls, None, true), "--ssl --skip-ssl-verify-server-cert");
            assert_eq!(told(Product::MySql, tls, None, true), "--ssl-mode=REQUIRED");
        }
        for tls in [TlsMode::Require, TlsMode::VerifyCa, TlsMode::VerifyFull] {
            assert_eq!(maria(tls, file(), true), "--ssl --ssl-verify-server-cert --ssl-ca=/");
        }
        assert_eq!(told(Product::MySql, TlsMode::VerifyFull, file(), true), "--ssl-mode=VERIFY_IDENTITY --ssl-ca=/");
        assert_eq!(told(Product::MySql, TlsMode::Require, file(), true), "--ssl-mode=VERIFY_CA --ssl-ca=/");
        let nowhere = options(TlsMode::VerifyFull, Some(Roots::File("/nowhere.pem".into())));
        assert_eq!(way(&nowhere, Product::MariaDb, true).unwrap_err().code(), Code::TlsFailed);
        let way = way(&options(TlsMode::Disable, None), Product::MariaDb, false).unwrap();
        assert!(way.iter().all(|arg| !arg.to_str().unwrap().contains("secret")), "{way:?}");
    }
}
