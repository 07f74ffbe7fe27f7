//! What the server sends, cut into rows wherever its messages begin and end.

use syncline_core::error::{Code, Error, Result};
use syncline_core::limits::{COPY_EXTENSION_BYTES_MAX, COPY_ROW_BYTES_MAX};
use syncline_core::value::{RowBatch, ValueRef};

use super::{Codec, HEADER_BYTES, SIGNATURE, cell};

/// The number of fields that stands for the end.
const TRAILER: i16 = -1;
/// The length that stands for NULL.
const NULL: i32 = -1;

/// Reads the stream of one `COPY … TO STDOUT (FORMAT binary)`, chunk by chunk.
///
/// Nothing the server says is trusted: lengths are held against what has arrived and against bounds, and no memory is taken for
/// what has only been announced. After an error the decoder and what it has written to last are of no use.
#[derive(Debug)]
pub struct Decoder {
    codecs: Vec<Codec>,
    expects: Expects,
    /// The beginning of a row, or of the header, whose rest has not arrived.
    pending: Vec<u8>,
    /// How long `pending` has to be before it is worth another look.
    needed: usize,
    scratch: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expects {
    Header,
    Row,
    Nothing,
}

/// What stands at the beginning of some bytes.
enum Piece {
    Header {
        len: usize,
    },
    Row {
        len: usize,
    },
    Trailer,
    /// Not known before there are so many bytes.
    Unfinished {
        needed: usize,
    },
}

impl Decoder {
    /// A decoder of rows with one field for each codec.
    pub fn new(codecs: Vec<Codec>) -> Self {
        Self { codecs, expects: Expects::Header, pending: Vec::new(), needed: 0, scratch: String::new() }
    }

    /// A decoder of rows that have neither a header before them nor an end behind them.
    pub fn of_bare_rows(codecs: Vec<Codec>) -> Self {
        Self { expects: Expects::Row, ..Self::new(codecs) }
    }

    /// Appends the rows that the chunk completes to a batch of the same width.
    ///
    /// # Errors
    /// `STORE_FAILED` when the bytes are not what they should be; see also [`RowBatch::push`].
    pub fn read_into(&mut self, chunk: &[u8], batch: &mut RowBatch) -> Result<()> {
        self.each_row(chunk, |cells| {
            while let Some(value) = cells.next()? {
                batch.push(value)?;
            }
            Ok(())
        })
    }

    /// Shows each row that the chunk completes, without keeping any.
    ///
    /// # Errors
    /// `STORE_FAILED` when the bytes are not what they should be, and what `row` fails with.
    pub fn each_row(&mut self, chunk: &[u8], mut row: impl FnMut(&mut Cells<'_>) -> Result<()>) -> Result<()> {
        if self.pending.is_empty() {
            let used = self.rows_of(chunk, &mut row)?;
            self.pending.extend_from_slice(&chunk[used..]);
            return Ok(());
        }
        self.pending.extend_from_slice(chunk);
        if self.pending.len() < self.needed {
            return Ok(());
        }
        let mut pending = std::mem::take(&mut self.pending);
        let used = self.rows_of(&pending, &mut row)?;
        pending.drain(..used);
        pending.shrink_to(syncline_core::limits::BATCH_BYTES);
        self.pending = pending;
        Ok(())
    }

    /// To be called when the server has nothing more to send.
    ///
    /// # Errors
    /// `STORE_FAILED` when the end was not announced, so that rows may be missing.
    pub fn finish(self) -> Result<()> {
        match self.expects {
            Expects::Nothing => Ok(()),
            _ => Err(malformed("the end is missing")),
        }
    }

    /// Returns how many bytes are used up.
    fn rows_of(&mut self, bytes: &[u8], row: &mut impl FnMut(&mut Cells<'_>) -> Result<()>) -> Result<usize> {
        let mut used = 0;
        self.needed = 0;
        while used < bytes.len() {
            let rest = &bytes[used..];
            match self.piece(rest)? {
                Piece::Unfinished { needed } => {
                    self.needed = needed;
                    break;
                }
                Piece::Header { len } => {
                    self.expects = Expects::Row;
                    used += len;
                }
                Piece::Trailer => {
                    self.expects = Expects::Nothing;
                    used += 2;
                }
                Piece::Row { len } => {
                    let (whole, fields) = (&rest[..len], &rest[2..len]);
                    row(&mut Cells { codecs: &self.codecs, column: 0, whole, fields, scratch: &mut self.scratch })?;
                    used += len;
                }
            }
        }
        Ok(used)
    }

    fn piece(&self, bytes: &[u8]) -> Result<Piece> {
        match self.expects {
            Expects::Header => header(bytes),
            Expects::Row => self.row(bytes),
            Expects::Nothing => Err(malformed("there is more behind the end")),
        }
    }

    fn row(&self, bytes: &[u8]) -> Result<Piece> {
        let Some((count, _)) = bytes.split_first_chunk() else { return Ok(Piece::Unfinished { needed: 2 }) };
        let count = i16::from_be_bytes(*count);
        if count == TRAILER {
            return Ok(Piece::Trailer);
        }
        if usize::try_from(count) != Ok(self.codecs.len()) {
            let asked = self.codecs.len();
            return Err(malformed(&format!("a row has {count} fields, and {asked} were asked for")));
        }
        let mut at = 2;
        for _ in 0..count {
            let Some((len, _)) = bytes.get(at..).and_then(<[u8]>::split_first_chunk) else {
                return Ok(Piece::Unfinished { needed: at + 4 });
            };
            at += 4 + field_len(i32::from_be_bytes(*len))?.unwrap_or(0);
            if at > COPY_ROW_BYTES_MAX {
                return Err(malformed("a row is longer than any that a server can hold"));
            }
        }
        Ok(if at <= bytes.len() { Piece::Row { len: at } } else { Piece::Unfinished { needed: at } })
    }
}

/// The cells of one row, one after the other.
///
/// Each is valid until the next is asked for, so that none has to be copied.
#[derive(Debug)]
pub struct Cells<'r> {
    codecs: &'r [Codec],
    column: usize,
    whole: &'r [u8],
    /// What is left of the row, which is known to be whole.
    fields: &'r [u8],
    scratch: &'r mut String,
}

impl crate::lens::Cells for Cells<'_> {
    fn next(&mut self) -> Result<Option<ValueRef<'_>>> {
        Cells::next(self)
    }
}

