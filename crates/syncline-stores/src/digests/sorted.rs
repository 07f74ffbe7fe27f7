//! Keys and digests in a key order that the server cannot deliver.
//!
//! Rows are read as they are stored. Their keys and digests wait in a temporary file of SQLite's, which sorts them by bytes
//! that are in the key order, in the memory it may take for that.

use rusqlite::{Connection, params_from_iter};
use syncline_core::change::RowDigest;
use syncline_core::error::{Code, Error, Result};
use syncline_core::store::{DigestBatch, Flow};
use syncline_core::value::{exact, memcomparable};

use super::empty;
use crate::stream::Outlet;

/// Hands over in key order what waits. `false` when nobody wants more.
pub(crate) async fn hand_over(waiting: Waiting, outlet: &Outlet<DigestBatch>) -> Result<bool> {
    let flow = outlet.flow();
    // It may take its time, in which others are to go on.
    let sorting = tokio::task::spawn_blocking(|| waiting.sorted()).await;
    let mut sorted = sorting.map_err(|_| Error::new(Code::Internal, "the thread that sorts keys has died"))??;
    while let Some(batch) = sorted.next(flow)? {
        if !outlet.send(batch).await {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Keys and digests in no order.
pub(crate) struct Waiting {
    conn: Connection,
    width: usize,
    /// How one more of them is kept: what its key is sorted by, cell by cell, then the key, then the digest.
    insert: String,
}

impl Waiting {
    /// None yet, of keys with so many cells.
    pub(crate) fn create(width: usize) -> Result<Self> {
        let conn = Connection::open("").map_err(unsorted)?;
        let cells: String = (0..width).map(|at| format!("s{at} BLOB, ")).collect();
        let sql = format!("PRAGMA journal_mode = OFF; BEGIN; CREATE TABLE waiting ({cells}key BLOB, digest BLOB)");
        conn.execute_batch(&sql).map_err(unsorted)?;
        let insert = format!("INSERT INTO waiting VALUES ({}?, ?)", "?, ".repeat(width));
        Ok(Self { conn, width, insert })
    }

    /// Keeps those of a batch, and returns what may be said of it before all are read: how many rows there were, and how large
    /// they are together.
    pub(crate) fn add(&mut self, batch: &DigestBatch) -> Result<DigestBatch> {
        let mut insert = self.conn.prepare_cached(&self.insert).map_err(unsorted)?;
        for (key, digest) in batch.keys.rows().zip(&batch.digests) {
            let cells = key.iter().map(|cell| {
                let mut bytes = Vec::new();
                memcomparable::encode(cell, &mut bytes);
                bytes
            });
            let kept = [exact::encode_row(key.iter()), digest.0.to_be_bytes().to_vec()];
            insert.execute(params_from_iter(cells.chain(kept))).map_err(unsorted)?;
        }
        Ok(DigestBatch { bytes: batch.bytes, read: batch.read, ..empty(self.width) })
    }

    fn sorted(self) -> Result<Sorted> {
        let terms: Vec<String> = (0..self.width).map(|at| format!("s{at}")).collect();
        let sql = format!("CREATE TABLE sorted AS SELECT key, digest FROM waiting ORDER BY {}", terms.join(", "));
        self.conn.execute_batch(&format!("{sql}; DROP TABLE waiting")).map_err(unsorted)?;
        Ok(Sorted { conn: self.conn, width: self.width, last: 0 })
    }
}

/// Keys and digests in their order.
struct Sorted {
    conn: Connection,
    width: usize,
    /// The row that was handed over last.
    last: i64,
}

impl Sorted {
    /// Those that follow; `None` when there are no more.
    fn next(&mut self, flow: Flow) -> Result<Option<DigestBatch>> {
        let sql = "SELECT rowid, key, digest FROM sorted WHERE rowid > ?1 ORDER BY rowid";
        let mut select = self.conn.prepare_cached(sql).map_err(unsorted)?;
        let mut rows = select.query([self.last]).map_err(unsorted)?;
        let mut batch = empty(self.width);
        while batch.digests.len() < flow.rows && batch.keys.bytes() < flow.bytes {
            let Some(row) = rows.next().map_err(unsorted)? else { break };
            let (last, key, digest): (i64, Vec<u8>, [u8; 16]) = row.try_into().map_err(unsorted)?;
            let key = exact::decode_row(&key).map_err(|why| Error::new(Code::Internal, why.to_string()))?;
            batch.keys.push_row(key)?;
            batch.digests.push(RowDigest(u128::from_be_bytes(digest)));
            self.last = last;
        }
        Ok((!batch.digests.is_empty()).then_some(batch))
    }
}

fn unsorted(error: rusqlite::Error) -> Error {
    Error::new(Code::DiskFull, "the keys of a table could not be sorted in a temporary file").because(error.to_string())
}
