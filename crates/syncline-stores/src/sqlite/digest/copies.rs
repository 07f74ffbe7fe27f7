//! Digests and places of the rows of a table without a key, in their order.
//!
//! No index delivers it: rows are read as they are stored, and only their digests are sorted.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rusqlite::{Connection, params};
use syncline_core::change::{RowDigest, TableTask, copies};
use syncline_core::error::{Code, Error, Result};
use syncline_core::limits;
use syncline_core::store::DigestBatch;
use syncline_core::value::{RowBatch, exact};

use crate::sqlite::connect::failure::Attempt;
use crate::sqlite::snapshot::seen::Seen;
use crate::sqlite::snapshot::select;
use crate::sqlite::thread::Outlet;
use crate::sqlite::types::{self, Encoding};

/// A digest and where its row is.
type Copy = (u128, i64);

/// Bytes of one of them in a part that waits.
const RECORD: usize = 24;

/// Sends the digests of all rows to the outlet.
pub(super) fn stream(conn: &Connection, task: &TableTask, outlet: &Outlet<DigestBatch>) -> Attempt<()> {
    let mut sorter = Sorter::default();
    let empty = || DigestBatch { keys: RowBatch::new(copies::WIDTH), digests: Vec::new(), bytes: 0, read: 0 };
    // Of the rows themselves nothing is said before all are read, but how many they are and how large together.
    let mut batch = empty();
    let mut is_wanted = true;
    each_row(conn, task, |digest, place, encoded| {
        batch.bytes += encoded as u64;
        batch.read += 1;
        if batch.read >= outlet.flow().rows as u64 {
            is_wanted = outlet.send(std::mem::replace(&mut batch, empty()));
        }
        sorter.add((digest.0, place))?;
        Ok(is_wanted)
    })?;
    if !is_wanted {
        return Ok(());
    }
    let mut merge = sorter.sorted()?;
    while let Some((digest, place)) = merge.next()? {
        copies::push(&mut batch.keys, RowDigest(digest), place)?;
        batch.digests.push(RowDigest(digest));
        if batch.digests.len() >= outlet.flow().rows && !outlet.send(std::mem::replace(&mut batch, empty())) {
            return Ok(());
        }
    }
    if !batch.digests.is_empty() || batch.read > 0 {
        outlet.send(batch);
    }
    Ok(())
}

/// Passes on digest, place and size of every row that takes part, for as long as more are wanted.
pub(in crate::sqlite) fn each_row(
    conn: &Connection,
    task: &TableTask,
    mut pass: impl FnMut(RowDigest, i64, usize) -> Attempt<bool>,
) -> Attempt<()> {
    let place = place_name(task)?;
    let (columns, table) = (select::columns(task)?, select::table(&task.table.name)?);
    let filtered = select::filtered(task, Encoding::of(conn)?)?;
    let mut statement = conn.prepare(&format!("SELECT {columns}, {place} FROM {table}{filtered}"))?;
    let mut rows = statement.raw_query();
    let mut seen = Seen::of(task);
    let (width, mut encoded) = (task.columns.len(), Vec::new());
    while let Some(row) = rows.next()? {
        types::encode_row(row, width, (seen.as_mut(), task.forms.equality), &mut encoded)?;
        if !pass(RowDigest(exact::digest_bytes(&encoded)), row.get(width)?, encoded.len())? {
            return Ok(());
        }
        if encoded.capacity() > limits::BATCH_BYTES {
            // One huge row must not keep its room for the rest of the table.
            encoded = Vec::new();
        }
    }
    Ok(())
}

/// The name that reaches the place of a row.
///
/// # Errors
/// `TABLE_NO_KEY` where columns have taken all of them.
pub(in crate::sqlite) fn place_name(task: &TableTask) -> Result<&'static str> {
    let table = &task.table.name;
    select::rowid(&task.table).ok_or_else(|| {
        Error::new(Code::TableNoKey, format!("{table} has no key: nothing tells its rows apart"))
            .because(
                "columns of it are called rowid, _rowid_ and oid, so that not even its row numbers can be asked for",
            )
            .next(format!("--tables '*,!{table}'"), "leave the table out")
    })
}

/// Sorts any number of them in bounded memory.
#[derive(Default)]
struct Sorter {
    held: Vec<Copy>,
    parts: Option<Parts>,
}

impl Sorter {
    fn add(&mut self, copy: Copy) -> Attempt<()> {
        self.held.push(copy);
        if self.held.len() >= limits::COPIES_IN_MEMORY {
            self.held.sort_unstable();
            let parts = match &mut self.parts {
                Some(parts) => parts,
                none => none.insert(Parts::create()?),
            };
            parts.put(&self.held)?;
            self.held.clear();
        }
        Ok(())
    }

