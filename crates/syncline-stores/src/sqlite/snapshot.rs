//! One consistent view, on a connection and a thread of its own.

mod estimate;
pub(super) mod masks;
pub(super) mod orphans;
pub(super) mod select;
mod sum;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;
use rusqlite::types::{Value as OwnedCell, ValueRef as Cell};
use syncline_core::change::TableTask;
use syncline_core::error::{Code, Result};
use syncline_core::limits;
use syncline_core::schema::{ForeignKey, NewColumn, Schema, TableSchema, Widened};
use syncline_core::store::{
    DigestStream, Estimate, Flow, Orphans, Position, RowStream, Share, SharedView, Snapshot, SumStream,
};
use syncline_core::value::RowBatch;

use self::masks::Masks;
use self::select::Finder;
use super::connect::failure::{Attempt, Doing};
use super::connect::{Place, Role};
use super::thread::{ConnectionThread, Outlet};
use super::types::{self, Encoding};
use super::write::sequence;
use super::{ENGINE, digest, migrate, schema};

/// The function that sorts text by its UTF-8 bytes where the database stores it otherwise.
pub(super) const BYTES_FUNCTION: &str = "_syncline_bytes";

/// How often a view is taken anew because somebody committed at that very moment.
const ATTEMPTS: usize = 4;

/// An open view. SQLite keeps it by a read transaction, so with a rollback journal nobody's commit goes through while
/// it is open; this store's own writer waits for it too.
#[derive(Debug)]
pub(super) struct SqliteSnapshot {
    thread: ConnectionThread,
    position: Position,
    shared: Arc<SqliteView>,
    flow: Flow,
}

/// What another connection needs to take up the same view.
#[derive(Debug)]
struct SqliteView {
    place: Arc<Place>,
    resident: Arc<ConnectionThread>,
    position: Position,
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
        thread.call(Doing::Reading, register_bytes_function).await?;
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
        thread.call(Doing::Reading, register_bytes_function).await?;
        thread.call(Doing::Reading, begin_read).await?;
        let has_log = thread.call(Doing::Reading, |conn| Ok(is_wal(conn)?)).await?;
        if has_log && position(resident, data_version_now(resident).await?) != *at {
            return Ok(None);
        }
        Ok(Some(Self { thread, position: at.clone(), shared: Arc::clone(&self.shared), flow: self.flow }))
    }
}

fn is_wal(conn: &Connection) -> rusqlite::Result<bool> {
    conn.query_row("PRAGMA main.journal_mode", [], |row| Ok(row.get::<_, String>(0)?.eq_ignore_ascii_case("wal")))
}

async fn begin_at_position(thread: &ConnectionThread, resident: &ConnectionThread) -> Result<Position> {
    let mut before = data_version(resident).await?;
    for _ in 0..ATTEMPTS {
        thread.call(Doing::Reading, begin_read).await?;
        match data_version_now(resident).await {
            Ok(after) if after == before => return Ok(position(resident, after)),
            Ok(after) => before = after,
            // With a rollback journal a writer may wait for this view to go, and lets nobody else in until then. Whoever
            // waited for that writer now would wait for himself.
            Err(error) if error.code() == Code::StoreLocked => {
                thread.call(Doing::Reading, end_read).await?;
                before = data_version(resident).await?;
            }
            Err(error) => return Err(error),
        }
    }
    thread.call(Doing::Reading, begin_read).await?;
    Ok(position(thread, before))
}

#[async_trait]
impl SharedView for SqliteView {
    fn engine(&self) -> &'static str {
        ENGINE
    }

    fn path(&self) -> &Path {
        self.place.path()
    }

    async fn is_current(&self) -> Result<bool> {
        // The path may lead to another file by now.
        match data_version_now(&self.resident).await {
            Ok(version) => Ok(self.place.is_still_there() && position(&self.resident, version) == self.position),
            Err(error) if error.code() == Code::StoreLocked => Ok(false),
            Err(error) => Err(error),
        }
    }
}

