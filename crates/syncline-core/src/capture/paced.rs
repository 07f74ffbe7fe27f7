//! A store whose views are read at a pace.
//!
//! Everything that goes through its views is held to the pace, whoever reads: comparisons, loads, proofs. What a database
//! does by itself in one statement is not, because nothing comes by that could be counted: it sorts, or looks into an index.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};

use crate::change::TableTask;
use crate::error::Result;
use crate::limits;
use crate::pace::{Lane, Pace};
use crate::schema::{ForeignKey, NewColumn, Schema, TableSchema, Translated, Widened};
use crate::store::{
    Backup, Cursor, Description, DigestStream, Estimate, Finding, Flow, Grants, LogPosition, Logs, Orphans, Position,
    RangeSums, RowStream, RunClaim, Scale, Share, SharedView, Side, Snapshot, Store, SumStream, TouchedStream,
    Tracking, Window, Writer,
};
use crate::value::RowBatch;

/// A store, and the pace at which its rows are read. Writing goes straight through: transactions are paced by those who
/// begin them, outside of them where that is possible.
pub struct PacedStore {
    inner: Arc<dyn Store>,
    pace: Arc<Pace>,
    lane: Lane,
}

impl PacedStore {
    /// The store, whose rows are counted in this lane.
    pub fn new(inner: Arc<dyn Store>, pace: Arc<Pace>, lane: Lane) -> Self {
        Self { inner, pace, lane }
    }
}

#[async_trait]
impl Store for PacedStore {
    async fn describe(&self) -> Result<Description> {
        self.inner.describe().await
    }

    async fn snapshot(&self) -> Result<Box<dyn Snapshot>> {
        let meter = Meter { pace: Arc::clone(&self.pace), lane: self.lane };
        Ok(Box::new(PacedSnapshot::new(self.inner.snapshot().await?, meter)))
    }

    async fn writer(&self) -> Result<Box<dyn Writer>> {
        self.inner.writer().await
    }

    async fn claim(&self, note: &str) -> Result<Box<dyn RunClaim>> {
        self.inner.claim(note).await
    }

    async fn examine(&self, side: Option<Side>) -> Result<Vec<Finding>> {
        self.inner.examine(side).await
    }

    async fn grants(&self, side: Side, role: &str, tables: &[String]) -> Result<Option<Grants>> {
        self.inner.grants(side, role, tables).await
    }

    fn backup(&self) -> Option<&dyn Backup> {
        self.inner.backup()
    }

    fn tracking(&self) -> &dyn Tracking {
        self.inner.tracking()
    }
}

struct PacedSnapshot {
    inner: Box<dyn Snapshot>,
    meter: Meter,
}

impl PacedSnapshot {
    fn new(inner: Box<dyn Snapshot>, meter: Meter) -> Self {
        let mut this = Self { inner, meter };
        this.set_flow(Flow::default());
        this
    }
}

/// Where rows are paid for.
#[derive(Clone)]
struct Meter {
    pace: Arc<Pace>,
    lane: Lane,
}

impl Meter {
    /// Rows in one batch.
    fn rows(&self) -> usize {
        self.pace.rows_at_once().min(limits::STREAM_ROWS)
    }

    async fn pay(&self) -> Result<()> {
        self.pace.pay(self.lane, self.rows()).await
    }

    /// Pays for every batch before it is read. The first is paid for already: it is read once the stream is made.
    fn stream<'a, T: Send + 'a>(
        &self,
        batches: BoxStream<'a, Result<T>>,
        rows_of: fn(&T) -> u64,
    ) -> BoxStream<'a, Result<T>> {
        let metered = Metered { meter: self.clone(), batches, rows_of, is_paid: true };
        stream::unfold(metered, Metered::next).boxed()
    }
}

/// A stream and who counts its rows.
struct Metered<'a, T> {
    meter: Meter,
    batches: BoxStream<'a, Result<T>>,
    rows_of: fn(&T) -> u64,
    /// Whether the next batch is paid for.
    is_paid: bool,
}

impl<'a, T: Send + 'a> Metered<'a, T> {
    async fn next(mut self) -> Option<(Result<T>, Self)> {
        if !self.is_paid
            && let Err(error) = self.meter.pay().await
        {
            return Some((Err(error), Self { batches: stream::empty().boxed(), ..self }));
        }
        let batch = self.batches.next().await;
        let rows = batch.as_ref().and_then(|batch| batch.as_ref().ok()).map_or(0, self.rows_of);
        self.meter.pace.correct(self.meter.lane, self.meter.rows(), rows);
        batch.map(|batch| (batch, Self { is_paid: false, ..self }))
    }
}

#[async_trait]
impl Snapshot for PacedSnapshot {
    async fn schema(&mut self) -> Result<Schema> {
        self.inner.schema().await
    }

