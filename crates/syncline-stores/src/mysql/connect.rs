//! The way to a server, and what every session on it is set to.

pub(super) mod failure;
pub(super) mod line;
mod settings;
mod tls;
mod version;

use std::time::Duration;

use mysql_async::prelude::FromValue;
use mysql_async::{OptsBuilder, Row};
use syncline_core::error::{Code, Error, Result};
use syncline_core::limits;

use self::failure::{Doing, Failure};
use self::line::Line;
pub use self::settings::ConnectOptions;
pub use self::version::{Product, Version};
use crate::server::{Admission, Host, Place, TlsMode, be_let_in};
use crate::sql::{Dialect, MYSQL_MODE};

/// What could keep the session from being asked anything.
const UNBOUND: &str = "SET sql_select_limit = 18446744073709551615, sql_big_selects = 1";

/// What the session is asked before it is pinned.
const FIRST: &str = "SELECT VERSION(), DATABASE(), @@max_allowed_packet";

/// Which settings of a session there are: each product has some of its own.
const SETTINGS: &str = "SHOW SESSION VARIABLES";

/// Makes values read and written the same in every session, and keeps the server's own limits from cutting a run short.
///
/// What only decides how fast a query is stays as the server has it. The times are the longest that the servers take. Strictness
/// comes besides ([`MYSQL_MODE`]).
const PINNED: &[(&str, &str)] = &[
    ("time_zone", "'+00:00'"),
    ("old_mode", "''"),
    ("sql_auto_is_null", "0"),
    ("sql_safe_updates", "0"),
    ("sql_quote_show_create", "1"),
    ("sql_generate_invisible_primary_key", "0"),
    ("show_gipk_in_create_table_and_information_schema", "1"),
    ("explicit_defaults_for_timestamp", "1"),
    ("check_constraint_checks", "1"),
    ("lc_time_names", "'en_US'"),
    ("lc_messages", "'en_US'"),
    ("max_statement_time", "0"),
    ("max_execution_time", "0"),
    ("idle_transaction_timeout", "0"),
    ("idle_readonly_transaction_timeout", "0"),
    ("idle_write_transaction_timeout", "0"),
    ("wait_timeout", "31536000"),
    ("net_read_timeout", "31536000"),
    ("net_write_timeout", "31536000"),
    ("information_schema_stats_expiry", "0"),
    // A list of values that became a table would be read in another order, and not lock what it does not find.
    ("in_predicate_conversion_threshold", "0"),
    ("group_concat_max_len", "1073741824"),
    // Whole keys are sorted by: InnoDB has none longer than this.
    ("max_sort_length", "16384"),
    ("low_priority_updates", "0"),
    ("autocommit", "1"),
];

/// A session on a server. It ends when this is dropped.
pub struct Connection {
    /// Where requests are carried out, one after the other.
    pub(super) line: Line,
    /// Which server it is.
    pub version: Version,
    /// The largest statement or row that the server takes, in bytes.
    pub(super) packet_bytes: u64,
    label: String,
}

impl Connection {
    /// The error a person sees for a query that failed.
    pub(super) fn error(&self, error: mysql_async::Error) -> Error {
        self.error_while(error, Doing::Reading)
    }

    /// The error a person sees for what went wrong while doing this.
    pub(super) fn error_while(&self, failure: impl Into<Failure>, doing: Doing) -> Error {
        failure.into().into_error(&self.label, doing)
    }
}

/// A cell of an answer.
///
/// # Errors
/// `STORE_FAILED` when it is of another type.
pub(super) fn cell<T: FromValue>(row: &Row, at: usize) -> Result<T> {
    let found = row.get_opt(at).and_then(std::result::Result::ok);
    found.ok_or_else(|| {
        Error::new(Code::StoreFailed, "the server gave an answer that cannot be")
            .because(format!("cell {at} of a row is not what it always is"))
    })
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
    let attempt = || async move {
        match by_each_way(options).await? {
            Ok(line) => pinned(line, label).await.map(Ok),
            Err(failure) => Ok(Err(failure)),
        }
    };
    let connected = be_let_in((label, options.connect_timeout), place, Failure::is_without_a_place, attempt).await?;
    connected.map_err(|failure| failure.into_login_error(label, options))
}