#[async_trait]
impl Snapshot for SqliteSnapshot {
    async fn schema(&mut self) -> Result<Schema> {
        self.thread.call(Doing::Reading, |conn| schema::read(conn)).await
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

fn end_read(conn: &mut Connection) -> Attempt<()> {
    if !conn.is_autocommit() {
        conn.execute_batch("ROLLBACK")?;
    }
    Ok(())
}

fn begin_read(conn: &mut Connection) -> Attempt<()> {
    end_read(conn)?;
    // BEGIN alone takes no view; the first read does.
    conn.execute_batch("BEGIN")?;
    Ok(conn.query_row("SELECT count(*) FROM main.sqlite_schema", [], |_| Ok(()))?)
}

async fn data_version(resident: &ConnectionThread) -> Result<i64> {
    resident.call(Doing::Reading, read_data_version).await
}

/// As [`data_version`], for those who hold a view open meanwhile.
///
/// # Errors
/// `STORE_LOCKED` at once where it takes waiting.
async fn data_version_now(resident: &ConnectionThread) -> Result<i64> {
    resident.call_now(Doing::Reading, read_data_version).await
}

fn read_data_version(conn: &mut Connection) -> Attempt<i64> {
    Ok(conn.query_row("PRAGMA main.data_version", [], |row| row.get(0))?)
}

/// A count means something only on the connection it was read from, so the position names that connection too.
pub(super) fn position(resident: &ConnectionThread, version: i64) -> Position {
    Position(format!("{} {version}", resident.name()).into_bytes())
}

/// Lets a connection use [`BYTES_FUNCTION`].
pub(super) fn register_bytes_function(conn: &mut Connection) -> Attempt<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    conn.create_scalar_function(BYTES_FUNCTION, 1, flags, |context| {
        Ok(match context.get_raw(0) {
            Cell::Null => OwnedCell::Null,
            Cell::Integer(value) => OwnedCell::Integer(value),
            Cell::Real(value) => OwnedCell::Real(value),
            Cell::Text(bytes) | Cell::Blob(bytes) => OwnedCell::Blob(bytes.to_vec()),
        })
    })?;
    Ok(())
}

fn count(conn: &Connection, task: &TableTask) -> Attempt<i64> {
    let filtered = select::filtered(task, Encoding::of(conn)?)?;
    let sql = format!("SELECT count(*) FROM {}{filtered}", select::table(&task.table.name)?);
    Ok(conn.query_row(&sql, [], |row| row.get(0))?)
}

fn scan(conn: &Connection, task: &TableTask, outlet: &Outlet<RowBatch>) -> Attempt<()> {
    let width = task.columns.len();
    let masks = Masks::of(task);
    let mut statement = conn.prepare(&select::scan(task, Encoding::of(conn)?)?)?;
    let mut rows = statement.raw_query();
    let mut batch = RowBatch::new(width);
    while let Some(row) = rows.next()? {
        match &masks {
            None => types::push_row(&mut batch, row)?,
            Some(masks) => masks.push_row(&mut batch, types::cells(row, width))?,
        }
        if is_full(&batch, outlet) && !hand_over(std::mem::replace(&mut batch, RowBatch::new(width)), outlet) {
            return Ok(());
        }
    }
    if !batch.is_empty() {
        hand_over(batch, outlet);
    }
    Ok(())
}

fn fetch(conn: &Connection, task: &TableTask, keys: &RowBatch, outlet: &Outlet<RowBatch>) -> Attempt<()> {
    let width = task.columns.len();
    let masks = Masks::of(task);
    let mut finder = Finder::of_filtered(conn, task, Encoding::of(conn)?)?;
    let mut batch = RowBatch::new(width);
    for key in keys.rows() {
        if !finder.find(|| key.iter())? {
            continue;
        }
        // Behind masks every cell is made anew anyway.
        if masks.is_none() && finder.bytes() > limits::BATCH_BYTES {
            let before = std::mem::replace(&mut batch, RowBatch::new(width));
            let is_wanted = before.is_empty() || hand_over(before, outlet);
            if !is_wanted || !outlet.send_and_wait(finder.take()) {
                return Ok(());
            }
            continue;
        }
        match &masks {
            None => batch.push_row(finder.row().iter())?,
            Some(masks) => masks.push_row(&mut batch, finder.row().iter())?,
        }
        if is_full(&batch, outlet) && !hand_over(std::mem::replace(&mut batch, RowBatch::new(width)), outlet) {
            return Ok(());
        }
    }
    if !batch.is_empty() {
        hand_over(batch, outlet);
    }
    Ok(())
}

/// Passes a batch on. One that a single row has made too large is not followed by another before it is taken.
fn hand_over(batch: RowBatch, outlet: &Outlet<RowBatch>) -> bool {
    if batch.bytes() > 2 * limits::BATCH_BYTES { outlet.send_and_wait(batch) } else { outlet.send(batch) }
}

fn is_full(batch: &RowBatch, outlet: &Outlet<RowBatch>) -> bool {
    batch.len() >= outlet.flow().rows || batch.bytes() >= outlet.flow().bytes
}
