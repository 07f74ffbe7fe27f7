//! One consistent view, on a connection and a thread of its own.

mod estimate;
pub(super) mod orphans;
mod rows;
pub(super) mod seen;
pub(super) mod select;
mod sum;
mod view;

use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;
use rusqlite::types::{Value as OwnedCell, ValueRef as Cell};
use syncline_core::change::TableTask;
use syncline_core::error::{Code, Result};
use syncline_core::limits;
use syncline_core::schema::{ForeignKey, NewColumn, Schema, TableSchema, Translated, Widened};
use syncline_core::store::{
    Cursor, DigestStream, Estimate, Flow, LogPosition, Logs, Orphans, Position, RowStream, Scale, Share, SharedView,
    Snapshot, SumStream, TouchedStream, Window,
};
use syncline_core::value::RowBatch;

use self::rows::{fetch, scan};
use self::view::{SqliteView, begin_at_position, begin_read, data_version_now, is_wal};
use super::connect::failure::{Attempt, Doing};
use super::connect::{Place, Role};
use super::thread::ConnectionThread;
use super::types::Encoding;
use super::write::{self, cursors, sequence};
use super::{capture, digest, filter, migrate, schema, translate};

pub(super) use self::view::position;

/// The function that sorts text by its UTF-8 bytes where the database stores it otherwise.
pub(super) const BYTES_FUNCTION: &str = "_syncline_bytes";

/// An open view. SQLite keeps it by a read transaction, so with a rollback journal nobody's commit goes through while
/// it is open; this store's own writer waits for it too.
#[derive(Debug)]
pub(super) struct SqliteSnapshot {
    thread: ConnectionThread,
    position: Position,
    shared: Arc<SqliteView>,
    flow: Flow,
}

impl SqliteSnapshot {
    /// Opens a view of the database at `place`.
    ///
    /// The position is the count of foreign commits that the store's resident connection has seen (`PRAGMA
    /// data_version`, which the connection's own commits leave alone; the writer is that connection). It is read before
    /// and after the view begins: equal counts mean that no foreign commit fell between, so the view stands exactly
    /// there. When every attempt is disturbed
    /// the position names the view's own connection instead and so equals no other.
    pub(super) async fn open(place: Arc<Place>, resident: Arc<ConnectionThread>) -> Result<Self> {
        let thread = ConnectionThread::start(Arc::clone(&place), Role::Reader).await?;
        thread.call(Doing::Reading, register_functions).await?;
        let position = begin_at_position(&thread, &resident).await?;
        let shared = Arc::new(SqliteView { place, resident, position: position.clone() });
        Ok(Self { thread, position, shared, flow: Flow::default() })
    }
}

impl SqliteSnapshot {
    /// A view that shows what this one shows, if one can be taken now.
    ///
    /// With a rollback journal this view's own lock has kept everybody from committing since it was taken, so the file is
    /// what it was. Nothing is asked of the resident connection there: a writer that waits for this view to go keeps new
    /// readers out. With a write-ahead log a commit may have come in between, which the resident connection tells; it is
    /// asked once the new view stands.
    async fn open_twin(&self) -> Result<Option<Self>> {
        let SqliteView { place, resident, position: at } = &*self.shared;
        let hasty = Arc::new(place.waiting(limits::TWIN_WAIT));
        let thread = ConnectionThread::start(hasty, Role::Reader).await?;
        thread.call(Doing::Reading, register_functions).await?;
        thread.call(Doing::Reading, begin_read).await?;
        let has_log = thread.call(Doing::Reading, |conn| Ok(is_wal(conn)?)).await?;
        if has_log && position(resident, data_version_now(resident).await?) != *at {
            return Ok(None);
        }
        Ok(Some(Self { thread, position: at.clone(), shared: Arc::clone(&self.shared), flow: self.flow }))
    }
}

#[async_trait]
impl Snapshot for SqliteSnapshot {
    async fn schema(&mut self) -> Result<Schema> {
        self.thread.call(Doing::Reading, |conn| schema::read(conn)).await
    }

    fn translate(&self, table: &Arc<TableSchema>) -> Translated {
        translate::translate(table)
    }

    fn statements(&self, table: &TableSchema) -> Result<Vec<String>> {
        write::statements_of(table)
    }

    async fn widened(&mut self, table: &TableSchema, columns: &[NewColumn]) -> Result<Widened> {
        let (table, columns) = (table.clone(), columns.to_vec());
        self.thread.call(Doing::Reading, move |_| migrate::widened(&table, columns)).await
    }

    async fn count(&mut self, task: &TableTask) -> Result<u64> {
        let task = task.clone();
        let count: i64 = self.thread.call(Doing::Reading, move |conn| count(conn, &task)).await?;
        Ok(count.unsigned_abs())
    }

    async fn is_empty(&mut self, task: &TableTask) -> Result<bool> {
        let task = task.clone();
        self.thread.call(Doing::Reading, move |conn| estimate::is_empty(conn, &task)).await
    }

