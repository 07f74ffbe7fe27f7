//! Rows looked up by their keys: so many at once, through the key's index.
//!
//! The keys stand in the statement as arrays, because COPY takes no parameters. A statement that only joined them would be
//! carried out by going through the whole table when the server guesses wrong; a subquery for each key, which it may not
//! pull up, goes through the index.

use syncline_core::change::{TableTask, copies};
use syncline_core::error::{Code, Error, Result};
use syncline_core::limits;
use syncline_core::schema::Column;
use syncline_core::store::Key;
use syncline_core::value::{Kind, RowBatch, ValueRef, fit};

use super::select::Selected;
use super::session::Session;
use super::view::Ground;
use crate::postgres::digest::copies::written;
use crate::postgres::filter;
use crate::postgres::names::quoted;
use crate::postgres::types::Reading;
use crate::sql::Dialect;

/// Keys that are looked up at once.
pub(in crate::postgres) struct Asked {
    /// The arrays, one for each cell of a key, as they stand in a statement.
    arrays: Vec<String>,
    /// Where each key stands among all.
    positions: Vec<usize>,
    /// What travels as text is no value of its type, so it is held against what the server prints.
    is_unread: bool,
}

impl Asked {
    /// All keys of a task that a row may have, in their order and in bounded portions.
    pub(in crate::postgres) fn of(task: &TableTask, keys: &RowBatch) -> Result<Vec<Self>> {
        let mut all = Vec::new();
        let mut portion = Portion::new(task);
        for (position, key) in keys.rows().enumerate() {
            portion.add(position, key.iter())?;
            if portion.positions.len() >= limits::LOOKUP_KEYS || portion.bytes() >= limits::LOOKUP_BYTES {
                all.extend(std::mem::replace(&mut portion, Portion::new(task)).finished());
            }
        }
        all.extend(portion.finished());
        Ok(all)
    }

    /// Which of all keys a number means that came back.
    pub(in crate::postgres) fn key_of(&self, number: ValueRef<'_>) -> Option<usize> {
        let ValueRef::Int(number) = number else { return None };
        self.positions.get(usize::try_from(number).ok()?.checked_sub(1)?).copied()
    }

    /// Lets the server read what travels as text, before it is asked for it: text of another engine may be no value of the type.
    /// To be called once, in the session in which the keys are looked up.
    pub(in crate::postgres) async fn read_by(mut self, session: &Session, task: &TableTask) -> Result<Self> {
        let columns = task.key.iter().enumerate().map(|(at, position)| (at, key_column(task, *position)));
        let casts = columns.filter_map(|(at, column)| match key_type(column) {
            KeyType::Read(name) => Some(format!("count(k.k{at}::{name})")),
            _ => None,
        });
        let casts: Vec<String> = casts.collect();
        if !casts.is_empty() {
            self.is_unread = !session.accepts(&format!("SELECT {} FROM {}", casts.join(", "), self.table())).await?;
        }
        Ok(self)
    }

    /// The keys as what stands behind FROM: `k0`, `k1`, …, and their number `n`.
    pub(in crate::postgres) fn table(&self) -> String {
        let names: Vec<String> = (0..self.arrays.len()).map(|at| format!("k{at}")).collect();
        format!("unnest({}) WITH ORDINALITY AS k({}, n)", self.arrays.join(", "), names.join(", "))
    }
}

/// Keys of a task as arrays, one for each of their cells, as they stand in a statement.
///
/// # Errors
/// `INTERNAL` when one of them is no key that a row may have.
pub(in crate::postgres) fn arrays<'k>(task: &TableTask, keys: impl Iterator<Item = &'k Key>) -> Result<Vec<String>> {
    let (mut portion, mut count) = (Portion::new(task), 0);
    for key in keys {
        portion.add(count, key.iter().map(ValueRef::from))?;
        count += 1;
    }
    match portion.finished() {
        Some(asked) if asked.positions.len() == count => Ok(asked.arrays),
        _ => Err(no_key()),
    }
}

