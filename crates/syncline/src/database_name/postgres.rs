//! The name of a database of a PostgreSQL server, `postgres://user:password@host:port/database?option=value`.
//!
//! Every part may be missing, and is then taken from the variables of PostgreSQL's own clients (`PGHOST`, `PGPORT`,
//! `PGUSER`, `PGPASSWORD`, `PGDATABASE`, `PGSSLMODE`, `PGSSLROOTCERT`, `PGCONNECT_TIMEOUT`, `PGAPPNAME`), else from what is
//! usual. A missing password is looked for in `~/.pgpass`, or the file that `PGPASSFILE` names. Of the options, `schema` is ours
//! and names the schema whose tables go without a prefix.

mod password_file;
mod reach;

use std::path::Path;

use syncline_core::error::Result;
use syncline_core::limits;
use syncline_stores::postgres::ConnectOptions;
use syncline_stores::server::{Host, Password, Roots};

use super::percent;
use super::server::parts::Parts;
use super::server::url::{self, Typed};
use super::server::{Engine, Holds};

/// What the server is told that we are called, unless the name says otherwise.
const APPLICATION: &str = "syncline";

/// What its names look like.
const ENGINE: Engine = Engine {
    name: "PostgreSQL",
    scheme: "postgres",
    options: &[
        "sslmode",
        "sslrootcert",
        "host",
        "port",
        "user",
        "password",
        "dbname",
        "connect_timeout",
        "application_name",
        "schema",
    ],
    database: "dbname",
    variables: &[
        ("host", "PGHOST"),
        ("port", "PGPORT"),
        ("user", "PGUSER"),
        ("password", "PGPASSWORD"),
        ("dbname", "PGDATABASE"),
        ("sslmode", "PGSSLMODE"),
        ("sslrootcert", "PGSSLROOTCERT"),
        ("connect_timeout", "PGCONNECT_TIMEOUT"),
        ("application_name", "PGAPPNAME"),
    ],
    left_away: "what is left away comes from PGHOST, PGUSER and their like",
};

/// A database of a PostgreSQL server, named and not yet reached.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PostgresName {
    options: ConnectOptions,
    schema: Option<String>,
    /// Where the password stood that the name holds, if it holds one.
    holds_password: Holds,
}

impl PostgresName {
    /// Understands what follows `postgres:`.
    ///
    /// # Errors
    /// As [`super::DatabaseName::parse`].
    pub(super) fn parse(rest: &str, lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self> {
        let typed = url::parse(&ENGINE, rest)?;
        let holds_password = if typed.contains_key("password") { Holds::AsTyped } else { Holds::None };
        let parts = Parts::new(&ENGINE, typed, Typed::new(), lookup);
        let schema = parts.get("schema").map(str::to_owned);
        Ok(Self { options: reach::options(&parts, lookup)?, schema, holds_password })
    }

    /// Where the database is and how to reach it. A file of certificates is looked for from `cwd`, an absolute path.
    pub fn options(&self, cwd: &Path) -> ConnectOptions {
        let mut options = self.options.clone();
        if let Some(Roots::File(path)) = &mut options.roots {
            *path = cwd.join(&path);
        }
        options
    }

    /// The schema whose tables go without a prefix, where the name says one.
    pub fn schema(&self) -> Option<&str> {
        self.schema.as_deref()
    }

    /// Looks in the user's file of passwords if no password is known so far. `lookup` answers for the environment.
    ///
    /// Returns what should be said about that file, if anything: one that others may read is not used.
    pub fn find_password(&mut self, lookup: &dyn Fn(&str) -> Option<String>) -> Option<String> {
        if self.options.password.is_some() {
            return None;
        }
        let (found, warning) = password_file::look_up(&self.options, lookup);
        self.options.password = found.map(Password::new);
        warning
    }

    pub(super) fn shows_password(&self) -> bool {
        self.holds_password == Holds::AsTyped
    }

    /// The name is what this variable holds.
    pub(super) fn take_from(&mut self, variable: &str) {
        self.holds_password.move_into(Holds::InVariable(variable.to_owned()));
    }

    /// The name is that of a connection, in a file of this directory.
    pub(super) fn keep_in_connection(&mut self, base: &Path) {
        self.options = self.options(base);
        self.holds_password.move_into(Holds::InConnection);
    }

    /// Whether both lead to one database, as far as the names show it: what is on this machine has many names.
    pub(super) fn leads_where(&self, other: &Self) -> bool {
        let place = |name: &Self| (name.options.host.place(), name.options.port, name.options.database.clone());
        place(self) == place(other)
    }

    /// The place for people, and the schema where one is named.
    pub(super) fn label(&self) -> String {
        let schema = self.schema.as_ref().map(|schema| format!("?schema={schema}")).unwrap_or_default();
        format!("{}{schema}", self.options.label())
    }

    /// The name with every part that the environment could otherwise fill in differently, and without the password.
    pub(super) fn write(&self, cwd: &Path) -> String {
        // Without it the password would be lost, and it must not be written down.
        if let Holds::InVariable(variable) = &self.holds_password {
            return format!("env:{variable}");
        }
        let options = self.options(cwd);
        let encode = |text: &str| percent::encode(text.as_bytes(), b"");
        let host = match &options.host {
            Host::Name(name) if name.contains(':') => format!("[{}]", percent::encode(name.as_bytes(), b":")),
            host => encode(&host.to_string()),
        };
        let (user, database) = (encode(&options.user), encode(&options.database));
        let mut text = format!("postgresql://{user}@{host}:{}/{database}?sslmode={}", options.port, options.tls.name());
        let mut add = |name: &str, value: &str| {
            text.push_str(&format!("&{name}={}", percent::encode(value.as_bytes(), b"/")));
        };
        match &options.roots {
            Some(Roots::System) => add("sslrootcert", "system"),
            Some(Roots::File(path)) => add("sslrootcert", &path.to_string_lossy()),
            None => {}
        }
        if options.connect_timeout != limits::CONNECT_TIMEOUT {
            add("connect_timeout", &options.connect_timeout.as_secs().to_string());
        }
        if options.application_name != APPLICATION {
            add("application_name", &options.application_name);
        }
        if let Some(schema) = &self.schema {
            add("schema", schema);
        }
        text
    }
}

#[cfg(test)]
mod tests;
