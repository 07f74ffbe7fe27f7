use std::fs;

use syncline_core::change::{Operation, PlannedChange, RowDigest};
use syncline_core::state::{ChangeKind, Spool};

use crate::state::State;
use crate::state::fixtures::{LONG, open};

#[tokio::test]
async fn long_keys_make_short_pages() {
    let (_dir, state) = open().await;
    let spool = state.spool("r_1").await.unwrap();
    let long = |number: u8| PlannedChange { key: vec![number; LONG], ..planned(0) };
    let changes: Vec<_> = (0..5).map(long).collect();
    spool.append("t", &changes).await.unwrap();
    let mut read = Vec::new();
    loop {
        let page = spool.page("t", ChangeKind::Put, read.len() as u64, 9).await.unwrap();
        assert!(page.len() <= 2);
        if page.is_empty() {
            break;
        }
        read.extend(page);
    }
    assert!(read == changes);
}

#[tokio::test]
async fn a_spool_returns_changes_by_kind_in_order() {
    let (_dir, state) = open().await;
    let spool = state.spool("r_1").await.unwrap();
    assert!(spool.page("t", ChangeKind::Put, 0, 9).await.unwrap().is_empty());
    let changes: Vec<_> = (0..3_000).map(planned).collect();
    for part in changes.chunks(700) {
        spool.append("t", part).await.unwrap();
        spool.append("u", &part[..1]).await.unwrap();
    }
    let is_put = |change: &&PlannedChange| change.operation != Operation::Delete;
    let puts: Vec<_> = changes.iter().filter(is_put).cloned().collect();
    let page = spool.page("t", ChangeKind::Put, 1_990, 100).await.unwrap();
    assert_eq!(page, puts[1_990..]);
    assert_eq!(spool.page("t", ChangeKind::Put, 3, 5).await.unwrap(), puts[3..8]);
    let deletes: Vec<_> = changes.iter().filter(|change| !is_put(change)).cloned().collect();
    assert_eq!(spool.page("t", ChangeKind::Delete, 0, 5_000).await.unwrap(), deletes);
    assert!(spool.page("t", ChangeKind::Delete, 1_000, 9).await.unwrap().is_empty());
    assert!(spool.page("v", ChangeKind::Put, 0, 9).await.unwrap().is_empty());

    spool.clear().await.unwrap();
    assert!(spool.page("t", ChangeKind::Put, 0, 9).await.unwrap().is_empty());
    spool.append("t", &changes[..1]).await.unwrap();
    assert_eq!(spool.page("t", ChangeKind::Put, 0, 9).await.unwrap(), changes[..1]);
}

#[tokio::test]
async fn spools_leave_no_file_and_survive_other_openings() {
    let (_dir, state) = open().await;
    let spools = |state: &State| {
        let names = fs::read_dir(state.dir()).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| name.to_str().unwrap().contains("spool")).count()
    };
    fs::write(state.dir().join("spool-r_dead.db"), "left by a dead process").unwrap();
    let spool = state.spool("r_1").await.unwrap();
    let changes: Vec<_> = (0..50_000).map(planned).collect();
    spool.append("t", &changes[..25_000]).await.unwrap();
    State::open(state.dir()).await.unwrap();
    assert_eq!(spools(&state), 0);
    spool.append("t", &changes[25_000..]).await.unwrap();
    assert_eq!(spool.page("t", ChangeKind::Delete, 16_000, 1).await.unwrap(), [planned(48_002)]);
    drop(spool);
    assert_eq!(spools(&state), 0);
}

fn planned(number: u64) -> PlannedChange {
    let operation = [Operation::Insert, Operation::Update, Operation::Delete][number as usize % 3];
    let seen = (operation != Operation::Insert).then_some(RowDigest(u128::from(number) << 80));
    PlannedChange { operation, key: number.to_be_bytes().to_vec(), seen, becomes: seen, copies: None }
}