    async fn highest(&mut self, task: &TableTask, column: &str, scale: Scale) -> Result<Option<i64>> {
        let (task, column) = (task.clone(), column.to_owned());
        self.thread.call(Doing::Reading, move |conn| estimate::highest(conn, &task, &column, scale)).await
    }

    async fn estimate(&mut self, task: &TableTask) -> Result<Estimate> {
        let task = task.clone();
        self.thread.call(Doing::Reading, move |conn| estimate::estimate(conn, &task)).await
    }

    async fn check_key(&mut self, task: &TableTask) -> Result<()> {
        let task = task.clone();
        self.thread.call(Doing::Reading, move |conn| digest::check_key(conn, &task)).await
    }

    async fn scan(&mut self, task: &TableTask) -> Result<RowStream<'_>> {
        let task = task.clone();
        Ok(self.thread.flow(Doing::Reading, self.flow, move |conn, outlet| scan(conn, &task, outlet)))
    }

    async fn digest(&mut self, task: &TableTask) -> Result<DigestStream<'_>> {
        let task = task.clone();
        Ok(self.thread.flow(Doing::Reading, self.flow, move |conn, outlet| digest::stream(conn, &task, outlet)))
    }

    async fn sum(&mut self, task: &TableTask, share: Share) -> Result<SumStream<'_>> {
        let task = task.clone();
        Ok(self.thread.flow(Doing::Reading, self.flow, move |conn, outlet| sum::stream(conn, &task, share, outlet)))
    }

    async fn fetch(&mut self, task: &TableTask, keys: &RowBatch) -> Result<RowStream<'_>> {
        let (task, keys) = (task.clone(), keys.clone());
        Ok(self.thread.flow(Doing::Reading, self.flow, move |conn, outlet| fetch(conn, &task, &keys, outlet)))
    }

    fn set_flow(&mut self, flow: Flow) {
        self.flow = flow;
    }

    async fn orphans(
        &mut self,
        child: &TableTask,
        foreign_key: &ForeignKey,
        keys: Option<&RowBatch>,
        limit: usize,
    ) -> Result<Orphans> {
        let (child, foreign_key, keys) = (child.clone(), foreign_key.clone(), keys.cloned());
        let work = move |conn: &mut Connection| orphans::find(conn, &child, &foreign_key, keys.as_ref(), limit);
        self.thread.call(Doing::Reading, work).await
    }

    async fn logs(&mut self) -> Result<Option<Logs>> {
        self.thread.call(Doing::Reading, |conn| capture::logs(conn)).await
    }

    async fn window(&mut self, task: &TableTask, since: &LogPosition) -> Result<Window> {
        let (task, since) = (task.clone(), since.clone());
        self.thread.call(Doing::Reading, move |conn| capture::window(conn, &task, &since)).await
    }

    async fn touched(&mut self, task: &TableTask, since: &LogPosition) -> Result<TouchedStream<'_>> {
        let (task, since) = (task.clone(), since.clone());
        Ok(self
            .thread
            .flow(Doing::Reading, self.flow, move |conn, outlet| capture::touched(conn, &task, &since, outlet)))
    }

    async fn cursors(&mut self) -> Result<Vec<Cursor>> {
        self.thread.call(Doing::Reading, |conn| cursors::read(conn)).await
    }

    async fn sequence(&mut self, table: &str) -> Result<Option<i64>> {
        let table = table.to_owned();
        self.thread.call(Doing::Reading, move |conn| sequence::read(conn, &table)).await
    }

    async fn twin(&mut self) -> Result<Option<Box<dyn Snapshot>>> {
        match self.open_twin().await {
            Ok(twin) => Ok(twin.map(|twin| Box::new(twin) as Box<dyn Snapshot>)),
            Err(error) if error.code() == Code::StoreLocked => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn position(&mut self) -> Result<Position> {
        Ok(self.position.clone())
    }

    fn shared(&self) -> Option<Arc<dyn SharedView>> {
        Some(Arc::clone(&self.shared) as Arc<dyn SharedView>)
    }
}

/// Lets a connection use [`BYTES_FUNCTION`] and what filters compare by.
pub(super) fn register_functions(conn: &mut Connection) -> Attempt<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    conn.create_scalar_function(BYTES_FUNCTION, 1, flags, |context| {
        Ok(match context.get_raw(0) {
            Cell::Null => OwnedCell::Null,
            Cell::Integer(value) => OwnedCell::Integer(value),
            Cell::Real(value) => OwnedCell::Real(value),
            Cell::Text(bytes) | Cell::Blob(bytes) => OwnedCell::Blob(bytes.to_vec()),
        })
    })?;
    Ok(filter::meaning::register(conn)?)
}

fn count(conn: &Connection, task: &TableTask) -> Attempt<i64> {
    let filtered = select::filtered(task, Encoding::of(conn)?)?;
    let sql = format!("SELECT count(*) FROM {}{filtered}", select::table(&task.table.name)?);
    Ok(conn.query_row(&sql, [], |row| row.get(0))?)
}
