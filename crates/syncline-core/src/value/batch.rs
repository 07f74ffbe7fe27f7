//! Rows between a reader and a writer: fixed-size cells that point into one arena of bytes, or of characters.
//!
//! Chosen by measurement over vectors of owned values and over encoded bytes; `docs/adr/001-row-batch.md` has the figures.

use super::ValueRef;
use crate::error::{Code, Error, Result};
use crate::limits;

/// Rows of equal width. One allocation for all cells, one for all bytes, one for all characters; they are kept by
/// [`RowBatch::clear`].
#[derive(Clone, Debug, Default)]
pub struct RowBatch {
    width: usize,
    cells: Vec<Cell>,
    arenas: Arenas,
}

/// Where the bytes of cells lie: those that are known to be UTF-8 apart, so that they need not be looked at again.
#[derive(Clone, Debug, Default)]
struct Arenas {
    bytes: Vec<u8>,
    text: String,
}

/// One row of a batch.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    cells: &'a [Cell],
    arenas: &'a Arenas,
}

/// Sixteen bytes: the value itself where it fits, else where it lies in its arena.
#[derive(Clone, Copy, Debug)]
enum Cell {
    Null,
    Bool(bool),
    Int(i64),
    Real(f64),
    Date(i32),
    Time(i64),
    Timestamp(i64),
    Instant(i64),
    Text(Span),
    Bytes(Span),
    Uuid(Span),
    // These lie among the characters.
    Decimal(Span),
    Json(Span),
    /// The type's name and the text, with the NUL byte between them that neither can hold.
    Other(Span),
}

#[derive(Clone, Copy, Debug)]
struct Span {
    at: u32,
    len: u32,
}

impl RowBatch {
    /// An empty batch of rows with `width` cells each.
    pub fn new(width: usize) -> Self {
        Self { width, ..Self::default() }
    }

    /// Cells in each row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Complete rows in the batch.
    pub fn len(&self) -> usize {
        self.cells.len().checked_div(self.width).unwrap_or(0)
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// Memory the rows take, in bytes.
    pub fn bytes(&self) -> usize {
        self.cells.len() * size_of::<Cell>() + self.arenas.bytes.len() + self.arenas.text.len()
    }

    /// Gives back the memory that the rows do not take: for batches that are kept while others come.
    pub fn shrink_to_fit(&mut self) {
        self.cells.shrink_to_fit();
        self.arenas.bytes.shrink_to_fit();
        self.arenas.text.shrink_to_fit();
    }

    /// Forgets the rows and keeps the memory, unless a huge row has taken more than a batch should.
    pub fn clear(&mut self) {
        self.cells.clear();
        self.arenas.bytes.clear();
        self.arenas.bytes.shrink_to(limits::BATCH_BYTES);
        self.arenas.text.clear();
        self.arenas.text.shrink_to(limits::BATCH_BYTES);
    }

    /// Forgets the first `count` rows, or all. The bytes of their cells go with the batch.
    pub fn drop_front(&mut self, count: usize) {
        self.cells.drain(..self.cells.len().min(count * self.width));
    }

    /// Appends one cell; a row is complete after [`RowBatch::width`] of them.
    ///
    /// # Errors
    /// When the bytes or the characters of the batch would pass 4 GiB. Batches are closed long before; a single row of that size is refused.
    // Values that are returned or passed on through memory cost a load of rows a tenth of its time.
    #[inline(always)]
    pub fn push(&mut self, value: ValueRef<'_>) -> Result<()> {
        let cell = match value {
            ValueRef::Null => Cell::Null,
            ValueRef::Bool(value) => Cell::Bool(value),
            ValueRef::Int(value) => Cell::Int(value),
            ValueRef::Real(value) => Cell::Real(value),
            ValueRef::Date(days) => Cell::Date(days),
            ValueRef::Time(micros) => Cell::Time(micros),
            ValueRef::Timestamp(micros) => Cell::Timestamp(micros),
            ValueRef::Instant(micros) => Cell::Instant(micros),
            ValueRef::Decimal(digits) => Cell::Decimal(self.keep_text(digits)?),
            ValueRef::Text(bytes) => Cell::Text(self.keep(bytes)?),
            ValueRef::Bytes(bytes) => Cell::Bytes(self.keep(bytes)?),
            ValueRef::Uuid(bytes) => Cell::Uuid(self.keep(&bytes)?),
            ValueRef::Json(text) => Cell::Json(self.keep_text(text)?),
            ValueRef::Other { type_name, text } => {
                let name = self.keep_text(type_name)?;
                let rest = self.keep_text("\0").and_then(|_| self.keep_text(text))?;
                Cell::Other(Span { at: name.at, len: rest.at + rest.len - name.at })
            }
        };
        self.cells.push(cell);
        Ok(())
    }

    /// Appends a whole row.
    ///
    /// # Errors
    /// As [`RowBatch::push`].
    pub fn push_row<'v>(&mut self, row: impl IntoIterator<Item = ValueRef<'v>>) -> Result<()> {
        for value in row {
            self.push(value)?;
        }
        debug_assert_eq!(self.cells.len() % self.width.max(1), 0, "a row of another width");
        Ok(())
    }

