//! PostgreSQL's errors in the words of [`Code`].

use std::error::Error as _;
use std::io;

use syncline_core::change::Reason;
use syncline_core::error::{Code, Error};
use tokio_postgres::error::{DbError, SqlState};

use super::settings::ConnectOptions;
use crate::sql::Dialect;

/// The state of an error about who may come in at all.
const NOT_LET_IN: &str = "28000";

/// The server's routine that looks into pg_hba.conf. What it says is translated, and this is not.
const AT_THE_DOOR: &str = "ClientAuthentication";

/// The server's routine that looks the role up. What it says is translated, and this is not.
const ROLE_IS_SOUGHT: &str = "InitializeSessionUserId";

/// What the driver says of a server that has no TLS. It is its own, the same in every language.
const NO_TLS: &str = "server does not support TLS";

/// The result of work on a connection, before it is known which database it was.
pub(in crate::postgres) type Attempt<T> = Result<T, Failure>;

/// Why work on a connection failed.
#[derive(Debug)]
pub(in crate::postgres) enum Failure {
    /// The server's own error, or one of the way there.
    Postgres(tokio_postgres::Error),
    /// The server's own error while writing a row of this table.
    Row {
        /// The table.
        table: String,
        /// What the server said.
        error: tokio_postgres::Error,
    },
    /// An error that is complete already.
    Said(Error),
}

/// What was being done, which decides what an ambiguous error means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::postgres) enum Doing {
    /// Reaching the server and logging in.
    Opening,
    /// Reading rows or the schema.
    Reading,
    /// Anything from the beginning of a transaction that writes to its end.
    Writing,
}

impl Failure {
    /// Gives an error of the server the table whose row was being written.
    pub(in crate::postgres) fn of_row(table: &str) -> impl FnOnce(tokio_postgres::Error) -> Failure {
        move |error| Failure::Row { table: table.to_owned(), error }
    }

    /// What the database has against one row, in its own words. They may hold values of the row.
    ///
    /// # Errors
    /// The failure itself when it is about more than that row.
    pub(in crate::postgres) fn refusal(self) -> Attempt<(Reason, String)> {
        match &self {
            Failure::Row { error, .. } => match error.as_db_error().and_then(|said| Some((reason(state(said))?, said)))
            {
                Some((reason, said)) => Ok((reason, words_of_row(said))),
                None => Err(self),
            },
            Failure::Said(error) if error.code() == Code::RowRefused => Ok((Reason::Type, error.what().to_owned())),
            _ => Err(self),
        }
    }

    /// Whether something failed only because of others at work at the same time, so that it may succeed next time.
    pub(in crate::postgres) fn is_retryable(&self) -> bool {
        self.state().is_some_and(|state| collides(state) || state == "55P03")
    }

