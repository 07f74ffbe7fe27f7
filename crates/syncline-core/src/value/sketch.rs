//! A whole table in a few kilobytes, from which a handful of rows that differ can be read again.
//!
//! This is an invertible Bloom lookup table (Goodrich and Mitzenmacher, 2011) of the digests of the rows. Each digest is
//! added to one cell in each of three parts. What was added and taken away again leaves no trace, whatever the order. What is
//! left is found cell by cell: one that holds a single digest gives it away, and taking that out of its other two cells
//! leaves single digests there.

use xxhash_rust::xxh3::xxh3_64;

use super::{Equality, TableSum, ValueRef};
use crate::limits;

/// Parts of a sketch; in each a digest has one cell. With three, the most can be read of as many cells.
const PARTS: usize = 3;

/// Bytes of a cell.
const CELL_BYTES: usize = 24;

/// The digests of a table's rows, in a size that does not grow with the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sketch {
    /// The parts one behind the other, each of a power of two.
    cells: Vec<Cell>,
}

/// The digests that fell here, added up, and as much of something that only a single one agrees with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Cell {
    sum: u128,
    check: u64,
}

/// What of a sketch is left when the rows of another state of the table were taken out of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remainder {
    /// Digests that were added and not taken out.
    pub missing: Vec<u128>,
    /// Digests that were taken out and had not been added.
    pub extra: Vec<u128>,
}

impl Cell {
    #[inline]
    fn merge(&mut self, other: Self) {
        self.sum = self.sum.wrapping_add(other.sum);
        self.check = self.check.wrapping_add(other.check);
    }
}

impl Default for Sketch {
    fn default() -> Self {
        Self { cells: vec![Cell::default(); PARTS * limits::SKETCH_CELLS] }
    }
}

impl Sketch {
    /// Adds a row by its digest.
    #[inline]
    pub fn add(&mut self, digest: u128) {
        self.put(digest, Cell { sum: digest, check: check_of(digest) });
    }

    /// Takes a row out, whether it was added or not.
    #[inline]
    pub fn remove(&mut self, digest: u128) {
        self.put(digest, Cell { sum: digest.wrapping_neg(), check: check_of(digest).wrapping_neg() });
    }

    /// The same in the room that so many rows take, should all of them be others later.
    #[must_use]
    pub fn folded(&self, rows: u64) -> Self {
        let (width, wanted) = (self.width(), rows.saturating_mul(2).max(limits::SKETCH_CELLS_LEAST as u64));
        let wanted = usize::try_from(wanted).unwrap_or(width).min(width).next_power_of_two();
        let mut cells = vec![Cell::default(); PARTS * wanted];
        for (at, cell) in self.cells.iter().enumerate() {
            cells[at / width * wanted + (at % width) % wanted].merge(*cell);
        }
        Self { cells }
    }

    /// The digests that are in it, where they are few enough to be told apart and none is there more than once.
    #[must_use]
    pub fn read(mut self) -> Option<Remainder> {
        let mut found = Remainder::default();
        let mut waiting: Vec<usize> = (0..self.cells.len()).collect();
        while let Some(at) = waiting.pop() {
            let Cell { sum, check } = self.cells[at];
            let (added, taken) = (sum, sum.wrapping_neg());
            let digest = if check == check_of(added) && self.places(added).contains(&at) {
                self.remove(added);
                found.missing.push(added);
                added
            } else if check.wrapping_neg() == check_of(taken) && self.places(taken).contains(&at) {
                self.add(taken);
                found.extra.push(taken);
                taken
            } else {
                continue;
            };
            if found.missing.len() + found.extra.len() > self.cells.len() {
                return None;
            }
            waiting.extend(self.places(digest));
        }
        self.cells.iter().all(|cell| *cell == Cell::default()).then_some(found)
    }