    fn translate(&self, table: &Arc<TableSchema>) -> Translated {
        self.inner.translate(table)
    }

    fn settled(&self, table: &Arc<TableSchema>, among: &Schema) -> Translated {
        self.inner.settled(table, among)
    }

    fn statements(&self, table: &TableSchema) -> Result<Vec<String>> {
        self.inner.statements(table)
    }

    fn tells_commits_apart(&self) -> bool {
        self.inner.tells_commits_apart()
    }

    async fn writes(&mut self) -> Result<Option<u64>> {
        self.inner.writes().await
    }

    async fn widened(&mut self, table: &TableSchema, columns: &[NewColumn]) -> Result<Widened> {
        self.inner.widened(table, columns).await
    }

    /// By reading them: an engine that counts by itself reads as fast as it can.
    async fn count(&mut self, task: &TableTask) -> Result<u64> {
        let (mut sums, mut rows) = (self.sum(task, Share::ALL).await?, 0);
        while let Some(part) = sums.next().await.transpose()? {
            rows += part.sum.rows;
        }
        Ok(rows)
    }

    async fn is_empty(&mut self, task: &TableTask) -> Result<bool> {
        self.inner.is_empty(task).await
    }

    async fn estimate(&mut self, task: &TableTask) -> Result<Estimate> {
        self.inner.estimate(task).await
    }

    async fn highest(&mut self, task: &TableTask, column: &str, scale: Scale) -> Result<Option<i64>> {
        self.inner.highest(task, column, scale).await
    }

    async fn check_key(&mut self, task: &TableTask) -> Result<()> {
        self.inner.check_key(task).await
    }

    async fn scan(&mut self, task: &TableTask) -> Result<RowStream<'_>> {
        self.meter.pay().await?;
        Ok(self.meter.stream(self.inner.scan(task).await?, |rows| rows.len() as u64))
    }

    async fn digest(&mut self, task: &TableTask) -> Result<DigestStream<'_>> {
        self.meter.pay().await?;
        Ok(self.meter.stream(self.inner.digest(task).await?, |batch| batch.read))
    }

    async fn sum(&mut self, task: &TableTask, share: Share) -> Result<SumStream<'_>> {
        self.meter.pay().await?;
        Ok(self.meter.stream(self.inner.sum(task, share).await?, |part| part.sum.rows))
    }

    /// Few keys are paid for in one go, so that a transaction that was begun when all was paid for waits for nothing.
    async fn fetch(&mut self, task: &TableTask, keys: &RowBatch) -> Result<RowStream<'_>> {
        let Meter { pace, lane } = &self.meter;
        if keys.len() <= pace.rows_at_once() {
            pace.pay(*lane, keys.len()).await?;
            return self.inner.fetch(task, keys).await;
        }
        self.meter.pay().await?;
        Ok(self.meter.stream(self.inner.fetch(task, keys).await?, |rows| rows.len() as u64))
    }

    /// Not paid for, as in a transaction: the engine looks for them by itself and hands over few.
    async fn orphans(
        &mut self,
        child: &TableTask,
        foreign_key: &ForeignKey,
        keys: Option<&RowBatch>,
        limit: usize,
    ) -> Result<Orphans> {
        self.inner.orphans(child, foreign_key, keys, limit).await
    }

    fn set_flow(&mut self, flow: Flow) {
        self.inner.set_flow(Flow { rows: flow.rows.min(self.meter.rows()), reads_ahead: false, ..flow });
    }

    async fn twin(&mut self) -> Result<Option<Box<dyn Snapshot>>> {
        let twin = self.inner.twin().await?;
        Ok(twin.map(|twin| Box::new(PacedSnapshot::new(twin, self.meter.clone())) as Box<dyn Snapshot>))
    }

    async fn logs(&mut self) -> Result<Option<Logs>> {
        self.inner.logs().await
    }

    async fn window(&mut self, task: &TableTask, since: &LogPosition) -> Result<Window> {
        self.inner.window(task, since).await
    }

    async fn touched(&mut self, task: &TableTask, since: &LogPosition) -> Result<TouchedStream<'_>> {
        self.meter.pay().await?;
        Ok(self.meter.stream(self.inner.touched(task, since).await?, |batch| batch.keys.len() as u64))
    }

    async fn cursors(&mut self) -> Result<Vec<Cursor>> {
        self.inner.cursors().await
    }

    async fn sequence(&mut self, table: &str) -> Result<Option<i64>> {
        self.inner.sequence(table).await
    }

    async fn position(&mut self) -> Result<Position> {
        self.inner.position().await
    }

    /// None: an engine sums up as fast as it can, and nothing comes by that could be counted.
    fn sums(&mut self) -> Option<&mut dyn RangeSums> {
        None
    }

    /// None: an engine that takes a table over by itself does so as fast as it can.
    fn shared(&self) -> Option<Arc<dyn SharedView>> {
        None
    }
}
