//! What is asked of the server and the login as a whole.

use syncline_core::error::{Code, Result};
use syncline_core::store::{Finding, Side, Verdict};

use crate::postgres::connect::{ConnectOptions, Connection};
use crate::postgres::names::{Names, quoted};
use crate::postgres::schema::Cells;
use crate::server::{Host, TlsMode};

const FACTS: &str = "\
SELECT current_setting('server_version_num')::int4, current_user::text, current_database()::text,
    current_setting('is_superuser') = 'on', pg_is_in_recovery(), current_setting('transaction_read_only') = 'on',
    has_database_privilege(current_database(), 'TEMPORARY'),
    (SELECT has_schema_privilege(oid, 'CREATE') FROM pg_namespace WHERE nspname = $1),
    (SELECT CASE WHEN ssl THEN version END FROM pg_stat_ssl WHERE pid = pg_backend_pid()),
    current_setting('server_encoding')";

/// Whether the login may count as one that replicates; servers before version 15 let nobody but a superuser.
const MAY_REPLICATE: &str = "SELECT has_parameter_privilege('session_replication_role', 'SET')";

/// The first version in which that can be granted.
pub(super) const GRANTABLE: i32 = 150_000;

/// Settings as a new session of this login has them. Those of Syncline's own sessions are pinned to other values.
const SETTINGS: &str = "\
SELECT name, reset_val, coalesce(unit, '') FROM pg_settings WHERE
    name IN ('fsync', 'full_page_writes', 'synchronous_commit') AND reset_val = 'off'
    OR name IN ('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'idle_session_timeout',
        'transaction_timeout') AND reset_val <> '0'
    OR name IN ('old_snapshot_threshold', 'temp_file_limit') AND reset_val <> '-1'
    OR name = 'max_standby_streaming_delay' AND reset_val <> '-1' AND pg_is_in_recovery()
ORDER BY name";

/// What is lost when durability is switched off, by setting.
const DURABILITY: [(&str, &str); 3] = [
    ("fsync", "a crash of the server's machine can destroy the database"),
    ("full_page_writes", "a crash of the server's machine can destroy pages"),
    (
        "synchronous_commit",
        "a crash of the server can lose what others have just committed; what a run commits is kept",
    ),
];

/// What the server has said.
pub(super) struct Server {
    pub(super) version: i32,
    pub(super) user: String,
    pub(super) database: String,
    is_superuser: bool,
    is_standby: bool,
    is_read_only: bool,
    may_stage: bool,
    /// `None` when there is no default schema.
    may_create: Option<bool>,
    pub(super) may_replicate: bool,
    /// The version of the encryption of this session.
    tls: Option<String>,
    encoding: String,
    settings: Vec<(String, String)>,
}

