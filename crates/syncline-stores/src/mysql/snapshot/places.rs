//! Rows of a table without a key, found at their places in one pass.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;

use futures_util::future::{Either, select};
use mysql_async::Params;
use syncline_core::change::{RowDigest, TableTask, copies};
use syncline_core::error::{Code, Error, Result};
use syncline_core::value::{RowBatch, exact};

use super::select::{Selected, in_places};
use super::stream::Cells;
use crate::digests::shrink;
use crate::fetched::{is_full, push_masked};
use crate::lens::Lens;
use crate::mysql::connect::Connection;
use crate::stream::Outlet;

/// The rows at the places of these keys that take part, in the order of the keys. `false` when nobody wants more.
pub(super) async fn fetch(
    connection: Arc<Connection>,
    task: TableTask,
    keys: RowBatch,
    outlet: Outlet<RowBatch>,
) -> Result<bool> {
    let mut waiting = Waiting::for_keys(&keys)?;
    if !gather(&connection, &task, &outlet, &mut waiting).await? {
        return Ok(false);
    }
    let flow = outlet.flow();
    let mut batch = RowBatch::new(task.columns.len());
    for number in 0..keys.len() {
        let Some(row) = waiting.row(number, task.columns.len())? else { continue };
        push_masked(&task, &row, &mut batch)?;
        if is_full(&batch, flow) && !outlet.send(std::mem::replace(&mut batch, RowBatch::new(task.columns.len()))).await
        {
            return Ok(false);
        }
    }
    Ok(batch.is_empty() || outlet.send(batch).await)
}

/// Goes through the table as far as the last place. `false` when nobody wants more.
async fn gather(
    connection: &Connection,
    task: &TableTask,
    outlet: &Outlet<RowBatch>,
    waiting: &mut Waiting,
) -> Result<bool> {
    let selected = Selected::columns(task, "", outlet.flow().value_bytes)?;
    let mut lens = Lens::unmasked(task, selected.value_bytes);
    let (mut place, mut scratch) = (0, String::new());
    let mut rows = connection.line.read(in_places(task, &selected)?, Params::Empty);
    while !waiting.is_done() {
        let chunk = match select(pin!(rows.next()), pin!(outlet.closed())).await {
            Either::Left((chunk, _)) => chunk.map_err(|error| connection.error(error))?,
            Either::Right(_) => return Ok(false),
        };
        if chunk.is_empty() {
            break;
        }
        for row in &chunk {
            place += 1;
            let number = waiting.asked.remove(&place);
            if number.is_none() && waiting.called.is_empty() {
                continue;
            }
            let mut found = RowBatch::new(task.columns.len());
            let mut cells = Cells { row, codecs: &selected.codecs, next: 0, scratch: &mut scratch };
            lens.push_row(&mut cells, &mut found)?;
            let name = || task.digest(found.row(0).iter(), &mut Vec::new());
            if let Some(number) = number.or_else(|| waiting.called(name())) {
                waiting.keep(number, &found)?;
            }
        }
    }
    Ok(true)
}

/// Rows that were found, in a temporary file of SQLite's: they come by their places, and are asked for in another order.
struct Waiting {
    conn: rusqlite::Connection,
    /// Numbers of keys by the places where their rows are, of those that were not found yet.
    asked: HashMap<i64, usize>,
    /// The same of rows that a writer has called by a number, which is no place: any row like them is meant.
    called: HashMap<RowDigest, Vec<usize>>,
    encoded: Vec<u8>,
}

impl Waiting {
    fn for_keys(keys: &RowBatch) -> Result<Self> {
        let conn = rusqlite::Connection::open("").map_err(unkept)?;
        conn.execute_batch(
            "PRAGMA journal_mode = OFF; BEGIN; CREATE TABLE waiting (number INTEGER PRIMARY KEY, cells BLOB)",
        )
        .map_err(unkept)?;
        let (mut asked, mut called) = (HashMap::new(), HashMap::<_, Vec<_>>::new());
        for (number, key) in keys.rows().enumerate() {
            match copies::decode(&exact::encode_row(key.iter())) {
                Some((name, place)) if place < 0 => called.entry(name).or_default().push(number),
                Some((_, place)) => _ = asked.insert(place, number),
                None => {}
            }
        }
        Ok(Self { conn, asked, called, encoded: Vec::new() })
    }

    fn is_done(&self) -> bool {
        self.asked.is_empty() && self.called.is_empty()
    }

    /// The number of a key that calls its row so, and is taken by this one.
    fn called(&mut self, name: RowDigest) -> Option<usize> {
        let numbers = self.called.get_mut(&name)?;
        let number = numbers.pop();
        if numbers.is_empty() {
            self.called.remove(&name);
        }
        number
    }

    fn keep(&mut self, number: usize, row: &RowBatch) -> Result<()> {
        self.encoded.clear();
        row.row(0).iter().for_each(|cell| exact::encode(cell, &mut self.encoded));
        let mut insert = self.conn.prepare_cached("INSERT INTO waiting VALUES (?1, ?2)").map_err(unkept)?;
        insert.execute((number as i64, &self.encoded)).map_err(unkept)?;
        shrink(&mut self.encoded);
        Ok(())
    }

    fn row(&self, number: usize, width: usize) -> Result<Option<RowBatch>> {
        let mut select = self.conn.prepare_cached("SELECT cells FROM waiting WHERE number = ?1").map_err(unkept)?;
        let mut rows = select.query([number as i64]).map_err(unkept)?;
        let Some(row) = rows.next().map_err(unkept)? else { return Ok(None) };
        let cells = row.get_ref(0).and_then(|cells| Ok(cells.as_blob()?)).map_err(unkept)?;
        let cells = exact::decode_row(cells).map_err(|why| Error::new(Code::Internal, why.to_string()))?;
        let mut batch = RowBatch::new(width);
        batch.push_row(cells)?;
        Ok(Some(batch))
    }
}

fn unkept(error: rusqlite::Error) -> Error {
    Error::new(Code::DiskFull, "the rows of a table without a key could not be kept in a temporary file")
        .because(error.to_string())
}
