//! The session of a writer: statements, rows in and rows out, and taking back a part that failed.
//!
//! An error of one statement takes back that statement alone. What ends the whole transaction is remembered: from then on
//! every statement would be one of its own, and durable at once.

mod files;

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};

use mysql_async::{Error as Driver, Row as Answered, ServerError};
use syncline_core::change::Reason;
use syncline_core::error::{Code, Error, Result};
use syncline_core::value::RowBatch;

pub(in crate::mysql) use self::files::Commits;
use crate::lens::Cells as _;
use crate::mysql::codec::Codec;
use crate::mysql::connect::failure::{Attempt, Doing, Failure, reason};
use crate::mysql::connect::line::Outcome;
use crate::mysql::connect::{Connection, cell};
use crate::mysql::snapshot::stream::{Cells, show_rows};
use crate::refused::Objection;

/// Begins a transaction.
const BEGIN: &str = "START TRANSACTION READ WRITE";

/// Where a part of a transaction begins that may be taken back.
const GUARD: &str = "SAVEPOINT _syncline";

/// Takes such a part back.
const TAKE_BACK: &str = "ROLLBACK TO SAVEPOINT _syncline";

/// What holds in a writer's session. References are checked by whoever writes, and their actions do not run.
const SETTINGS: &str = "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ; \
    SET foreign_key_checks = 0, unique_checks = 1, max_error_count = 1024";

/// Where rows that others have changed since the transaction began could not be locked, although all reads here are of what
/// there is now.
const SEES_CHANGES: &str = "SET innodb_snapshot_isolation = 0";

/// What only some servers have, and whether files of ours are taken.
const ABILITIES: &str = "SHOW SESSION VARIABLES WHERE Variable_name IN ('innodb_snapshot_isolation', 'local_infile')";

/// Warnings about how a statement is written or logged, and not about rows.
const NOT_OF_ROWS: [u16; 6] = [1287, 1592, 1681, 3719, 3720, 3778];

/// Notes of a value that was changed all the same.
const CHANGED: [u16; 3] = [1264, 1265, 1292];

/// A writer's session for rows.
pub(in crate::mysql) struct Session {
    connection: Connection,
    /// Whether the server takes files of ours.
    takes_files: AtomicBool,
    /// The transaction has ended, and not by a word of ours.
    has_ended: AtomicBool,
    /// The server looks itself at who references a row that goes, until it is told otherwise.
    checks_references: AtomicBool,
    /// Temporary tables that were made, or may have been, since the last transaction began.
    temporary: AtomicUsize,
    /// Rows without a key that were called by a number.
    numbered: AtomicI64,
}

impl Session {
    /// Makes a session one that writes.
    pub(in crate::mysql) async fn new(connection: Connection) -> Result<Self> {
        let failed = |error| connection.error_while(error, Doing::Writing);
        connection.line.run(SETTINGS).await.map_err(failed)?;
        let mut takes_files = false;
        for row in connection.line.query(ABILITIES).await.map_err(failed)? {
            match cell::<String>(&row, 0)?.as_str() {
                "local_infile" => takes_files = cell::<String>(&row, 1)? == "ON",
                _ => {
                    connection.line.run(SEES_CHANGES).await.map_err(failed)?;
                }
            }
        }
        Ok(Self {
            connection,
            takes_files: takes_files.into(),
            has_ended: AtomicBool::default(),
            checks_references: AtomicBool::default(),
            temporary: AtomicUsize::default(),
            numbered: AtomicI64::default(),
        })
    }

    /// The connection, for what is no part of a transaction.
    pub(in crate::mysql) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The error a person sees for a part that failed while writing.
    pub(in crate::mysql) fn said<T>(&self, done: Attempt<T>) -> Result<T> {
        done.map_err(|failure| self.connection.error_while(failure, Doing::Writing))
    }

    /// Begins a transaction anew, whatever became of the one before.
    pub(in crate::mysql) async fn begin(&self) -> Attempt<()> {
        self.connection.line.run("ROLLBACK").await?;
        // Whoever asked for it may have been dropped before the end.
        self.leave_references_unchecked().await?;
        let names: Vec<String> = (1..=self.temporary.swap(0, Ordering::Relaxed)).map(temporary).collect();
        if !names.is_empty() {
            self.connection.line.run(format!("DROP TEMPORARY TABLE IF EXISTS {}", names.join(", "))).await?;
        }
        self.connection.line.run(BEGIN).await?;
        self.has_ended.store(false, Ordering::Relaxed);
        Ok(())
    }

    /// Has the server look at who references a row that goes, until [`Session::leave_references_unchecked`].
    pub(in crate::mysql) async fn check_references(&self) -> Attempt<()> {
        // Said before it is done: should the answer be lost, it is taken back all the same.
        self.checks_references.store(true, Ordering::Relaxed);
        self.run("SET foreign_key_checks = 1").await.map(drop)
    }

    /// References are checked by whoever writes again, whatever became of the transaction.
    pub(in crate::mysql) async fn leave_references_unchecked(&self) -> Attempt<()> {
        if self.checks_references.load(Ordering::Relaxed) {
            self.connection.line.run("SET foreign_key_checks = 0").await?;
            self.checks_references.store(false, Ordering::Relaxed);
        }
        Ok(())
    }

