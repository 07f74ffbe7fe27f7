//! Rows on their way into a table of the server: as a file where it takes files of ours, and as literals where not.
//!
//! A file is taken whatever is in it: what does not fit is bent or left out, and warned of. So a file that was warned of is
//! taken back, and its rows are sent again as literals, which the server refuses rather than bends; by halves, until those
//! at fault stand alone.

use bytes::Bytes;
use syncline_core::change::Reason;
use syncline_core::limits;
use syncline_core::value::{RowBatch, ValueRef};

use super::session::Session;
use crate::mysql::codec::{Codec, Field, sent, write_field};
use crate::mysql::connect::failure::Attempt;
use crate::mysql::connect::line::Part;
use crate::refused::{Objection, Refused, split};
use crate::sql::Dialect;

/// What a statement of many rows may take of the largest packet, in quarters: it gains nothing from being larger.
const PACKET_QUARTERS: u64 = 3;

/// What a row that is alone leaves of it: the server counts the head of a packet with it.
const PACKET_MARGIN: u64 = 64;

/// Where rows are sent to.
pub(in crate::mysql) struct Sender<'s> {
    session: &'s Session,
    /// What people call the table.
    name: &'s str,
    /// The table, as it is written.
    into: &'s str,
    /// The column that gets the number of a row, as it is written.
    number: Option<&'s str>,
    /// The others, as they are written, and how their values travel.
    columns: Vec<(String, Codec)>,
}

impl<'s> Sender<'s> {
    /// A sender of rows with values for these columns.
    pub(in crate::mysql) fn new(
        session: &'s Session,
        (name, into): (&'s str, &'s str),
        number: Option<&'s str>,
        columns: Vec<(String, Codec)>,
    ) -> Self {
        Self { session, name, into, number, columns }
    }

    /// Sends the rows with these numbers, and returns those that the table does not take.
    pub(in crate::mysql) async fn send(&self, rows: &RowBatch, numbers: &[u32]) -> Attempt<Vec<Refused>> {
        let mut refused = Vec::new();
        let file = self.file(rows, numbers, &mut refused);
        let fit: Vec<u32> = match refused.is_empty() {
            true => numbers.to_vec(),
            false => numbers.iter().copied().filter(|number| refused.iter().all(|(bad, _)| bad != number)).collect(),
        };
        if !fit.is_empty() && !matches!(self.load(file).await?, Some(Ok(()))) {
            refused.extend(self.insert_by_halves(rows, &fit).await?);
        }
        refused.sort_by_key(|(number, _)| *number);
        Ok(refused)
    }

    /// The rows as a file, without those that the engine has no value for.
    fn file(&self, rows: &RowBatch, numbers: &[u32], refused: &mut Vec<Refused>) -> Part<()> {
        let (mut sent, mut chunk, mut count) = (Vec::new(), Vec::new(), 0);
        let packet_bytes = self.session.connection().packet_bytes;
        for number in numbers {
            let begun = chunk.len();
            match self.write_row(*number, rows, &mut chunk) {
                Ok(()) => count += 1,
                Err(why) => {
                    chunk.truncate(begun);
                    refused.push((*number, (Reason::Type, why)));
                }
            }
            if chunk.len() >= limits::COPY_CHUNK_BYTES {
                sent.extend(pieces(std::mem::take(&mut chunk), packet_bytes));
            }
        }
        sent.extend(pieces(chunk, packet_bytes));
        Part { bytes: sent.iter().map(Bytes::len).sum(), pieces: sent, rows: count, kept: () }
    }

    fn write_row(&self, number: u32, rows: &RowBatch, out: &mut Vec<u8>) -> Result<(), String> {
        if self.number.is_some() {
            out.extend_from_slice(format!("{number}\t").as_bytes());
        }
        let last = self.columns.len().saturating_sub(1);
        for (at, ((name, codec), value)) in self.columns.iter().zip(rows.row(number as usize).iter()).enumerate() {
            let field = if at == last { Field::Last } else { Field::Next };
            write_field(codec, value, field, out).map_err(|why| format!("column {name}: {why}"))?;
        }
        Ok(())
    }

    /// Sends a file. `None` where the server takes none.
    async fn load(&self, file: Part<()>) -> Attempt<Option<Result<(), Objection>>> {
        if !self.session.takes_files() {
            return Ok(None);
        }
        let statement = |name: &str| load_statement(self.into, self.number, &self.columns, name);
        self.session.load(self.name, statement, file).await
    }

    async fn insert_by_halves(&self, rows: &RowBatch, numbers: &[u32]) -> Attempt<Vec<Refused>> {
        let (mut left, mut refused) = (vec![numbers], Vec::new());
        while let Some(half) = left.pop().filter(|half| !half.is_empty()) {
            let Some(sql) = self.insert_statement(rows, half) else {
                self.split_or_load(&mut left, half, rows, &mut refused).await?;
                continue;
            };
            let written = self.session.write(self.name, &[sql]).await?;
            split(&mut left, half, written, &mut refused);
        }
        Ok(refused)
    }

