//! Digests and places of the rows of a table without a key, in their order.
//!
//! The place of a row is its `ctid`, as one number: the block, times 65536, and the number in the block.

use syncline_core::change::TableTask;
use syncline_core::error::{Code, Error, Result};
use syncline_core::store::DigestBatch;
use syncline_core::value::ValueRef;

use crate::digests::copies::Waiting;
use crate::postgres::codec::Codec;
use crate::postgres::snapshot::select::{Selected, filtered, place};
use crate::postgres::snapshot::view::Sight;
use crate::stream::Outlet;

/// Bits of a place that say which row of its block it is.
const ROW_BITS: u32 = 16;

/// Hands over the digests of all rows that take part. `false` when nobody wants more.
pub(super) async fn stream(sight: Sight, task: TableTask, outlet: Outlet<DigestBatch>) -> Result<bool> {
    let ground = sight.ground(&task).await?;
    let flow = outlet.flow();
    let mut selected = Selected::columns(&task, "", flow.value_bytes)?;
    selected.push(place(&task, &ground)?, Codec::Text);
    let sql = format!("SELECT {} FROM {}{}", selected.list(), ground.table, filtered(&task, None)?);
    let mut waiting = Waiting::new(&task, flow, selected.value_bytes);
    let added =
        outlet.copy(&sight.session, &sql, selected.codecs, |cells| waiting.add(cells, |cells| read(cells.next()?)));
    Ok(added.await? && waiting.hand_over(&outlet).await?)
}

/// A place as the server writes and reads it.
pub(in crate::postgres) fn written(place: i64) -> String {
    format!("({},{})", place >> ROW_BITS, place & ((1 << ROW_BITS) - 1))
}

/// A place that the server has written.
pub(in crate::postgres) fn read(cell: Option<ValueRef<'_>>) -> Result<i64> {
    let place = match cell {
        Some(ValueRef::Text(text)) => parsed(text),
        _ => None,
    };
    place.ok_or_else(|| Error::new(Code::StoreFailed, "the PostgreSQL server gave a row a place that is none"))
}

fn parsed(text: &[u8]) -> Option<i64> {
    let (block, row) = std::str::from_utf8(text).ok()?.strip_prefix('(')?.strip_suffix(')')?.split_once(',')?;
    let (block, row): (u32, u16) = (block.parse().ok()?, row.parse().ok()?);
    Some(i64::from(block) << ROW_BITS | i64::from(row))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_was_written() {
        for (text, place) in [("(0,1)", 1), ("(1,2)", 65_538), ("(4294967295,65535)", (1 << 48) - 1)] {
            assert_eq!(read(Some(ValueRef::Text(text.as_bytes()))).unwrap(), place);
            assert_eq!(written(place), text);
        }
        for none in ["", "(1)", "(1,65536)", "(-1,2)", "(4294967296,1)", "1,2"] {
            assert!(read(Some(ValueRef::Text(none.as_bytes()))).is_err(), "{none}");
        }
    }
}
