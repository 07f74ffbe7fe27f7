//! One row-level fact and the batches it travels in.

pub mod copies;

use std::sync::Arc;

use crate::error::{Code, Error, Result};
use crate::mapping::{Condition, Mask};
use crate::schema::TableSchema;
use crate::value::{Forms, RowBatch, Value, ValueRef, exact};

/// A 128-bit digest of a row; see [`crate::value::Equality::digest`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RowDigest(pub u128);

/// Which row points at what that is not there: a digest of the foreign key, the row's key and the values it points at,
/// equal wherever these mean the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mark(pub u128);

/// What must still hold in the target for a change to be written. A row that fails it is left as it is and comes back
/// as *moved*.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expectation {
    /// There is no row with this key.
    Absent,
    /// The row with this key has this digest, over the columns of the task.
    Digest(RowDigest),
    /// Fewer than so many rows are like this one, in a table without a key.
    Fewer(u64),
}

/// What happens to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// It is in the source only.
    Insert,
    /// It differs.
    Update,
    /// It is in the target only.
    Delete,
}

/// A change that was decided and not yet carried out: which row, what, and what it rests on. The row's new values are
/// read again from the same snapshot when it is carried out, so a plan of any length stays small.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedChange {
    /// Insert, update or delete.
    pub operation: Operation,
    /// The key, in the exact encoding; in a table without one, what [`copies`] make of the row, on the side that has it.
    pub key: Vec<u8>,
    /// The digest the target's row had when the change was decided; `None` when there was no row.
    pub seen: Option<RowDigest>,
    /// The digest of the row in the source; `None` for a delete, and in an undo, whose rows need no second look.
    pub becomes: Option<RowDigest>,
    /// In a table without a key: how many rows like this there shall be at least after an insert, and at least be left
    /// after a delete. `None` elsewhere, and in an undo.
    pub copies: Option<u64>,
}

/// Which columns of which table, in which order: what a store needs to read or write one side of a pair.
///
/// The tasks of both sides list paired columns at the same positions, so that a row read by one can be written by the
/// other as it is.
#[derive(Clone, Debug)]
pub struct TableTask {
    /// The table, as this store describes it.
    pub table: Arc<TableSchema>,
    /// Positions in the table's columns.
    pub columns: Vec<usize>,
    /// Positions in `columns` that make up the key, in the order both sides are read in. Empty for a table without a key,
    /// whose rows are told apart by all their cells: it is a multiset of what its columns here hold.
    pub key: Vec<usize>,
    /// What a mapping makes of the table on this side.
    pub mapped: Mapped,
    /// How the cells are seen and compared. Keys, rows and digests that go in or come out are in these forms; only
    /// before-images and the digests of what was written are the engine's own, bit for bit.
    pub forms: Forms,
}

/// What a mapping makes of one side of a pair. The default is a table seen as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mapped {
    /// The rows that take part, by this side's names. A row that is looked for to be written is found whether it takes part or not.
    pub filter: Option<Arc<Condition>>,
    /// The masks, and the positions in the task's columns of what they hide: in the source only. Whoever reads a row puts
    /// them on at once.
    pub masks: Vec<(usize, Mask)>,
    /// Positions in the table's columns of those that are stored and not carried: in the target only. They are part of
    /// before-images, behind the columns of the task, and of what is put back.
    pub kept: Vec<usize>,
    /// Positions in the task's columns of those that the table is yet to get, and what its rows will hold in them: in the
    /// target only, until they are there. Reading shows them as if they were; writing needs them to be.
    pub fills: Vec<(usize, Value)>,
}

impl TableTask {
    /// All stored columns of a table, for work that concerns no pair.
    pub fn whole(table: Arc<TableSchema>) -> Self {
        let columns = table.stored_columns();
        let key_columns = table.key.iter().flat_map(|key| &key.columns);
        let key = key_columns.filter_map(|column| columns.iter().position(|other| other == column)).collect();
        Self { table, columns, key, mapped: Mapped::default(), forms: Forms::default() }
    }

    /// The same task with all cells as the engine stores them.
    #[must_use]
    pub fn native(&self) -> Self {
        Self { forms: Forms::default(), ..self.clone() }
    }

