//! What a name holds, filled up from the environment and understood.

use std::path::PathBuf;
use std::time::Duration;

use syncline_core::error::{Error, Result};
use syncline_core::limits;
use syncline_stores::postgres::ConnectOptions;
use syncline_stores::server::{Host, Password, Roots, TlsMode};

use super::url::{self, Typed};
use super::{APPLICATION, invalid, refused};

/// Which variable fills in which option.
const VARIABLES: [(&str, &str); 9] = [
    ("host", "PGHOST"),
    ("port", "PGPORT"),
    ("user", "PGUSER"),
    ("password", "PGPASSWORD"),
    ("dbname", "PGDATABASE"),
    ("sslmode", "PGSSLMODE"),
    ("sslrootcert", "PGSSLROOTCERT"),
    ("connect_timeout", "PGCONNECT_TIMEOUT"),
    ("application_name", "PGAPPNAME"),
];

/// Variables that would lead PostgreSQL's own clients elsewhere than us, and what takes their place in a name.
const NOT_HEEDED: [(&str, &str); 3] = [
    ("PGSERVICE", "host, user and database of that service"),
    ("PGHOSTADDR", "that address as the host"),
    ("PGOPTIONS", "the options with the role itself (ALTER ROLE … SET)"),
];

/// What was typed, and what the environment adds where nothing was.
pub(super) struct Parts {
    typed: Typed,
    ambient: Typed,
}

impl Parts {
    pub(super) fn new(typed: Typed, lookup: &dyn Fn(&str) -> Option<String>) -> Self {
        let mut ambient = Typed::new();
        for (option, variable) in VARIABLES {
            let value = if typed.contains_key(option) { None } else { lookup(variable) };
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                ambient.insert(option, value);
            }
        }
        Self { typed, ambient }
    }

    pub(super) fn schema(&self) -> Option<String> {
        self.get("schema").map(str::to_owned)
    }

    /// Where the database is and how to reach it.
    ///
    /// # Errors
    /// `URL_INVALID`, or `URL_OPTION` for a value that an option cannot have.
    pub(super) fn options(&self, lookup: &dyn Fn(&str) -> Option<String>) -> Result<ConnectOptions> {
        self.check_variables(lookup)?;
        let host = self.host()?;
        let (tls, roots) = self.protection(&host)?;
        let user = self.user(lookup)?;
        Ok(ConnectOptions {
            port: self.port()?,
            password: self.get("password").map(Password::new),
            database: self.get("dbname").unwrap_or(&user).to_owned(),
            tls,
            roots,
            connect_timeout: self.connect_timeout()?,
            application_name: self.get("application_name").unwrap_or(APPLICATION).to_owned(),
            host,
            user,
        })
    }

    /// To leave such a variable out in silence could mean another database than the person's.
    fn check_variables(&self, lookup: &dyn Fn(&str) -> Option<String>) -> Result<()> {
        let is_complete = ["host", "user", "dbname"].iter().all(|part| self.typed.contains_key(part));
        let set = NOT_HEEDED.into_iter().filter(|(variable, _)| *variable != "PGSERVICE" || !is_complete);
        let mut set = set.filter(|(variable, _)| lookup(variable).is_some_and(|value| !value.is_empty()));
        let Some((variable, instead)) = set.next() else { return Ok(()) };
        Err(invalid(format!("the variable {variable} is set, which this program does not heed"))
            .next(format!("unset {variable}"), format!("and give {instead}")))
    }

    fn host(&self) -> Result<Host> {
        let Some(host) = self.get("host") else { return Ok(Host::Name("localhost".to_owned())) };
        if host.starts_with('/') {
            return Ok(Host::Socket(PathBuf::from(host)));
        }
        if host.contains(',') {
            return Err(self.placed("host", url::several()));
        }
        if host.contains(|c: char| c.is_control() || c.is_whitespace() || "/@?#[]".contains(c)) {
            return Err(self.placed("host", invalid("the host holds a character that no host has")));
        }
        Ok(Host::Name(host.to_owned()))
    }

    fn port(&self) -> Result<u16> {
        let Some(port) = self.get("port") else { return Ok(ConnectOptions::USUAL_PORT) };
        let number = port.parse::<u16>().ok().filter(|number| *number > 0);
        number.ok_or_else(|| {
            // Not repeated: with a character that should have been encoded, it is the beginning of a password.
            let why = "the port is no number from 1 to 65535; in a password, write %2F for /, %3F for ? and %40 for @";
            self.placed("port", invalid(why))
        })
    }

    fn user(&self, lookup: &dyn Fn(&str) -> Option<String>) -> Result<String> {
        let named = self.get("user").map(str::to_owned);
        let named = named.or_else(|| lookup("USER")).or_else(|| lookup("LOGNAME")).filter(|user| !user.is_empty());
        named.ok_or_else(|| invalid("it names no user, and PGUSER, USER and LOGNAME are not set"))
    }

    fn protection(&self, host: &Host) -> Result<(TlsMode, Option<Roots>)> {
        let roots = self.get("sslrootcert").map(|name| match name {
            "system" => Roots::System,
            path => Roots::File(PathBuf::from(path)),
        });
        let Some(mode) = self.get("sslmode") else {
            // Authorities that were named are named to be asked.
            let is_checked = !host.is_local() || roots == Some(Roots::System) || self.typed.contains_key("sslrootcert");
            return Ok((if is_checked { TlsMode::VerifyFull } else { TlsMode::Prefer }, roots));
        };
        let Some(mode) = TlsMode::from_name(mode) else {
            let names = TlsMode::ALL.map(TlsMode::name).join(", ");
            return Err(self.placed("sslmode", refused(format!("sslmode is none of {names}"))));
        };
        // Anybody can get a certificate of the system's authorities for some name, so the name has to be looked at.
        if roots == Some(Roots::System) && mode != TlsMode::VerifyFull && self.typed.contains_key("sslrootcert") {
            let what = format!("sslmode={} cannot be used with sslrootcert=system", mode.name());
            return Err(refused(what).next("sslmode=verify-full", "is the mode that fits the system's authorities"));
        }
        Ok((mode, roots))
    }

    fn connect_timeout(&self) -> Result<Duration> {
        let Some(seconds) = self.get("connect_timeout") else { return Ok(limits::CONNECT_TIMEOUT) };
        let asked = seconds.parse::<u64>().ok().map(Duration::from_secs);
        let most = limits::CONNECT_TIMEOUT_MAX;
        asked.filter(|asked| !asked.is_zero() && *asked <= most).ok_or_else(|| {
            let what = format!("connect_timeout is no number of seconds from 1 to {}", most.as_secs());
            self.placed("connect_timeout", refused(what))
        })
    }

    fn get(&self, option: &str) -> Option<&str> {
        self.typed.get(option).or_else(|| self.ambient.get(option)).map(String::as_str)
    }

    /// Says where a value came from that is not what was typed.
    fn placed(&self, option: &str, error: Error) -> Error {
        let variable = VARIABLES.iter().find(|(known, _)| *known == option);
        match variable.filter(|_| self.ambient.contains_key(option)) {
            Some((_, variable)) => error.at(format!("the value of the variable {variable:?}")),
            None => error,
        }
    }
}
