//! Rows looked up by their keys: so many at once, through the key's index.
//!
//! The keys stand in the statement, one SELECT for each. They are gone through first, in their order, and each has its row looked
//! up: the server may not turn that around.

use syncline_core::change::TableTask;
use syncline_core::error::{Code, Error, Result};
use syncline_core::limits;
use syncline_core::schema::Column;
use syncline_core::value::{Kind, RowBatch, ValueRef, fit};

use super::select::Selected;
use crate::mysql::connect::quoted;
use crate::mysql::{filter, types};
use crate::sql::Dialect;

/// Keys that are looked up at once.
pub(in crate::mysql) struct Asked {
    /// What stands behind FROM: `n`, `k0`, `k1`, ….
    rows: String,
    /// Where each key stands among all.
    positions: Vec<usize>,
}

impl Asked {
    /// All keys of a task that a row may have, in their order and in bounded portions.
    ///
    /// # Errors
    /// `INTERNAL` for a table without a key: its rows cannot be looked up.
    pub(in crate::mysql) fn of(task: &TableTask, keys: &RowBatch) -> Result<Vec<Self>> {
        if task.key.is_empty() && !keys.is_empty() {
            return Err(Error::new(Code::Internal, "a row is looked for by what is no key of its table"));
        }
        let (mut all, mut portion) = (Vec::new(), Portion::default());
        for (position, key) in keys.rows().enumerate() {
            portion.add(task, position, key.iter());
            if portion.positions.len() >= limits::LOOKUP_KEYS || portion.rows.len() >= limits::LOOKUP_BYTES {
                all.extend(std::mem::take(&mut portion).finished());
            }
        }
        all.extend(portion.finished());
        Ok(all)
    }

    /// Which of all keys a number means that came back.
    pub(in crate::mysql) fn key_of(&self, number: ValueRef<'_>) -> Option<usize> {
        let ValueRef::Int(number) = number else { return None };
        self.positions.get(usize::try_from(number).ok()?).copied()
    }

    /// The keys as what stands behind FROM.
    pub(in crate::mysql) fn table(&self) -> String {
        format!("({}) AS k", self.rows)
    }
}

/// A query for the rows with these keys that take part: the key's number, then what is selected, from the table as `t`.
pub(in crate::mysql) fn rows(task: &TableTask, asked: &Asked, selected: &Selected) -> Result<String> {
    let filter = filter::condition(task, "t.")?.map(|condition| format!(" WHERE {condition}")).unwrap_or_default();
    Ok(format!(
        "SELECT STRAIGHT_JOIN k.n, {} FROM {} JOIN {} AS t ON {}{filter} ORDER BY k.n",
        selected.list(),
        asked.table(),
        quoted(&task.table.name)?,
        condition(task, "t.")?
    ))
}

/// What rows that may have the key `k` satisfy. There may be others among them, which the server takes for equal.
pub(in crate::mysql) fn condition(task: &TableTask, qualifier: &str) -> Result<String> {
    let terms = task.key.iter().enumerate().map(|(at, position)| {
        let column = &task.table.columns[task.columns[*position]];
        Ok(format!("{qualifier}{} = {}", quoted(&column.name)?, comparable(column, &format!("k.k{at}"))))
    });
    Ok(terms.collect::<Result<Vec<_>>>()?.join(" AND "))
}

/// A value from elsewhere, as a column is compared with it through its index: in its type, character set and collation.
pub(in crate::mysql) fn comparable(column: &Column, value: &str) -> String {
    match &column.kind {
        Kind::Date => format!("CAST({value} AS DATE)"),
        Kind::Time { .. } => format!("CAST({value} AS TIME(6))"),
        Kind::Timestamp { .. } | Kind::Instant { .. } => format!("CAST({value} AS DATETIME(6))"),
        Kind::Uuid => format!("CAST({value} AS UUID)"),
        _ => match charset(&column.collation) {
            Some(charset) => format!("CONVERT({value} USING {charset}) COLLATE {}", column.collation),
            None => value.to_owned(),
        },
    }
}

/// The character set of a collation, which its name begins with. Names are put into statements, so they are plain words.
pub(in crate::mysql) fn charset(collation: &str) -> Option<&str> {
    let is_plain = !collation.is_empty() && collation.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let charset = collation.split('_').next()?;
    (is_plain && charset != "binary").then_some(charset)
}

/// Keys on their way into a statement.
#[derive(Default)]
struct Portion {
    rows: String,
    positions: Vec<usize>,
}

impl Portion {
    /// A key that the column of one of its cells cannot hold is in no row, and not asked for.
    fn add<'v>(&mut self, task: &TableTask, position: usize, key: impl Iterator<Item = ValueRef<'v>>) {
        let mut cells = String::new();
        for (number, (at, cell)) in task.key.iter().zip(key).enumerate() {
            let Some(literal) = literal(&task.table.columns[task.columns[*at]], cell) else { return };
            cells.push_str(&format!(", {literal} AS k{number}"));
        }
        let number = self.positions.len();
        let union = if number == 0 { "" } else { " UNION ALL " };
        self.rows.push_str(&format!("{union}SELECT {number} AS n{cells}"));
        self.positions.push(position);
    }

    fn finished(self) -> Option<Asked> {
        let Self { rows, positions } = self;
        (!positions.is_empty()).then_some(Asked { rows, positions })
    }
}

/// A cell of a key as its column is compared with it; `None` where no cell of the column can be that.
fn literal(column: &Column, cell: ValueRef<'_>) -> Option<String> {
    let written = |value| Some(Dialect::Mysql.literal(value));
    match (&column.kind, cell) {
        (_, ValueRef::Null) => None,
        // With NUL in it, and longer than the column, it spoils nothing; nor does what no enumeration has as a label.
        (Kind::Text { .. } | Kind::Enum { .. }, ValueRef::Text(text)) => {
            std::str::from_utf8(text).ok().and_then(|_| written(cell))
        }
        // Before midnight and after the day's end, too.
        (Kind::Time { .. }, ValueRef::Time(_)) => written(cell),
        // Days that do not exist.
        (Kind::Date | Kind::Timestamp { .. } | Kind::Instant { .. }, ValueRef::Other { text, .. }) => {
            written(ValueRef::Text(text.as_bytes()))
        }
        _ => {
            let mut scratch = String::new();
            let fitted = fit::fit(cell, &column.kind, &mut scratch).ok()?;
            match (&column.kind, fitted) {
                // Compared by the 32 bits, of which the digits are only the shortest name.
                (Kind::Real { single: true }, ValueRef::Real(number)) => {
                    written(ValueRef::Real(f64::from(number as f32)))
                }
                // Bits are a number to the server, and their digits would be text.
                (Kind::Other { type_name }, ValueRef::Other { text, .. }) if types::bits(type_name).is_some() => {
                    u64::from_str_radix(text, 2).ok().map(|bits| bits.to_string())
                }
                _ => written(fitted),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::charset;

    #[test]
    fn a_collation_is_a_plain_word_that_begins_with_its_character_set() {
        assert_eq!(charset("utf8mb4_general_ci"), Some("utf8mb4"));
        assert_eq!(charset("latin1_swedish_ci"), Some("latin1"));
        assert_eq!(charset("binary"), None);
        assert_eq!(charset(""), None);
        assert_eq!(charset("utf8mb4_x' OR 1"), None);
    }
}
