//! One consistent view, in a transaction and a session of its own.

mod estimate;
pub(super) mod lookup;
mod meter;
mod orphans;
pub(super) mod raw;
mod rows;
pub(super) mod select;
mod sequence;
pub(super) mod session;
pub(super) mod stream;
mod sum;
mod sums;
pub(super) mod view;

use std::future::Future;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use syncline_core::change::TableTask;
use syncline_core::error::{Code, Error, Result};
use syncline_core::schema::{ForeignKey, NewColumn, Schema, TableSchema, Translated, Widened};
use syncline_core::store::{
    Cursor, DigestStream, Estimate, Flow, LogPosition, Logs, Orphans, Position, RangeSums, RawFormat, RawStream,
    RowStream, Scale, Share, SharedView, Snapshot, SumStream, TouchedStream, Window,
};
use syncline_core::value::RowBatch;
use tokio::task::JoinHandle;

use self::select::filtered;
use self::session::{Session, number};
use self::stream::flow;
use self::view::{Facts, Sight};
use super::connect::{ConnectOptions, Connection, connect, connect_if_free};
use super::names::Names;
use super::track::catalog::Tracked;
use super::track::place::At;
use super::write::cursors;
use super::write::define::statements_of;
use super::{capture, digest, migrate, schema, translate};
use crate::idle::Idle;
use crate::stream::{Load, Outlet};
use crate::touched::Logged;

/// An open view. The server keeps it for as long as the transaction lasts; it keeps nobody from writing, only from emptying or
/// rebuilding the tables that were read.
pub struct PostgresSnapshot {
    options: Arc<ConnectOptions>,
    sight: Sight,
    /// What still reads for a stream that may have been dropped.
    reader: Option<JoinHandle<()>>,
    flow: Flow,
    /// The logs of changes, once somebody has asked for them.
    logged: Option<Option<Arc<Logged<Tracked>>>>,
}

impl PostgresSnapshot {
    /// Opens a view of a database.
    ///
    /// # Errors
    /// As [`connect`].
    pub async fn open(options: Arc<ConnectOptions>, names: Names) -> Result<Self> {
        let connection = Arc::new(connect(&options).await?);
        Self::begin((connection, None), options, names).await
    }

    /// As [`PostgresSnapshot::open`], in a session that another view has left, where there is one, and to be left to the next.
    pub(super) async fn open_among(
        options: Arc<ConnectOptions>,
        names: Names,
        idle: &Arc<Idle<Connection>>,
    ) -> Result<Self> {
        if let Some(connection) = idle.take() {
            let begun = Self::begin((connection, Some(Arc::clone(idle))), Arc::clone(&options), names.clone()).await;
            if let Ok(view) = begun {
                return Ok(view);
            }
        }
        let connection = Arc::new(connect(&options).await?);
        Self::begin((connection, Some(Arc::clone(idle))), options, names).await
    }

    async fn begin(
        session: (Arc<Connection>, Option<Arc<Idle<Connection>>>),
        options: Arc<ConnectOptions>,
        names: Names,
    ) -> Result<Self> {
        let session = Session::begin(session, Arc::clone(&options), Arc::default(), None).await?;
        let facts = Arc::new(Facts::of(&session, names).await?);
        Ok(Self::new(options, Sight { session: Arc::new(session), facts }))
    }

    fn new(options: Arc<ConnectOptions>, sight: Sight) -> Self {
        Self { options, sight, reader: None, flow: Flow::default(), logged: None }
    }

    /// The session, once nobody else uses it and it is as good as new.
    async fn sight(&mut self) -> Result<Sight> {
        if let Some(reader) = &mut self.reader {
            let ended = reader.await;
            self.reader = None;
            ended
                .map_err(|error| Error::new(Code::Internal, "the task that reads a table has died").caused_by(error))?;
        }
        self.sight.session.ready().await?;
        Ok(self.sight.clone())
    }

    /// Takes note that what was begun has come to a good end.
    fn done<T>(&self, result: Result<T>) -> Result<T> {
        if result.is_ok() {
            self.sight.session.done();
        }
        result
    }