    /// Cells that the engine stores in these columns of the task, as the task sees them.
    pub fn seen<'v>(
        &self,
        columns: impl IntoIterator<Item = usize>,
        stored: impl IntoIterator<Item = ValueRef<'v>>,
    ) -> Vec<Value> {
        let see = |(column, cell)| self.forms.see(column, cell, &mut String::new()).to_owned();
        columns.into_iter().zip(stored).map(see).collect()
    }

    /// The digest of a row of the task. `scratch` is overwritten.
    #[inline]
    pub fn digest<'v>(&self, row: impl IntoIterator<Item = ValueRef<'v>>, scratch: &mut Vec<u8>) -> RowDigest {
        RowDigest(self.forms.equality.digest(row, scratch))
    }

    /// The same task over all rows of the table.
    #[must_use]
    pub fn unfiltered(&self) -> Self {
        Self { mapped: Mapped { filter: None, ..self.mapped.clone() }, ..self.clone() }
    }

    /// The same task with the kept columns behind its own: what before-images hold.
    #[must_use]
    pub fn with_kept(&self) -> Self {
        let mut task = self.clone();
        task.columns.append(&mut task.mapped.kept);
        task
    }

    /// Whether nothing but their cells tells the rows apart, so that some may be equal.
    pub fn is_multiset(&self) -> bool {
        self.key.is_empty()
    }

    /// Cells in a key of the task.
    pub fn key_width(&self) -> usize {
        if self.is_multiset() { copies::WIDTH } else { self.key.len() }
    }

    /// The columns' names, in the order of the task.
    pub fn column_names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| self.table.columns[*column].name.as_str())
    }
}

/// Changes of one kind to one table, to be written together.
#[derive(Clone, Debug)]
pub enum ChangeBatch {
    /// Rows to insert or update.
    Put(PutBatch),
    /// Rows to delete.
    Delete(DeleteBatch),
}

/// Whole rows and what each rests on.
#[derive(Clone, Debug, Default)]
pub struct PutBatch {
    /// The new values, all columns of the task.
    pub rows: RowBatch,
    /// What must hold for each row.
    pub expectations: Vec<Expectation>,
    /// The engine's own row number to give each row where the engine has one and the key is not it. Only undo knows
    /// it; empty otherwise.
    pub places: Vec<Option<i64>>,
    /// In a table without a key: the key of each change, by which a refusal calls it. Empty elsewhere.
    pub keys: Vec<Vec<u8>>,
}

/// Keys and what each rests on.
#[derive(Clone, Debug, Default)]
pub struct DeleteBatch {
    /// The key cells only, in key order.
    pub keys: RowBatch,
    /// The digest each row must still have.
    pub expectations: Vec<RowDigest>,
    /// In a table without a key: how many rows like each must be left, where others may have written since that was
    /// counted. Empty otherwise.
    pub left: Vec<u64>,
}

/// How a batch is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApplyMode {
    /// Each row where it is.
    InPlace,
    /// First half of an exchange of unique values: rows to be updated or deleted leave the table.
    Displace,
    /// Second half: rows enter the table, displaced ones where they were.
    Place,
}

/// A row as it was before a change, and the mark of what the change left there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// The key, in the exact encoding.
    pub key: Vec<u8>,
    /// The columns of the task before the change as the engine stores them, in the exact encoding; `None` when there was
    /// no row.
    pub before: Option<Vec<u8>>,
    /// The engine's own row number before the change, where it has one and the key is not it. In a table without a key
    /// also that of a row that was inserted.
    pub place: Option<i64>,
    /// The digest of the row as the engine stores it after the change, kept columns included, whatever the forms of the
    /// task; `None` when the row was deleted.
    pub after: Option<RowDigest>,
}

/// What became of a batch.
#[derive(Clone, Debug, Default)]
pub struct Applied {
    /// Rows that were not there before.
    pub inserted: u64,
    /// Rows that were there.
    pub updated: u64,
    /// Rows that are gone.
    pub deleted: u64,
    /// Rows whose expectation failed; nothing was written for them.
    pub moved: Vec<Refusal>,
    /// Rows the database refused, in its own words; nothing was written for them.
    pub refused: Vec<Refusal>,
    /// Before-images of all rows written.
    pub images: Vec<Image>,
    /// The changes that were not gone through yet: what is returned here has become large enough to be kept first. Whoever
    /// gets it hands these in again.
    pub rest: Option<ChangeBatch>,
}

