//! What changes a database: the writer and its transactions, on a session of their own.
//!
//! A transaction sees what others commit meanwhile. What it is to write it first locks, row by row, and where that is not
//! enough the whole table; and then looks at what is there. Whatever ends a transaction early, a dropped future included,
//! sends a rollback before anything else is sent.

mod apply;
mod checkpoints;
mod copies;
pub(super) mod cursors;
pub mod define;
mod displaced;
pub(super) mod halves;
mod misfits;
pub(super) mod open;
pub(super) mod picked;
mod references;
mod rivals;
pub(super) mod sequence;
pub(super) mod session;
pub(super) mod stage;
pub(super) mod target;
mod triggers;

use async_trait::async_trait;
use syncline_core::change::{Applied, ApplyMode, ChangeBatch, Refusal, TableTask};
use syncline_core::checkpoint::Checkpoint;
use syncline_core::error::{Code, Error, Result};
use syncline_core::schema::{ForeignKey, SchemaStep, TableSchema};
use syncline_core::store::{
    Cursor, MisfitCell, Orphans, Position, RawBatch, RawFormat, SharedView, Sighting, Transaction, Writer,
};
use syncline_core::value::{RowBatch, ValueRef};

use self::define::Waiting;
use self::open::{BEGIN, Open};
use self::session::Session;
use super::bulk;
use super::connect::failure::Attempt;
use super::connect::{ConnectOptions, connect};
use super::names::Names;
use super::snapshot::raw;
use crate::one_writer::OneWriter;
use crate::sql::Dialect;

/// Makes what is acknowledged durable, whatever the server or the role is set to: a stronger setting stays.
const DURABLE: &str = "SELECT set_config('synchronous_commit', 'on', false) \
    WHERE current_setting('synchronous_commit') = 'off'";

/// A run's way to write.
pub(super) struct PostgresWriter {
    session: Session,
    names: Names,
    /// Whether the session may count as one that replicates, once that is known.
    may_replicate: Option<bool>,
    /// As [`Writer::sign`].
    origin: String,
    /// References of tables that were created, to tables that are yet to be.
    waiting: Waiting,
    _right: OneWriter,
}

impl PostgresWriter {
    /// A writer with a session of its own.
    pub(super) async fn open(options: &ConnectOptions, names: Names, right: OneWriter) -> Result<Self> {
        let session = Session::new(connect(options).await?);
        session.said(session.run(DURABLE).await)?;
        Ok(Self {
            session,
            names,
            may_replicate: None,
            origin: String::new(),
            waiting: Waiting::default(),
            _right: right,
        })
    }
}

#[async_trait]
impl Writer for PostgresWriter {
    async fn checkpoints(&mut self) -> Result<Vec<Checkpoint>> {
        self.session.said(checkpoints::read(&self.session, &self.names).await)
    }

    async fn begin(&mut self) -> Result<Box<dyn Transaction + '_>> {
        // Made before the first await: if the future is dropped, the transaction that may have begun is undone.
        let Self { session, names, may_replicate, waiting, origin, .. } = self;
        let ending = Ending(session);
        let begun = async {
            let origin = Dialect::Postgres.literal(ValueRef::Text(origin.as_bytes()));
            session.run(&format!("ROLLBACK; {BEGIN}; SET LOCAL syncline.origin = {origin}")).await?;
            triggers::replicate(session, *may_replicate).await
        };
        let replicates = session.said(begun.await)?;
        *may_replicate = Some(replicates);
        let open = Open::new(session, names, replicates);
        Ok(Box::new(PostgresTransaction { open, ending, waiting: waiting.clone(), committed: waiting }))
    }

    fn sign(&mut self, origin: &str) {
        origin.clone_into(&mut self.origin);
    }

    async fn forget(&mut self, run: &str) -> Result<()> {
        let ending = Ending(&self.session);
        let forgotten = async {
            if checkpoints::exist(&self.session, &self.names).await? {
                self.session.run(&format!("ROLLBACK; {BEGIN}")).await?;
                checkpoints::forget(&self.session, &self.names, run).await?;
                self.session.run("COMMIT").await?;
            }
            Ok(())
        };
        let forgotten = self.session.said(forgotten.await);
        drop(ending);
        forgotten
    }

    async fn unlink(&mut self) -> Result<bool> {
        let ending = Ending(&self.session);
        let unlinked = async {
            if !cursors::exist(self.session.connection(), &self.names).await? {
                return Ok(false);
            }
            self.session.run(&format!("ROLLBACK; {BEGIN}")).await?;
            cursors::remove(self.session.connection(), &self.names).await?;
            checkpoints::forget(&self.session, &self.names, "").await?;
            self.session.run("COMMIT").await?;
            Ok(true)
        };
        let unlinked = self.session.said(unlinked.await);
        drop(ending);
        unlinked
    }
}

/// Ends the transaction of a session when dropped, which does nothing after a commit.
struct Ending<'w>(&'w Session);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        // Should it fail, `begin` tries again and reports it.
        self.0.say("ROLLBACK");
    }
}

/// An open transaction.
struct PostgresTransaction<'w> {
    open: Open<'w>,
    ending: Ending<'w>,
    waiting: Waiting,
    /// What is waiting once the transaction is committed.
    committed: &'w mut Waiting,
}