    /// The logs of changes; `None` where tracking is not installed.
    async fn logged(&mut self) -> Result<Option<Arc<Logged<Tracked>>>> {
        if let Some(logged) = &self.logged {
            return Ok(logged.clone());
        }
        let sight = self.sight().await?;
        let read = sight.said(capture::logged(sight.session.connection(), &sight.facts.names).await);
        let logged = self.done(read)?.map(Arc::new);
        self.logged = Some(logged.clone());
        Ok(logged)
    }

    async fn stream<T: Load, F>(
        &mut self,
        work: impl FnOnce(Sight, Outlet<T>) -> F + Send,
    ) -> Result<BoxStream<'_, Result<T>>>
    where
        F: Future<Output = Result<bool>> + Send + 'static,
    {
        let sight = self.sight().await?;
        let session = Arc::clone(&sight.session);
        let (stream, reader) = flow(&session, self.flow, |outlet| work(sight, outlet));
        self.reader = Some(reader);
        Ok(stream)
    }

    async fn open_twin(&mut self) -> Result<Self> {
        let exported = self.sight().await?.session.export().await;
        let exported = self.done(exported)?;
        let connection = Arc::new(connect_if_free(&self.options).await?);
        let meter = Arc::clone(&self.sight.session.meter);
        let session = match Session::begin((connection, None), Arc::clone(&self.options), meter, Some(&exported)).await
        {
            Ok(session) => session,
            // A server that was restarted in between knows nothing of this view: what has happened is that it ended.
            Err(error) => return Err(self.sight.session.row("SELECT 1").await.err().unwrap_or(error)),
        };
        let sight = Sight { session: Arc::new(session), facts: Arc::clone(&self.sight.facts) };
        Ok(Self { flow: self.flow, ..Self::new(Arc::clone(&self.options), sight) })
    }
}

#[async_trait]
impl Snapshot for PostgresSnapshot {
    async fn schema(&mut self) -> Result<Schema> {
        let sight = self.sight().await?;
        let read = schema::read(sight.session.connection(), &sight.facts.names).await;
        self.done(read)
    }

    fn translate(&self, table: &Arc<TableSchema>) -> Translated {
        translate::translate(table, &self.sight.facts.names)
    }

    fn settled(&self, table: &Arc<TableSchema>, among: &Schema) -> Translated {
        translate::settled(table, among)
    }

    fn statements(&self, table: &TableSchema) -> Result<Vec<String>> {
        statements_of(table, &self.sight.facts.names)
    }

    fn tells_commits_apart(&self) -> bool {
        false
    }

    async fn widened(&mut self, table: &TableSchema, columns: &[NewColumn]) -> Result<Widened> {
        let connection = connect(&self.options).await?;
        migrate::widened(&connection, &self.sight.facts.names, table, columns).await
    }

    async fn count(&mut self, task: &TableTask) -> Result<u64> {
        let sight = self.sight().await?;
        let counted = count(&sight, task).await;
        self.done(counted)
    }

    async fn is_empty(&mut self, task: &TableTask) -> Result<bool> {
        let sight = self.sight().await?;
        let looked = estimate::is_empty(&sight, task).await;
        self.done(looked)
    }

    async fn highest(&mut self, task: &TableTask, column: &str, scale: Scale) -> Result<Option<i64>> {
        let sight = self.sight().await?;
        let found = estimate::highest(&sight, task, column, scale).await;
        self.done(found)
    }

    async fn estimate(&mut self, task: &TableTask) -> Result<Estimate> {
        let sight = self.sight().await?;
        let estimated = estimate::estimate(&sight, task).await;
        self.done(estimated)
    }

    async fn check_key(&mut self, task: &TableTask) -> Result<()> {
        let sight = self.sight().await?;
        let checked = digest::check_key(&sight, task).await;
        self.done(checked)
    }