    /// A name for a temporary table that no other of the transaction has.
    pub(in crate::mysql) fn temporary_name(&self) -> String {
        temporary(self.temporary.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// A number that no other row of the writer is called by, and no place: those are counted from 1.
    pub(in crate::mysql) fn next_number(&self) -> i64 {
        -1 - self.numbered.fetch_add(1, Ordering::Relaxed)
    }

    /// Runs a statement within the transaction.
    pub(in crate::mysql) async fn run(&self, sql: impl Into<String>) -> Attempt<Outcome> {
        self.require_open()?;
        let done = self.connection.line.run(sql).await;
        self.noted(done)
    }

    /// Runs a statement with parameters within the transaction.
    pub(in crate::mysql) async fn run_with(
        &self,
        sql: impl Into<String>,
        params: impl Into<mysql_async::Params>,
    ) -> Attempt<Outcome> {
        self.require_open()?;
        let done = self.connection.line.run_with(sql, params).await;
        self.noted(done)
    }

    /// Ends the transaction, and makes it durable.
    pub(in crate::mysql) async fn commit(&self) -> Attempt<()> {
        self.run("COMMIT").await?;
        self.has_ended.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Runs statements that write rows of a table and returns how many the last one has hit. What the database has against
    /// a row takes back all of them.
    ///
    /// # Errors
    /// What is about more than a row.
    pub(in crate::mysql) async fn write(
        &self,
        table: &str,
        statements: &[String],
    ) -> Attempt<std::result::Result<u64, Objection>> {
        self.run(GUARD).await?;
        let mut rows = 0;
        for sql in statements {
            let done = self.run(sql).await;
            match self.judged(table, done).await? {
                Ok(hit) => rows = hit,
                Err(objection) => {
                    self.run(TAKE_BACK).await?;
                    return Ok(Err(objection));
                }
            }
        }
        Ok(Ok(rows))
    }

    /// Takes back what was done since the last [`Session::write`] or [`Session::load`] began.
    pub(in crate::mysql) async fn take_back(&self) -> Attempt<()> {
        self.run(TAKE_BACK).await.map(drop)
    }

    /// All rows of a query, each value in its own type.
    pub(in crate::mysql) async fn rows(&self, query: String, codecs: &[Codec]) -> Attempt<RowBatch> {
        let mut batch = RowBatch::new(codecs.len());
        self.each_row(query, codecs, |cells| {
            while let Some(cell) = cells.next()? {
                batch.push(cell)?;
            }
            Ok(())
        })
        .await?;
        Ok(batch)
    }

    /// Shows the rows of a query one by one.
    pub(in crate::mysql) async fn each_row(
        &self,
        query: String,
        codecs: &[Codec],
        each: impl FnMut(&mut Cells<'_>) -> Result<()> + Send,
    ) -> Attempt<()> {
        self.require_open()?;
        let done = show_rows(&self.connection, query, codecs, each).await;
        self.noted(done)
    }

    /// The rows of a query that returns whole numbers, all of them.
    pub(in crate::mysql) async fn numbers(&self, query: String) -> Attempt<Vec<Vec<i64>>> {
        self.require_open()?;
        let asked = self.connection.line.query(query).await;
        let row = |row: &Answered| (0..row.len()).map(|at| cell(row, at)).collect::<Result<Vec<i64>>>();
        Ok(self.noted(asked)?.iter().map(row).collect::<Result<_>>()?)
    }

    /// What a statement has hit, or what the server has against a row. The server may have written it all the same, changed,
    /// and only warned of it.
    async fn judged(&self, table: &str, done: Attempt<Outcome>) -> Attempt<std::result::Result<u64, Objection>> {
        match done {
            Ok(Outcome { rows, warnings: 0 }) => Ok(Ok(rows)),
            Ok(Outcome { rows, warnings }) => Ok(match self.warned(warnings).await? {
                None => Ok(rows),
                Some(objection) => Err(objection),
            }),
            Err(Failure::Mysql(error)) => Failure::of_row(table)(error).refusal().map(Err),
            Err(failure) => Err(failure),
        }
    }

    /// The first warning that is about a row.
    async fn warned(&self, warnings: u16) -> Attempt<Option<Objection>> {
        let asked = self.connection.line.query("SHOW WARNINGS").await;
        let shown = self.noted(asked)?;
        Ok(objection(&shown, warnings)?)
    }

    /// Takes note of a failure that has ended the transaction.
    fn noted<T, E: Into<Failure>>(&self, done: std::result::Result<T, E>) -> Attempt<T> {
        done.map_err(|error| {
            let failure = error.into();
            self.note(&failure);
            failure
        })
    }

    fn note(&self, failure: &Failure) {
        // How much a lock that was not given takes back is the server's to say, so it is taken for all.
        if failure.is_retryable() || matches!(failure, Failure::Mysql(Driver::Io(_) | Driver::Driver(_))) {
            self.has_ended.store(true, Ordering::Relaxed);
        }
    }

    fn require_open(&self) -> Attempt<()> {
        match self.has_ended.load(Ordering::Relaxed) {
            false => Ok(()),
            true => Err(bug("a transaction that has ended was asked to go on")),
        }
    }
}

/// The first of so many warnings that is about a row.
fn objection(shown: &[Answered], warnings: u16) -> Result<Option<Objection>> {
    for row in shown {
        let (level, number): (String, u16) = (cell(row, 0)?, cell(row, 1)?);
        let is_harmless = NOT_OF_ROWS.contains(&number) || level == "Note" && !CHANGED.contains(&number);
        if !is_harmless {
            let message: String = cell(row, 2)?;
            let said = ServerError { code: number, message: message.clone(), state: String::new() };
            return Ok(Some((reason(&said).unwrap_or(Reason::Type), message)));
        }
    }
    let is_all = shown.len() >= usize::from(warnings);
    Ok((!is_all).then(|| (Reason::Type, "the server has more warnings than it shows".to_owned())))
}

fn temporary(number: usize) -> String {
    format!("_syncline_temp_{number}")
}

pub(in crate::mysql) fn bug(what: &str) -> Failure {
    Error::new(Code::Internal, what).into()
}
