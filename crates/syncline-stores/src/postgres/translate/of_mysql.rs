//! What only tables of MySQL have: enumerations without a name, bits, and numbers given to a column that may be no number here.

use syncline_core::schema::{Column, TableSchema};
use syncline_core::value::Kind;

use super::as_printed;
use super::defaults::{self, constant};
use crate::mysql::elsewhere::{self, Default, Moment};
use crate::postgres::names::Place;

/// Bytes of the longest name, and of the longest label of an enumeration.
const NAME_BYTES: usize = syncline_core::limits::POSTGRES_NAME_BYTES_MAX;

/// What stands behind the name of an enumeration: without it there could be a table of that name.
const ENUM: &str = "_enum";

/// What a column of MySQL is here.
pub(super) fn kind(kind: &Kind) -> Kind {
    let text = Kind::Text { max_chars: None, padded: false };
    match kind {
        Kind::Text { max_chars: Some(0), .. } => text,
        Kind::Enum { labels } if labels.iter().any(|label| label.len() > NAME_BYTES) => text,
        Kind::Other { type_name } if !type_name.starts_with("bit(") => text,
        kind => kind.clone(),
    }
}

/// Whether a type has none that is like it here.
pub(super) fn is_text_only_here(theirs: &Kind, ours: &Kind) -> bool {
    matches!(theirs, Kind::Enum { .. } | Kind::Other { .. }) && matches!(ours, Kind::Text { .. })
}

/// What the enumeration of a column is called, as the server prints it.
pub(super) fn enumeration(place: Place<'_>, column: &str) -> String {
    let mut name = format!("{}_{column}", place.name);
    while name.len() > NAME_BYTES - ENUM.len() {
        name.pop();
    }
    format!("{}.{}", as_printed(place.schema), as_printed(&(name + ENUM)))
}

/// The column that is given numbers, if it can be given them here.
pub(super) fn counted(table: &TableSchema, left_out: &mut Vec<String>) -> Option<usize> {
    let at = elsewhere::counted(table)?;
    let column = &table.columns[at];
    if matches!(column.kind, Kind::Int { .. }) && !column.nullable {
        return Some(at);
    }
    left_out.push(format!("the numbers that {} is given", column.name));
    None
}

/// The default for a column of this kind, none for NULL; `None` where it has no words for it.
pub(super) fn default(column: &Column, kind: &Kind, declared: &str) -> Option<Option<String>> {
    let moment = match elsewhere::default(column)? {
        Default::Constant(syncline_core::value::Value::Null) => return Some(None),
        Default::Constant(value) => {
            let cast = if matches!(kind, Kind::Enum { .. }) { format!("::{declared}") } else { String::new() };
            return constant(&value, kind).map(|constant| Some(constant + &cast));
        }
        Default::Bits(digits) => {
            let is_bits = matches!(kind, Kind::Other { .. });
            return is_bits.then(|| Some(format!("'{digits}'::\"bit\"")));
        }
        Default::Present(moment) => moment,
    };
    let present = match (moment, kind) {
        (Moment::Now, Kind::Timestamp { .. }) => "LOCALTIMESTAMP",
        (Moment::Today, Kind::Date) => "CURRENT_DATE",
        (Moment::Clock, Kind::Time { .. }) => "LOCALTIME",
        (Moment::Now, Kind::Instant { .. }) => "CURRENT_TIMESTAMP",
        (Moment::UtcNow, kind) => defaults::present(&defaults::Moment::Both, kind)?,
        (Moment::UtcToday, kind) => defaults::present(&defaults::Moment::Date, kind)?,
        (Moment::UtcClock, kind) => defaults::present(&defaults::Moment::Time, kind)?,
        _ => return None,
    };
    Some(Some(present.to_owned()))
}

#[cfg(test)]
mod tests;
