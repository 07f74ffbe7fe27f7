//! The before-images of a run, and what undoing them would do.

use rusqlite::{OptionalExtension, Row, params};
use syncline_core::change::{Image, RowDigest, copies};
use syncline_core::error::Result;
use syncline_core::limits;
use syncline_core::value::exact;

use super::{NET_IMAGES, read_digest, table_id};
use crate::state::State;
use crate::state::run_record::{to_count, to_sql};

/// What undoing the images of a table would do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImageCounts {
    /// Rows the run deleted: they come back.
    pub to_restore: u64,
    /// Rows the run changed: they get their earlier values.
    pub to_revert: u64,
    /// Rows the run added: they go.
    pub to_remove: u64,
}

/// What an image says beside the cells of its row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// The key, in the exact encoding.
    pub key: Vec<u8>,
    /// Whether there was a row before.
    pub was_there: bool,
    /// The digest of that row, where the key has the form of one of a table without a key.
    pub before: Option<RowDigest>,
    /// The engine's own row number, as in the image.
    pub place: Option<i64>,
    /// The digest of what was written.
    pub after: Option<RowDigest>,
}

impl State {
    /// Up to `limit` before-images of a table, with their positions, in the order the rows were first changed. Pass
    /// the last position as `after` for the next page, 0 for the first; a page shorter than `limit` is the last.
    ///
    /// A row has one image, however often the run changed it: what it was before the run, and what the run left.
    pub async fn images(&self, run: &str, table: &str, after: u64, limit: usize) -> Result<Vec<(u64, Image)>> {
        let (run, table) = (run.to_owned(), table.to_owned());
        let select = format!("{NET_IMAGES} AND table_id = ?1 AND sequence > ?2 ORDER BY sequence LIMIT ?3");
        self.database
            .read("read before-images", move |connection| {
                let Some(table_id) = table_id(connection, &run, &table)? else { return Ok(Vec::new()) };
                let mut statement = connection.prepare_cached(&select)?;
                let values = params![table_id, to_sql(after), to_sql(limit as u64)];
                let images = statement.query_map(values, |row| Ok((to_count(row.get(0)?), read_image(row)?)))?;
                Ok(images.collect::<rusqlite::Result<_>>()?)
            })
            .await
    }

    /// As [`State::images`], without the cells of the rows.
    pub async fn traces(&self, run: &str, table: &str, after: u64, limit: usize) -> Result<Vec<(u64, Trace)>> {
        let (run, table) = (run.to_owned(), table.to_owned());
        let select = format!(
            "SELECT sequence, key, before, place, written FROM ({NET_IMAGES} AND table_id = ?1 \
                AND sequence > ?2) ORDER BY sequence LIMIT ?3"
        );
        self.database
            .read("read before-images", move |connection| {
                let Some(table_id) = table_id(connection, &run, &table)? else { return Ok(Vec::new()) };
                let mut statement = connection.prepare_cached(&select)?;
                let (mut traces, mut bytes) = (Vec::new(), 0);
                let mut rows = statement.query(params![table_id, to_sql(after), to_sql(limit as u64)])?;
                while let Some(row) = rows.next()? {
                    let trace = read_trace(row)?;
                    bytes += trace.key.len();
                    traces.push((to_count(row.get(0)?), trace));
                    if bytes > limits::BATCH_BYTES {
                        break;
                    }
                }
                Ok(traces)
            })
            .await
    }

    /// The before-images of the rows with these keys, as [`State::images`] shows them, in the order of the keys; keys
    /// without one are left out. Stops where they pass [`limits::BATCH_BYTES`] and tells how many keys were looked up.
    pub async fn images_by_key(&self, run: &str, table: &str, keys: &[Vec<u8>]) -> Result<(Vec<Image>, usize)> {
        let (run, table, keys) = (run.to_owned(), table.to_owned(), keys.to_vec());
        let select = format!("{NET_IMAGES} AND table_id = ?1 AND key = ?2");
        self.database
            .read("read before-images", move |connection| {
                let Some(table_id) = table_id(connection, &run, &table)? else { return Ok((Vec::new(), keys.len())) };
                let mut statement = connection.prepare_cached(&select)?;
                let (mut images, mut bytes) = (Vec::new(), 0);
                for (at, key) in keys.iter().enumerate() {
                    if let Some(image) = statement.query_row(params![table_id, key], read_image).optional()? {
                        bytes += image.bytes();
                        images.push(image);
                    }
                    if bytes > limits::BATCH_BYTES {
                        return Ok((images, at + 1));
                    }
                }
                Ok((images, keys.len()))
            })
            .await
    }

    /// The row numbers in the before-images of the rows with these keys, one for each key that has an image.
    pub async fn places_by_key(&self, run: &str, table: &str, keys: &[Vec<u8>]) -> Result<Vec<Option<i64>>> {
        let (run, table, keys) = (run.to_owned(), table.to_owned(), keys.to_vec());
        let select = format!("SELECT place FROM ({NET_IMAGES} AND table_id = ?1 AND key = ?2)");
        self.database
            .read("read before-images", move |connection| {
                let Some(table_id) = table_id(connection, &run, &table)? else { return Ok(Vec::new()) };
                let mut statement = connection.prepare_cached(&select)?;
                let mut places = Vec::with_capacity(keys.len());
                for key in keys {
                    let place = statement.query_row(params![table_id, key], |row| row.get::<_, Option<i64>>(0));
                    places.extend(place.optional()?);
                }
                Ok(places)
            })
            .await
    }

    /// How many rows of a table undoing the run would bring back, change back and remove.
    pub async fn image_counts(&self, run: &str, table: &str) -> Result<ImageCounts> {
        let (run, table) = (run.to_owned(), table.to_owned());
        let select = format!(
            "SELECT count(*) FILTER (WHERE written IS NULL), \
                    count(*) FILTER (WHERE before IS NOT NULL AND written IS NOT NULL), \
                    count(*) FILTER (WHERE before IS NULL) \
             FROM ({NET_IMAGES} AND table_id = ?1)"
        );
        self.database
            .read("count before-images", move |connection| {
                let Some(table_id) = table_id(connection, &run, &table)? else { return Ok(ImageCounts::default()) };
                let counts = connection.prepare_cached(&select)?.query_row([table_id], |row| {
                    let count = |column| Ok::<_, rusqlite::Error>(to_count(row.get(column)?));
                    Ok(ImageCounts { to_restore: count(0)?, to_revert: count(1)?, to_remove: count(2)? })
                })?;
                Ok(counts)
            })
            .await
    }
}

/// Reads a row of [`NET_IMAGES`].
fn read_image(row: &Row<'_>) -> rusqlite::Result<Image> {
    Ok(Image { key: row.get(1)?, before: row.get(2)?, place: row.get(3)?, after: read_digest(row, 4)? })
}

fn read_trace(row: &Row<'_>) -> rusqlite::Result<Trace> {
    let key: Vec<u8> = row.get(1)?;
    let cells = row.get_ref(2)?.as_blob_or_null()?;
    let before = cells.filter(|_| copies::decode(&key).is_some()).map(|cells| RowDigest(exact::digest_bytes(cells)));
    Ok(Trace { was_there: cells.is_some(), before, key, place: row.get(3)?, after: read_digest(row, 4)? })
}
