//! A database that nobody else writes to, and that is then replaced.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use syncline_core::error::{Code, Error, Result};
use syncline_core::limits;
use syncline_core::store::{Extent, Hold, Owners, Watch};
use tokio::time::Instant;

use super::archive::Archive;
use super::program::Programs;
use super::{About, clear, failure, replay};
use crate::one_writer::OneWriter;
use crate::postgres::PostgresStore;
use crate::postgres::connect::{ConnectOptions, Connection, cancel, connect};

/// The transaction of a restore. A server that can look does so whether we are still there, also amid a long statement.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL client_min_messages = warning; \
    SELECT set_config(name, '1s', true) FROM pg_settings WHERE name = 'client_connection_check_interval' AND version() ~ 'linux'; \
    SELECT set_config(name, 'on', true) FROM pg_settings WHERE name = 'synchronous_commit' AND setting = 'off'";

/// All tables but the system's, and those that an extension brings and takes along.
const TABLES: &str = "SELECT string_agg(format('%I.%I', nspname, relname), ', ' ORDER BY c.oid) \
    FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace \
    WHERE relkind IN ('r', 'p') AND nspname !~ '^pg_' AND nspname <> 'information_schema' AND NOT EXISTS \
    (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = c.oid AND deptype = 'e')";

/// Those of them that a vacuum or the like is at work on.
const VACUUMED: &str = "SELECT DISTINCT format('%I.%I', nspname, relname) \
    FROM pg_locks l JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = relnamespace \
    WHERE l.granted AND l.mode = 'ShareUpdateExclusiveLock' AND l.pid <> pg_backend_pid() \
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) \
    AND relkind IN ('r', 'p') AND nspname !~ '^pg_' AND nspname <> 'information_schema'";

/// When the server looks who is in the way of somebody that waits, in milliseconds. It then ends a vacuum of its own that is.
const LOOK: &str = "SELECT setting FROM pg_settings WHERE name = 'deadlock_timeout'";

/// A transaction that holds all tables.
pub(super) struct PostgresHold {
    session: Session,
    /// The tables that were there.
    tables: Vec<String>,
    _right: OneWriter,
}

/// The session of a restore.
pub(super) struct Session {
    pub(super) connection: Connection,
    options: Arc<ConnectOptions>,
}

impl PostgresHold {
    /// Begins it.
    ///
    /// # Errors
    /// `STORE_READ_ONLY`, `STORE_LOCKED`, `PERMISSION_DENIED`, what `watch` returns, and as [`connect`].
    pub(super) async fn take(store: &PostgresStore, watch: &Watch) -> Result<Self> {
        store.require_writable().await?;
        let Some(right) = OneWriter::take(&store.writing) else {
            let label = store.label();
            return Err(Error::new(Code::StoreLocked, format!("{label} is being written by this run already")));
        };
        let session = Session { connection: connect(&store.options).await?, options: Arc::clone(&store.options) };
        session.run(BEGIN, &|| Ok(())).await?;
        let tables = session.lock("EXCLUSIVE", watch).await?;
        Ok(Self { session, tables, _right: right })
    }

    /// Replaces everything, also what has been made since.
    ///
    /// # Errors
    /// As [`Hold::restore`].
    pub(super) async fn replace(self, file: &Path, owners: Owners, watch: &Watch) -> Result<Extent> {
        self.replace_if(file, owners, watch, |_| Ok(())).await
    }

    /// As [`PostgresHold::replace`], if nothing is against it once nobody can read or write these tables.
    async fn replace_if(
        self,
        file: &Path,
        owners: Owners,
        watch: &Watch,
        check: impl Fn(&[String]) -> Result<()> + Send,
    ) -> Result<Extent> {
        let session = &self.session;
        let about = About::ask(&session.connection).await?;
        let programs = Programs::find(&session.options, 0).await?;
        let archive = Archive::open_whole(&programs, file, watch).await?;
        archive.check_fit(about.major(), &session.label())?;
        let extent = archive.extent()?;
        watch(0, extent.bytes)?;
        // Those who have read something keep us waiting, and nobody can read anything from here on.
        check(&session.lock("ACCESS EXCLUSIVE", watch).await?)?;
        clear::clear(session, &about, archive.by, watch).await?;
        replay::replay(session, &archive, &about, owners, watch).await?;
        archive.require_unchanged()?;
        let committed = session.connection.client.batch_execute("COMMIT").await;
        committed.map_err(|error| failure::of_commit(&session.connection, error, &session.label()))?;
        Ok(extent)
    }
}