    /// Gives an error about rights the table that was being worked on.
    pub(in crate::postgres) fn while_at(self, table: &str) -> Failure {
        match self {
            Failure::Postgres(error) if error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) => {
                Failure::of_row(table)(error)
            }
            other => other,
        }
    }

    /// Gives an error about the numbers of a table that table: others can be carried all the same.
    pub(in crate::postgres) fn while_counting(self, table: &str) -> Failure {
        match self {
            Failure::Postgres(error) if error.as_db_error().is_some_and(|said| reason(state(said)).is_some()) => {
                Failure::of_row(table)(error)
            }
            other => other.while_at(table),
        }
    }

    /// Whether all that is known is that nobody answers any more.
    pub(super) fn is_closed(&self) -> bool {
        self.postgres().is_some_and(tokio_postgres::Error::is_closed)
    }

    /// The error a person sees. `label` is what the database is called.
    pub(in crate::postgres) fn into_error(self, label: &str, doing: Doing) -> Error {
        let (error, table) = match self {
            Failure::Said(error) => return error,
            Failure::Postgres(error) => (error, None),
            Failure::Row { table, error } => (error, Some(table)),
        };
        let code = match error.as_db_error() {
            Some(said) => code(state(said), table.is_some(), doing),
            None => code_of_way(&error, doing),
        };
        let why = match error.as_db_error() {
            Some(said) if is_of_row(code) => words_of_row(said),
            _ => words(&error),
        };
        let table = table.unwrap_or_default();
        let said = Error::new(code, what(code, doing, label, &table)).because(why);
        let is_collision = doing == Doing::Writing && error.as_db_error().is_some_and(|said| collides(state(said)));
        let said = if is_collision { said.passing() } else { said };
        let said = match code {
            Code::StoreReadOnly => said.next(
                "let the user's transactions write, or name another target",
                "a standby, default_transaction_read_only",
            ),
            // It is there and has said so.
            Code::StoreUnreachable if error.as_db_error().is_some() => {
                said.next("run the command again in a while", "goes on once the server lets others in")
            }
            _ => said,
        };
        // The driver's error shows what the server sent whole, values included, so it is not kept.
        match code {
            Code::StoreUnreachable | Code::TlsFailed | Code::ConnectionLost => said.caused_by(error),
            _ => said,
        }
    }

    /// The error a person sees when the server lets in only those who encrypt.
    pub(super) fn into_tls_needed(self, label: &str) -> Error {
        Error::new(Code::TlsFailed, format!("{label} is reached by encrypted connections only"))
            .because(self.postgres().map(words).unwrap_or_default())
            .leaving("nothing was changed")
            .next("sslmode=verify-full", "encrypts the connection and checks who the server is")
    }

    /// Whether the server, or what this login may have of it, is full of sessions.
    pub(super) fn is_without_a_place(&self) -> bool {
        self.postgres().and_then(tokio_postgres::Error::code) == Some(&SqlState::TOO_MANY_CONNECTIONS)
    }

    /// Whether the server has let us as far as to who we are.
    pub(super) fn is_past_the_door(&self) -> bool {
        match self.postgres() {
            Some(error) => match error.as_db_error() {
                Some(said) => state(said) != NOT_LET_IN,
                None => code_of_way(error, Doing::Opening) == Code::LoginFailed,
            },
            None => false,
        }
    }

    /// The error a person sees when the server did not let us in, with what may help.
    pub(super) fn into_login_error(self, label: &str, options: &ConnectOptions) -> Error {
        let (is_of_role, is_without_tls) = (self.is_of_role(), self.is_without_tls());
        let said = self.into_error(label, Doing::Opening).leaving("nothing was changed");
        match said.code() {
            Code::LoginFailed if is_of_role => said
                .next(
                    "check the user in the name of the database",
                    "without one it is that of PGUSER, or of this shell",
                )
                .next(role_statement(&options.user), "as a superuser: makes the role; one that is there: ALTER ROLE"),
            Code::LoginFailed if options.password.is_none() => said
                .next("export PGPASSWORD=…", "gives the password for this shell")
                .next("add a line host:port:database:user:password to ~/.pgpass", "keeps it, for your eyes only"),
            Code::LoginFailed => said.next("check the user, the password and the server's pg_hba.conf", ""),
            Code::TlsFailed if is_without_tls => said
                .next(
                    "ssl = on in the server's postgresql.conf",
                    "switches TLS on, with a certificate and its key beside",
                )
                .next("sslmode=disable", "goes without, password and rows in the clear: for a network you trust only"),
            Code::TlsFailed => said
                .next("sslrootcert=FILE", "trusts the authority whose PEM certificate is in the file")
                .next("sslmode=…", "asks for less; see syncline explain TLS_FAILED first"),
            Code::StoreMissing => {
                said.next("check the name of the database", "a database of a server is never created")
            }
            _ => said,
        }
    }

    /// Whether the role is not there, or may not log in, which a server that asks for no password says openly.
    fn is_of_role(&self) -> bool {
        let said = self.postgres().and_then(tokio_postgres::Error::as_db_error);
        said.is_some_and(|said| state(said) == NOT_LET_IN && said.routine() == Some(ROLE_IS_SOUGHT))
    }

    /// Whether encryption was asked for, and the server has none.
    fn is_without_tls(&self) -> bool {
        let cause = self.postgres().and_then(|error| error.source());
        cause.is_some_and(|cause| cause.to_string() == NO_TLS)
    }

    pub(in crate::postgres) fn state(&self) -> Option<&str> {
        self.postgres().and_then(tokio_postgres::Error::as_db_error).map(state)
    }

    fn postgres(&self) -> Option<&tokio_postgres::Error> {
        match self {
            Failure::Postgres(error) | Failure::Row { error, .. } => Some(error),
            Failure::Said(_) => None,
        }
    }
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        Failure::Postgres(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Said(error)
    }
}

