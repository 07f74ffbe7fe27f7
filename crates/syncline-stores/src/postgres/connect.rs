//! The way to a server, and what every session on it is set to.

pub(super) mod failure;
mod settings;
mod tls;

use std::sync::{Arc, OnceLock};

use syncline_core::error::{Code, Error, Result};
use syncline_core::limits;
use tokio_postgres::config::SslMode;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, SimpleQueryMessage};

use self::failure::{Doing, Failure, words};
pub use self::settings::ConnectOptions;
use crate::server::{Admission, Host, Place, TlsMode, be_let_in};

/// The oldest server that is worked with, as `server_version_num` has it.
const OLDEST: u32 = 130_000;

/// What the session is asked before it is pinned: after that nobody could tell what its search path was.
const FIRST: &str = "SELECT current_setting('server_version_num'), current_setting('server_version'), current_schema(), \
    current_setting('server_encoding')";

/// Makes values read the same in every session, keeps the server's own limits from cutting a run short, and makes it refuse
/// rather than hide rows that a policy keeps from us: they would count as missing.
///
/// A role or a database may set any of these otherwise. `quote_all_identifiers` changes what definitions and the values of
/// `regclass` and its like are printed as; `array_nulls` makes texts of the NULLs in arrays; `transform_null_equals` makes
/// another condition of a CHECK that is defined; `gin_fuzzy_search_limit` leaves out rows that an index finds; and
/// `exit_on_error` ends the session over a row at fault. What only decides how fast a query is, where tables are kept or what
/// is logged stays as the server has it.
const PINNED: &str = "SET DateStyle = 'ISO, MDY'; SET IntervalStyle = 'postgres'; SET TimeZone = 'UTC'; \
    SET extra_float_digits = 1; SET bytea_output = 'hex'; SET standard_conforming_strings = on; \
    SET quote_all_identifiers = off; SET array_nulls = on; SET transform_null_equals = off; \
    SET gin_fuzzy_search_limit = 0; SET exit_on_error = off; \
    SET xmloption = 'content'; SET lc_monetary = 'C'; SET row_security = off; SET search_path = pg_catalog; \
    SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; \
    SELECT set_config(name, '0', false) FROM pg_settings WHERE name IN ('idle_session_timeout', 'transaction_timeout')";

/// A session on a server. It ends when this is dropped.
pub struct Connection {
    /// The driver's side of it.
    pub client: Client,
    /// The server's version, for people.
    pub version: String,
    /// The schema that names without one meant before the session was pinned, if there is such a schema.
    pub default_schema: Option<String>,
    /// In which the database keeps text.
    encoding: String,
    label: String,
    ended: Arc<OnceLock<String>>,
}

impl Connection {
    /// The error a person sees for a query that failed.
    pub fn error(&self, error: tokio_postgres::Error) -> Error {
        self.error_while(error, Doing::Reading)
    }

    /// The error a person sees for what went wrong while doing this.
    pub(super) fn error_while(&self, failure: impl Into<Failure>, doing: Doing) -> Error {
        let failure = failure.into();
        let said = match self.ended.get() {
            // The request that was under way only hears that nobody answers any more.
            Some(reason) if failure.is_closed() => failure.into_error(&self.label, doing).because(reason),
            _ => failure.into_error(&self.label, doing),
        };
        match (said.code(), said.why()) {
            (Code::TextUnreadable, Some(why)) => {
                let why = format!("the database's encoding is {}, and the server says: {why}", self.encoding);
                said.because(why)
            }
            _ => said,
        }
    }
}

/// Reaches the database, logs in, and pins what the session is set to. Where the server has no place for one more session, it is
/// given a while to put away those that have ended.
///
/// # Errors
/// `STORE_UNREACHABLE`, `TLS_FAILED`, `LOGIN_FAILED`, `STORE_MISSING`, `PERMISSION_DENIED`, `STORE_TOO_OLD`, and
/// `USAGE_INVALID` when the certificates to check the server against cannot be used.
pub async fn connect(options: &ConnectOptions) -> Result<Connection> {
    connect_for(options, Place::Awaited).await
}

/// As [`connect`], for a session that can be done without: a place is not waited for.
///
/// # Errors
/// As [`connect`].
pub(super) async fn connect_if_free(options: &ConnectOptions) -> Result<Connection> {
    connect_for(options, Place::IfFree).await
}

async fn connect_for(options: &ConnectOptions, place: Place) -> Result<Connection> {
    let label = &options.label();
    let attempt = || by_each_way(options, label);
    let connected = be_let_in((label, options.connect_timeout), place, Failure::is_without_a_place, attempt).await?;
    connected.map_err(|failure| failure.into_login_error(label, options))
}

/// Asks the server to end what a session is doing. It may have ended by the time that is heard.
pub(super) async fn cancel(connection: &Connection, options: &ConnectOptions) -> Result<()> {
    let asked = connection.client.cancel_token().cancel_query(tls::connector(options)?).await;
    asked.map_err(|error| connection.error(error))
}