    async fn scan(&mut self, task: &TableTask) -> Result<RowStream<'_>> {
        let task = task.clone();
        self.stream(|sight, outlet| rows::scan(sight, task, outlet)).await
    }

    fn raw_format(&self, task: &TableTask) -> Option<RawFormat> {
        raw::format(task)
    }

    async fn scan_raw(&mut self, task: &TableTask) -> Result<RawStream<'_>> {
        let task = task.clone();
        self.stream(|sight, outlet| raw::scan(sight, task, outlet)).await
    }

    async fn digest(&mut self, task: &TableTask) -> Result<DigestStream<'_>> {
        let task = task.clone();
        self.stream(|sight, outlet| digest::stream(sight, task, None, outlet)).await
    }

    async fn sum(&mut self, task: &TableTask, share: Share) -> Result<SumStream<'_>> {
        let task = task.clone();
        self.stream(|sight, outlet| sum::stream(sight, task, share, outlet)).await
    }

    async fn fetch(&mut self, task: &TableTask, keys: &RowBatch) -> Result<RowStream<'_>> {
        let (task, keys) = (task.clone(), keys.clone());
        self.stream(|sight, outlet| rows::fetch(sight, task, keys, outlet)).await
    }

    fn set_flow(&mut self, flow: Flow) {
        self.flow = flow;
    }

    fn sums(&mut self) -> Option<&mut dyn RangeSums> {
        Some(self)
    }

    async fn orphans(
        &mut self,
        child: &TableTask,
        foreign_key: &ForeignKey,
        keys: Option<&RowBatch>,
        limit: usize,
    ) -> Result<Orphans> {
        let sight = self.sight().await?;
        let found = orphans::find(&sight, child, foreign_key, keys, limit).await;
        self.done(found)
    }

    async fn logs(&mut self) -> Result<Option<Logs>> {
        Ok(self.logged().await?.map(|logged| logged.logs.clone()))
    }

    async fn window(&mut self, task: &TableTask, since: &LogPosition) -> Result<Window> {
        let Some(logged) = self.logged().await? else {
            return Ok(Window::Cut("its changes are not logged".to_owned()));
        };
        let sight = self.sight().await?;
        let window = match logged.of(task) {
            Err(why) => return Ok(Window::Cut(why)),
            Ok(tracked) => {
                capture::window(sight.session.connection(), (&sight.facts.names, tracked), task, since).await
            }
        };
        self.done(sight.said(window))
    }

    async fn touched(&mut self, task: &TableTask, since: &LogPosition) -> Result<TouchedStream<'_>> {
        let logged = self.logged().await?;
        let tracked = logged.as_deref().and_then(|logged| logged.of(task).ok().cloned());
        let tracked = tracked
            .zip(At::parse(since))
            .ok_or_else(|| Error::new(Code::Internal, format!("no log is kept of {}", task.table.name)))?;
        let task = task.clone();
        self.stream(|sight, outlet| capture::touched(sight, task, tracked, outlet)).await
    }

    async fn cursors(&mut self) -> Result<Vec<Cursor>> {
        let sight = self.sight().await?;
        let cursors = sight.said(cursors::read(sight.session.connection(), &sight.facts.names).await);
        self.done(cursors)
    }

    async fn sequence(&mut self, table: &str) -> Result<Option<i64>> {
        let sight = self.sight().await?;
        let last = sequence::read(&sight, table).await;
        self.done(last)
    }

    async fn twin(&mut self) -> Result<Option<Box<dyn Snapshot>>> {
        match self.open_twin().await {
            Ok(twin) => Ok(Some(Box::new(twin))),
            // The server lets so many in and no more.
            Err(error) if error.code() == Code::StoreUnreachable => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn position(&mut self) -> Result<Position> {
        Ok(self.sight.facts.position.clone())
    }

    async fn writes(&mut self) -> Result<Option<u64>> {
        let sight = self.sight().await?;
        let counted = writes(&sight).await;
        self.done(counted).map(Some)
    }

    fn shared(&self) -> Option<Arc<dyn SharedView>> {
        None
    }
}

/// Of all tables but the system's: looking after those is nobody's write.
async fn writes(sight: &Sight) -> Result<u64> {
    // A transaction goes on seeing what it saw first, unless it is told to look again.
    sight.session.row("SELECT pg_stat_clear_snapshot()").await?;
    let sql = "SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::int8 FROM pg_stat_user_tables";
    number(&sight.session.row(sql).await?, 0)
}

async fn count(sight: &Sight, task: &TableTask) -> Result<u64> {
    let ground = sight.ground(task).await?;
    let sql = format!("SELECT count(*) FROM {}{}", ground.table, filtered(task, None)?);
    number(&sight.session.row(&sql).await?, 0)
}
