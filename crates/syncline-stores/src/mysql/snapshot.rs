//! One consistent view, in a transaction and a session of its own.

mod estimate;
pub(super) mod lookup;
mod orphans;
mod places;
mod port;
mod rows;
pub(super) mod select;
pub(super) mod sequence;
pub(super) mod stream;
mod sum;

use std::future::Future;
use std::sync::Arc;

use futures_util::stream::BoxStream;
use syncline_core::error::{Code, Error, Result};
use syncline_core::store::{Flow, Position};
use tokio::task::JoinHandle;

use super::capture;
use super::connect::failure::Doing;
use super::connect::{ConnectOptions, Connection, connect};
use super::position::{self, Reading};
use super::schema;
use super::track::catalog::Tracked;
use crate::idle::Idle;
use crate::stream::{Load, Outlet, flow};
use crate::touched::Logged;

/// A view begins at once, and shows what was committed by then as long as the transaction lasts.
const BEGIN: [&str; 2] = [
    "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
];

/// An open view. The server keeps it for as long as the transaction lasts; it keeps nobody from writing, only from altering the
/// tables that were read.
pub struct MysqlSnapshot {
    connection: Arc<Connection>,
    /// Who has the session next.
    idle: Option<Arc<Idle<Connection>>>,
    /// How more sessions are opened: what is asked of the server on tables of ours may not be asked in the view's own.
    options: Arc<ConnectOptions>,
    /// What still reads for a stream that may have been dropped.
    reader: Option<JoinHandle<()>>,
    flow: Flow,
    position: Position,
    /// The tables there were as it began: the catalog is in no transaction.
    tables: Vec<String>,
    /// The logs of changes, once somebody has asked for them.
    logged: Option<Option<Arc<Logged<Tracked>>>>,
}

impl Drop for MysqlSnapshot {
    fn drop(&mut self) {
        let is_read = self.reader.as_ref().is_some_and(|reader| !reader.is_finished());
        let Some(idle) = self.idle.take().filter(|_| !is_read) else { return };
        // Whether it went well, whoever comes next sees.
        self.connection.line.say("ROLLBACK");
        idle.put(Arc::clone(&self.connection));
    }
}

impl MysqlSnapshot {
    /// Opens a view of a database.
    ///
    /// # Errors
    /// As [`connect`].
    pub async fn open(options: Arc<ConnectOptions>) -> Result<Self> {
        let connection = Arc::new(connect(&options).await?);
        Self::begin(connection, options, None).await
    }

    /// As [`MysqlSnapshot::open`], in a session that another view has left, where there is one, and to be left to the next.
    pub(super) async fn open_among(options: Arc<ConnectOptions>, idle: &Arc<Idle<Connection>>) -> Result<Self> {
        if let Some(connection) = idle.take()
            && let Ok(view) = Self::begin(connection, Arc::clone(&options), Some(Arc::clone(idle))).await
        {
            return Ok(view);
        }
        let connection = Arc::new(connect(&options).await?);
        Self::begin(connection, options, Some(Arc::clone(idle))).await
    }

    async fn begin(
        connection: Arc<Connection>,
        options: Arc<ConnectOptions>,
        idle: Option<Arc<Idle<Connection>>>,
    ) -> Result<Self> {
        let before = Reading::of(&connection).await?;
        for statement in BEGIN {
            connection.line.run(statement).await.map_err(|error| connection.error(error))?;
        }
        let position = position::between(&before, &Reading::of(&connection).await?);
        let tables = schema::names(&connection).await?;
        Ok(Self { connection, idle, options, reader: None, flow: Flow::default(), position, tables, logged: None })
    }

    /// The session, once nobody else reads from it.
    async fn connection(&mut self) -> Result<Arc<Connection>> {
        if let Some(reader) = self.reader.take() {
            let died = |error| Error::new(Code::Internal, "the task that reads a table has died").caused_by(error);
            reader.await.map_err(died)?;
        }
        Ok(Arc::clone(&self.connection))
    }

    /// The logs of changes; `None` where tracking is not installed.
    async fn logged(&mut self) -> Result<Option<Arc<Logged<Tracked>>>> {
        if let Some(logged) = &self.logged {
            return Ok(logged.clone());
        }
        let connection = self.connection().await?;
        let read = capture::logged(&connection).await;
        let logged = read.map_err(|failure| connection.error_while(failure, Doing::Reading))?.map(Arc::new);
        self.logged = Some(logged.clone());
        Ok(logged)
    }

    async fn stream<T: Load, F>(
        &mut self,
        work: impl FnOnce(Arc<Connection>, Outlet<T>) -> F + Send,
    ) -> Result<BoxStream<'_, Result<T>>>
    where
        F: Future<Output = Result<bool>> + Send + 'static,
    {
        let connection = self.connection().await?;
        let (stream, reader) = flow(self.flow, |outlet| work(connection, outlet));
        self.reader = Some(reader);
        Ok(stream)
    }
}
