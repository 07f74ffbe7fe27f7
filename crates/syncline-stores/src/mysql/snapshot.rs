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

impl MysqlSnapshot {
    /// Opens a view of a database.
    ///
    /// # Errors
    /// As [`connect`].
    pub async fn open(options: Arc<ConnectOptions>) -> Result<Self> {
        let connection = connect(&options).await?;
        let before = Reading::of(&connection).await?;
        for statement in BEGIN {
            connection.line.run(statement).await.map_err(|error| connection.error(error))?;
        }
        let position = position::between(&before, &Reading::of(&connection).await?);
        let tables = schema::names(&connection).await?;
        let connection = Arc::new(connection);
        Ok(Self { connection, options, reader: None, flow: Flow::default(), position, tables, logged: None })
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
