//! Ranges of rows summed up by the server.

use async_trait::async_trait;
use syncline_core::change::TableTask;
use syncline_core::error::Result;
use syncline_core::store::{BorderStream, DigestStream, Key, KeyRange, RangeSums, Traffic};

use super::PostgresSnapshot;
use crate::postgres::digest;
use crate::postgres::digest::borders;

#[async_trait]
impl RangeSums for PostgresSnapshot {
    async fn method(&mut self, task: &TableTask) -> Result<Option<String>> {
        let sight = self.sight().await?;
        let method = borders::method(&sight, task).await;
        self.done(method)
    }

    async fn nth_key(&mut self, task: &TableTask, rows: u64) -> Result<Option<Key>> {
        let sight = self.sight().await?;
        let key = borders::nth_key(&sight, task, rows).await;
        self.done(key)
    }

    async fn borders(&mut self, task: &TableTask, after: Option<&Key>, spacing: u32) -> Result<BorderStream<'_>> {
        let (task, after) = (task.clone(), after.cloned());
        self.stream(|sight, outlet| borders::stream(sight, task, (after, spacing), outlet)).await
    }

    async fn digest_within(&mut self, task: &TableTask, ranges: &[KeyRange]) -> Result<DigestStream<'_>> {
        let (task, ranges) = (task.clone(), ranges.to_vec());
        self.stream(|sight, outlet| digest::stream(sight, task, Some(ranges), outlet)).await
    }

    fn traffic(&self) -> Traffic {
        self.sight.session.meter.traffic()
    }
}