/// The statement that makes the role.
fn role_statement(user: &str) -> String {
    // A name that cannot be written is that of no role.
    format!("CREATE ROLE {} LOGIN", Dialect::Postgres.identifier(user).unwrap_or_else(|_| "NAME".to_owned()))
}

/// Whether the server has turned us away before it asked who we are: for the way we came. It says so in whatever language it
/// is set to, and also when it lets nobody come from here.
pub(super) fn is_turned_away(error: &tokio_postgres::Error) -> bool {
    let is_at_the_door = |said: &DbError| said.routine().is_none_or(|routine| routine == AT_THE_DOOR);
    error.as_db_error().is_some_and(|said| state(said) == NOT_LET_IN && is_at_the_door(said))
}

/// The server's own words without the values of a row, or what happened on the way.
pub(super) fn words(error: &tokio_postgres::Error) -> String {
    if let Some(said) = error.as_db_error() {
        return said.message().to_owned();
    }
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text = format!("{text}: {next}");
        cause = next.source();
    }
    text
}

/// All that the server says about a row, its values included.
fn words_of_row(said: &DbError) -> String {
    match said.detail() {
        Some(detail) => format!("{}: {detail}", said.message()),
        None => said.message().to_owned(),
    }
}

fn state(said: &DbError) -> &str {
    said.code().code()
}

/// Which rule of one row an error speaks of.
fn reason(state: &str) -> Option<Reason> {
    Some(match state {
        "23502" => Reason::NotNull,
        "23505" => Reason::Unique,
        "23503" | "23001" => Reason::ForeignKey,
        "23514" | "44000" => Reason::Check,
        // The bytes that we sent were no rows at all.
        "22P04" => return None,
        _ if state.starts_with("22") => Reason::Type,
        // An exclusion, or what a trigger says; an index that takes no value so large.
        _ if state.starts_with("23") => Reason::Refused,
        "P0001" | "54000" | "54001" => Reason::Refused,
        _ => return None,
    })
}

/// Whether the code is about one row.
fn is_of_row(code: Code) -> bool {
    matches!(code, Code::RowRefused | Code::UniqueClash)
}

/// Whether the server has undone the transaction because of others at work: a failed serialization, a deadlock.
fn collides(state: &str) -> bool {
    matches!(state, "40001" | "40P01")
}

/// The code for what the server said.
fn code(state: &str, row: bool, doing: Doing) -> Code {
    if row && let Some(reason) = reason(state) {
        return if reason == Reason::Unique { Code::UniqueClash } else { Code::RowRefused };
    }
    match state {
        NOT_LET_IN | "28P01" => Code::LoginFailed,
        "3D000" | "57P04" => Code::StoreMissing,
        // What is read without a right is always a table.
        "42501" if row || doing == Doing::Reading => Code::TableDenied,
        "42501" => Code::PermissionDenied,
        // What we send is always text, so it is theirs that is none.
        "22021" | "22P05" if doing == Doing::Reading => Code::TextUnreadable,
        "25006" => Code::StoreReadOnly,
        "53100" => Code::DiskFull,
        "53300" | "57P03" => Code::StoreUnreachable,
        // The database takes no connections.
        "55000" if doing == Doing::Opening => Code::StoreUnreachable,
        "55P03" | "40001" | "40P01" => Code::StoreLocked,
        "57014" => Code::StatementCancelled,
        "57P01" | "57P02" | "57P05" => Code::ConnectionLost,
        _ if state.starts_with("08") => Code::ConnectionLost,
        _ => Code::StoreFailed,
    }
}

