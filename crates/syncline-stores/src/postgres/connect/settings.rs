//! Where a database is, who asks for it, and how the way there is kept safe.

use std::time::Duration;

use crate::server::{Host, Password, Roots, TlsMode};

/// All that is needed to reach a PostgreSQL database.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ConnectOptions {
    /// The machine, or the directory of a socket on this one.
    pub host: Host,
    /// The port; the socket of a directory is named after it, too.
    pub port: u16,
    /// The role to log in as.
    pub user: String,
    /// The role's password, where one is known.
    pub password: Option<Password>,
    /// The database.
    pub database: String,
    /// Whether the way there is encrypted, and how the server is told from an impostor. Sockets of this machine need none.
    pub tls: TlsMode,
    /// The authorities that may vouch for the server; `None` for those of the system, where any are asked for.
    pub roots: Option<Roots>,
    /// How long to wait until the server has let us in.
    pub connect_timeout: Duration,
    /// What the server is told that we are called.
    pub application_name: String,
}

impl ConnectOptions {
    /// The port that servers usually listen on.
    pub const USUAL_PORT: u16 = 5432;

    /// What the database is called for people: the host, the port where it is not the usual one, and its name.
    pub fn label(&self) -> String {
        let host = match &self.host {
            Host::Socket(_) => "[local]".to_owned(),
            Host::Name(_) => self.host.to_string(),
        };
        let port = if self.port == Self::USUAL_PORT { String::new() } else { format!(":{}", self.port) };
        format!("{host}{port}/{}", self.database)
    }
}
