//! What is asked of the server and the login as a whole.

use syncline_core::error::{Code, Result};
use syncline_core::limits;
use syncline_core::store::{Finding, Side, Verdict};

use super::privileges::Privileges;
use crate::mysql::connect::{ConnectOptions, Connection, cell, quoted};
use crate::mysql::describe;
use crate::server::{Host, TlsMode};

/// Who is logged in, and where.
pub(super) const FACTS: &str = "SELECT CURRENT_USER(), DATABASE()";

/// How many sessions the login may have at once; 0 for as many as the server has.
const SESSIONS: &str = "SELECT @@SESSION.max_user_connections";

/// The encryption of this session; empty without one.
const ENCRYPTION: &str = "SHOW SESSION STATUS LIKE 'Ssl_version'";

/// Settings that are told where they are so.
const SETTINGS: &str = "SHOW GLOBAL VARIABLES WHERE \
    Variable_name IN ('innodb_flush_log_at_trx_commit', 'sync_binlog') AND Value <> '1' \
    OR Variable_name IN ('innodb_doublewrite', 'local_infile') AND Value IN ('OFF', '0') \
    OR Variable_name = 'log_bin' AND Value = 'ON'";

/// What is lost when durability is switched off, by setting.
const DURABILITY: [(&str, &str, &str); 3] = [
    (
        "innodb_flush_log_at_trx_commit",
        "a crash of the server or its machine can lose what was committed in the last second, what a run commits included",
        "SET GLOBAL innodb_flush_log_at_trx_commit = 1",
    ),
    (
        "sync_binlog",
        "a crash of the server's machine can lose the end of the binary log, which replicas then never see",
        "SET GLOBAL sync_binlog = 1",
    ),
    ("innodb_doublewrite", "a crash of the server's machine can destroy pages", "innodb_doublewrite = ON in my.cnf"),
];

/// Rights in the database that a run needs which writes to it, beside those on its tables.
const NEEDED: [(&str, &str); 6] = [
    ("CREATE", "a run keeps there how far it has come, until it has ended, and makes missing tables"),
    ("DROP", "what a run keeps there is removed when it has ended"),
    ("ALTER", "a table that a run makes gets its name once its rows are committed"),
    ("INDEX", "tables that a run makes have indexes"),
    ("REFERENCES", "tables that a run makes reference others"),
    ("CREATE TEMPORARY TABLES", "rows to be written are put into one first"),
];

/// What the server has said.
pub(super) struct Server {
    /// The login, as it is written in SQL.
    pub(super) user: String,
    pub(super) database: String,
    privileges: Privileges,
    is_writable: bool,
    sessions: u64,
    tls: String,
    settings: Vec<(String, String)>,
}