/// A row that was not written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The row's key, in the exact encoding.
    pub key: Vec<u8>,
    /// Which kind of rule it broke.
    pub reason: Reason,
    /// The database's own words, or what was found instead of what was expected.
    pub words: String,
    /// The row that was to be written, all columns of the task in the exact encoding; `None` for a delete.
    pub row: Option<Vec<u8>>,
    /// The row that was found in its place, likewise; `None` where there is none or it has left for an exchange.
    pub found: Option<Vec<u8>>,
}

/// Why a row is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// A CHECK constraint.
    Check,
    /// A column that must not be NULL.
    NotNull,
    /// A unique value that another row has.
    Unique,
    /// What the row references is not there, or the row is referenced by others that stay.
    ForeignKey,
    /// A value that the column's type does not take.
    Type,
    /// The target's row with this key lies outside the filter, so it may not be touched.
    OutOfFilter,
    /// Someone changed the target's row while the run worked.
    Moved,
    /// A value did not fit, and stands there as it was chosen to be bent. The row is not held: it differs, and is known to.
    Bent,
    /// Anything else the database has against it.
    Refused,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Reason; 9] = [
        Reason::Check,
        Reason::NotNull,
        Reason::Unique,
        Reason::ForeignKey,
        Reason::Type,
        Reason::OutOfFilter,
        Reason::Moved,
        Reason::Bent,
        Reason::Refused,
    ];

    /// The word for it in lists, filters and documents.
    pub fn name(self) -> &'static str {
        match self {
            Reason::Check => "check",
            Reason::NotNull => "not-null",
            Reason::Unique => "unique",
            Reason::ForeignKey => "foreign-key",
            Reason::Type => "type",
            Reason::OutOfFilter => "out-of-filter",
            Reason::Moved => "moved",
            Reason::Bent => "bent",
            Reason::Refused => "refused",
        }
    }
}

impl ChangeBatch {
    /// The changes behind the first `count`; `None` when that was all of them. Their values stay where they are, so the
    /// memory of those in front is given back with the last.
    #[must_use]
    pub fn after(mut self, count: usize) -> Option<Self> {
        let is_any = match &mut self {
            ChangeBatch::Put(batch) => {
                batch.rows.drop_front(count);
                batch.expectations.drain(..count.min(batch.expectations.len()));
                batch.places.drain(..count.min(batch.places.len()));
                batch.keys.drain(..count.min(batch.keys.len()));
                !batch.rows.is_empty()
            }
            ChangeBatch::Delete(batch) => {
                batch.keys.drop_front(count);
                batch.expectations.drain(..count.min(batch.expectations.len()));
                batch.left.drain(..count.min(batch.left.len()));
                !batch.keys.is_empty()
            }
        };
        is_any.then_some(self)
    }
}

impl Refusal {
    /// Memory that its key and rows take.
    pub fn bytes(&self) -> usize {
        let row = |row: &Option<Vec<u8>>| row.as_ref().map_or(0, Vec::len);
        self.key.len() + row(&self.row) + row(&self.found)
    }
}

impl Image {
    /// Memory that its key and row take.
    pub fn bytes(&self) -> usize {
        self.key.len() + self.before.as_ref().map_or(0, Vec::len)
    }
}

impl Applied {
    /// Rows written.
    pub fn written(&self) -> u64 {
        self.inserted + self.updated + self.deleted
    }
}

/// The keys of planned changes as cells, `width` of them in each.
///
/// # Errors
/// `INTERNAL` when a key is not in the exact encoding.
pub fn keys_of<'c>(changes: impl IntoIterator<Item = &'c PlannedChange>, width: usize) -> Result<RowBatch> {
    let mut keys = RowBatch::new(width);
    for change in changes {
        let cells = exact::decode_row(&change.key).map_err(|error| {
            Error::new(Code::Internal, "the spool returned a key that cannot be read").caused_by(error)
        })?;
        keys.push_row(cells)?;
    }
    Ok(keys)
}