/// A query for the rows with these keys that take part: the key's number, then what is selected, from the table as `t`.
pub(in crate::postgres) fn rows(
    task: &TableTask,
    ground: &Ground,
    asked: &Asked,
    selected: &Selected,
) -> Result<String> {
    let filter = filter::condition(task, "t.")?.map(|condition| format!(" AND ({condition})")).unwrap_or_default();
    Ok(format!(
        "SELECT k.n, found.* FROM {}, LATERAL (SELECT {} FROM {} AS t WHERE {}{filter} OFFSET 0) AS found",
        asked.table(),
        selected.list(),
        ground.table,
        condition(task, asked, "t.")?
    ))
}

/// What rows that may have the key `k` satisfy. There may be others among them, which the server takes for equal.
pub(in crate::postgres) fn condition(task: &TableTask, asked: &Asked, qualifier: &str) -> Result<String> {
    condition_on(task, qualifier, asked.is_unread)
}

/// As [`condition`]; `is_unread` says that what travels as text is held against what the server prints.
pub(in crate::postgres) fn condition_on(task: &TableTask, qualifier: &str, is_unread: bool) -> Result<String> {
    if task.is_multiset() {
        return Ok(format!("{qualifier}ctid = k.k0"));
    }
    let mut terms = Vec::new();
    for (at, position) in task.key.iter().enumerate() {
        let column = key_column(task, *position);
        let name = format!("{qualifier}{}", quoted(&column.name)?);
        terms.push(match key_type(column) {
            KeyType::Read(type_name) if !is_unread => format!("{name} = k.k{at}::{type_name}"),
            KeyType::Read(_) | KeyType::Text => format!("{} COLLATE \"C\" = k.k{at}", printed(column, &name)),
            KeyType::Native(_) | KeyType::Folded(_) => equal(column, &name, &format!("k.k{at}")),
        });
    }
    Ok(terms.join(" AND "))
}

/// Two values of this column's type compared as the type does, or more exactly.
pub(super) fn equal(column: &Column, left: &str, right: &str) -> String {
    match key_type(column) {
        KeyType::Native(_) | KeyType::Read(_) => format!("{left} = {right}"),
        // Its comparison is found where the type is.
        KeyType::Folded(schema) => format!("{left} OPERATOR({schema}=) {right}"),
        KeyType::Text => format!("{} COLLATE \"C\" = {}", printed(column, left), printed(column, right)),
    }
}

fn key_column(task: &TableTask, position: usize) -> &Column {
    &task.table.columns[task.columns[position]]
}

/// A value of this column as text.
pub(in crate::postgres) fn printed(column: &Column, value: &str) -> String {
    match Reading::of(column).codec {
        codec if codec.is_cast() => codec.printed(value),
        _ => format!("{value}::text"),
    }
}

/// How a key is compared.
pub(in crate::postgres) enum KeyType<'c> {
    /// As its type does, which has this name.
    Native(&'c str),
    /// As its type does, which is not one of the server's own; with the schema and a point.
    Folded(&'c str),
    /// As its type does, which has this name; what is looked up comes as text and is read by the server.
    Read(&'c str),
    /// As text: for types of which nobody knows whether and where they can be compared.
    Text,
}

/// How the cells of a column are compared where it is part of a key.
pub(in crate::postgres) fn key_type(column: &Column) -> KeyType<'_> {
    let declared = &*column.declared_type;
    KeyType::Native(match &column.kind {
        Kind::Bool => "boolean",
        Kind::Int { bits: 16 } => "smallint",
        Kind::Int { bits: 32 } => "integer",
        Kind::Int { .. } if declared == "oid" => "oid",
        Kind::Int { .. } => "bigint",
        Kind::Decimal { .. } => "numeric",
        Kind::Real { single: true } => "real",
        Kind::Real { single: false } => "double precision",
        Kind::Bytes => "bytea",
        Kind::Date => "date",
        Kind::Time { .. } => "time",
        Kind::Timestamp { .. } => "timestamp",
        Kind::Instant { .. } => "timestamptz",
        Kind::Uuid => "uuid",
        Kind::Json { normalised: true } => "jsonb",
        Kind::Text { padded: true, .. } => "bpchar",
        Kind::Text { .. } => match declared.strip_suffix("citext") {
            Some(schema) if schema.ends_with('.') => return KeyType::Folded(schema),
            _ => "text",
        },
        // The other kinds keep the server's own order to themselves.
        Kind::Enum { .. } => declared,
        // The server's own bear no schema. What of them can be a key can be compared, and others are none.
        Kind::Other { type_name } if !type_name.contains('.') => return KeyType::Read(type_name),
        Kind::Json { normalised: false } | Kind::Other { .. } | Kind::Flexible(_) => return KeyType::Text,
    })
}

/// The type of the arrays' elements for the cells of a column.
fn element_type(column: &Column) -> &str {
    match key_type(column) {
        KeyType::Native(name) => name,
        KeyType::Folded(_) => &column.declared_type,
        KeyType::Read(_) | KeyType::Text => "text",
    }
}

/// The types of the elements of [`arrays`].
pub(in crate::postgres) fn key_types(task: &TableTask) -> Vec<&str> {
    task.key.iter().map(|at| element_type(&task.table.columns[task.columns[*at]])).collect()
}

/// Keys on their way into a statement.
struct Portion<'t> {
    columns: Vec<&'t Column>,
    arrays: Vec<String>,
    positions: Vec<usize>,
}

