//! Digests and places of rows, sorted in bounded memory.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rusqlite::{Connection, params};
use syncline_core::limits;

/// A digest and where its row is.
type Copy = (u128, i64);

/// Bytes of one of them in a part that waits.
const RECORD: usize = 24;

/// Sorts any number of them in bounded memory.
#[derive(Default)]
pub(crate) struct Sorter {
    held: Vec<Copy>,
    parts: Option<Parts>,
}

impl Sorter {
    /// One more of them.
    pub(crate) fn add(&mut self, copy: Copy) -> rusqlite::Result<()> {
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
    pub(crate) fn sorted(mut self) -> rusqlite::Result<Merge> {
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
    fn create() -> rusqlite::Result<Self> {
        let conn = Connection::open("")?;
        conn.execute_batch(
            "PRAGMA journal_mode = OFF; BEGIN;
             CREATE TABLE chunk (part INTEGER, number INTEGER, copies BLOB, PRIMARY KEY (part, number))",
        )?;
        Ok(Self { conn, count: 0 })
    }

    fn put(&mut self, sorted: &[Copy]) -> rusqlite::Result<()> {
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

    fn chunk(&self, part: usize, number: usize) -> rusqlite::Result<Vec<Copy>> {
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
pub(crate) struct Merge {
    held: std::vec::IntoIter<Copy>,
    parts: Option<Parts>,
    runs: Vec<Run>,
    heads: BinaryHeap<Reverse<(Copy, Option<usize>)>>,
}

impl Merge {
    /// The next one.
    pub(crate) fn next(&mut self) -> rusqlite::Result<Option<Copy>> {
        let Some(Reverse((copy, part))) = self.heads.pop() else { return Ok(None) };
        self.pull(part)?;
        Ok(Some(copy))
    }

    /// Lets the next one of a part compete, or of what was never put into one.
    fn pull(&mut self, part: Option<usize>) -> rusqlite::Result<()> {
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
