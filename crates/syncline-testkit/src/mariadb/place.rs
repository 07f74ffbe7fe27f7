//! Where a server is, and how one gets there.

use std::path::Path;

use mysql_async::Opts;

use super::{PASSWORD, SUPERUSER, programs};
use crate::process::Scratch;
use crate::server::{PrivateServer, Programs};

/// The variable that names somebody else's server.
const VARIABLE: &str = "MYSQL_TEST_URL";

/// A server that is ours, or not.
#[derive(Debug)]
pub(super) enum Place {
    /// Started by this process, and ended with it.
    Private(PrivateServer),
    /// There before and after.
    Elsewhere(Elsewhere),
}

/// Somebody else's server.
#[derive(Debug)]
pub(super) struct Elsewhere {
    host: String,
    port: u16,
    user: String,
    password: String,
    /// Where clients work.
    scratch: Scratch,
    programs: Programs,
}

impl Place {
    /// The one that the environment names, if it does.
    pub(super) fn of_environment() -> Option<Self> {
        let url = std::env::var(VARIABLE).ok().filter(|url| !url.is_empty())?;
        Some(Self::Elsewhere(Elsewhere::of(&url)))
    }

    pub(super) fn host(&self) -> &str {
        match self {
            Place::Private(_) => "127.0.0.1",
            Place::Elsewhere(server) => &server.host,
        }
    }

    pub(super) fn port(&self) -> u16 {
        match self {
            Place::Private(server) => server.port(),
            Place::Elsewhere(server) => server.port,
        }
    }

    /// Who may do everything, and the password by TCP.
    pub(super) fn superuser(&self) -> (&str, &str) {
        match self {
            Place::Private(_) => (SUPERUSER, PASSWORD),
            Place::Elsewhere(server) => (&server.user, &server.password),
        }
    }

    pub(super) fn programs(&self) -> &Programs {
        match self {
            Place::Private(server) => server.programs(),
            Place::Elsewhere(server) => &server.programs,
        }
    }

    pub(super) fn directory(&self) -> &Path {
        match self {
            Place::Private(server) => server.directory(),
            Place::Elsewhere(server) => server.scratch.path(),
        }
    }

    /// The server, for what is only done to one's own.
    pub(super) fn private(&self) -> &PrivateServer {
        match self {
            Place::Private(server) => server,
            Place::Elsewhere(_) => panic!("the server of {VARIABLE} is not private; use Server::own"),
        }
    }
}

impl Elsewhere {
    fn of(url: &str) -> Self {
        let opts = Opts::from_url(url).unwrap_or_else(|_| wrong());
        Self {
            host: opts.ip_or_hostname().to_owned(),
            port: opts.tcp_port(),
            user: opts.user().unwrap_or_else(|| wrong()).to_owned(),
            password: opts.pass().unwrap_or_default().to_owned(),
            scratch: Scratch::new(),
            programs: programs::find_client(),
        }
    }
}

fn wrong() -> ! {
    panic!("{VARIABLE} is not mysql://user:password@host:port/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart() {
        let elsewhere = Place::Elsewhere(Elsewhere::of("mysql://some%40one:p%2Fw%3A@db.test:3307/"));
        assert_eq!((elsewhere.host(), elsewhere.port()), ("db.test", 3307));
        assert_eq!(elsewhere.superuser(), ("some@one", "p/w:"));
    }

    #[test]
    #[should_panic(expected = "MYSQL_TEST_URL is not mysql://user:password@host:port/")]
    fn what_is_no_url_is_refused() {
        Elsewhere::of("db.test:3306");
    }
}