impl Cells<'_> {
    /// The next cell; `None` behind the last one.
    ///
    /// # Errors
    /// `STORE_FAILED` when the field is not what its type has.
    // As `RowBatch::push`, where most cells go next.
    #[inline(always)]
    #[expect(clippy::should_implement_trait, reason = "a cell borrows from the cells, which no iterator's item can")]
    pub fn next(&mut self) -> Result<Option<ValueRef<'_>>> {
        let Some(codec) = self.codecs.get(self.column) else { return Ok(None) };
        self.column += 1;
        let (len, rest) = self.fields.split_first_chunk().expect("BUG: a row without its last field");
        let Some(len) = field_len(i32::from_be_bytes(*len))? else {
            self.fields = rest;
            return Ok(Some(ValueRef::Null));
        };
        let (field, rest) = rest.split_at(len);
        self.fields = rest;
        match cell::read(codec, field, self.scratch) {
            Some(value) => Ok(Some(value)),
            None => Err(malformed(&format!("field {} is no value of type {}", self.column, codec.type_name()))),
        }
    }

    /// The row as it came.
    pub fn raw(&self) -> &[u8] {
        self.whole
    }

    /// How many cells the row has.
    pub fn width(&self) -> usize {
        self.codecs.len()
    }
}

fn header(bytes: &[u8]) -> Result<Piece> {
    let seen = bytes.len().min(SIGNATURE.len());
    if bytes[..seen] != SIGNATURE[..seen] {
        return Err(malformed("the signature is missing"));
    }
    let Some(numbers) = bytes.get(SIGNATURE.len()..HEADER_BYTES) else {
        return Ok(Piece::Unfinished { needed: HEADER_BYTES });
    };
    let (flags, extension) = numbers.split_at(4);
    // The upper half holds what a reader has to know, the lower what it may leave.
    if flags[..2] != [0, 0] {
        return Err(malformed("the header asks for what is not known"));
    }
    let extension = u32::from_be_bytes(extension.try_into().expect("BUG: four bytes are four bytes")) as usize;
    if extension > COPY_EXTENSION_BYTES_MAX {
        return Err(malformed("the header is too long"));
    }
    let len = HEADER_BYTES + extension;
    Ok(if bytes.len() < len { Piece::Unfinished { needed: len } } else { Piece::Header { len } })
}

/// The length of a field; `None` for NULL.
#[inline]
fn field_len(len: i32) -> Result<Option<usize>> {
    match usize::try_from(len) {
        Ok(len) if len <= COPY_ROW_BYTES_MAX => Ok(Some(len)),
        Err(_) if len == NULL => Ok(None),
        _ => Err(malformed("the length of a field is out of range")),
    }
}

#[cold]
fn malformed(why: &str) -> Error {
    Error::new(Code::StoreFailed, "the rows that the PostgreSQL server sent cannot be read")
        .because(format!("in its binary data, {why}"))
}
