//! Where a database is, who asks for it, and how the way there is kept safe.

use std::time::Duration;

use crate::server::{Host, Password, Roots, TlsMode};

/// All that is needed to reach a database of a MySQL or MariaDB server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ConnectOptions {
    /// The machine, or a socket on this one.
    pub host: Host,
    /// The port; of no meaning for a socket.
    pub port: u16,
    /// The user to log in as.
    pub user: String,
    /// The user's password, where one is known.
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
    pub program_name: String,
}

impl ConnectOptions {
    /// The port that servers usually listen on.
    pub const USUAL_PORT: u16 = 3306;

    /// What the database is called for people: the host, the port where it is not the usual one, and its name.
    pub fn label(&self) -> String {
        match &self.host {
            Host::Socket(_) => format!("[local]/{}", self.database),
            host if self.port == Self::USUAL_PORT => format!("{host}/{}", self.database),
            host => format!("{host}:{}/{}", self.port, self.database),
        }
    }
}
