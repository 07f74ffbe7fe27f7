//! Rows found by how many come before them.
//!
//! The server counts while it goes through the table in the order in which it keeps the rows: a variable of the session goes up
//! with each.

use std::collections::HashMap;
use std::fmt::Write;

use syncline_core::value::{Row, RowBatch, ValueRef};

use super::Place;
use crate::lens::Cells as _;
use crate::mysql::codec::Codec;
use crate::mysql::connect::failure::Attempt;
use crate::mysql::filter;
use crate::mysql::write::apply::{Apply, SHARE};
use crate::mysql::write::session::bug;
use crate::refused::Objection;

/// Sets the variable back.
const FROM_THE_FIRST: &str = "SET @_syncline_rank = 0";

/// Rows that one statement looks for. MariaDB makes a table of a longer list, and would go through that first: from 1,000 values
/// on, and there are two for each row.
const ROWS_AT_ONCE: usize = 400;

/// How much of a long value its mark is made of.
const MARKED_CHARS: usize = 100;

/// Rows by where they are.
pub(super) struct Ranked {
    rows: RowBatch,
    at: HashMap<i64, usize>,
}

impl Ranked {
    pub(super) fn row(&self, place: Place) -> Attempt<Row<'_>> {
        self.at.get(&place.rank).map(|at| self.rows.row(*at)).ok_or_else(|| bug("a row is gone that is locked"))
    }
}

impl Apply<'_, '_> {
    /// Shows all rows as they are stored, or those that take part: the cells of the task, then those that are kept.
    pub(super) async fn each_place(
        &self,
        has_to_take_part: bool,
        mut each: impl FnMut(Place, Row<'_>) -> syncline_core::error::Result<()> + Send,
    ) -> Attempt<()> {
        let columns = self.columns_kept();
        let filter = if has_to_take_part { filter::condition(self.task, "t.")? } else { None };
        let takes_part = filter.map_or_else(|| "1".to_owned(), |condition| format!("({condition}) IS TRUE"));
        let query = format!(
            "SELECT {takes_part}, {}, {} FROM {} {SHARE}",
            self.mark(),
            self.target.listed("t.", &columns),
            self.in_order()
        );
        let mut codecs = vec![Codec::Int, Codec::Int];
        codecs.extend(self.target.codecs(&columns));
        let (mut row, mut rank) = (RowBatch::new(columns.len()), 0);
        self.open
            .session
            .each_row(query, &codecs, |cells| {
                rank += 1;
                let takes_part = cells.next()? == Some(ValueRef::Int(1));
                let mark = match cells.next()? {
                    Some(ValueRef::Int(mark)) => mark,
                    _ => 0,
                };
                if !takes_part {
                    return Ok(());
                }
                row.clear();
                while let Some(cell) = cells.next()? {
                    row.push(cell)?;
                }
                each(Place { rank, mark, bytes: row.bytes() }, row.row(0))
            })
            .await
    }

    /// The rows at these places, cells as in [`Apply::each_place`].
    pub(super) async fn at(&self, mut places: Vec<Place>) -> Attempt<Ranked> {
        places.sort_unstable();
        let columns = self.columns_kept();
        let codecs = self.target.codecs(&columns);
        let mut found = Ranked { rows: RowBatch::new(columns.len()), at: HashMap::new() };
        for places in places.chunks(ROWS_AT_ONCE) {
            let cells = self.target.listed("t.", &columns);
            let query = format!("SELECT {cells} FROM {} WHERE {} {SHARE}", self.in_order(), self.is_at(places));
            self.open.session.run(FROM_THE_FIRST).await?;
            let rows = self.open.session.rows(query, &codecs).await?;
            if rows.len() != places.len() {
                return Err(bug("a row has moved that is locked"));
            }
            for (place, row) in places.iter().zip(rows.rows()) {
                found.at.insert(place.rank, found.rows.len());
                found.rows.push_row(row.iter())?;
            }
        }
        Ok(found)
    }

    /// Deletes the rows at these places, and returns what the table has against some. The last go first, because the others then
    /// are where they were.
    pub(super) async fn remove_from(&self, mut places: Vec<Place>) -> Attempt<HashMap<i64, Objection>> {
        places.sort_unstable();
        let mut left: Vec<&[Place]> = places.chunks(ROWS_AT_ONCE).collect();
        let mut refused = HashMap::new();
        while let Some(places) = left.pop() {
            let sql = format!("DELETE t FROM {} WHERE {}", self.in_order(), self.is_at(places));
            self.open.session.run(FROM_THE_FIRST).await?;
            match (self.open.session.write(&self.target.name, &[sql]).await?, places) {
                (Ok(rows), _) if rows == places.len() as u64 => {}
                (Ok(_), _) => return Err(bug("a row has moved that is locked")),
                (Err(objection), [one]) => _ = refused.insert(one.rank, objection),
                (Err(_), many) => left.extend::<[&[Place]; 2]>(many.split_at(many.len() / 2).into()),
            }
        }
        Ok(refused)
    }

    /// The table, gone through by no index but the one that its rows are kept by.
    fn in_order(&self) -> String {
        format!("{} AS t USE INDEX ()", self.target.table)
    }

    /// That a row is at one of these places and is what it was. No row is at place 0: of a list of one the server would make two
    /// conditions, and might not count where the other one fails.
    fn is_at(&self, places: &[Place]) -> String {
        let mut condition = format!("((@_syncline_rank := @_syncline_rank + 1), {}) IN ((0, 0)", self.mark());
        for Place { rank, mark, .. } in places {
            // Writing to a string does not fail.
            let _ = write!(condition, ", ({rank}, {mark})");
        }
        condition + ")"
    }

    /// A number that is made of what is in a row.
    fn mark(&self) -> String {
        let columns = self.columns_kept();
        let cells = self.target.columns(&columns).filter_map(|column| match column.codec {
            Codec::Text | Codec::Bytes { .. } => Some(format!("LEFT(t.{}, {MARKED_CHARS})", column.name)),
            Codec::Int | Codec::Year | Codec::Decimal | Codec::Real { .. } => Some(format!("t.{}", column.name)),
            Codec::Date | Codec::Time | Codec::Timestamp | Codec::Instant => Some(format!("t.{}", column.name)),
            Codec::Uuid | Codec::Json | Codec::Bits(_) | Codec::Geometry(_) | Codec::Other(_) => None,
        });
        let cells: String = cells.map(|cell| format!(", CAST({cell} AS BINARY)")).collect();
        format!("CRC32(CONCAT_WS(X'00', X'00'{cells}))")
    }
}
