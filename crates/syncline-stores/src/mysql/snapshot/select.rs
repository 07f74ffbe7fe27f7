//! What is selected of a table, and how it is read.

use syncline_core::change::TableTask;
use syncline_core::error::Result;
use syncline_core::schema::Column;
use syncline_core::value::{Kind, ValueRef};

use crate::mysql::codec::Codec;
use crate::mysql::connect::quoted;
use crate::mysql::{filter, types};
use crate::sql::Dialect;

/// Expressions, and how the cells of each travel.
#[derive(Default)]
pub(in crate::mysql) struct Selected {
    /// What stands behind SELECT.
    items: Vec<String>,
    /// One for each.
    pub(in crate::mysql) codecs: Vec<Codec>,
    /// The first cell is the size of the largest value of the row, and no value is there that is larger than this.
    pub(in crate::mysql) value_bytes: Option<usize>,
}

impl Selected {
    /// The columns of a task. Values larger than `value_bytes` stay with the server: the first cell tells of them.
    pub(in crate::mysql) fn columns(task: &TableTask, qualifier: &str, value_bytes: Option<usize>) -> Result<Self> {
        let mut selected = Self::default();
        let mut sizes = Vec::new();
        for (at, position) in task.columns.iter().enumerate() {
            let column = &task.table.columns[*position];
            let (item, codec) = match task.mapped.fills.iter().find(|(filled, _)| *filled == at) {
                Some((_, fill)) => filled(column, fill.as_ref()),
                None => {
                    let (item, codec) = cell(column, qualifier)?;
                    let item =
                        error_value(task, at).map_or(item.clone(), |shown| format!("IF({item} = 0, {shown}, {item})"));
                    match value_bytes.zip(size(column, qualifier)?) {
                        Some((most, size)) => {
                            let item = format!("CASE WHEN {size} <= {most} THEN {item} END");
                            sizes.push(size);
                            (item, codec)
                        }
                        None => (item, codec),
                    }
                }
            };
            selected.push(item, codec);
        }
        if !sizes.is_empty() {
            let sizes: String = sizes.iter().map(|size| format!(", {size}")).collect();
            selected.push_front(format!("GREATEST(0{sizes})"), Codec::Int);
            selected.value_bytes = value_bytes;
        }
        Ok(selected)
    }

    /// One more expression.
    pub(in crate::mysql) fn push(&mut self, item: impl Into<String>, codec: Codec) {
        self.items.push(item.into());
        self.codecs.push(codec);
    }

    /// One more expression before all others.
    pub(in crate::mysql) fn push_front(&mut self, item: impl Into<String>, codec: Codec) {
        self.items.insert(0, item.into());
        self.codecs.insert(0, codec);
    }

    /// What stands behind SELECT.
    pub(in crate::mysql) fn list(&self) -> String {
        self.items.join(", ")
    }
}

/// A column, and how its cells travel.
pub(in crate::mysql) fn cell(column: &Column, qualifier: &str) -> Result<(String, Codec)> {
    Ok((format!("{qualifier}{}", quoted(&column.name)?), types::codec(column)))
}

/// What the error value of an enumeration is shown as, by which the server keeps what was none of its labels: where one label is
/// empty it reads the same as that. Elsewhere it is the empty text, and so it is where the other side has no enumeration.
fn error_value(task: &TableTask, at: usize) -> Option<String> {
    let Kind::Enum { labels } = &task.table.columns[task.columns[at]].kind else { return None };
    let has_other_form = task.forms.kind(at).is_some() || task.key.contains(&at);
    if has_other_form || !labels.iter().any(String::is_empty) {
        return None;
    }
    let mut shown = "(error value)".to_owned();
    while labels.contains(&shown) {
        shown = format!("({shown})");
    }
    Some(Dialect::Mysql.literal(ValueRef::Text(shown.as_bytes())))
}

/// What stands for a column that is yet to be added: a value that is sent as the column would be.
fn filled(column: &Column, fill: ValueRef<'_>) -> (String, Codec) {
    let literal = Dialect::Mysql.literal(fill);
    let codec = types::codec(column);
    let item = match codec {
        Codec::Int | Codec::Year => format!("CAST({literal} AS SIGNED)"),
        Codec::Real { .. } => format!("CAST({literal} AS DOUBLE)"),
        Codec::Date => format!("CAST({literal} AS DATE)"),
        Codec::Time => format!("CAST({literal} AS TIME(6))"),
        Codec::Timestamp | Codec::Instant => format!("CAST({literal} AS DATETIME(6))"),
        Codec::Bytes { .. } | Codec::Geometry(_) | Codec::Bits(_) => format!("CAST({literal} AS BINARY)"),
        Codec::Decimal | Codec::Text | Codec::Uuid | Codec::Json | Codec::Other(_) => literal,
    };
    (item, codec)
}

/// How many bytes a value takes, where that may be many.
fn size(column: &Column, qualifier: &str) -> Result<Option<String>> {
    let name = format!("{qualifier}{}", quoted(&column.name)?);
    Ok(match (&column.kind, types::codec(column)) {
        (Kind::Text { .. }, _) | (_, Codec::Bytes { .. } | Codec::Json | Codec::Geometry(_)) => {
            Some(format!("COALESCE(OCTET_LENGTH({name}), 0)"))
        }
        _ => None,
    })
}

/// A query for the rows of a task in the order of their places: of no index but the one that they are kept by.
pub(in crate::mysql) fn in_places(task: &TableTask, selected: &Selected) -> Result<String> {
    let (list, table, filtered) = (selected.list(), quoted(&task.table.name)?, filtered(task, None)?);
    Ok(format!("SELECT {list} FROM {table} USE INDEX (){filtered}"))
}

/// The rows that take part, as what stands behind the name of their table.
pub(in crate::mysql) fn filtered(task: &TableTask, and: Option<&str>) -> Result<String> {
    let filter = filter::condition(task, "")?.map(|condition| format!("({condition})"));
    let conditions: Vec<String> = filter.into_iter().chain(and.map(str::to_owned)).collect();
    Ok(if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) })
}
