//! Rows of a query, handed over while they come.

use std::pin::pin;

use futures_util::future::{Either, select};
use mysql_async::{Params, Row};
use syncline_core::error::Result;
use syncline_core::value::ValueRef;

use crate::mysql::codec::{Codec, cell};
use crate::mysql::connect::Connection;
use crate::mysql::connect::failure::{Attempt, Doing};
use crate::stream::{Load, Outlet};

/// The cells of a row, one after the other.
pub(in crate::mysql) struct Cells<'r> {
    pub(super) row: &'r Row,
    pub(super) codecs: &'r [Codec],
    pub(super) next: usize,
    pub(super) scratch: &'r mut String,
}

impl crate::lens::Cells for Cells<'_> {
    fn next(&mut self) -> Result<Option<ValueRef<'_>>> {
        let at = self.next;
        let Some((codec, value)) = self.codecs.get(at).zip(self.row.as_ref(at)) else { return Ok(None) };
        self.next += 1;
        cell(codec, value, self.scratch).map(Some)
    }
}

impl<T: Load> Outlet<T> {
    /// Shows each row of a query to `each`, and hands over the batches that it returns. `false` when nobody wants more.
    pub(in crate::mysql) async fn read(
        &self,
        connection: &Connection,
        query: String,
        codecs: &[Codec],
        mut each: impl FnMut(&mut Cells<'_>) -> Result<Option<T>> + Send,
    ) -> Result<bool> {
        let mut rows = connection.line.read(query, Params::Empty);
        let mut scratch = String::new();
        loop {
            let chunk = match select(pin!(rows.next()), pin!(self.closed())).await {
                Either::Left((chunk, _)) => chunk.map_err(|error| connection.error(error))?,
                Either::Right(_) => return Ok(false),
            };
            if chunk.is_empty() {
                return Ok(true);
            }
            for row in &chunk {
                let mut cells = Cells { row, codecs, next: 0, scratch: &mut scratch };
                if let Some(batch) = each(&mut cells)?
                    && !self.send(batch).await
                {
                    return Ok(false);
                }
            }
        }
    }
}

/// Shows each row of a query to `each`.
pub(in crate::mysql) async fn each_row(
    connection: &Connection,
    query: String,
    codecs: &[Codec],
    each: impl FnMut(&mut Cells<'_>) -> Result<()> + Send,
) -> Result<()> {
    show_rows(connection, query, codecs, each).await.map_err(|failure| connection.error_while(failure, Doing::Reading))
}

/// As [`each_row`], for those who have to know how it failed.
pub(in crate::mysql) async fn show_rows(
    connection: &Connection,
    query: String,
    codecs: &[Codec],
    mut each: impl FnMut(&mut Cells<'_>) -> Result<()> + Send,
) -> Attempt<()> {
    let mut rows = connection.line.read(query, Params::Empty);
    let mut scratch = String::new();
    loop {
        let chunk = rows.next().await?;
        if chunk.is_empty() {
            return Ok(());
        }
        for row in &chunk {
            each(&mut Cells { row, codecs, next: 0, scratch: &mut scratch })?;
        }
    }
}
