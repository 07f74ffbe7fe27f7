//! A whole table in a few bytes.

use super::{Equality, RowBatch, ValueRef};

/// The number of rows and the sum of their digests modulo 2^128. Two tables with equal sums hold the same rows, in
/// whatever order, unless someone has crafted them to collide.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TableSum {
    /// Rows summed up.
    pub rows: u64,
    sum: u128,
}

impl TableSum {
    /// Adds the rows of a batch. `scratch` is overwritten; passing the same buffer again saves the allocation.
    pub fn add(&mut self, batch: &RowBatch, equality: Equality, scratch: &mut Vec<u8>) {
        for row in batch.rows() {
            self.sum = self.sum.wrapping_add(equality.digest(row.iter(), scratch));
        }
        self.rows += batch.len() as u64;
    }

    /// Adds one row by its digest.
    pub fn add_digest(&mut self, digest: u128) {
        self.sum = self.sum.wrapping_add(digest);
        self.rows += 1;
    }

    /// Adds rows that were summed up elsewhere.
    pub fn merge(&mut self, other: TableSum) {
        self.sum = self.sum.wrapping_add(other.sum);
        self.rows += other.rows;
    }

    /// Takes out one row that had been added.
    pub fn remove<'v>(&mut self, row: impl IntoIterator<Item = ValueRef<'v>>, equality: Equality) {
        self.remove_digest(equality.digest(row, &mut Vec::new()));
    }

    /// As [`TableSum::remove`], by the digest of the row.
    pub fn remove_digest(&mut self, digest: u128) {
        self.sum = self.sum.wrapping_sub(digest);
        self.rows = self.rows.wrapping_sub(1);
    }

    /// The sum as bytes, to be kept and compared.
    pub fn to_bytes(self) -> Vec<u8> {
        [&self.rows.to_le_bytes()[..], &self.sum.to_le_bytes()[..]].concat()
    }

    /// The sum in such bytes; `None` for anything else.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (rows, sum) = (bytes.first_chunk()?, bytes.last_chunk()?);
        let sum = Self { rows: u64::from_le_bytes(*rows), sum: u128::from_le_bytes(*sum) };
        (bytes.len() == 24).then_some(sum)
    }

    /// The number of rows in such bytes; `None` for anything else.
    pub fn rows_of(bytes: &[u8]) -> Option<u64> {
        Self::from_bytes(bytes).map(|sum| sum.rows)
    }
}

/// Rows that follow each other: their sum, and what went into it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SumPart {
    /// Their sum.
    pub sum: TableSum,
    /// The digest of each.
    pub digests: Vec<u128>,
}

impl SumPart {
    /// The rows of a batch. `scratch` is overwritten.
    pub fn of(batch: &RowBatch, equality: Equality, scratch: &mut Vec<u8>) -> Self {
        let mut part = Self { sum: TableSum::default(), digests: Vec::with_capacity(batch.len()) };
        batch.rows().for_each(|row| part.add_digest(equality.digest(row.iter(), scratch)));
        part
    }

    /// Adds one row by its digest.
    #[inline]
    pub fn add_digest(&mut self, digest: u128) {
        self.sum.add_digest(digest);
        self.digests.push(digest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(rows: &[[i64; 2]]) -> TableSum {
        let mut batch = RowBatch::new(2);
        for row in rows {
            batch.push_row(row.map(ValueRef::Int)).unwrap();
        }
        let mut sum = TableSum::default();
        sum.add(&batch, Equality::Exact, &mut Vec::new());
        sum
    }

    #[test]
    fn order_does_not_count_and_everything_else_does() {
        assert_eq!(sum(&[[1, 2], [3, 4]]), sum(&[[3, 4], [1, 2]]));
        assert_ne!(sum(&[[1, 2], [3, 4]]), sum(&[[1, 4], [3, 2]]));
        assert_ne!(sum(&[[1, 2]]), sum(&[[1, 2], [1, 2]]));
        assert_ne!(sum(&[]), sum(&[[0, 0]]));
        assert_eq!(TableSum::rows_of(&sum(&[[1, 2], [3, 4]]).to_bytes()), Some(2));
        assert_eq!(TableSum::rows_of(&[0; 8]), None);
        assert_eq!(TableSum::from_bytes(&sum(&[[1, 2]]).to_bytes()), Some(sum(&[[1, 2]])));
    }
}