/// One attempt for each way that the mode allows. The next one is made when the server turns the first one away as it is.
async fn by_each_way(options: &ConnectOptions, label: &str) -> Admission<Connection, Failure> {
    let (first, second) = match (&options.host, options.tls) {
        // Nobody listens on a socket of this machine but its own.
        (Host::Socket(_), _) | (_, TlsMode::Disable) => (SslMode::Disable, None),
        (_, TlsMode::Allow) => (SslMode::Disable, Some(SslMode::Require)),
        (_, TlsMode::Prefer) => (SslMode::Prefer, Some(SslMode::Disable)),
        (_, TlsMode::Require | TlsMode::VerifyCa | TlsMode::VerifyFull) => (SslMode::Require, None),
    };
    match (attempt(options, label, first).await?, second) {
        (Err(error), Some(second)) if error.code() == Some(&SqlState::INVALID_AUTHORIZATION_SPECIFICATION) => {
            // What the server said first is what the person asked about.
            Ok(attempt(options, label, second).await?.map_err(|_| error.into()))
        }
        (Err(error), None) if may_need_tls(options) && failure::is_turned_away(&error) => {
            match is_let_in_by_tls(options, label).await {
                true => Err(Failure::from(error).into_tls_needed(label)),
                false => Ok(Err(error.into())),
            }
        }
        (result, _) => Ok(result.map_err(Failure::from)),
    }
}

/// Whether the server may have turned us away because we did not encrypt.
fn may_need_tls(options: &ConnectOptions) -> bool {
    options.tls == TlsMode::Disable && matches!(options.host, Host::Name(_))
}

/// Whether a connection that is encrypted gets further. It brings no password, so it need not trust whoever answers.
async fn is_let_in_by_tls(options: &ConnectOptions, label: &str) -> bool {
    let options = ConnectOptions { password: None, ..options.clone() };
    match attempt(&options, label, SslMode::Require).await {
        Ok(Ok(_)) => true,
        Ok(Err(error)) => Failure::from(error).is_past_the_door(),
        // It was let in, and failed afterwards.
        Err(_) => true,
    }
}

async fn attempt(options: &ConnectOptions, label: &str, mode: SslMode) -> Admission<Connection, tokio_postgres::Error> {
    let (client, mut driver) = match config(options, mode).connect(tls::connector(options)?).await {
        Ok(connected) => connected,
        Err(error) => return Ok(Err(error)),
    };
    let ended = Arc::new(OnceLock::new());
    let told = Arc::clone(&ended);
    tokio::spawn(async move {
        // By reference: requests that wait hear of the end when the driver is dropped, and then the reason must be known.
        if let Err(error) = (&mut driver).await {
            let _ = told.set(words(&error));
        }
    });
    let (version, encoding, label) = (String::new(), String::new(), label.to_owned());
    let mut connection = Connection { client, version, default_schema: None, encoding, label, ended };
    connection.pin().await?;
    Ok(Ok(connection))
}

fn config(options: &ConnectOptions, mode: SslMode) -> Config {
    let mut config = Config::new();
    match &options.host {
        Host::Name(name) => config.host(name),
        #[cfg(unix)]
        Host::Socket(directory) => config.host_path(directory),
        #[cfg(not(unix))]
        Host::Socket(directory) => config.host(directory.to_string_lossy()),
    };
    config.port(options.port).user(&options.user).dbname(&options.database).ssl_mode(mode);
    config.application_name(&options.application_name).connect_timeout(options.connect_timeout);
    config.keepalives(true).keepalives_idle(limits::PEER_QUIET).keepalives_interval(limits::PEER_QUIET);
    config.tcp_user_timeout(limits::PEER_SILENCE);
    if let Some(password) = &options.password {
        config.password(password.reveal());
    }
    config
}

impl Connection {
    async fn pin(&mut self) -> Result<()> {
        let answers = self.client.simple_query(FIRST).await.map_err(|error| self.error_while(error, Doing::Opening))?;
        for answer in answers {
            if let SimpleQueryMessage::Row(row) = answer {
                check_version(row.get(0).unwrap_or_default(), row.get(1).unwrap_or_default(), &self.label)?;
                self.version = row.get(1).unwrap_or_default().to_owned();
                // Nobody keeps tables of their own among the system's.
                self.default_schema = row.get(2).filter(|name| !name.starts_with("pg_")).map(str::to_owned);
                self.encoding = row.get(3).unwrap_or_default().to_owned();
            }
        }
        let pinned = format!("{PINNED}; SET lock_timeout = {}", limits::LOCK_WAIT.as_millis());
        self.client.batch_execute(&pinned).await.map_err(|error| self.error_while(error, Doing::Opening))
    }
}

fn check_version(number: &str, version: &str, label: &str) -> Result<()> {
    if number.parse::<u32>().is_ok_and(|number| number >= OLDEST) {
        return Ok(());
    }
    Err(Error::new(Code::StoreTooOld, format!("the server of {label} is too old"))
        .because(format!("it is PostgreSQL {version}, and 13 is the oldest that is worked with"))
        .leaving("nothing was changed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_servers_are_refused() {
        for new in ["130000", "150020", "180001"] {
            assert!(check_version(new, "x", "h/d").is_ok(), "{new}");
        }
        for old in ["129999", "90624", "", "13"] {
            assert_eq!(check_version(old, "12.22", "h/d").unwrap_err().code(), Code::StoreTooOld, "{old}");
        }
    }
}