    /// All of them in order.
    fn sorted(mut self) -> Attempt<Merge> {
        self.held.sort_unstable();
        let mut merge =
            Merge { held: self.held.into_iter(), parts: self.parts, runs: Vec::new(), heads: BinaryHeap::new() };
        let parts = merge.parts.as_ref().map_or(0, |parts| parts.count);
        merge.runs = (0..parts).map(|_| Run::default()).collect();
        for part in 0..parts {
            merge.pull(Some(part))?;
        }
        merge.pull(None)?;
        Ok(merge)
    }
}

/// Sorted parts in a database of their own, which SQLite keeps in a temporary file and removes.
struct Parts {
    conn: Connection,
    count: usize,
}

impl Parts {
    fn create() -> Attempt<Self> {
        let conn = Connection::open("")?;
        conn.execute_batch(
            "PRAGMA journal_mode = OFF; BEGIN;
             CREATE TABLE chunk (part INTEGER, number INTEGER, copies BLOB, PRIMARY KEY (part, number))",
        )?;
        Ok(Self { conn, count: 0 })
    }

    fn put(&mut self, sorted: &[Copy]) -> Attempt<()> {
        let mut insert = self.conn.prepare_cached("INSERT INTO chunk VALUES (?1, ?2, ?3)")?;
        for (number, chunk) in sorted.chunks(limits::COPIES_READ_AHEAD).enumerate() {
            let mut bytes = Vec::with_capacity(chunk.len() * RECORD);
            for (digest, place) in chunk {
                bytes.extend(digest.to_be_bytes());
                bytes.extend(place.to_be_bytes());
            }
            insert.execute(params![self.count as i64, number as i64, bytes])?;
        }
        self.count += 1;
        Ok(())
    }

    fn chunk(&self, part: usize, number: usize) -> Attempt<Vec<Copy>> {
        let mut select = self.conn.prepare_cached("SELECT copies FROM chunk WHERE part = ?1 AND number = ?2")?;
        let mut rows = select.query(params![part as i64, number as i64])?;
        let Some(row) = rows.next()? else { return Ok(Vec::new()) };
        let bytes: Vec<u8> = row.get(0)?;
        let records = bytes.as_chunks::<RECORD>().0.iter();
        Ok(records
            .map(|record| (u128::from_be_bytes(piece(record, 0)), i64::from_be_bytes(piece(record, 16))))
            .collect())
    }
}

fn piece<const N: usize>(record: &[u8; RECORD], from: usize) -> [u8; N] {
    std::array::from_fn(|at| record[from + at])
}

/// What is being read of one part.
#[derive(Default)]
struct Run {
    chunk: std::vec::IntoIter<Copy>,
    next: usize,
}

/// The parts merged, and what was never put into one.
struct Merge {
    held: std::vec::IntoIter<Copy>,
    parts: Option<Parts>,
    runs: Vec<Run>,
    heads: BinaryHeap<Reverse<(Copy, Option<usize>)>>,
}

impl Merge {
    fn next(&mut self) -> Attempt<Option<Copy>> {
        let Some(Reverse((copy, part))) = self.heads.pop() else { return Ok(None) };
        self.pull(part)?;
        Ok(Some(copy))
    }

    /// Lets the next one of a part compete, or of what was never put into one.
    fn pull(&mut self, part: Option<usize>) -> Attempt<()> {
        let next = match (part, &self.parts) {
            (Some(part), Some(parts)) => {
                let run = &mut self.runs[part];
                if run.chunk.len() == 0 {
                    run.chunk = parts.chunk(part, run.next)?.into_iter();
                    run.next += 1;
                }
                run.chunk.next()
            }
            _ => self.held.next(),
        };
        self.heads.extend(next.map(|copy| Reverse((copy, part))));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_number_of_digests_comes_out_in_order() {
        for rows in [0, 1, limits::COPIES_IN_MEMORY - 1, limits::COPIES_IN_MEMORY, 3 * limits::COPIES_IN_MEMORY + 5] {
            let mut sorter = Sorter::default();
            let mut expected = Vec::with_capacity(rows);
            for at in 0..rows as u64 {
                // Scattered, with equal digests among them.
                let digest = u128::from((at / 3).wrapping_mul(0x9E37_79B9_7F4A_7C15)) << 64;
                expected.push((digest, at as i64 - 7));
                sorter.add((digest, at as i64 - 7)).unwrap();
            }
            expected.sort_unstable();
            let mut merge = sorter.sorted().unwrap();
            for copy in expected {
                assert_eq!(merge.next().unwrap(), Some(copy));
            }
            assert_eq!(merge.next().unwrap(), None);
        }
    }
}
