//! Where a database server is and how the way there is kept safe: the same for every engine that has servers.

mod admission;
mod certificates;

use std::fmt;
use std::path::PathBuf;

pub(crate) use self::admission::{Admission, Place, be_let_in};
pub(crate) use self::certificates::{SYSTEM_BUNDLE, authorities, unusable};

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    /// A name or an address in the network.
    Name(String),
    /// A unix socket: of PostgreSQL the directory it is in, of MySQL the socket itself.
    Socket(PathBuf),
}

impl Host {
    /// The machine, as far as its name tells: what is on this one has many names.
    pub fn place(&self) -> String {
        if self.is_local() { "localhost".to_owned() } else { self.to_string().to_lowercase() }
    }

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

/// How far the way to the server is protected. What each means is as in PostgreSQL's own clients, and the words are theirs.
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