impl<'t> Portion<'t> {
    fn new(task: &'t TableTask) -> Self {
        let columns: Vec<&Column> = task.key.iter().map(|at| &task.table.columns[task.columns[*at]]).collect();
        let arrays = vec![String::new(); columns.len().max(1)];
        Self { columns, arrays, positions: Vec::new() }
    }

    fn bytes(&self) -> usize {
        self.arrays.iter().map(String::len).sum()
    }

    /// A key that the column of one of its cells cannot hold is in no row, and not asked for.
    fn add<'v>(&mut self, position: usize, mut key: impl ExactSizeIterator<Item = ValueRef<'v>>) -> Result<()> {
        let mut elements = Vec::with_capacity(self.arrays.len());
        if self.columns.is_empty() {
            let place = (key.len() == copies::WIDTH).then(|| key.nth(copies::WIDTH - 1)).flatten();
            let Some(ValueRef::Int(place)) = place else { return Err(no_key()) };
            elements.push(written(place));
        } else {
            let mut scratch = String::new();
            for (column, cell) in self.columns.iter().zip(key) {
                match fit::fit(cell, &column.kind, &mut scratch) {
                    Ok(ValueRef::Null) | Err(_) => return Ok(()),
                    Ok(fitted) => elements.push(element(fitted)?),
                }
            }
        }
        for (array, element) in self.arrays.iter_mut().zip(elements) {
            array.push_str(if array.is_empty() { "\"" } else { ",\"" });
            for c in element.chars() {
                if matches!(c, '"' | '\\') {
                    array.push('\\');
                }
                array.push(c);
            }
            array.push('"');
        }
        self.positions.push(position);
        Ok(())
    }

    fn finished(self) -> Option<Asked> {
        if self.positions.is_empty() {
            return None;
        }
        let type_name = |at: usize| self.columns.get(at).map_or("tid", |column| element_type(column));
        let arrays = self.arrays.iter().enumerate().map(|(at, array)| {
            let literal = Dialect::Postgres.literal(ValueRef::Text(format!("{{{array}}}").as_bytes()));
            format!("{literal}::{}[]", type_name(at))
        });
        Some(Asked { arrays: arrays.collect(), positions: self.positions, is_unread: false })
    }
}

/// A value as the server reads it.
fn element(value: ValueRef<'_>) -> Result<String> {
    const TEXT: Kind = Kind::Text { max_chars: None, padded: false };
    Ok(match value {
        ValueRef::Bool(value) => value.to_string(),
        ValueRef::Int(value) => value.to_string(),
        ValueRef::Real(value) if value.is_finite() => format!("{value:?}"),
        ValueRef::Real(value) if value.is_nan() => "NaN".to_owned(),
        ValueRef::Real(value) => if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned(),
        ValueRef::Decimal(digits) => digits.to_owned(),
        ValueRef::Bytes(bytes) => {
            let digits = bytes.iter().map(|byte| format!("{byte:02x}"));
            format!("\\x{}", digits.collect::<String>())
        }
        value => {
            let mut scratch = String::new();
            match fit::fit(value, &TEXT, &mut scratch) {
                Ok(ValueRef::Text(text)) => std::str::from_utf8(text).map_err(|_| no_key())?.to_owned(),
                _ => return Err(no_key()),
            }
        }
    })
}

fn no_key() -> Error {
    Error::new(Code::Internal, "a row is looked for by what is no key of its table")
}