impl Server {
    pub(super) async fn ask(connection: &Connection) -> Result<Self> {
        let ask = |sql: &'static str| async move {
            connection.line.query(sql).await.map_err(|error| connection.error(error))
        };
        let facts = ask(FACTS).await?;
        let first = |at| facts.first().map_or(Ok(None), |row| cell::<Option<String>>(row, at));
        let database = first(1)?.unwrap_or_default();
        let tls = ask(ENCRYPTION).await?.first().map_or_else(|| Ok(String::new()), |row| cell(row, 1))?;
        let sessions = ask(SESSIONS).await?.first().map_or(Ok(0), |row| cell(row, 0))?;
        let settings = ask(SETTINGS).await?;
        let settings = settings.iter().map(|row| Ok((cell(row, 0)?, cell(row, 1)?))).collect::<Result<_>>()?;
        Ok(Self {
            user: account(&first(0)?.unwrap_or_default())?,
            privileges: Privileges::of(connection, &database).await?,
            database,
            is_writable: describe(connection).await?.writable,
            sessions,
            tls,
            settings,
        })
    }

    /// Whether what is said on the way can be read or changed there.
    pub(super) fn way(&self, options: &ConnectOptions) -> Finding {
        let new = |verdict, what: &str| Finding::new("tls", verdict, what);
        let step = "ssl-mode=VERIFY_IDENTITY";
        let is_encrypted = !self.tls.is_empty();
        match options.tls {
            _ if matches!(options.host, Host::Socket(_)) => {
                new(Verdict::Ok, "the connection is a socket of this machine")
            }
            TlsMode::VerifyFull if is_encrypted => {
                let what = format!("the connection is encrypted ({}), to a server that proves its name", self.tls);
                new(Verdict::Ok, &what)
            }
            _ if options.host.is_local() => new(Verdict::Ok, "the connection does not leave this machine"),
            _ if is_encrypted => new(Verdict::Note, &format!("the connection is encrypted ({})", self.tls))
                .because("an impostor could be at its other end: the server has not proved its name")
                .next(step, "checks who the server is, by its name"),
            _ => new(Verdict::Note, "the connection is not encrypted")
                .because("whoever sits in between reads and changes what is carried")
                .next(step, "encrypts it, and checks who the server is"),
        }
    }

    /// What makes the login too strong, or loses what was committed when a machine fails. Also said as a run begins.
    pub(super) fn risks(&self) -> Vec<Finding> {
        let mut risks = vec![if self.privileges.is_superuser() {
            Finding::new("superuser", Verdict::Note, "the login is a superuser")
                .because("a user who may only do what a run needs is safer")
                .next("syncline doctor DB --grants --role NAME", "prints the statements that make such a user")
        } else {
            Finding::new("superuser", Verdict::Ok, "the login is no superuser")
        }];
        let has_log = self.setting("log_bin").is_some();
        for (name, loss, next) in DURABILITY {
            let Some(value) = self.setting(name).filter(|_| name != "sync_binlog" || has_log) else { continue };
            let what = format!("{name} is {value}");
            risks.push(Finding::new("durability", Verdict::Note, what).because(loss).next(next, ""));
        }
        if risks.len() == 1 {
            risks.push(Finding::new("durability", Verdict::Ok, "what is committed is durable"));
        }
        risks
    }

    /// Whether the login may have as many sessions as a run needs.
    pub(super) fn places(&self, side: Option<Side>) -> Finding {
        let needed = match side {
            Some(Side::Source) => limits::MYSQL_SOURCE_SESSIONS,
            _ => limits::MYSQL_TARGET_SESSIONS,
        };
        if self.sessions == 0 || self.sessions >= needed {
            return Finding::new("sessions", Verdict::Ok, "the login may have as many sessions as a run needs");
        }
        let verdict = match self.sessions < limits::MYSQL_SOURCE_SESSIONS {
            true => Verdict::Problem(Code::StoreUnreachable),
            false => Verdict::of_target(side, Code::StoreUnreachable),
        };
        let (target, source) = (limits::MYSQL_TARGET_SESSIONS, limits::MYSQL_SOURCE_SESSIONS);
        Finding::new("sessions", verdict, format!("the login may have {} sessions at once", self.sessions))
            .because(format!("a run needs {target} where it writes, and {source} where it reads"))
            .next(format!("ALTER USER {} WITH MAX_USER_CONNECTIONS {}", self.user, target + source), "")
    }

    /// What a database needs to be a target.
    pub(super) fn writing(&self, side: Option<Side>) -> Result<Vec<Finding>> {
        let mut findings = vec![if self.is_writable {
            Finding::new("writable", Verdict::Ok, "the database can be written")
        } else {
            Finding::new("writable", Verdict::of_target(side, Code::StoreReadOnly), "the server is read-only")
                .because("read_only is on, as it is for replicas")
                .next("name the primary server", "")
        }];
        let denied = Verdict::of_target(side, Code::PermissionDenied);
        for (right, why) in NEEDED.iter().filter(|(right, _)| !self.privileges.has(right)) {
            let what = format!("the login has no {right} in the database {}", self.database);
            findings.push(Finding::new("create", denied, what).because(*why).next(self.granting(right)?, ""));
        }
        if findings.iter().all(|finding| finding.topic != "create") {
            findings.push(Finding::new("create", Verdict::Ok, "the login may create what a run needs"));
        }
        findings.push(match self.setting("local_infile") {
            None => Finding::new("local_infile", Verdict::Ok, "rows may be loaded as files (local_infile)"),
            Some(_) => Finding::new("local_infile", Verdict::Note, "local_infile is off")
                .because("rows are loaded by INSERT instead, which takes longer")
                .next("SET GLOBAL local_infile = 1", "lets rows be loaded as files"),
        });
        Ok(findings)
    }

    /// The statement that gives the login this right in the database.
    fn granting(&self, right: &str) -> Result<String> {
        Ok(format!("GRANT {right} ON {}.* TO {}", pattern(&self.database)?, self.user))
    }

    fn setting(&self, name: &str) -> Option<&str> {
        self.settings.iter().find(|(of, _)| of.eq_ignore_ascii_case(name)).map(|(_, value)| &**value)
    }
}

/// A user as SQL has it, from the text that the server has for it: `name@host`.
pub(super) fn account(text: &str) -> Result<String> {
    let (name, host) = text.rsplit_once('@').unwrap_or((text, "%"));
    Ok(format!("{}@{}", quoted(name)?, quoted(host)?))
}

/// A database as rights on it name it: there `_` and `%` stand for others, unless a backslash stands before them.
pub(super) fn pattern(database: &str) -> Result<String> {
    quoted(&escaped(database))
}

/// As [`pattern`], all databases whose names begin so.
pub(super) fn pattern_of_prefix(prefix: &str) -> Result<String> {
    quoted(&(escaped(prefix) + "%"))
}

fn escaped(name: &str) -> String {
    name.replace('\\', "\\\\").replace('_', "\\_").replace('%', "\\%")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_would_mean_others_are_kept_from_it() {
        assert_eq!(pattern("my_shop").unwrap(), "`my\\_shop`");
        assert_eq!(pattern_of_prefix("my_").unwrap(), "`my\\_%`");
        assert_eq!(pattern("50%`").unwrap(), "`50\\%```");
        assert_eq!(account("app@localhost").unwrap(), "`app`@`localhost`");
        assert_eq!(account("a@b@%").unwrap(), "`a@b`@`%`");
    }
}