/// One attempt for each way that the mode allows. The next one is made when the server cannot go the first one.
async fn by_each_way(options: &ConnectOptions) -> Admission<Line, Failure> {
    let is_encrypted = match (&options.host, options.tls) {
        // Nobody listens on a socket of this machine but its own.
        (Host::Socket(_), _) | (_, TlsMode::Disable | TlsMode::Allow) => false,
        (_, TlsMode::Prefer | TlsMode::Require | TlsMode::VerifyCa | TlsMode::VerifyFull) => true,
    };
    match dial(options, is_encrypted).await? {
        Err(failure) if options.tls == TlsMode::Prefer && failure.is_without_tls() => dial(options, false).await,
        Err(failure) if options.tls == TlsMode::Allow && failure.may_ask_for_tls() => dial(options, true).await,
        dialled => Ok(dialled),
    }
}

async fn dial(options: &ConnectOptions, is_encrypted: bool) -> Admission<Line, Failure> {
    let mut opts = OptsBuilder::default()
        .tcp_port(options.port)
        .user(Some(&options.user))
        .pass(options.password.as_ref().map(|password| password.reveal()))
        .db_name(Some(&options.database))
        // Where it was asked for by the network, the socket may lead to another server.
        .prefer_socket(false)
        .tcp_nodelay(true)
        .tcp_keepalive(Some(limits::PEER_QUIET))
        .client_found_rows(true)
        // Statements hold values and are as good as never the same twice. One that is not kept is never closed either.
        .stmt_cache_size(Some(4))
        // Bounded by what streams are held to; the server's own is asked for later.
        .max_allowed_packet(Some(limits::COPY_ROW_BYTES_MAX))
        // None of ours is ever idle for longer than the server is told.
        .wait_timeout(Some(Duration::from_secs(31_536_000).as_secs() as usize))
        .connect_attribute("program_name", &options.program_name);
    opts = match &options.host {
        Host::Name(name) => opts.ip_or_hostname(name),
        Host::Socket(path) => opts.socket(Some(path.to_string_lossy())),
    };
    if is_encrypted {
        opts = opts.ssl_opts(tls::encryption(options)?);
    }
    Ok(Line::dial(opts).await.map_err(Failure::from))
}

async fn pinned(line: Line, label: &str) -> Result<Connection> {
    let opening = |error: mysql_async::Error| Failure::from(error).into_error(label, Doing::Opening);
    line.run(UNBOUND).await.map_err(opening)?;
    let rows = line.query(FIRST).await.map_err(opening)?;
    let row = rows.first().ok_or_else(|| Error::new(Code::StoreFailed, "the server does not say what it is"))?;
    let version = Version::parse(&cell::<String>(row, 0)?);
    version.check(label)?;
    let packet_bytes = cell(row, 2)?;
    line.run("SET NAMES utf8mb4").await.map_err(opening)?;
    let settings = line.query(SETTINGS).await.map_err(opening)?;
    let names = settings.iter().map(|row| cell::<String>(row, 0)).collect::<Result<Vec<_>>>()?;
    let there = PINNED.iter().filter(|(name, _)| names.iter().any(|there| there == name));
    let seconds = limits::LOCK_WAIT.as_secs();
    let set = there.map(|(name, value)| format!("{name} = {value}")).collect::<Vec<_>>().join(", ");
    let set = format!(
        "SET {set}, sql_mode = '{MYSQL_MODE}', innodb_lock_wait_timeout = {seconds}, lock_wait_timeout = {seconds}"
    );
    line.run(set).await.map_err(opening)?;
    Ok(Connection { line, version, packet_bytes, label: label.to_owned() })
}

/// A name in quotes.
///
/// # Errors
/// As [`Dialect::identifier`].
pub(super) fn quoted(name: &str) -> Result<String> {
    Dialect::Mysql.identifier(name)
}