/// The code for an error that the server did not send.
fn code_of_way(error: &tokio_postgres::Error, doing: Doing) -> Code {
    // The driver tells what an error is in words only. They are its own, the same in every language.
    let said = error.to_string();
    let is_of_network = error.is_closed() || error.source().is_some_and(|cause| cause.is::<io::Error>());
    match doing {
        _ if said == "error performing TLS handshake" => Code::TlsFailed,
        Doing::Opening if said == "invalid configuration" || said == "authentication error" => Code::LoginFailed,
        Doing::Opening if is_of_network => Code::StoreUnreachable,
        Doing::Reading | Doing::Writing if is_of_network && !said.contains("parsing") => Code::ConnectionLost,
        _ => Code::StoreFailed,
    }
}

fn what(code: Code, doing: Doing, label: &str, table: &str) -> String {
    match code {
        Code::LoginFailed => format!("{label} did not let us in"),
        Code::TlsFailed => format!("there is no safe way to {label}"),
        Code::StoreMissing => format!("{label} does not exist"),
        Code::StoreUnreachable => format!("{label} cannot be reached"),
        Code::ConnectionLost => format!("the connection to {label} was lost"),
        Code::PermissionDenied => format!("this user may not do that in {label}"),
        Code::TableDenied if table.is_empty() => format!("this user may not read a table of {label}"),
        Code::TableDenied => format!("this user may not do that with {table} in {label}"),
        Code::TextUnreadable => format!("{label} holds text that its server cannot send as UTF-8"),
        Code::StoreReadOnly => format!("{label} cannot be written"),
        Code::StoreLocked => format!("{label} is locked by another program"),
        Code::StatementCancelled => format!("the server of {label} ended a statement before it was done"),
        Code::DiskFull => format!("there is no room left for {label}"),
        Code::UniqueClash => format!("a row of {table} has a value that another row in {label} already has"),
        Code::RowRefused => format!("{label} refused a row of {table}"),
        _ => match doing {
            Doing::Opening => format!("{label} could not be opened"),
            Doing::Reading => format!("{label} could not be read"),
            Doing::Writing => format!("{label} could not be written"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_its_code() {
        let cases = [
            ("28P01", false, Code::LoginFailed),
            ("28000", false, Code::LoginFailed),
            ("3D000", false, Code::StoreMissing),
            ("42501", true, Code::TableDenied),
            ("42501", false, Code::PermissionDenied),
            ("55000", false, Code::StoreFailed),
            ("25006", true, Code::StoreReadOnly),
            ("53100", true, Code::DiskFull),
            ("53200", true, Code::StoreFailed),
            ("53300", false, Code::StoreUnreachable),
            ("55P03", true, Code::StoreLocked),
            ("40001", true, Code::StoreLocked),
            ("40P01", true, Code::StoreLocked),
            ("57014", true, Code::StatementCancelled),
            ("57P01", true, Code::ConnectionLost),
            ("57P02", false, Code::ConnectionLost),
            ("57P03", false, Code::StoreUnreachable),
            ("08006", true, Code::ConnectionLost),
            ("23505", true, Code::UniqueClash),
            ("23505", false, Code::StoreFailed),
            ("23502", true, Code::RowRefused),
            ("22001", true, Code::RowRefused),
            ("22001", false, Code::StoreFailed),
            ("22P04", true, Code::StoreFailed),
            ("42P01", true, Code::StoreFailed),
            ("22021", true, Code::RowRefused),
        ];
        for (state, row, expected) in cases {
            assert_eq!(code(state, row, Doing::Writing), expected, "{state} {row}");
        }
    }

    #[test]
    fn text_that_the_server_cannot_send_is_told_from_text_that_it_does_not_take() {
        for state in ["22021", "22P05"] {
            assert_eq!(code(state, false, Doing::Reading), Code::TextUnreadable, "{state}");
            assert_eq!(code(state, false, Doing::Writing), Code::StoreFailed, "{state}");
            assert_eq!(code(state, true, Doing::Writing), Code::RowRefused, "{state}");
        }
    }

    #[test]
    fn only_what_a_row_can_be_blamed_for_is_a_refusal() {
        let cases = [
            ("23502", Some(Reason::NotNull)),
            ("23505", Some(Reason::Unique)),
            ("23503", Some(Reason::ForeignKey)),
            ("23514", Some(Reason::Check)),
            ("23P01", Some(Reason::Refused)),
            ("22003", Some(Reason::Type)),
            ("22P02", Some(Reason::Type)),
            ("54000", Some(Reason::Refused)),
            ("P0001", Some(Reason::Refused)),
            ("22P04", None),
            ("40001", None),
            ("42501", None),
            ("53100", None),
            ("57014", None),
            ("XX000", None),
        ];
        for (state, expected) in cases {
            assert_eq!(reason(state), expected, "{state}");
        }
    }
    /// What a server says to a statement.
    async fn said(sql: &str) -> tokio_postgres::Error {
        use super::super::connect;
        use syncline_testkit::postgres::{Cluster, PASSWORD, SUPERUSER};

        use crate::server::{Host, Password, TlsMode};
        let cluster = Cluster::shared();
        let options = ConnectOptions {
            host: Host::Socket(cluster.socket().to_owned()),
            port: cluster.port(),
            user: SUPERUSER.to_owned(),
            password: Some(Password::new(PASSWORD)),
            database: "postgres".to_owned(),
            tls: TlsMode::Disable,
            roots: None,
            connect_timeout: syncline_core::limits::CONNECT_TIMEOUT,
            application_name: String::new(),
        };
        connect(&options).await.unwrap().client.batch_execute(sql).await.unwrap_err()
    }

    #[tokio::test]
    async fn a_refused_row_comes_with_all_that_the_server_says() {
        const TABLE: &str = "CREATE TEMP TABLE t (id int PRIMARY KEY, n int NOT NULL CHECK (n > 0), \
            parent int REFERENCES pg_temp.t, short varchar(2), EXCLUDE USING btree (short WITH =))";
        for (row, reason, words) in [
            ("(1, 1, NULL, NULL), (1, 2, NULL, NULL)", Reason::Unique, "Key (id)=(1) already exists"),
            ("(1, NULL, NULL, NULL)", Reason::NotNull, "Failing row contains (1, null"),
            ("(1, -77, NULL, NULL)", Reason::Check, "Failing row contains (1, -77"),
            ("(1, 1, 9, NULL)", Reason::ForeignKey, "Key (parent)=(9) is not present"),
            ("(1, 1, NULL, 'abc')", Reason::Type, "value too long"),
            ("(1, 1, NULL, 'a'), (2, 1, NULL, 'a')", Reason::Refused, "conflicts with existing key"),
        ] {
            let sql = format!("{TABLE}; INSERT INTO pg_temp.t VALUES {row}");
            let (found, said) = Failure::of_row("t")(said(&sql).await).refusal().unwrap();
            assert_eq!(found, reason, "{said}");
            assert!(said.contains(words), "{said}");
            // What is about no row shows none of its values.
            let error = Failure::from(self::said(&sql).await).into_error("h/d", Doing::Writing);
            assert_eq!(error.code(), Code::StoreFailed);
            assert!(!format!("{error:?}").contains(words) || reason == Reason::Type, "{error:?}");
        }
    }

    #[tokio::test]
    async fn what_others_at_work_have_caused_may_be_tried_again() {
        for (state, expected) in [("40001", true), ("40P01", true), ("55P03", true), ("23505", false)] {
            let sql = format!("DO 'BEGIN RAISE EXCEPTION ''x'' USING ERRCODE = ''{state}''; END'");
            assert_eq!(Failure::from(said(&sql).await).is_retryable(), expected, "{state}");
            let collides = expected && state != "55P03";
            let failure = || async { Failure::of_row("t")(said(&sql).await) };
            assert_eq!(failure().await.into_error("h/d", Doing::Writing).is_passing(), collides, "{state}");
            // A view that is gone does not come back.
            assert!(!failure().await.into_error("h/d", Doing::Reading).is_passing(), "{state}");
        }
    }
}
