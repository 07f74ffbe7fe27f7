//! MySQL's errors in the words of [`Code`].

use std::error::Error as _;

use mysql_async::{DriverError, Error as Driver, IoError, ServerError};
use syncline_core::change::Reason;
use syncline_core::error::{Code, Error};
use syncline_core::limits;

use super::settings::ConnectOptions;
use crate::server::{Password, TlsMode};

/// The result of work on a connection, before it is known which database it was.
pub(in crate::mysql) type Attempt<T> = Result<T, Failure>;

/// Why work on a connection failed.
#[derive(Debug)]
pub(in crate::mysql) enum Failure {
    /// The server's own error, or one of the way there.
    Mysql(Driver),
    /// The server's own error while writing a row of this table.
    Row {
        /// The table.
        table: String,
        /// What the server said.
        error: Driver,
    },
    /// An error that is complete already.
    Said(Error),
}

/// What was being done, which decides what an ambiguous error means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::mysql) enum Doing {
    /// Reaching the server and logging in.
    Opening,
    /// Reading rows or the schema.
    Reading,
    /// Anything from the beginning of a transaction that writes to its end.
    Writing,
}

impl Failure {
    /// Gives an error of the server the table whose row was being written.
    pub(in crate::mysql) fn of_row(table: &str) -> impl FnOnce(Driver) -> Failure {
        move |error| Failure::Row { table: table.to_owned(), error }
    }

    /// What the database has against one row, in its own words. They may hold values of the row.
    ///
    /// # Errors
    /// The failure itself when it is about more than that row.
    pub(in crate::mysql) fn refusal(self) -> Attempt<(Reason, String)> {
        match &self {
            Failure::Row { error: Driver::Server(said), .. } => match reason(said) {
                Some(reason) => Ok((reason, said.message.clone())),
                None => Err(self),
            },
            Failure::Said(error) if error.code() == Code::RowRefused => Ok((Reason::Type, error.what().to_owned())),
            _ => Err(self),
        }
    }

    /// Whether something failed only because of others at work at the same time, so that it may succeed next time.
    pub(in crate::mysql) fn is_retryable(&self) -> bool {
        self.server().is_some_and(|said| collides(said.code) || said.code == LOCK_WAIT_TIMEOUT)
    }

    /// The number of the server's error.
    pub(in crate::mysql) fn number(&self) -> Option<u16> {
        self.server().map(|said| said.code)
    }

    /// Gives an error about rights the table that was being worked on.
    pub(in crate::mysql) fn while_at(self, table: &str) -> Failure {
        match self {
            Failure::Mysql(Driver::Server(said)) if is_of_table_rights(said.code) => {
                Failure::of_row(table)(Driver::Server(said))
            }
            other => other,
        }
    }

    /// The error a person sees. `label` is what the database is called.
    pub(in crate::mysql) fn into_error(self, label: &str, doing: Doing) -> Error {
        let (error, table) = match self {
            Failure::Said(error) => return error,
            Failure::Mysql(error) => (error, None),
            Failure::Row { table, error } => (error, Some(table)),
        };
        let code = match &error {
            Driver::Server(said) => code(said, table.is_some(), doing),
            error => code_of_way(error, doing),
        };
        let table = table.unwrap_or_default();
        let said = Error::new(code, what(code, doing, label, &table)).because(words(&error));
        let is_collision = match &error {
            Driver::Server(said) => doing == Doing::Writing && collides(said.code),
            _ => false,
        };
        let said = if is_collision { said.passing() } else { said };
        match code {
            Code::StoreReadOnly => said.next("let the user write, or name another target", "a replica, read_only"),
            Code::StoreUnreachable if matches!(error, Driver::Server(_)) => {
                let most = format!(
                    "of the {} that a run needs at its target, and {} at its source",
                    limits::MYSQL_TARGET_SESSIONS,
                    limits::MYSQL_SOURCE_SESSIONS
                );
                said.next("run the command again in a while", "goes on once the server lets others in")
                    .next("let the login have more sessions", format!("where it may not have as many {most}"))
            }
            // The driver's error may show what the server sent whole, values included, so only these are kept.
            Code::StoreUnreachable | Code::TlsFailed | Code::ConnectionLost => said.caused_by(error),
            _ => said,
        }
    }

