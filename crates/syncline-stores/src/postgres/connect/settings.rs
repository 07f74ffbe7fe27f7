//! Where a database is, who asks for it, and how the way there is kept safe.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

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

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    /// A name or an address in the network.
    Name(String),
    /// The directory of a unix socket.
    Socket(PathBuf),
}

impl Host {
    /// Whether what is said to it never leaves this machine.
    pub fn is_local(&self) -> bool {
        match self {
            Host::Socket(_) => true,
            Host::Name(name) => {
                let address = name.parse::<std::net::IpAddr>();
                name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
            }
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Name(name) if name.contains(':') => write!(f, "[{name}]"),
            Host::Name(name) => f.write_str(name),
            Host::Socket(directory) => write!(f, "{}", directory.display()),
        }
    }
}

/// How far the way to the server is protected. The words and their meaning are those of PostgreSQL's own clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TlsMode {
    /// Never encrypted.
    Disable,
    /// Encrypted only if the server insists.
    Allow,
    /// Encrypted if the server can, and not otherwise: whoever sits in between can make it not.
    Prefer,
    /// Encrypted, to whoever answers.
    Require,
    /// Encrypted, to a server that a trusted authority vouches for, whatever its name.
    VerifyCa,
    /// Encrypted, to a server that a trusted authority vouches for by the name it was called by.
    VerifyFull,
}

impl TlsMode {
    /// Every mode, from the weakest to the strongest.
    pub const ALL: [TlsMode; 6] =
        [TlsMode::Disable, TlsMode::Allow, TlsMode::Prefer, TlsMode::Require, TlsMode::VerifyCa, TlsMode::VerifyFull];

    /// The word for it after `sslmode=`.
    pub fn name(self) -> &'static str {
        match self {
            TlsMode::Disable => "disable",
            TlsMode::Allow => "allow",
            TlsMode::Prefer => "prefer",
            TlsMode::Require => "require",
            TlsMode::VerifyCa => "verify-ca",
            TlsMode::VerifyFull => "verify-full",
        }
    }

    /// The mode with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.name() == name)
    }
}

/// Authorities that may vouch for a server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Roots {
    /// Those that this machine trusts.
    System,
    /// Those in a file of PEM certificates.
    File(PathBuf),
}

/// A password. It shows itself to nobody by accident.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Password(String);

impl Password {
    /// Takes a password into keeping.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The password itself, for the server only.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_on_this_machine() {
        for local in ["localhost", "LocalHost", "127.0.0.1", "127.9.8.7", "::1"] {
            assert!(Host::Name(local.to_owned()).is_local(), "{local}");
        }
        for remote in ["localhost.example.com", "10.0.0.1", "::2", "127.example.com", ""] {
            assert!(!Host::Name(remote.to_owned()).is_local(), "{remote}");
        }
        assert!(Host::Socket(PathBuf::from("/tmp")).is_local());
    }

    #[test]
    fn a_password_is_never_shown() {
        let password = Password::new("secret");
        assert_eq!(format!("{password:?} {:?}", Some(&password)), "… Some(…)");
        assert_eq!(password.reveal(), "secret");
    }
}
