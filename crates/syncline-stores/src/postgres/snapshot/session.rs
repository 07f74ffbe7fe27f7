//! The session of a view: a transaction that only reads, and survives what goes wrong in it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::{FutureExt, StreamExt};
use syncline_core::error::{Code, Error, Result};
use syncline_core::limits;
use tokio::time::timeout;
use tokio_postgres::{CopyOutStream, SimpleQueryMessage, SimpleQueryRow};

use super::meter::Meter;
use crate::idle::Idle;
use crate::postgres::connect::{ConnectOptions, Connection, cancel};

/// A failed statement spoils its transaction; back to here it does not, and the view stays the same.
const SAVEPOINT: &str = "SAVEPOINT syncline";
const BACK: &str = "ROLLBACK TO SAVEPOINT syncline";
/// An export is a matter of whole transactions.
const OUTSIDE: &str = "RELEASE SAVEPOINT syncline";

/// Long enough for a request to cancel that is still on its way to come in, whatever it finds.
const LATE_REQUEST: &str = "SELECT pg_sleep(0.1)";

/// One session with one view.
pub(in crate::postgres) struct Session {
    connection: Arc<Connection>,
    /// Who has it next.
    idle: Option<Arc<Idle<Connection>>>,
    options: Arc<ConnectOptions>,
    /// What comes through this session and others with the same view.
    pub(super) meter: Arc<Meter>,
    /// Something was begun whose end nobody has seen, or not a good one.
    is_spoilt: AtomicBool,
}

impl Drop for Session {
    fn drop(&mut self) {
        let Some(idle) = self.idle.take().filter(|_| !*self.is_spoilt.get_mut()) else { return };
        // The first look at it sends it; whether it went well, whoever comes next sees.
        let _ = self.connection.client.batch_execute("ROLLBACK").now_or_never();
        idle.put(Arc::clone(&self.connection));
    }
}

impl Session {
    /// Begins a transaction, in the same instant as the one that has exported `view` where one is named.
    pub(super) async fn begin(
        (connection, idle): (Arc<Connection>, Option<Arc<Idle<Connection>>>),
        options: Arc<ConnectOptions>,
        meter: Arc<Meter>,
        view: Option<&str>,
    ) -> Result<Self> {
        let session = Self { connection, idle, options, meter, is_spoilt: AtomicBool::new(true) };
        let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        let begin = match view {
            None => begin.to_owned(),
            Some(view) => {
                let view = crate::sql::Dialect::Postgres.literal(syncline_core::value::ValueRef::Text(view.as_bytes()));
                format!("{begin}; SET TRANSACTION SNAPSHOT {view}")
            }
        };
        session.run(&begin).await?;
        // BEGIN alone takes no view; the first query does.
        session.run(&format!("SELECT 1; {SAVEPOINT}")).await?;
        session.done();
        Ok(session)
    }

    /// The name by which others can have the same view as long as this one is open.
    pub(super) async fn export(&self) -> Result<String> {
        self.run(OUTSIDE).await?;
        let row = self.row(&format!("SELECT pg_export_snapshot(); {SAVEPOINT}")).await?;
        Ok(cell(&row, 0)?.to_owned())
    }

    /// To be called before anything is begun. What came before is forgotten.
    pub(super) async fn ready(&self) -> Result<()> {
        if self.is_spoilt.swap(true, Ordering::AcqRel) {
            self.run(BACK).await?;
        }
        Ok(())
    }

    /// To be called once what was begun has come to a good end.
    pub(super) fn done(&self) {
        self.is_spoilt.store(false, Ordering::Release);
    }

    /// The rows of the last query in `sql`.
    pub(in crate::postgres) async fn rows(&self, sql: &str) -> Result<Vec<SimpleQueryRow>> {
        let answers = self.connection.client.simple_query(sql).await.map_err(|error| self.error(error))?;
        let rows = answers.into_iter().filter_map(|answer| match answer {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        Ok(rows.collect())
    }

    /// The one row of a query.
    pub(in crate::postgres) async fn row(&self, sql: &str) -> Result<SimpleQueryRow> {
        let rows = self.rows(sql).await?;
        rows.into_iter().next().ok_or_else(|| strange("there is no row where there is always one"))
    }

    /// Whether the server carries out a query whose values it may find fault with. What it was doing before stays.
    pub(super) async fn accepts(&self, query: &str) -> Result<bool> {
        let guarded = format!("SAVEPOINT syncline_query; {query}; RELEASE SAVEPOINT syncline_query");
        match self.connection.client.simple_query(&guarded).await {
            Ok(_) => Ok(true),
            // Of values, and of what they name.
            Err(error)
                if error.code().is_some_and(|code| ["22", "42"].iter().any(|class| code.code().starts_with(class))) =>
            {
                self.run("ROLLBACK TO SAVEPOINT syncline_query; RELEASE SAVEPOINT syncline_query").await?;
                Ok(false)
            }
            Err(error) => Err(self.error(error)),
        }
    }

    /// Begins `COPY (…) TO STDOUT`.
    pub(super) async fn copy(&self, query: &str) -> Result<CopyOutStream> {
        let sql = format!("COPY ({query}) TO STDOUT (FORMAT binary)");
        self.connection.client.copy_out(sql.as_str()).await.map_err(|error| self.error(error))
    }

    /// Brings what nobody wants any more to its end. A little is waited for; for more the server is asked to stop.
    pub(super) async fn abandon(&self, mut copy: std::pin::Pin<Box<CopyOutStream>>) {
        let a_little = async {
            let mut bytes = 0;
            while bytes < limits::COPY_DRAINED_BYTES {
                match copy.next().await {
                    Some(Ok(chunk)) => bytes += chunk.len(),
                    Some(Err(_)) | None => return true,
                }
            }
            false
        };
        if timeout(limits::COPY_DRAINED_WITHIN, a_little).await.unwrap_or(false) {
            return;
        }
        // Where the request does not get through, the rest has to come.
        let is_asked = cancel(&self.connection, &self.options).await.is_ok();
        let mut is_heard = false;
        while let Some(chunk) = copy.next().await {
            if chunk.is_err() {
                is_heard = true;
                break;
            }
        }
        if is_asked && !is_heard {
            let _ = self.run(LATE_REQUEST).await;
        }
    }

    /// The connection, for what is asked of the catalog. Whoever uses it is [ready](Session::ready).
    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The error a person sees.
    pub(super) fn error(&self, error: tokio_postgres::Error) -> Error {
        self.connection.error(error)
    }

    async fn run(&self, sql: &str) -> Result<()> {
        self.rows(sql).await.map(drop)
    }
}

/// A cell of a row, which is not NULL.
pub(in crate::postgres) fn cell(row: &SimpleQueryRow, at: usize) -> Result<&str> {
    row.try_get(at).ok().flatten().ok_or_else(|| strange("a cell is NULL that never is"))
}

/// A whole number in a row.
pub(in crate::postgres) fn number<N: std::str::FromStr>(row: &SimpleQueryRow, at: usize) -> Result<N> {
    cell(row, at)?.parse().map_err(|_| strange("a cell is no number that always is"))
}

fn strange(why: &str) -> Error {
    Error::new(Code::StoreFailed, "the PostgreSQL server gave an answer that cannot be").because(why)
}