#[async_trait]
impl Hold for PostgresHold {
    async fn restore(self: Box<Self>, file: &Path, owners: Owners, watch: &Watch) -> Result<Extent> {
        let (label, before) = (self.session.label(), self.tables.clone());
        let check = |tables: &[String]| match tables == before {
            true => Ok(()),
            false => Err(Error::new(Code::StoreLocked, format!("somebody has made tables in {label} meanwhile"))
                .because("they may not be in what is kept, and would be lost")
                .leaving("nothing was changed")
                .next("restore again, once nobody makes tables", "")),
        };
        self.replace_if(file, owners, watch, check).await
    }
}

impl Session {
    /// What the database is called for people.
    pub(super) fn label(&self) -> String {
        self.options.label()
    }

    /// Carries statements out. `idle` is asked now and then whether to go on.
    ///
    /// # Errors
    /// The server's, as those of a restore that has changed nothing; what `idle` returns.
    pub(super) async fn run(&self, statements: &str, idle: &(impl Fn() -> Result<()> + Sync)) -> Result<()> {
        let mut running = std::pin::pin!(self.connection.client.batch_execute(statements));
        loop {
            match tokio::time::timeout(limits::TOOL_POLL, &mut running).await {
                Ok(done) => return done.map_err(|error| self.refused(error)),
                Err(_) => {
                    if let Err(error) = idle() {
                        // Its session ends with us in any case; so it does at once.
                        let _ = cancel(&self.connection, &self.options).await;
                        return Err(error);
                    }
                }
            }
        }
    }

    /// The only column of all rows of a query.
    pub(super) async fn column(&self, query: &str) -> Result<Vec<String>> {
        let rows = self.connection.client.query(query, &[]).await.map_err(|error| self.refused(error))?;
        let cells = rows.iter().map(|row| row.try_get::<_, Option<String>>(0).map_err(|error| self.refused(error)));
        Ok(cells.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
    }

    /// The error for a statement that failed.
    pub(super) fn refused(&self, error: tokio_postgres::Error) -> Error {
        failure::of_statement(&self.connection, error, &self.label())
    }

    /// Locks all tables at once, or none of them: whoever waits for one of ours while we wait for one of theirs gets on, because
    /// we let go of all between two attempts. Returns what was locked.
    async fn lock(&self, mode: &str, watch: &Watch) -> Result<Vec<String>> {
        let end = Instant::now() + limits::LOCK_WAIT;
        let go_on = || Ok(());
        loop {
            watch(0, 0)?;
            let attempt = limits::ROW_LOCK_ATTEMPT.as_millis();
            self.run(&format!("SAVEPOINT locks; SET LOCAL lock_timeout = {attempt}"), &go_on).await?;
            let tables = self.column(TABLES).await?;
            let locked = match tables.first() {
                Some(tables) => self.run(&format!("LOCK TABLE {tables} IN {mode} MODE"), &go_on).await,
                None => Ok(()),
            };
            match locked {
                Ok(()) => {
                    let wait = limits::LOCK_WAIT.as_millis();
                    self.run(&format!("RELEASE locks; SET LOCAL lock_timeout = {wait}"), &go_on).await?;
                    return Ok(tables);
                }
                Err(error) if error.code() == Code::StoreLocked && Instant::now() < end => {
                    self.run("ROLLBACK TO locks; RELEASE locks", &go_on).await?;
                    self.outwait_vacuums(mode, end).await?;
                    tokio::time::sleep(limits::COLLISION_PAUSE).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Waits for what is being vacuumed, table by table, until the server ends its own vacuum for our sake: it does so only after a
    /// while, longer than we keep many tables waiting. Nobody waits for us meanwhile, so there is no deadlock in it.
    async fn outwait_vacuums(&self, mode: &str, end: Instant) -> Result<()> {
        let go_on = || Ok(());
        let look: u64 = self.column(LOOK).await?.first().and_then(|look| look.parse().ok()).unwrap_or_default();
        let wait = (Duration::from_millis(look) + limits::ROW_LOCK_ATTEMPT).min(limits::LOCK_WAIT).as_millis();
        for table in self.column(VACUUMED).await? {
            if Instant::now() >= end {
                break;
            }
            self.run(&format!("SAVEPOINT vacuum; SET LOCAL lock_timeout = {wait}"), &go_on).await?;
            // Whatever comes of it, the next attempt at all of them finds out.
            let _ = self.run(&format!("LOCK TABLE ONLY {table} IN {mode} MODE"), &go_on).await;
            self.run("ROLLBACK TO vacuum; RELEASE vacuum", &go_on).await?;
        }
        Ok(())
    }
}
