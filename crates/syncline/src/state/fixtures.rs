//! States, runs and evidence for tests.

use syncline_core::change::{Image, RowDigest};
use syncline_core::error::Result;
use syncline_core::state::{Evidence, LoadRecord, TableRecord};
use syncline_core::value::{Equality, Forms, Kind};
use tempfile::TempDir;

use super::{NewRun, RunEnd, RunEvidence, RunVerb, State};
use crate::request::{RunRequest, Verb};
use crate::summary::{Status, Verified};

/// Bytes of an image or a key, two of which pass a batch.
pub(super) const LONG: usize = syncline_core::limits::BATCH_BYTES * 3 / 5;

pub(super) async fn open() -> (TempDir, State) {
    let dir = tempfile::tempdir().unwrap();
    let state = State::open(&dir.path().join("state")).await.unwrap();
    (dir, state)
}

pub(super) fn run(started_ms: i64) -> NewRun {
    NewRun {
        verb: RunVerb::Mirror,
        source: "a.db".into(),
        target: "b.db".into(),
        source_identity: Some("sqlite:1:1".into()),
        target_identity: "sqlite:1:2".into(),
        request: Some(RunRequest::new(Verb::Mirror, "sqlite:/a.db", "sqlite:/b.db")),
        undoes: None,
        continues: None,
        keeps_images: true,
        started_ms,
    }
}

pub(super) fn undo(of: &str) -> NewRun {
    NewRun { verb: RunVerb::Undo, undoes: Some(of.to_owned()), request: None, ..run(0) }
}

pub(super) fn end(mark_undone: bool) -> RunEnd {
    let (status, verified) = (Status::Succeeded, Verified::Equal);
    RunEnd { status, verified, summary: None, error: None, ended_ms: 20, mark_undone }
}

pub(super) fn image(key: &str, before: Option<&str>, after: Option<u128>) -> Image {
    let bytes = |text: &str| text.as_bytes().to_vec();
    Image { key: bytes(key), before: before.map(bytes), place: Some(7), after: after.map(RowDigest) }
}

pub(super) fn table(name: &str) -> TableRecord {
    TableRecord {
        table: name.into(),
        in_target: Some("other".into()),
        columns: vec!["id".into(), "na\"me".into()],
        sequence: Some(9),
    }
}

pub(super) fn load(name: &str) -> LoadRecord {
    let columns = vec!["id".into()];
    let forms = Forms { kinds: vec![None, Some(Kind::Date)], equality: Equality::Canonical };
    let in_target = Some("other".into());
    let (sum, sketch) = (vec![1, 2], vec![3, 4, 5]);
    LoadRecord { table: name.into(), in_target, columns, created: true, sum, sketch, sequence: None, forms }
}

/// A run that has ended, with one image of so many bytes.
pub(super) async fn done(state: &State, ended_ms: i64, bytes: usize) -> String {
    let id = state.begin_run(run(0)).await.unwrap();
    let evidence = state.evidence(&id);
    evidence.record_table(&table("t")).await.unwrap();
    record(&evidence, 1, "t", vec![image("k", Some(&"x".repeat(bytes)), None)]).await.unwrap();
    state.finish_run(&id, RunEnd { ended_ms, ..end(false) }).await.unwrap();
    id
}

/// Records images, and waits until they are durable.
pub(super) async fn record(evidence: &RunEvidence, batch: u64, table: &str, images: Vec<Image>) -> Result<()> {
    evidence.record_images(batch, table, images).await?;
    evidence.settle().await
}
