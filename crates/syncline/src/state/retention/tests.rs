use std::fs;

use syncline_core::error::Code;
use syncline_core::state::Evidence;

use super::Kept;
use crate::state::RunLock;
use crate::state::fixtures::{done, end, image, open, record, run, table, undo};

#[tokio::test]
async fn old_images_expire() {
    let (_dir, state) = open().await;
    let old = done(&state, 1_000, 10).await;
    let young = done(&state, 2_000, 10).await;
    let week = 7 * 24 * 60 * 60 * 1_000;
    assert_eq!(state.expire_images(1_000 + week).await.unwrap(), 0);
    assert_eq!(state.expire_images(1_500 + week).await.unwrap(), 1);
    assert!(!state.find_run(&old).await.unwrap().keeps_images);
    assert!(!state.has_changes(&old).await.unwrap());
    assert!(state.has_changes(&young).await.unwrap());
    assert_eq!(state.begin_run(undo(&old)).await.unwrap_err().code(), Code::NothingToUndo);
    assert_eq!(state.expire_images(1_500 + week).await.unwrap(), 0);
}

#[tokio::test]
async fn images_beyond_the_limit_expire_oldest_first() {
    let (_dir, state) = open().await;
    let kept = Kept { ms: i64::MAX, bytes: 2_500 };
    let large = done(&state, 1, 5_000).await;
    assert_eq!(state.expire_beyond(9, kept).await.unwrap(), 0, "the newest run keeps its images");
    let runs = [done(&state, 2, 1_000).await, done(&state, 3, 1_000).await, done(&state, 4, 1_000).await];
    assert_eq!(state.expire_beyond(9, kept).await.unwrap(), 2);
    let mut has_changes = Vec::new();
    for run in [&large, &runs[0], &runs[1], &runs[2]] {
        has_changes.push(state.has_changes(run).await.unwrap());
    }
    assert_eq!(has_changes, [false, false, true, true]);
}

#[tokio::test]
async fn a_living_run_and_what_it_undoes_keep_their_images() {
    let (_dir, state) = open().await;
    let kept = Kept { ms: 0, bytes: 0 };
    let undone = done(&state, 1, 10).await;
    let lock = RunLock::acquire(state.dir(), "sqlite:1:2", "undo").unwrap();
    let undoing = state.begin_run(undo(&undone)).await.unwrap();
    assert_eq!(state.expire_beyond(9, kept).await.unwrap(), 0);
    drop(lock);
    assert_eq!(state.expire_beyond(9, kept).await.unwrap(), 1, "the process of {undoing} is dead");
}

#[tokio::test]
async fn space_is_given_back() {
    let (_dir, state) = open().await;
    let id = state.begin_run(run(0)).await.unwrap();
    let evidence = state.evidence(&id);
    evidence.record_table(&table("t")).await.unwrap();
    let images: Vec<_> = (0..12_000).map(|n| image(&n.to_string(), Some(&"x".repeat(200)), None)).collect();
    record(&evidence, 1, "t", images.clone()).await.unwrap();
    state.finish_run(&id, end(false)).await.unwrap();
    assert_eq!(state.expire_beyond(99, Kept { ms: 0, bytes: 0 }).await.unwrap(), 1);
    let dir = state.dir().to_owned();
    drop((state, evidence));
    assert!(fs::metadata(dir.join("state.db")).unwrap().len() < 200_000);
}
