//! What changes a database: the writer and its transactions.
//!
//! A writer has two sessions: one for rows, in transactions, and one for definitions, which would end a transaction.
//! Whatever a transaction reads it locks, with the places where nothing is: so nobody changes a row between its check and
//! its write, and what is absent stays so. A table that it makes is there under a name of ours and gets its own behind the
//! commit, as everything else does that is a definition (`pending`). Whatever ends a transaction early, a dropped future
//! included, sends a rollback before anything else is sent.
//!
//! The application's triggers cannot be kept from firing here.

mod apply;
pub(super) mod beside;
mod checkpoints;
pub(super) mod cursors;
pub mod define;
mod displaced;
pub(super) mod halves;
mod misfits;
pub(super) mod open;
mod pending;
pub(super) mod picked;
mod references;
mod rivals;
pub(super) mod sender;
mod sequence;
pub(super) mod session;
pub(super) mod stage;
pub(super) mod target;

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use syncline_core::change::{Applied, ApplyMode, ChangeBatch, Refusal, TableTask};
use syncline_core::checkpoint::Checkpoint;
use syncline_core::error::{Code, Error, Result};
use syncline_core::schema::{ForeignKey, SchemaStep, TableSchema};
use syncline_core::store::{Cursor, MisfitCell, Orphans, Position, SharedView, Sighting, Transaction, Writer};
use syncline_core::value::{RowBatch, ValueRef};

use self::beside::Beside;
use self::open::Open;
use self::pending::Whose;
use self::session::Session;
use super::connect::failure::{Attempt, Doing};
use super::connect::{ConnectOptions, Connection, connect};
use super::{backup, bulk};
use crate::one_writer::OneWriter;
use crate::sql::Dialect;

/// A run's way to write.
pub(super) struct MysqlWriter {
    session: Session,
    catalog: Connection,
    beside: Beside,
    /// Who the entries are from that it leaves in logs of changes.
    origin: String,
    _right: OneWriter,
}

impl MysqlWriter {
    /// A writer with sessions of its own.
    pub(super) async fn open(options: &Arc<ConnectOptions>, right: OneWriter) -> Result<Self> {
        let session = Session::new(connect(options).await?).await?;
        let catalog = connect(options).await?;
        backup::settle(&catalog, options).await?;
        // A reference is defined before the table that it points to has its name.
        let settled = catalog.line.run("SET foreign_key_checks = 0").await;
        settled.map_err(|error| catalog.error_while(error, Doing::Writing))?;
        Ok(Self { session, catalog, beside: Beside::new(Arc::clone(options)), origin: String::new(), _right: right })
    }
}

#[async_trait]
impl Writer for MysqlWriter {
    async fn checkpoints(&mut self) -> Result<Vec<Checkpoint>> {
        let read = async {
            pending::clear(&self.catalog).await?;
            checkpoints::read(&self.catalog).await
        };
        self.session.said(read.await)
    }

    async fn begin(&mut self) -> Result<Box<dyn Transaction + '_>> {
        // Made before the first await: if the future is dropped, the transaction that may have begun is undone.
        let Self { session, catalog, beside, origin, .. } = self;
        let ending = Ending { session, catalog, undo: Mutex::default() };
        let begun = async {
            pending::tidy(catalog).await?;
            let origin = Dialect::Mysql.literal(ValueRef::Text(origin.as_bytes()));
            session.connection().line.run(format!("SET @syncline_origin = NULLIF({origin}, '')")).await?;
            session.begin().await
        };
        session.said(begun.await)?;
        Ok(Box::new(MysqlTransaction { open: Open::new(session, catalog, beside), ending }))
    }

    fn sign(&mut self, origin: &str) {
        origin.clone_into(&mut self.origin);
    }

    fn widen(&mut self, sessions: usize) {
        self.beside.widen(sessions);
    }

    async fn forget(&mut self, run: &str) -> Result<()> {
        let forgotten = async {
            pending::tidy(&self.catalog).await?;
            checkpoints::forget(&self.catalog, run).await
        };
        self.session.said(forgotten.await)
    }

    async fn unlink(&mut self) -> Result<bool> {
        let unlinked = async {
            let were_there = cursors::remove(&self.catalog).await?;
            checkpoints::forget(&self.catalog, "").await?;
            Ok(were_there)
        };
        self.session.said(unlinked.await)
    }
}

/// Ends the transaction of a session when dropped, which does nothing after a commit.
struct Ending<'w> {
    session: &'w Session,
    catalog: &'w Connection,
    /// Statements that take back what was defined already, the last one first.
    undo: Mutex<Vec<String>>,
}

impl Ending<'_> {
    fn undo_by(&self, statements: impl IntoIterator<Item = String>) {
        self.undo.lock().unwrap_or_else(PoisonError::into_inner).extend(statements);
    }

    /// From here on nobody knows whether the transaction is committed: who comes next finds out.
    fn leave_to_others(&self) {
        self.undo.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        // Should any of it fail, `begin` tries again and reports it.
        self.session.connection().line.say("ROLLBACK");
        for statement in self.undo.lock().unwrap_or_else(PoisonError::into_inner).drain(..).rev() {
            // It waits until the transaction lets go of the table.
            self.catalog.line.say(statement);
        }
    }
}

/// An open transaction.
struct MysqlTransaction<'w> {
    open: Open<'w>,
    ending: Ending<'w>,
}

impl MysqlTransaction<'_> {
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
impl Transaction for MysqlTransaction<'_> {
    async fn define(&mut self, steps: &[SchemaStep]) -> Result<()> {
        self.settle().await?;
        self.open.forget_targets();
        let ending = &self.ending;
        define::carry_out(&mut self.open, steps, |statement| ending.undo_by([statement])).await
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

    /// Positions of this engine never tell that nobody has committed.
    async fn is_at(&mut self, _position: &Position) -> Result<bool> {
        Ok(false)
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
        self.said(read)
    }

    async fn restore_sequence(&mut self, table: &str, value: Option<i64>) -> Result<()> {
        self.settle().await?;
        let restored = sequence::restore(&mut self.open, table, value).await;
        self.said(restored)
    }

    async fn advance(&mut self, cursors: &[Cursor]) -> Result<()> {
        self.settle().await?;
        let moved = cursors::write(self.open.session, self.open.catalog, cursors).await;
        self.said(moved)
    }

    async fn commit(mut self: Box<Self>, checkpoint: &Checkpoint) -> Result<()> {
        self.settle().await?;
        self.open.beside.close().await;
        if !self.open.refused.is_empty() {
            let what = "rows that the database refused were asked about by nobody";
            return Err(Error::new(Code::Internal, what).leaving("the transaction was taken back"));
        }
        let Open { session, catalog, .. } = self.open;
        let steps = self.open.all_steps();
        let committed = async {
            checkpoints::prepare(catalog).await?;
            checkpoints::write(session, checkpoint).await?;
            if !steps.is_empty() {
                pending::prepare(catalog).await?;
                pending::write(session, &steps).await?;
            }
            self.ending.leave_to_others();
            session.commit().await?;
            if !steps.is_empty() {
                pending::finish(catalog, Whose::Own).await?;
            }
            Ok(())
        };
        self.said(committed.await)
    }
}