    /// Rows that are too large for one statement. One that is so alone can only come as a file.
    async fn split_or_load<'n>(
        &self,
        left: &mut Vec<&'n [u32]>,
        half: &'n [u32],
        rows: &RowBatch,
        refused: &mut Vec<Refused>,
    ) -> Attempt<()> {
        let too_large = || {
            let bytes = self.session.connection().packet_bytes;
            (Reason::Refused, format!("the row is larger than the server takes (max_allowed_packet is {bytes} bytes)"))
        };
        let written = match half {
            [_] => {
                let file = self.file(rows, half, refused);
                self.load(file).await?.unwrap_or_else(|| Err(too_large())).map(|()| 1)
            }
            _ => Err(too_large()),
        };
        split(left, half, written, refused);
        Ok(())
    }

    /// The statement that inserts these rows; `None` when it would be larger than the server takes.
    fn insert_statement(&self, rows: &RowBatch, numbers: &[u32]) -> Option<String> {
        let bytes = self.session.connection().packet_bytes;
        let alone = bytes.saturating_sub(PACKET_MARGIN);
        let room = if numbers.len() == 1 { alone } else { bytes / 4 * PACKET_QUARTERS } as usize;
        let names: Vec<&str> =
            self.number.into_iter().chain(self.columns.iter().map(|(name, _)| name.as_str())).collect();
        let mut sql = format!("INSERT INTO {} ({}) VALUES ", self.into, names.join(", "));
        for (at, number) in numbers.iter().enumerate() {
            sql.push_str(if at == 0 { "(" } else { ", (" });
            if self.number.is_some() {
                sql.push_str(&number.to_string());
            }
            for (column, (value, (_, codec))) in rows.row(*number as usize).iter().zip(&self.columns).enumerate() {
                if column > 0 || self.number.is_some() {
                    sql.push_str(", ");
                }
                // Before it is written: a huge value is not copied for nothing.
                if sql.len() + size(value) > room {
                    return None;
                }
                let value = match value {
                    ValueRef::Real(number) => ValueRef::Real(sent(codec, number)),
                    value => value,
                };
                Dialect::Mysql.write_literal(value, &mut sql);
            }
            sql.push(')');
        }
        (sql.len() <= room).then_some(sql)
    }
}

/// The statement that loads a file by this name into a table, as it is written. `number` is the column that gets the number of a
/// row.
pub(in crate::mysql) fn load_statement(
    into: &str,
    number: Option<&str>,
    columns: &[(String, Codec)],
    file: &str,
) -> String {
    let (mut fields, mut set) = (Vec::new(), Vec::new());
    fields.extend(number.map(str::to_owned));
    let sets_any = columns.iter().any(|(_, codec)| codec.received("").is_some());
    for (at, (name, codec)) in columns.iter().enumerate() {
        let variable = format!("@_syncline_{at}");
        // Where anything is set, 0 counts as a number that was not given to a column with AUTO_INCREMENT, unless it is set too.
        let given = (sets_any && codec.is_number()).then(|| variable.clone());
        match codec.received(&variable).or(given) {
            None => fields.push(name.clone()),
            Some(value) => {
                set.push(format!("{name} = {value}"));
                fields.push(variable);
            }
        }
    }
    let set = if set.is_empty() { String::new() } else { format!(" SET {}", set.join(", ")) };
    format!(
        "LOAD DATA LOCAL INFILE '{file}' INTO TABLE {into} CHARACTER SET utf8mb4 \
         FIELDS TERMINATED BY X'09' OPTIONALLY ENCLOSED BY '' ESCAPED BY X'5C' \
         LINES STARTING BY '' TERMINATED BY X'0A' ({}){set}",
        fields.join(", ")
    )
}

/// About how many bytes a literal takes, and not more than it does.
fn size(value: ValueRef<'_>) -> usize {
    match value {
        ValueRef::Text(text) => text.len(),
        ValueRef::Bytes(bytes) => 2 * bytes.len(),
        ValueRef::Json(text) | ValueRef::Other { text, .. } => text.len(),
        _ => 1,
    }
}

/// A file in pieces that are worth a packet each, and that a server takes whose largest packet has so many bytes.
pub(in crate::mysql) fn pieces(whole: Vec<u8>, packet_bytes: u64) -> impl Iterator<Item = Bytes> {
    const MOST: usize = limits::LOAD_PACKET_BYTES;
    let piece = usize::try_from(packet_bytes / 2).map_or(MOST, |half| half.clamp(1, MOST));
    let whole = Bytes::from(whole);
    (0..whole.len()).step_by(piece).map(move |at| whole.slice(at..whole.len().min(at + piece)))
}