    /// Whether the server takes only those who encrypt, as far as that can be told: MariaDB says no more than that it does not
    /// let us in, and so do both of users who have to.
    pub(super) fn may_ask_for_tls(&self) -> bool {
        matches!(self.number(), Some(SECURE_TRANSPORT_REQUIRED | ACCESS_DENIED))
    }

    /// Whether the server, or what this login may have of it, is full of sessions. Of the limits by the hour, which have the same
    /// number, none ends soon.
    pub(super) fn is_without_a_place(&self) -> bool {
        self.server().is_some_and(|said| match said.code {
            1040 | 1203 => true,
            1226 => said.message.contains("'max_user_connections'"),
            _ => false,
        })
    }

    /// Whether encryption was asked for, and the server has none.
    pub(super) fn is_without_tls(&self) -> bool {
        matches!(self, Failure::Mysql(Driver::Driver(DriverError::NoClientSslFlagFromServer)))
    }

    /// The error a person sees when the server did not let us in, with what may help.
    pub(super) fn into_login_error(self, label: &str, options: &ConnectOptions) -> Error {
        let (is_without_tls, number) = (self.is_without_tls(), self.number());
        let said = self.into_error(label, Doing::Opening).leaving("nothing was changed");
        match said.code() {
            Code::LoginFailed if options.password.as_ref().is_none_or(|password| password == &Password::new("")) => {
                said.next("export MYSQL_PWD=…", "gives the password for this shell")
                    .next("password=… below [client] in ~/.my.cnf", "keeps it; the file must be for your eyes only")
            }
            Code::LoginFailed => {
                let said =
                    said.next("check the user, the password and the host that the user may come from", "SHOW GRANTS");
                match options.tls {
                    TlsMode::Disable => said.next("ssl-mode=PREFERRED", "some users are let in only if they encrypt"),
                    _ => said,
                }
            }
            Code::TlsFailed if number == Some(SECURE_TRANSPORT_REQUIRED) => {
                said.next("ssl-mode=VERIFY_IDENTITY", "encrypts the connection and checks who the server is")
            }
            Code::TlsFailed if is_without_tls => {
                said.next("ssl_cert, ssl_key and ssl_ca in the server's my.cnf", "switch TLS on").next(
                    "ssl-mode=DISABLED",
                    "goes without, password and rows in the clear: for a network you trust only",
                )
            }
            Code::TlsFailed => said
                .next("ssl-ca=FILE", "trusts the authority whose PEM certificate is in the file")
                .next("ssl-mode=…", "asks for less; see syncline explain TLS_FAILED first"),
            Code::StoreMissing => {
                said.next("check the name of the database", "a database of a server is never created")
            }
            _ => said,
        }
    }

    fn server(&self) -> Option<&ServerError> {
        match self {
            Failure::Mysql(Driver::Server(said)) | Failure::Row { error: Driver::Server(said), .. } => Some(said),
            _ => None,
        }
    }
}

