//! `pg_dump` and `pg_restore`, and the way to the server as they are told it.

use std::ffi::OsString;
use std::path::Path;

use syncline_core::error::Result;
use syncline_core::limits;

use crate::dump::{Environment, Program, Running, Tool};
use crate::postgres::connect::ConnectOptions;
use crate::server::{Host, Roots, SYSTEM_BUNDLE, TlsMode};

const DUMP: Program = Program { name: "pg_dump", package: "postgresql-client" };
const RESTORE: Program = Program { name: "pg_restore", package: "postgresql-client" };

/// From this version on a program finds the authorities that its machine trusts by itself.
const KNOWS_SYSTEM_ROOTS: u32 = 16;

/// Variables that would lead the programs elsewhere than us, or make them ask for something else.
const NOT_HEEDED: &[&str] = &[
    "PGSERVICE",
    "PGSERVICEFILE",
    "PGHOSTADDR",
    "PGOPTIONS",
    "PGTARGETSESSIONATTRS",
    "PGLOADBALANCEHOSTS",
    "PGREQUIREPEER",
    "PGREQUIRESSL",
    "PGCLUSTER",
    "PGPASSWORD",
    "PGSSLROOTCERT",
    "LANGUAGE",
];

/// Both programs, which come in one package.
pub(super) struct Programs {
    pub(super) dump: Tool,
    restore: Tool,
    environment: Environment,
    /// The password, for the one program that logs in.
    password: Environment,
}

impl Programs {
    /// The programs, which are to be of this version at least.
    ///
    /// # Errors
    /// `TOOL_MISSING`.
    pub(super) async fn find(options: &ConnectOptions, oldest: u32) -> Result<Self> {
        let environment = environment(options);
        let dump = newer(DUMP.find(&environment).await?, oldest)?;
        let restore = newer(RESTORE.find(&environment).await?, oldest)?;
        let password = options.password.iter().map(|it| ("PGPASSWORD", Some(it.reveal().into()))).collect();
        let mut programs = Self { dump, restore, environment, password };
        let major = programs.dump.major().unwrap_or(oldest);
        programs.environment.extend(roots(options, major).map(|roots| ("PGSSLROOTCERT", Some(roots))));
        Ok(programs)
    }

    /// Begins to write an archive of the database to its output.
    ///
    /// # Errors
    /// `TOOL_MISSING` when it cannot be started.
    pub(super) fn start_dump(&self, encoding: &str) -> Result<Running> {
        let wait = format!("--lock-wait-timeout={}", limits::LOCK_WAIT.as_millis());
        let mut args = vec!["--format=custom", "--no-password", &wait];
        // What has no encoding cannot be put into another one.
        if encoding != "SQL_ASCII" {
            args.push("--encoding=UTF8");
        }
        let environment = [&self.environment[..], &self.password].concat();
        self.dump.start(&args, &environment)
    }

    /// Begins to tell what an archive holds, as these options say.
    ///
    /// # Errors
    /// `TOOL_MISSING` when it cannot be started.
    pub(super) fn start_restore(&self, options: &[&str], file: &Path) -> Result<Running> {
        let mut args: Vec<OsString> = options.iter().map(Into::into).collect();
        args.push(file.into());
        self.restore.start(&args, &self.environment)
    }

    /// The error for an archive that this `pg_restore` does not know.
    pub(super) fn too_old(&self, why: impl Into<String>) -> syncline_core::error::Error {
        RESTORE.missing(format!("{}; installed is {}", why.into(), self.restore.version))
    }
}

fn newer(tool: Tool, oldest: u32) -> Result<Tool> {
    match tool.major() {
        // What says no version is as good as any where none is asked for.
        major if oldest == 0 || major.is_some_and(|major| major >= oldest) => Ok(tool),
        _ => {
            let package = format!("apt install postgresql-client-{oldest}");
            let why = format!("{} is older than the server, which is PostgreSQL {oldest}", tool.version);
            Err(tool.program().missing(why).next(package, "has the version of the server"))
        }
    }
}

/// The words are those of PostgreSQL's own clients, so they mean the same to them.
fn environment(options: &ConnectOptions) -> Environment {
    let mut environment: Environment = NOT_HEEDED.iter().map(|name| (*name, None)).collect();
    let host: OsString = match &options.host {
        Host::Name(name) => name.into(),
        Host::Socket(directory) => directory.into(),
    };
    let texts = [
        ("PGPORT", options.port.to_string()),
        ("PGUSER", options.user.clone()),
        ("PGDATABASE", options.database.clone()),
        ("PGSSLMODE", options.tls.name().to_owned()),
        ("PGCONNECT_TIMEOUT", options.connect_timeout.as_secs().max(1).to_string()),
        ("PGAPPNAME", options.application_name.clone()),
        ("PGGSSENCMODE", "disable".to_owned()),
        // What they say about a file is read here, and is in one language only.
        ("LC_ALL", "C".to_owned()),
    ];
    environment.push(("PGHOST", Some(host)));
    environment.extend(texts.map(|(name, value)| (name, Some(value.into()))));
    environment
}

/// Where the authorities are that may vouch for the server, where any are asked.
fn roots(options: &ConnectOptions, major: u32) -> Option<OsString> {
    let is_checked = matches!(options.tls, TlsMode::VerifyCa | TlsMode::VerifyFull);
    match &options.roots {
        Some(Roots::File(path)) => Some(path.into()),
        Some(Roots::System) | None if is_checked && Path::new(SYSTEM_BUNDLE).exists() => Some(SYSTEM_BUNDLE.into()),
        Some(Roots::System) | None if is_checked && major >= KNOWS_SYSTEM_ROOTS => Some("system".into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::server::Password;

    #[test]
    fn the_way_is_told_by_variables_alone() {
        let options = ConnectOptions {
            host: Host::Socket("/run/x".into()),
            port: 5433,
            user: "u ser".into(),
            password: Some(Password::new("secret")),
            database: "dbname=other host=evil".into(),
            tls: TlsMode::VerifyFull,
            roots: Some(Roots::File("/ca.pem".into())),
            connect_timeout: Duration::from_secs(7),
            application_name: "syncline".into(),
        };
        let mut told = environment(&options);
        told.extend(roots(&options, 15).map(|roots| ("PGSSLROOTCERT", Some(roots))));
        let last =
            |name: &str| told.iter().rev().find(|(known, _)| *known == name).and_then(|(_, value)| value.clone());
        for (name, value) in [
            ("PGHOST", "/run/x"),
            ("PGPORT", "5433"),
            ("PGUSER", "u ser"),
            ("PGDATABASE", "dbname=other host=evil"),
            ("PGSSLMODE", "verify-full"),
            ("PGSSLROOTCERT", "/ca.pem"),
            ("PGCONNECT_TIMEOUT", "7"),
        ] {
            assert_eq!(last(name), Some(value.into()), "{name}");
        }
        assert_eq!((last("PGSERVICE"), last("PGOPTIONS"), last("PGPASSWORD")), (None, None, None));
        let without = ConnectOptions { roots: None, tls: TlsMode::Prefer, password: None, ..options };
        assert_eq!(roots(&without, 17), None);
    }
}
