//! Rows for the server, in one growing piece of memory that is handed over when it is large enough.

use std::fmt;
use std::slice;

use bytes::{BufMut, Bytes, BytesMut};
use syncline_core::error::{Code, Error};
use syncline_core::limits::COPY_ROW_BYTES_MAX;
use syncline_core::value::ValueRef;

use super::field::{self, Refused};
use super::{Codec, SIGNATURE};

/// Writes the stream of one `COPY … FROM STDIN (FORMAT binary)`.
///
/// The caller looks at [`Encoder::len`] after each row and sends what [`Encoder::take`] returns once it is worth a message.
#[derive(Debug)]
pub struct Encoder {
    codecs: Vec<Codec>,
    out: BytesMut,
}

/// A row that values are being appended to.
#[derive(Debug)]
pub struct BegunRow<'e> {
    codecs: slice::Iter<'e, Codec>,
    out: &'e mut BytesMut,
    start: usize,
    column: usize,
    is_whole: bool,
}

impl BegunRow<'_> {
    /// Appends the value of the next column.
    ///
    /// # Errors
    /// When it cannot be what the column holds.
    ///
    /// # Panics
    /// When all columns have theirs.
    #[inline]
    pub fn push(&mut self, value: ValueRef<'_>) -> Result<(), RowRefused> {
        let codec = self.codecs.next().expect("BUG: a row with too many values");
        let written = field::write(codec, value, self.out);
        let is_short = self.out.len() - self.start <= COPY_ROW_BYTES_MAX;
        if let Err(why) = written.and(if is_short { Ok(()) } else { Err(Refused::TooLong) }) {
            return Err(RowRefused { column: self.column, why, type_name: codec.type_name().into() });
        }
        self.column += 1;
        Ok(())
    }

    /// The row is whole.
    ///
    /// # Panics
    /// When a column has no value.
    pub fn end(mut self) {
        assert!(self.codecs.next().is_none(), "BUG: a row with too few values");
        self.is_whole = true;
    }
}

impl Drop for BegunRow<'_> {
    fn drop(&mut self) {
        if !self.is_whole {
            self.out.truncate(self.start);
        }
    }
}

/// A row with a value that the target's column cannot have. Nothing of it is in the stream, which goes on with the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowRefused {
    /// The column, counted from 0.
    pub column: usize,
    /// What is wrong with its value.
    pub why: Refused,
    type_name: Box<str>,
}

impl Encoder {
    /// An encoder of rows with one value for each codec. The header is the first that is to be taken.
    ///
    /// # Panics
    /// With more columns than any table can have.
    pub fn new(codecs: Vec<Codec>) -> Self {
        assert!(i16::try_from(codecs.len()).is_ok(), "BUG: more columns than a row can have");
        let mut out = BytesMut::new();
        out.put_slice(SIGNATURE);
        out.put_i32(0);
        out.put_i32(0);
        Self { codecs, out }
    }

    /// Appends a row of as many values as there are codecs.
    ///
    /// # Errors
    /// When a value cannot be what its column holds.
    ///
    /// # Panics
    /// When the row has another width.
    pub fn push_row<'v>(&mut self, row: impl IntoIterator<Item = ValueRef<'v>>) -> Result<(), RowRefused> {
        let mut begun = self.row();
        for value in row {
            begun.push(value)?;
        }
        begun.end();
        Ok(())
    }

    /// Begins a row. Unless it comes to its end, nothing of it is in the stream.
    pub fn row(&mut self) -> BegunRow<'_> {
        let start = self.out.len();
        self.out.put_i16(self.codecs.len() as i16);
        BegunRow { codecs: self.codecs.iter(), out: &mut self.out, start, column: 0, is_whole: false }
    }

    /// Bytes that wait to be taken.
    pub fn len(&self) -> usize {
        self.out.len()
    }

    /// Whether nothing waits to be taken.
    pub fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    /// What waits, in whole rows.
    pub fn take(&mut self) -> Bytes {
        self.out.split().freeze()
    }

    /// What waits, and the end of the stream.
    pub fn finish(mut self) -> Bytes {
        self.out.put_i16(-1);
        self.out.freeze()
    }
}

impl fmt::Display for RowRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a value cannot be {}: {}", self.type_name, self.why)
    }
}

impl std::error::Error for RowRefused {}

impl From<RowRefused> for Error {
    fn from(refused: RowRefused) -> Self {
        let what = format!("a value cannot be stored in a column of type {}", refused.type_name);
        Error::new(Code::RowRefused, what).because(refused.why.to_string())
    }
}