impl From<Driver> for Failure {
    fn from(error: Driver) -> Self {
        Failure::Mysql(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Said(error)
    }
}

/// The server wants a connection that is encrypted.
const SECURE_TRANSPORT_REQUIRED: u16 = 3159;

/// The user, the password or the host is wrong; or something else that is not told.
const ACCESS_DENIED: u16 = 1045;

/// Others did not let go of a row or a table in time.
const LOCK_WAIT_TIMEOUT: u16 = 1205;

/// The server's own words, or what happened on the way.
fn words(error: &Driver) -> String {
    if let Driver::Server(said) = error {
        return said.message.clone();
    }
    // Beneath this lies what happened on the way, which says once more that it was input or output.
    let mut text = if let Driver::Io(way) = error { way.to_string() } else { error.to_string() };
    let mut cause = error.source();
    while let Some(next) = cause {
        let said = next.to_string();
        // Each of the driver's errors repeats the one beneath.
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = next.source();
    }
    text
}

/// Which rule of one row an error speaks of.
pub(in crate::mysql) fn reason(said: &ServerError) -> Option<Reason> {
    match said.code {
        // A value that a unique key has already, also by way of a cascade.
        1022 | 1062 | 1169 | 1586 | 1761 | 1762 | 1859 => Some(Reason::Unique),
        1048 | 1364 | 1566 | 1830 | 4161 => Some(Reason::NotNull),
        1216 | 1217 | 1451 | 1452 => Some(Reason::ForeignKey),
        3819 | 4025 => Some(Reason::Check),
        // Out of range, cut off, not a number, not a date, not in this character set, no geometry, no JSON.
        1264 | 1265 | 1292 | 1300 | 1366 | 1367 | 1406 | 1411 | 1416 | 1425..=1427 | 1525 | 1690 => Some(Reason::Type),
        3140..=3146 | 3149 | 3155..=3158 | 3617 | 3732 | 4037..=4042 | 4079 => Some(Reason::Type),
        // No partition for it, a row too long for its page, and whatever a trigger says.
        1526 | 1118 | 1139 | 1644 | 1748 | 1863 => Some(Reason::Refused),
        _ if said.state.starts_with("45") => Some(Reason::Refused),
        _ if said.state.starts_with("22") => Some(Reason::Type),
        _ => None,
    }
}

/// Whether the server has undone the transaction because of others at work: a deadlock, or a row that changed since the
/// transaction began (MariaDB's `innodb_snapshot_isolation`).
fn collides(number: u16) -> bool {
    matches!(number, 1020 | 1213 | 1613 | 1614)
}

/// Whether a right on a table or a column of it is missing.
fn is_of_table_rights(number: u16) -> bool {
    matches!(number, 1142 | 1143)
}

/// The code for what the server said.
fn code(said: &ServerError, row: bool, doing: Doing) -> Code {
    if row && let Some(reason) = reason(said) {
        return if reason == Reason::Unique { Code::UniqueClash } else { Code::RowRefused };
    }
    match said.code {
        ACCESS_DENIED | 1130 | 1251 | 1275 | 1524 | 1698 | 1820 | 1862 | 3118 | 3955 | 4151 => Code::LoginFailed,
        SECURE_TRANSPORT_REQUIRED => Code::TlsFailed,
        1049 => Code::StoreMissing,
        number if is_of_table_rights(number) && (row || doing == Doing::Reading) => Code::TableDenied,
        1044 | 1142 | 1143 | 1227 | 1370 | 1410 => Code::PermissionDenied,
        // The option that keeps a statement from being carried out may be another one.
        1290 if said.message.contains("read-only") || said.message.contains("read_only") => Code::StoreReadOnly,
        1792 | 1836 => Code::StoreReadOnly,
        1040 | 1129 | 1203 | 1226 | 1461 => Code::StoreUnreachable,
        LOCK_WAIT_TIMEOUT => Code::StoreLocked,
        number if collides(number) => Code::StoreLocked,
        1412 | 1146 if doing == Doing::Reading => Code::TableRebuilt,
        1317 | 1969 | 3024 => Code::StatementCancelled,
        1053 | 1152 | 1158..=1161 | 1927 | 4031 => Code::ConnectionLost,
        1021 | 1114 => Code::DiskFull,
        3 | 1026 | 1030 | 1041 if is_of_disk(&said.message) => Code::DiskFull,
        _ => Code::StoreFailed,
    }
}

/// Whether the words are about a disk that is full: the system's error number, or its own words.
fn is_of_disk(message: &str) -> bool {
    ["rror 28 ", "(Errcode: 28", "(errno: 28", "No space left"].iter().any(|words| message.contains(words))
}

/// The code for an error that the server did not send.
fn code_of_way(error: &Driver, doing: Doing) -> Code {
    match error {
        Driver::Io(IoError::Tls(_)) | Driver::Driver(DriverError::NoClientSslFlagFromServer) => Code::TlsFailed,
        Driver::Io(IoError::Io(cause)) if cause.get_ref().is_some_and(|cause| cause.is::<rustls::Error>()) => {
            Code::TlsFailed
        }
        Driver::Io(_) | Driver::Driver(DriverError::ConnectionClosed) if doing == Doing::Opening => {
            Code::StoreUnreachable
        }
        Driver::Io(_) | Driver::Driver(DriverError::ConnectionClosed) => Code::ConnectionLost,
        Driver::Driver(
            DriverError::UnknownAuthPlugin { .. }
            | DriverError::MysqlOldPasswordDisabled
            | DriverError::CleartextPluginDisabled,
        ) => Code::LoginFailed,
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
        Code::TableRebuilt => format!("a table of {label} was rebuilt or dropped while it was read"),
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

    fn said(code: u16, state: &str, message: &str) -> ServerError {
        ServerError { code, state: state.to_owned(), message: message.to_owned() }
    }

    #[test]
    fn every_number_has_its_code() {
        let cases = [
            (1045, false, Code::LoginFailed),
            (1044, false, Code::PermissionDenied),
            (1049, false, Code::StoreMissing),
            (1142, true, Code::TableDenied),
            (1142, false, Code::PermissionDenied),
            (1213, true, Code::StoreLocked),
            (1205, true, Code::StoreLocked),
            (1317, true, Code::StatementCancelled),
            (1053, true, Code::ConnectionLost),
            (1040, false, Code::StoreUnreachable),
            (1062, true, Code::UniqueClash),
            (1062, false, Code::StoreFailed),
            (1048, true, Code::RowRefused),
            (1406, true, Code::RowRefused),
            (1114, true, Code::DiskFull),
            (3159, false, Code::TlsFailed),
            (1064, true, Code::StoreFailed),
        ];
        for (number, row, expected) in cases {
            assert_eq!(code(&said(number, "HY000", ""), row, Doing::Writing), expected, "{number} {row}");
        }
        assert_eq!(code(&said(1142, "42000", ""), false, Doing::Reading), Code::TableDenied);
    }

    #[test]
    fn limits_by_the_hour_are_not_waited_for() {
        let of =
            |number, message: &str| Failure::from(Driver::Server(said(number, "42000", message))).is_without_a_place();
        assert!(of(1040, "Too many connections"));
        assert!(of(1203, "User u already has more than 'max_user_connections' active connections"));
        assert!(of(1226, "User 'u' has exceeded the 'max_user_connections' resource (current value: 2)"));
        assert!(!of(1226, "User 'u' has exceeded the 'max_questions' resource (current value: 2)"));
        assert!(!of(1045, "Access denied"));
    }

    #[test]
    fn an_option_that_forbids_something_else_is_not_called_read_only() {
        let with = |option: &str| format!("The MariaDB server is running with the {option} option");
        let of = |message: String| code(&said(1290, "HY000", &message), false, Doing::Writing);
        assert_eq!(of(with("--read-only")), Code::StoreReadOnly);
        assert_eq!(of(with("--super-read-only")), Code::StoreReadOnly);
        assert_eq!(of(with("--secure-file-priv")), Code::StoreFailed);
    }

    #[test]
    fn a_full_disk_is_told_from_other_faults_of_files() {
        let of = |message: &str| code(&said(1026, "HY000", message), true, Doing::Writing);
        assert_eq!(of("Error writing file './tmp' (Errcode: 28 \"No space left on device\")"), Code::DiskFull);
        assert_eq!(of("Error writing file './tmp' (Errcode: 5 \"Input/output error\")"), Code::StoreFailed);
    }

    #[test]
    fn only_what_a_row_can_be_blamed_for_is_a_refusal() {
        let cases = [
            (1048, "23000", Some(Reason::NotNull)),
            (1062, "23000", Some(Reason::Unique)),
            (1452, "23000", Some(Reason::ForeignKey)),
            (4025, "23000", Some(Reason::Check)),
            (1264, "22003", Some(Reason::Type)),
            (1366, "22007", Some(Reason::Type)),
            (1644, "45000", Some(Reason::Refused)),
            (9999, "22001", Some(Reason::Type)),
            (1213, "40001", None),
            (1142, "42000", None),
            (1064, "42000", None),
        ];
        for (number, state, expected) in cases {
            assert_eq!(reason(&said(number, state, "")), expected, "{number}");
        }
    }
}
