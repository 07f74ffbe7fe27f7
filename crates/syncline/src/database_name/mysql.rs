//! The name of a database of a MySQL or MariaDB server, `mysql://user:password@host:port/database?option=value`, or
//! `mariadb://…`.
//!
//! Every part but the database may be missing. It is then taken from the `[client]` groups of `~/.my.cnf`, as the servers' own
//! clients do, else from their variables (`MYSQL_HOST`, `MYSQL_TCP_PORT`, `MYSQL_UNIX_PORT`, `MYSQL_PWD`), else from what is
//! usual: the user of this shell, the server of this machine. Without a host that is asked for by its socket, if there is one.

mod option_file;
mod reach;

use std::path::Path;

use syncline_core::error::Result;
use syncline_core::limits;
use syncline_stores::mysql::ConnectOptions;
use syncline_stores::server::{Host, Roots};

use super::percent;
use super::server::parts::Parts;
use super::server::{Engine, Holds, url};

/// What the server is told that we are called.
const PROGRAM: &str = "syncline";

/// What its names look like.
const ENGINE: Engine = Engine {
    name: "MySQL or MariaDB",
    scheme: "mysql",
    options: &["ssl-mode", "ssl-ca", "socket", "host", "port", "user", "password", "database", "connect_timeout"],
    database: "database",
    variables: &[
        ("host", "MYSQL_HOST"),
        ("port", "MYSQL_TCP_PORT"),
        ("socket", "MYSQL_UNIX_PORT"),
        ("password", "MYSQL_PWD"),
    ],
    left_away: "what is left away but the database comes from ~/.my.cnf, MYSQL_HOST and their like",
};

/// A database of a MySQL or MariaDB server, named and not yet reached.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MysqlName {
    options: ConnectOptions,
    /// What should be said about the file of options, if anything.
    warning: Option<String>,
    /// Where the password stood that the name holds, if it holds one.
    holds_password: Holds,
}

impl MysqlName {
    /// Understands what follows the scheme and its colon.
    ///
    /// # Errors
    /// As [`super::DatabaseName::parse`].
    pub(super) fn parse(rest: &str, lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self> {
        let typed = url::parse(&ENGINE, rest)?;
        let holds_password = if typed.contains_key("password") { Holds::AsTyped } else { Holds::None };
        let (filed, warning) = option_file::read(lookup);
        let parts = Parts::new(&ENGINE, typed, filed, lookup);
        Ok(Self { options: reach::options(&parts, lookup)?, warning, holds_password })
    }

    /// Where the database is and how to reach it. A file of certificates is looked for from `cwd`, an absolute path.
    pub fn options(&self, cwd: &Path) -> ConnectOptions {
        let mut options = self.options.clone();
        if let Some(Roots::File(path)) = &mut options.roots {
            *path = cwd.join(&path);
        }
        options
    }

    /// What should be said about the user's file of options, if anything: one that others may read gives no password.
    pub fn warning(&self) -> Option<&str> {
        self.warning.as_deref()
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

    /// The place for people.
    pub(super) fn label(&self) -> String {
        self.options.label()
    }

    /// The name with every part that the environment could otherwise fill in differently, and without the password.
    pub(super) fn write(&self, cwd: &Path) -> String {
        // Without it the password would be lost, and it must not be written down.
        if let Holds::InVariable(variable) = &self.holds_password {
            return format!("env:{variable}");
        }
        let options = self.options(cwd);
        let encode = |text: &str| percent::encode(text.as_bytes(), b"");
        let (user, database) = (encode(&options.user), encode(&options.database));
        let (host, socket) = match &options.host {
            Host::Name(name) if name.contains(':') => (format!("[{}]", percent::encode(name.as_bytes(), b":")), None),
            Host::Name(name) => (encode(name), None),
            Host::Socket(path) => (String::new(), Some(path.to_string_lossy().into_owned())),
        };
        let port = if socket.is_some() { String::new() } else { format!(":{}", options.port) };
        let mode = reach::mode_name(options.tls);
        let mut text = format!("mysql://{user}@{host}{port}/{database}?ssl-mode={mode}");
        let mut add = |name: &str, value: &str| {
            text.push_str(&format!("&{name}={}", percent::encode(value.as_bytes(), b"/")));
        };
        if let Some(socket) = &socket {
            add("socket", socket);
        }
        if let Some(Roots::File(path)) = &options.roots {
            add("ssl-ca", &path.to_string_lossy());
        }
        if options.connect_timeout != limits::CONNECT_TIMEOUT {
            add("connect_timeout", &options.connect_timeout.as_secs().to_string());
        }
        text
    }
}

#[cfg(test)]
mod tests;
