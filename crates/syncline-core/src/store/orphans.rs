//! Rows that point at nothing, and marks by which to know them again.

use crate::change::{Mark, TableTask};
use crate::error::Result;
use crate::schema::ForeignKey;
use crate::value::{RowBatch, ValueRef, canonical, exact};

/// Rows of one table that point at nothing by one foreign key.
#[derive(Clone, Debug, Default)]
pub struct Orphans {
    /// How many there are.
    pub count: u64,
    /// The sum of the marks of all of them, modulo 2^128: two findings with equal sums have found the same rows, in
    /// whatever order, also where not all are named.
    pub sum: u128,
    /// The keys of those that are named. Where the table has none, the cell for the digest is NULL, or that for the place means
    /// nothing.
    pub keys: RowBatch,
    /// What each of those that are named points at: the cells of the foreign key's columns.
    pub points_at: RowBatch,
    /// The foreign key, as all marks begin.
    reference: Vec<u8>,
    /// The mark of each that is named.
    marks: Vec<Mark>,
}

impl Orphans {
    /// None so far.
    pub fn new(child: &TableTask, foreign_key: &ForeignKey) -> Self {
        let mut reference = Vec::new();
        let names = [&child.table.name, &foreign_key.parent].into_iter();
        for name in names.chain(&foreign_key.columns).chain(&foreign_key.parent_columns) {
            // Names are matched without regard to case, here as everywhere.
            canonical::encode(ValueRef::Text(name.to_lowercase().as_bytes()), &mut reference);
        }
        Self {
            keys: RowBatch::new(child.key_width()),
            points_at: RowBatch::new(foreign_key.columns.len()),
            reference,
            ..Self::default()
        }
    }

    /// Adds one, and names it as long as fewer than `limit` are. `cells` are those of its key, then what it points at.
    ///
    /// # Errors
    /// When the cells are too large to be held.
    pub fn add(&mut self, cells: &[ValueRef<'_>], limit: usize) -> Result<()> {
        let key = &cells[..self.keys.width().min(cells.len())];
        self.add_called(key, cells, limit)
    }

    /// As [`Orphans::add`], of one that is named by another key than it is marked by: where nothing lasts by which to tell it from
    /// its copies, the mark is that of what it points at.
    ///
    /// # Errors
    /// As [`Orphans::add`].
    pub fn add_called(&mut self, key: &[ValueRef<'_>], cells: &[ValueRef<'_>], limit: usize) -> Result<()> {
        let mut encoded = self.reference.clone();
        cells.iter().for_each(|cell| canonical::encode(*cell, &mut encoded));
        let mark = Mark(exact::digest_bytes(&encoded));
        self.count += 1;
        self.sum = self.sum.wrapping_add(mark.0);
        if self.marks.len() < limit {
            let (_, points_at) = cells.split_at(self.keys.width());
            self.keys.push_row(key.iter().copied())?;
            self.points_at.push_row(points_at.iter().copied())?;
            self.marks.push(mark);
        }
        Ok(())
    }

    /// The marks of those that are named, in their order.
    pub fn marks(&self) -> &[Mark] {
        &self.marks
    }

    /// Whether all of them are named.
    pub fn are_all_named(&self) -> bool {
        self.count == self.marks.len() as u64
    }

    /// Those that are not `known`. Ones that are not named cannot be known.
    ///
    /// # Errors
    /// As [`Orphans::add`].
    pub fn without(self, known: impl Fn(Mark) -> bool) -> Result<Self> {
        if !self.marks.iter().any(|mark| known(*mark)) {
            return Ok(self);
        }
        let (mut keys, mut points_at) = (RowBatch::new(self.keys.width()), RowBatch::new(self.points_at.width()));
        let (mut count, mut sum, mut marks) = (self.count, self.sum, Vec::new());
        for ((key, at), mark) in self.keys.rows().zip(self.points_at.rows()).zip(self.marks) {
            if known(mark) {
                count -= 1;
                sum = sum.wrapping_sub(mark.0);
                continue;
            }
            keys.push_row(key.iter())?;
            points_at.push_row(at.iter())?;
            marks.push(mark);
        }
        Ok(Self { count, sum, keys, points_at, reference: self.reference, marks })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::change::Mapped;
    use crate::schema::TableSchema;
    use crate::value::Forms;

    fn found(foreign_key: &ForeignKey, rows: &[[ValueRef<'_>; 2]], limit: usize) -> Orphans {
        let table = Arc::new(TableSchema { name: "c".to_owned(), ..TableSchema::default() });
        let child =
            TableTask { table, columns: vec![0], key: vec![0], mapped: Mapped::default(), forms: Forms::default() };
        let mut orphans = Orphans::new(&child, foreign_key);
        rows.iter().for_each(|row| orphans.add(row, limit).unwrap());
        orphans
    }

    fn to(parent: &str) -> ForeignKey {
        ForeignKey {
            columns: vec!["p".to_owned()],
            parent: parent.to_owned(),
            parent_columns: vec!["id".to_owned()],
            on_delete: String::new(),
            on_update: String::new(),
        }
    }

    const ROWS: [[ValueRef<'static>; 2]; 3] = [
        [ValueRef::Int(1), ValueRef::Int(7)],
        [ValueRef::Int(2), ValueRef::Int(7)],
        [ValueRef::Int(3), ValueRef::Text(b"x")],
    ];

    #[test]
    fn marks_tell_rows_targets_and_references_apart_and_nothing_else() {
        let all = found(&to("p"), &ROWS, 9);
        let marks: std::collections::HashSet<_> = all.marks().iter().copied().collect();
        assert_eq!(marks.len(), 3);
        let same = found(&to("P"), &[[ValueRef::Real(1.0), ValueRef::Int(7)]], 9);
        assert!(marks.contains(&same.marks()[0]), "1.0 is 1, and P is p");
        let others = [found(&to("q"), &ROWS, 9), found(&to("p"), &[[ValueRef::Int(1), ValueRef::Int(8)]], 9)];
        assert!(others.iter().flat_map(|other| other.marks()).all(|mark| !marks.contains(mark)));
    }

    #[test]
    fn the_sum_counts_those_that_are_not_named() {
        let (all, none) = (found(&to("p"), &ROWS, 9), found(&to("p"), &ROWS, 0));
        assert_eq!((all.sum, all.count), (none.sum, none.count));
        assert!(all.are_all_named() && !none.are_all_named() && none.keys.is_empty());
        let turned: Vec<_> = ROWS.iter().rev().copied().collect();
        assert_eq!(found(&to("p"), &turned, 1).sum, all.sum);
        assert_ne!(found(&to("p"), &ROWS[..2], 9).sum, found(&to("p"), &ROWS[1..], 9).sum, "as many, and others");
    }

    #[test]
    fn known_ones_are_left_out() {
        let known = found(&to("p"), &ROWS[1..2], 9).marks()[0];
        let left = found(&to("p"), &ROWS, 2).without(|mark| mark == known).unwrap();
        assert_eq!((left.count, left.keys.len(), left.points_at.len()), (2, 1, 1));
        assert_eq!(left.sum, found(&to("p"), &[ROWS[0], ROWS[2]], 9).sum);
    }
}