    /// The row at `index`, counted from 0.
    ///
    /// # Panics
    /// When there is no such row.
    #[inline]
    pub fn row(&self, index: usize) -> Row<'_> {
        let start = index * self.width;
        Row { cells: &self.cells[start..start + self.width], arenas: &self.arenas }
    }

    /// All rows in order.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = Row<'_>> {
        (0..self.len()).map(|index| self.row(index))
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<Span> {
        let span = Span::at(self.arenas.bytes.len(), bytes.len())?;
        self.arenas.bytes.extend_from_slice(bytes);
        Ok(span)
    }

    fn keep_text(&mut self, text: &str) -> Result<Span> {
        let span = Span::at(self.arenas.text.len(), text.len())?;
        self.arenas.text.push_str(text);
        Ok(span)
    }
}

impl Span {
    #[inline]
    fn at(start: usize, len: usize) -> Result<Self> {
        match (u32::try_from(start), u32::try_from(start + len)) {
            (Ok(at), Ok(end)) => Ok(Self { at, len: end - at }),
            _ => Err(Error::new(Code::StoreFailed, "a row is larger than 4 GiB and cannot be carried")),
        }
    }
}

impl<'a> Row<'a> {
    /// The cell in `column`, counted from 0.
    ///
    /// # Panics
    /// When there is no such column.
    // As `push`.
    #[inline(always)]
    pub fn get(&self, column: usize) -> ValueRef<'a> {
        match self.cells[column] {
            Cell::Null => ValueRef::Null,
            Cell::Bool(value) => ValueRef::Bool(value),
            Cell::Int(value) => ValueRef::Int(value),
            Cell::Real(value) => ValueRef::Real(value),
            Cell::Date(days) => ValueRef::Date(days),
            Cell::Time(micros) => ValueRef::Time(micros),
            Cell::Timestamp(micros) => ValueRef::Timestamp(micros),
            Cell::Instant(micros) => ValueRef::Instant(micros),
            Cell::Text(span) => ValueRef::Text(self.slice(span)),
            Cell::Bytes(span) => ValueRef::Bytes(self.slice(span)),
            Cell::Decimal(span) => ValueRef::Decimal(self.str(span)),
            Cell::Json(span) => ValueRef::Json(self.str(span)),
            Cell::Uuid(span) => ValueRef::Uuid(self.slice(span).try_into().expect("BUG: a uuid cell of another size")),
            Cell::Other(span) => {
                let (type_name, text) = self.str(span).split_once('\0').expect("BUG: a cell without its type's name");
                ValueRef::Other { type_name, text }
            }
        }
    }

    /// Cells in the row.
    pub fn width(&self) -> usize {
        self.cells.len()
    }

    /// The cells in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = ValueRef<'a>> + use<'a> {
        let row = *self;
        (0..self.cells.len()).map(move |column| row.get(column))
    }

    /// The cells of some columns, in the order asked for.
    pub fn select(&self, columns: &[usize]) -> impl Iterator<Item = ValueRef<'a>> {
        columns.iter().map(|column| self.get(*column))
    }

    fn slice(&self, span: Span) -> &'a [u8] {
        &self.arenas.bytes[span.at as usize..][..span.len as usize]
    }

    fn str(&self, span: Span) -> &'a str {
        &self.arenas.text[span.at as usize..][..span.len as usize]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::strategies::any_value;
    use super::*;

    #[test]
    fn a_cell_takes_sixteen_bytes() {
        assert_eq!(size_of::<Cell>(), 16);
    }

    proptest! {
        #[test]
        fn a_batch_gives_back_what_was_pushed(rows in prop::collection::vec(prop::collection::vec(any_value(), 3), 0..20)) {
            let mut batch = RowBatch::new(3);
            for row in &rows {
                batch.push_row(row.iter().map(Into::into)).unwrap();
            }
            prop_assert_eq!(batch.len(), rows.len());
            for (row, expected) in batch.rows().zip(&rows) {
                let got: Vec<_> = row.iter().map(ValueRef::to_owned).collect();
                prop_assert_eq!(&got, expected);
            }
        }

        #[test]
        fn rows_behind_those_dropped_stay(rows in prop::collection::vec(prop::collection::vec(any_value(), 2), 0..9), count in 0..9_usize) {
            let mut batch = RowBatch::new(2);
            rows.iter().for_each(|row| batch.push_row(row.iter().map(Into::into)).unwrap());
            batch.drop_front(count);
            let left: Vec<Vec<_>> = batch.rows().map(|row| row.iter().map(ValueRef::to_owned).collect()).collect();
            prop_assert_eq!(&left[..], &rows[count.min(rows.len())..]);
        }
    }
}