impl PostgresTransaction<'_> {
    fn said<T>(&self, done: Attempt<T>) -> Result<T> {
        self.open.session.said(done)
    }

    /// Frees the session, which comes before whatever is asked of it: rows that were on their way have arrived.
    async fn settle(&mut self) -> Result<()> {
        let settled = self.open.settle().await;
        self.said(settled)
    }

    /// As `said`, for work on one table.
    fn said_of<T>(&self, table: &TableSchema, done: Attempt<T>) -> Result<T> {
        self.said(done.map_err(|failure| failure.while_at(&table.name)))
    }
}

#[async_trait]
impl Transaction for PostgresTransaction<'_> {
    async fn define(&mut self, steps: &[SchemaStep]) -> Result<()> {
        self.settle().await?;
        self.open.forget_targets();
        let carried =
            define::carry_out(self.open.session.connection(), self.open.names, &mut self.waiting, steps).await;
        self.open.keyless.extend(self.waiting.keys.drain(..).map(|key| (key, None)));
        carried
    }

    async fn hold(&mut self, tables: &[&TableTask]) -> Result<()> {
        self.settle().await?;
        for table in tables {
            let held = self.open.hold(table).await;
            self.said_of(&table.table, held)?;
        }
        Ok(())
    }

    async fn load(&mut self, task: &TableTask, rows: RowBatch) -> Result<Vec<Refusal>> {
        let loaded = bulk::load(&mut self.open, task, rows).await;
        self.said_of(&task.table, loaded)
    }

    async fn load_on(&mut self, task: &TableTask, rows: RowBatch) -> Result<Vec<Refusal>> {
        let loaded = bulk::load_on(&mut self.open, task, rows).await;
        self.said_of(&task.table, loaded)
    }

    fn raw_format(&self, task: &TableTask) -> Option<RawFormat> {
        raw::format(task)
    }

    async fn load_raw_on(&mut self, task: &TableTask, rows: RawBatch) -> Result<Vec<Refusal>> {
        let loaded = bulk::load_raw_on(&mut self.open, task, rows).await;
        self.said_of(&task.table, loaded)
    }

    async fn adopt(&mut self, _table: &TableSchema, _view: &dyn SharedView) -> Result<Option<u64>> {
        Ok(None)
    }

    async fn apply(&mut self, task: &TableTask, batch: ChangeBatch, mode: ApplyMode) -> Result<Applied> {
        self.settle().await?;
        let applied = apply::apply(&mut self.open, task, batch, mode).await;
        self.said_of(&task.table, applied)
    }

    async fn misfits(&mut self, task: &TableTask, columns: &[usize], rows: &RowBatch) -> Result<Vec<MisfitCell>> {
        self.settle().await?;
        let found = misfits::find(&mut self.open, task, columns, rows).await;
        self.said_of(&task.table, found)
    }

    async fn is_at(&mut self, position: &Position) -> Result<bool> {
        self.settle().await?;
        let query = "SELECT pg_current_snapshot()::text";
        let read = async {
            let row = self.open.session.connection().client.query_one(query, &[]).await?;
            Ok(row.try_get::<_, String>(0)?)
        };
        Ok(self.said(read.await)?.as_bytes() == position.0)
    }

    async fn rows(&mut self, task: &TableTask, keys: &RowBatch) -> Result<Sighting> {
        self.settle().await?;
        let seen = apply::rows(&mut self.open, task, keys).await;
        self.said_of(&task.table, seen)
    }

    async fn clear(&mut self, task: &TableTask) -> Result<u64> {
        self.settle().await?;
        let cleared = bulk::clear(&mut self.open, task).await;
        self.said_of(&task.table, cleared)
    }

    async fn orphans(
        &mut self,
        child: &TableTask,
        foreign_key: &ForeignKey,
        keys: Option<&RowBatch>,
        limit: usize,
    ) -> Result<Orphans> {
        self.settle().await?;
        let found = references::orphans(&mut self.open, child, foreign_key, keys, limit).await;
        self.said_of(&child.table, found)
    }

    async fn rivals(&mut self, task: &TableTask, rows: &RowBatch) -> Result<Vec<Vec<Vec<u8>>>> {
        self.settle().await?;
        let found = rivals::find(&mut self.open, task, rows).await;
        self.said_of(&task.table, found)
    }

    async fn sequence(&mut self, table: &str) -> Result<Option<i64>> {
        self.settle().await?;
        let read = sequence::read(&self.open, table).await;
        self.said(read.map_err(|failure| failure.while_counting(table)))
    }

    async fn restore_sequence(&mut self, table: &str, value: Option<i64>) -> Result<()> {
        self.settle().await?;
        let restored = sequence::restore(&self.open, table, value).await;
        self.said(restored.map_err(|failure| failure.while_counting(table)))
    }

    async fn advance(&mut self, cursors: &[Cursor]) -> Result<()> {
        self.settle().await?;
        let moved = cursors::write(self.open.session.connection(), self.open.names, cursors).await;
        self.said(moved)
    }

    async fn commit(mut self: Box<Self>, checkpoint: &Checkpoint) -> Result<()> {
        self.settle().await?;
        if !self.open.refused.is_empty() {
            let what = "rows that the database refused were asked about by nobody";
            return Err(Error::new(Code::Internal, what).leaving("the transaction was taken back"));
        }
        define::add_references(self.open.session.connection(), self.open.names, &mut self.waiting).await?;
        let committed = async {
            sequence::pass_all(&self.open).await?;
            for restore in self.open.restores.iter().rev() {
                self.open.session.run(restore).await?;
            }
            checkpoints::write(self.open.session, self.open.names, checkpoint).await?;
            self.open.session.run("COMMIT").await
        };
        self.said(committed.await)?;
        *self.committed = self.waiting;
        drop(self.ending);
        Ok(())
    }
}
