//! What is selected of a table, and how it is read.

use syncline_core::change::TableTask;
use syncline_core::error::{Code, Error, Result, without_table};
use syncline_core::schema::Column;
use syncline_core::value::{Kind, ValueRef};

use super::view::Ground;
use crate::postgres::codec::Codec;
use crate::postgres::filter;
use crate::postgres::names::quoted;
use crate::postgres::types::Reading;
use crate::sql::Dialect;

/// Expressions, and how the cells of each lie in the stream.
#[derive(Default)]
pub(in crate::postgres) struct Selected {
    /// What stands behind SELECT.
    items: Vec<String>,
    /// One for each.
    pub(in crate::postgres) codecs: Vec<Codec>,
    /// The first cell is the size of the largest value of the row, and no value is there that is larger than this.
    pub(in crate::postgres) value_bytes: Option<usize>,
}

impl Selected {
    /// The columns of a task. Values larger than `value_bytes` stay with the server: the first cell tells of them.
    pub(in crate::postgres) fn columns(task: &TableTask, qualifier: &str, value_bytes: Option<usize>) -> Result<Self> {
        let mut selected = Self::default();
        let mut sizes = Vec::new();
        for (at, position) in task.columns.iter().enumerate() {
            let column = &task.table.columns[*position];
            let (item, codec) = match task.mapped.fills.iter().find(|(filled, _)| *filled == at) {
                Some((_, fill)) => filled(column, fill.as_ref()),
                None => {
                    let (item, codec) = cell(column, qualifier)?;
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
            selected.items.insert(0, format!("greatest({})::bigint", sizes.join(", ")));
            selected.codecs.insert(0, Codec::Int8);
            selected.value_bytes = value_bytes;
        }
        Ok(selected)
    }

    /// One more expression.
    pub(in crate::postgres) fn push(&mut self, item: impl Into<String>, codec: Codec) {
        self.items.push(item.into());
        self.codecs.push(codec);
    }

    /// One more expression before all others.
    pub(in crate::postgres) fn push_front(&mut self, item: impl Into<String>, codec: Codec) {
        self.items.insert(0, item.into());
        self.codecs.insert(0, codec);
    }

    /// The expressions.
    pub(in crate::postgres) fn items(&self) -> &[String] {
        &self.items
    }

    /// What stands behind SELECT.
    pub(in crate::postgres) fn list(&self) -> String {
        self.items.join(", ")
    }
}

/// A column, and how its cells lie in the stream.
pub(in crate::postgres) fn cell(column: &Column, qualifier: &str) -> Result<(String, Codec)> {
    let reading = Reading::of(column);
    Ok((reading.selected(&format!("{qualifier}{}", quoted(&column.name)?)), reading.codec))
}

/// What stands for a column that is yet to be added.
fn filled(column: &Column, fill: ValueRef<'_>) -> (String, Codec) {
    let codec = Reading::of(column).codec;
    let wire = if codec.is_cast() { "text" } else { codec.type_name() };
    (format!("{}::{wire}", Dialect::Postgres.literal(fill)), codec)
}

/// How many bytes a value takes, where that may be many.
fn size(column: &Column, qualifier: &str) -> Result<Option<String>> {
    let name = format!("{qualifier}{}", quoted(&column.name)?);
    Ok(match column.kind {
        Kind::Text { .. } | Kind::Bytes => Some(format!("octet_length({name})")),
        Kind::Json { .. } | Kind::Other { .. } | Kind::Flexible(_) => Some(format!("octet_length({name}::text)")),
        // A numeric has its digits bounded by its type, and all others are small.
        _ => None,
    })
}

/// The rows that take part, as what stands behind the name of their table.
pub(in crate::postgres) fn filtered(task: &TableTask, and: Option<&str>) -> Result<String> {
    let filter = filter::condition(task, "")?.map(|condition| format!("({condition})"));
    let conditions: Vec<String> = filter.into_iter().chain(and.map(str::to_owned)).collect();
    Ok(if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) })
}

/// The place of each row.
///
/// # Errors
/// `TABLE_NO_KEY` where places are those of partitions, and do not tell the rows of the table apart.
pub(in crate::postgres) fn place(task: &TableTask, ground: &Ground) -> Result<&'static str> {
    if !ground.is_partitioned {
        return Ok("ctid::text");
    }
    let table = &task.table.name;
    Err(Error::new(Code::TableNoKey, format!("{table} has no key: nothing tells its rows apart"))
        .because("its rows are in partitions, and those of different partitions may have the same place")
        .next(without_table(table), "leave the table out"))
}