    /// The sketch as bytes, to be kept.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.cells.len() * CELL_BYTES);
        for cell in &self.cells {
            bytes.extend(cell.sum.to_le_bytes());
            bytes.extend(cell.check.to_le_bytes());
        }
        bytes
    }

    /// The sketch in such bytes; `None` for anything else.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (cells, rest) = bytes.as_chunks::<CELL_BYTES>();
        let width = cells.len() / PARTS;
        let is_one = rest.is_empty() && cells.len() == PARTS * width && width.is_power_of_two();
        let cell = |bytes: &[u8; CELL_BYTES]| {
            let (sum, check) = (bytes.first_chunk()?, bytes.last_chunk()?);
            Some(Cell { sum: u128::from_le_bytes(*sum), check: u64::from_le_bytes(*check) })
        };
        let cells = is_one.then(|| cells.iter().map(cell).collect::<Option<_>>())??;
        Some(Self { cells })
    }

    #[inline]
    fn put(&mut self, digest: u128, amount: Cell) {
        for at in self.places(digest) {
            self.cells[at].merge(amount);
        }
    }

    fn width(&self) -> usize {
        self.cells.len() / PARTS
    }

    /// The cell of a digest in each part, by bits of it that nothing else depends on.
    #[inline]
    fn places(&self, digest: u128) -> [usize; PARTS] {
        let width = self.width();
        std::array::from_fn(|part| part * width + (digest >> (part * 32)) as usize % width)
    }
}

fn check_of(digest: u128) -> u64 {
    xxh3_64(&digest.to_le_bytes())
}

/// The sum of the rows of a table with a sketch of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sketched {
    /// Their sum.
    pub sum: TableSum,
    /// Which they are.
    pub sketch: Sketch,
}

impl Sketched {
    /// Adds rows that were summed up elsewhere, with the digest of each.
    pub fn merge(&mut self, sum: TableSum, digests: &[u128]) {
        self.sum.merge(sum);
        digests.iter().for_each(|digest| self.sketch.add(*digest));
    }

    /// Takes out one row that had been added.
    pub fn remove<'v>(&mut self, row: impl IntoIterator<Item = ValueRef<'v>>, equality: Equality) {
        self.remove_digest(equality.digest(row, &mut Vec::new()));
    }

    /// As [`Sketched::remove`], by the digest of the row.
    pub fn remove_digest(&mut self, digest: u128) {
        self.sum.remove_digest(digest);
        self.sketch.remove(digest);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use xxhash_rust::xxh3::xxh3_128;

    use super::*;

    fn digest(row: u64) -> u128 {
        xxh3_128(&row.to_le_bytes())
    }

    fn sketch(rows: impl IntoIterator<Item = u64>) -> Sketch {
        let mut sketch = Sketch::default();
        rows.into_iter().for_each(|row| sketch.add(digest(row)));
        sketch
    }

    fn sorted(digests: &[u128]) -> BTreeSet<u128> {
        digests.iter().copied().collect()
    }

    #[test]
    fn what_differs_is_read_whatever_is_the_same() {
        for (rows, changed) in [(1, 1), (7, 7), (40, 40), (100_000, 0), (100_000, 1), (100_000, 500)] {
            let mut left = sketch(0..rows).folded(rows);
            (changed..rows).for_each(|row| left.remove(digest(row)));
            let new = 1 << 40..(1 << 40) + changed;
            new.clone().for_each(|row| left.remove(digest(row)));
            let left = Sketch::from_bytes(&left.to_bytes()).unwrap().read().unwrap();
            assert_eq!(sorted(&left.missing), (0..changed).map(digest).collect(), "{changed} of {rows}");
            assert_eq!(sorted(&left.extra), new.map(digest).collect(), "{changed} of {rows}");
        }
    }

    #[test]
    fn too_much_is_not_read_wrongly() {
        for rows in [2_000, 10_000, 1_000_000] {
            assert_eq!(sketch(0..rows).read(), None, "{rows}");
        }
        // The same row twice cannot be told from another.
        assert_eq!(sketch([1, 1]).read(), None);
    }

    #[test]
    fn it_takes_little_room() {
        let bytes = |rows| sketch(0..rows).folded(rows).to_bytes().len();
        assert_eq!((bytes(0), bytes(1)), (1_152, 1_152));
        assert_eq!((bytes(256), bytes(1 << 20)), (36_864, 36_864));
        assert_eq!(Sketch::from_bytes(&[]), None);
        assert_eq!(Sketch::from_bytes(&[0; 24]), None);
        assert_eq!(Sketch::from_bytes(&[0; 24 * 9]), None);
    }
}
