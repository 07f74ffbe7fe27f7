//! The before-images of a run as the source of rows.

use std::collections::BTreeMap;

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use syncline_core::change::TableTask;
use syncline_core::error::{Code, Error, Result};
use syncline_core::store::{RowSource, RowStream};
use syncline_core::value::{RowBatch, exact};

use crate::state::State;

/// The before-images of a run as the source of rows.
pub(super) struct Images {
    pub(super) state: State,
    pub(super) run: String,
    /// What the evidence calls each table, by its name in the target, which may be spelt differently.
    pub(super) names: BTreeMap<String, String>,
}

/// Images read at once, where they are small.
const IMAGES_AT_ONCE: usize = 256;

impl Images {
    fn name_of(&self, task: &TableTask) -> String {
        self.names.get(&task.table.name).unwrap_or(&task.table.name).clone()
    }
}

#[async_trait]
impl RowSource for Images {
    async fn all(&mut self, task: &TableTask) -> Result<RowStream<'_>> {
        Err(Error::new(Code::Internal, format!("an undo was asked to load {}", task.table.name)))
    }

    async fn by_keys(&mut self, task: &TableTask, keys: &RowBatch) -> Result<RowStream<'_>> {
        let keys: Vec<_> = keys.rows().map(|key| exact::encode_row(key.iter())).collect();
        let (table, width) = (self.name_of(task), task.columns.len());
        let this = &*self;
        let read = move |(keys, mut done, table): (Vec<Vec<u8>>, usize, String)| async move {
            let mut rows = RowBatch::new(width);
            while rows.is_empty() && done < keys.len() {
                let chunk = &keys[done..keys.len().min(done + IMAGES_AT_ONCE)];
                let (images, looked_up) = this.state.images_by_key(&this.run, &table, chunk).await?;
                done += looked_up;
                for image in images {
                    let before = image.before.unwrap_or_default();
                    rows.push_row(exact::decode_row(&before).map_err(unreadable)?)?;
                }
            }
            Ok((!rows.is_empty()).then_some((rows, (keys, done, table))))
        };
        Ok(stream::try_unfold((keys, 0, table), read).boxed())
    }

    async fn places(&mut self, task: &TableTask, keys: &RowBatch) -> Result<Vec<Option<i64>>> {
        // Where the key is the row number, or there is none, nothing needs to be looked up.
        if task.table.without_rowid || task.table.key.as_ref().is_some_and(|key| key.is_rowid) {
            return Ok(Vec::new());
        }
        let name = self.name_of(task);
        let keys: Vec<_> = keys.rows().map(|key| exact::encode_row(key.iter())).collect();
        let mut places = Vec::with_capacity(keys.len());
        for chunk in keys.chunks(IMAGES_AT_ONCE) {
            places.extend(self.state.places_by_key(&self.run, &name, chunk).await?);
        }
        Ok(places)
    }
}

fn unreadable(error: exact::DecodeError) -> Error {
    Error::new(Code::StateFailed, "a before-image cannot be read").caused_by(error)
}