impl Server {
    pub(super) async fn ask(connection: &Connection, names: &Names) -> Result<Self> {
        let (client, read) = (&connection.client, |error| connection.error(error));
        let row = client.query_one(FACTS, &[&names.default_schema()]).await.map_err(read)?;
        let row = Cells { connection, row: &row };
        let (version, is_superuser) = (row.get(0)?, row.get(3)?);
        let may_replicate = match version {
            GRANTABLE.. => {
                Cells { connection, row: &client.query_one(MAY_REPLICATE, &[]).await.map_err(read)? }.get(0)?
            }
            _ => is_superuser,
        };
        let settings = client.query(SETTINGS, &[]).await.map_err(read)?;
        let setting = |row| {
            let row = Cells { connection, row };
            let (name, value, unit): (_, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok((name, if unit.is_empty() { value } else { format!("{value} {unit}") }))
        };
        Ok(Self {
            version,
            user: row.get(1)?,
            database: row.get(2)?,
            is_superuser,
            is_standby: row.get(4)?,
            is_read_only: row.get(5)?,
            may_stage: row.get(6)?,
            may_create: row.get(7)?,
            may_replicate,
            tls: row.get(8)?,
            encoding: row.get(9)?,
            settings: settings.iter().map(setting).collect::<Result<_>>()?,
        })
    }

    /// Whether what is said on the way can be read or changed there.
    pub(super) fn way(&self, options: &ConnectOptions) -> Finding {
        let new = |verdict, what: &str| Finding::new("tls", verdict, what);
        let step = "sslmode=verify-full";
        match (&self.tls, options.tls) {
            (_, _) if matches!(options.host, Host::Socket(_)) => {
                new(Verdict::Ok, "the connection is a socket of this machine")
            }
            (None, _) if options.host.is_local() => new(Verdict::Ok, "the connection does not leave this machine"),
            (None, _) => new(Verdict::Note, "the connection is not encrypted")
                .because("whoever sits in between reads and changes what is carried")
                .next(step, "encrypts it, and checks who the server is"),
            (Some(version), TlsMode::VerifyFull) => {
                new(Verdict::Ok, &format!("the connection is encrypted ({version}), to a server that proves its name"))
            }
            (Some(version), mode) => new(Verdict::Note, &format!("the connection is encrypted ({version})"))
                .because(format!("with sslmode={} an impostor could be at its other end", mode.name()))
                .next(step, "checks who the server is, by its name"),
        }
    }

    /// What makes the login too strong, or loses what was committed when a machine fails. Also said as a run begins.
    pub(super) fn risks(&self) -> Vec<Finding> {
        let mut risks = vec![if self.is_superuser {
            Finding::new("superuser", Verdict::Note, "the login is a superuser")
                .because("a role that may only do what a run needs is safer")
                .next("syncline doctor DB --grants --role NAME", "prints the statements that make such a role")
        } else {
            Finding::new("superuser", Verdict::Ok, "the login is no superuser")
        }];
        let off = DURABILITY.iter().filter(|(name, _)| self.setting(name).is_some());
        risks.extend(off.map(|(name, loss)| {
            Finding::new("durability", Verdict::Note, format!("{name} is off"))
                .because(*loss)
                .next(format!("ALTER SYSTEM SET {name} = on"), "then SELECT pg_reload_conf()")
        }));
        if risks.len() == 1 {
            risks.push(Finding::new("durability", Verdict::Ok, "what is committed is durable"));
        }
        if self.encoding == "SQL_ASCII" {
            risks.push(
                Finding::new("encoding", Verdict::Note, "the database's encoding is SQL_ASCII")
                    .because("it takes any bytes for text, and a table with text that is not UTF-8 cannot be read")
                    .next("syncline explain TEXT_UNREADABLE", "says how to mend such text"),
            );
        }
        risks
    }

    /// Limits of the server or the login that could cut a run short.
    pub(super) fn limits(&self) -> Vec<Finding> {
        let mut limits = Vec::new();
        let mut note = |name: &str, why: &str, next: (&str, &str)| {
            if let Some(value) = self.setting(name) {
                let what = format!("{name} is {value}");
                limits.push(Finding::new("timeouts", Verdict::Note, what).because(why).next(next.0, next.1));
            }
        };
        let view = "a view that is read for longer than that ends with an error";
        note(
            "old_snapshot_threshold",
            view,
            ("ALTER SYSTEM SET old_snapshot_threshold = -1", "then restart the server"),
        );
        let standby = "a standby ends reads that hold up what it replays for longer than that";
        note("max_standby_streaming_delay", standby, ("set it to -1 there, or name the primary server", ""));
        let sorts = "sorting a large table for lack of an index may need more, and ends with an error then";
        note("temp_file_limit", sorts, ("ALTER ROLE … SET temp_file_limit = -1", "by a superuser"));
        let pinned = self.settings.iter().filter(|(name, _)| name.ends_with("_timeout"));
        let pinned: Vec<_> = pinned.map(|(name, value)| format!("{name} = {value}")).collect();
        if limits.is_empty() {
            limits.push(match &pinned[..] {
                [] => Finding::new("timeouts", Verdict::Ok, "no time limit cuts runs short"),
                _ => Finding::new("timeouts", Verdict::Ok, "time limits are set, and do not hold for runs")
                    .because(format!("Syncline's sessions set them aside: {}", pinned.join(", "))),
            });
        }
        limits
    }

    /// What a database needs to be a target.
    pub(super) fn writing(&self, names: &Names, side: Option<Side>) -> Result<Vec<Finding>> {
        let mut findings = vec![self.writable(side)];
        let denied = Verdict::of_target(side, Code::PermissionDenied);
        let (user, schema) = (quoted(&self.user)?, names.default_schema());
        match self.may_create {
            Some(true) => {}
            Some(false) => findings.push(
                Finding::new("create", denied, format!("the login may not create tables in the schema {schema}"))
                    .because("a run keeps there how far it has come, until it has ended")
                    .next(format!("GRANT CREATE ON SCHEMA {} TO {user}", quoted(schema)?), "")
                    .next("schema=NAME in the name of the database", "names a schema that it may create tables in"),
            ),
            None => findings.push(
                Finding::new("create", Verdict::of_target(side, Code::StoreMissing), "there is no default schema")
                    .because("the first schema of the login's search_path is not there, so nothing can be kept in it")
                    .next("schema=NAME in the name of the database", "names the schema"),
            ),
        }
        if !self.may_stage {
            findings.push(
                Finding::new("temporary", denied, "the login may not make temporary tables")
                    .because("rows to be written are put into one first")
                    .next(format!("GRANT TEMPORARY ON DATABASE {} TO {user}", quoted(&self.database)?), ""),
            );
        }
        if self.may_create == Some(true) && self.may_stage {
            findings.push(Finding::new("create", Verdict::Ok, "the login may create what a run needs"));
        }
        findings.push(self.replication()?);
        Ok(findings)
    }

    fn writable(&self, side: Option<Side>) -> Finding {
        let verdict = Verdict::of_target(side, Code::StoreReadOnly);
        if self.is_standby {
            Finding::new("writable", verdict, "the server is a standby")
                .because("it only replays what its primary server does")
                .next("name the primary server", "")
        } else if self.is_read_only {
            Finding::new("writable", verdict, "transactions of this login are read-only")
                .because("default_transaction_read_only is on")
                .next("ALTER ROLE … SET default_transaction_read_only = off", "or the same for the database")
        } else {
            Finding::new("writable", Verdict::Ok, "the database can be written")
        }
    }

    fn replication(&self) -> Result<Finding> {
        if self.may_replicate {
            let what = "the login may write as a replica does";
            return Ok(Finding::new("triggers", Verdict::Ok, what).because("neither triggers nor references act"));
        }
        let finding = Finding::new("triggers", Verdict::Note, "the login may not write as a replica does").because(
            "triggers are switched off where it owns the table, and references stay enforced: what they refuse is held",
        );
        Ok(match self.version {
            GRANTABLE.. => {
                finding.next(format!("GRANT SET ON PARAMETER session_replication_role TO {}", quoted(&self.user)?), "")
            }
            _ => finding
                .next("let the role that owns the tables write to them", "before version 15 this is for superusers"),
        })
    }

    fn setting(&self, name: &str) -> Option<&str> {
        self.settings.iter().find(|(of, _)| of == name).map(|(_, value)| &**value)
    }
}
