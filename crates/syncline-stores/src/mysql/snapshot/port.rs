//! The port.

use std::sync::Arc;

use async_trait::async_trait;
use syncline_core::change::TableTask;
use syncline_core::error::{Code, Error, Result};
use syncline_core::schema::{ForeignKey, NewColumn, Schema, TableSchema, Translated, Widened};
use syncline_core::store::{
    Cursor, DigestStream, Estimate, Flow, LogPosition, Logs, Orphans, Position, RowStream, Scale, Share, SharedView,
    Snapshot, SumStream, TouchedStream, Window,
};
use syncline_core::value::RowBatch;

use super::select::filtered;
use super::{MysqlSnapshot, estimate, orphans, rows, sequence, sum};
use crate::mysql::connect::failure::Doing;
use crate::mysql::connect::{cell, connect, quoted};
use crate::mysql::track::place::Place;
use crate::mysql::write::{cursors, define};
use crate::mysql::{capture, digest, migrate, schema, translate};

#[async_trait]
impl Snapshot for MysqlSnapshot {
    async fn schema(&mut self) -> Result<Schema> {
        let mut schema = schema::read(&*self.connection().await?).await?;
        schema.tables.retain(|table| self.tables.contains(&table.name));
        Ok(schema)
    }

    fn translate(&self, table: &Arc<TableSchema>) -> Translated {
        translate::translate(table, &self.connection.version)
    }

    fn settled(&self, table: &Arc<TableSchema>, among: &Schema) -> Translated {
        translate::settled(table, among, &self.connection.version)
    }

    fn statements(&self, table: &TableSchema) -> Result<Vec<String>> {
        define::statements_of(table)
    }

    fn tells_commits_apart(&self) -> bool {
        false
    }

    async fn widened(&mut self, table: &TableSchema, columns: &[NewColumn]) -> Result<Widened> {
        migrate::widened(&connect(&self.options).await?, table, columns).await
    }

    async fn count(&mut self, task: &TableTask) -> Result<u64> {
        let connection = self.connection().await?;
        let sql = format!("SELECT COUNT(*) FROM {}{}", quoted(&task.table.name)?, filtered(task, None)?);
        let rows = connection.line.query(sql).await.map_err(|error| connection.error(error))?;
        rows.first().map_or(Ok(0), |row| cell(row, 0))
    }

    async fn is_empty(&mut self, task: &TableTask) -> Result<bool> {
        estimate::is_empty(&*self.connection().await?, task).await
    }

    async fn highest(&mut self, task: &TableTask, column: &str, scale: Scale) -> Result<Option<i64>> {
        estimate::highest(&*self.connection().await?, task, column, scale).await
    }

    async fn estimate(&mut self, task: &TableTask) -> Result<Estimate> {
        estimate::estimate(&*self.connection().await?, task).await
    }

    async fn check_key(&mut self, task: &TableTask) -> Result<()> {
        digest::check_key(&*self.connection().await?, task).await
    }

    async fn scan(&mut self, task: &TableTask) -> Result<RowStream<'_>> {
        let task = task.clone();
        self.stream(|connection, outlet| rows::scan(connection, task, outlet)).await
    }

    async fn digest(&mut self, task: &TableTask) -> Result<DigestStream<'_>> {
        let task = task.clone();
        self.stream(|connection, outlet| digest::stream(connection, task, outlet)).await
    }

    async fn sum(&mut self, task: &TableTask, share: Share) -> Result<SumStream<'_>> {
        let task = task.clone();
        self.stream(|connection, outlet| sum::stream(connection, task, share, outlet)).await
    }

    async fn fetch(&mut self, task: &TableTask, keys: &RowBatch) -> Result<RowStream<'_>> {
        let (task, keys) = (task.clone(), keys.clone());
        self.stream(|connection, outlet| rows::fetch(connection, task, keys, outlet)).await
    }

    fn set_flow(&mut self, flow: Flow) {
        self.flow = flow;
    }

    async fn orphans(
        &mut self,
        child: &TableTask,
        foreign_key: &ForeignKey,
        keys: Option<&RowBatch>,
        limit: usize,
    ) -> Result<Orphans> {
        orphans::find(&*self.connection().await?, child, foreign_key, keys, limit).await
    }

    async fn logs(&mut self) -> Result<Option<Logs>> {
        Ok(self.logged().await?.map(|logged| logged.logs.clone()))
    }

    async fn window(&mut self, task: &TableTask, since: &LogPosition) -> Result<Window> {
        let Some(logged) = self.logged().await? else {
            return Ok(Window::Cut("its changes are not logged".to_owned()));
        };
        let connection = self.connection().await?;
        let window = match logged.of(task) {
            Err(why) => return Ok(Window::Cut(why)),
            Ok(tracked) => capture::window(&connection, tracked, task, since).await,
        };
        window.map_err(|failure| connection.error_while(failure, Doing::Reading))
    }

    async fn touched(&mut self, task: &TableTask, since: &LogPosition) -> Result<TouchedStream<'_>> {
        let logged = self.logged().await?;
        let tracked = logged.as_deref().and_then(|logged| logged.of(task).ok().cloned());
        let since = tracked
            .zip(Place::parse(since))
            .ok_or_else(|| Error::new(Code::Internal, format!("no log is kept of {}", task.table.name)))?;
        let task = task.clone();
        self.stream(|connection, outlet| capture::touched(connection, task, since, outlet)).await
    }

    async fn cursors(&mut self) -> Result<Vec<Cursor>> {
        let connection = self.connection().await?;
        cursors::read(&connection).await.map_err(|failure| connection.error_while(failure, Doing::Reading))
    }

    async fn sequence(&mut self, table: &str) -> Result<Option<i64>> {
        sequence::read(&*self.connection().await?, table).await
    }

    /// There is no way to give a view to another session.
    async fn twin(&mut self) -> Result<Option<Box<dyn Snapshot>>> {
        Ok(None)
    }

    async fn position(&mut self) -> Result<Position> {
        Ok(self.position.clone())
    }

    fn shared(&self) -> Option<Arc<dyn SharedView>> {
        None
    }
}
