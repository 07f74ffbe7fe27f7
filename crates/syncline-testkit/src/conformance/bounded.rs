//! Rows of any size: what a transaction hands back is kept part by part.

use syncline_core::change::{Applied, ApplyMode, ChangeBatch, TableTask};
use syncline_core::limits::BATCH_BYTES;
use syncline_core::store::Transaction;
use syncline_core::value::Value;

use super::rows::{cells, checkpoint, create, deletes, image, in_key_order, keys, read, task, updates};
use super::{Factory, Promise};
use crate::fixtures::Cells;

pub(super) const PROMISES: &[Promise] = &[
    Promise { name: "apply: huge images come in parts, all modes", check: |labs| Box::pin(images(labs)) },
    Promise { name: "apply: huge rows left out come in parts", check: |labs| Box::pin(left_out(labs)) },
    Promise { name: "rows: huge ones come in parts", check: |labs| Box::pin(seen(labs)) },
];

/// Two of them fit a batch, three do not.
const HUGE: usize = BATCH_BYTES * 2 / 5;

const ROWS: i64 = 8;

/// A row with a unique number and a payload of this many bytes.
fn row(id: i64, number: i64, bytes: usize) -> Cells {
    vec![Value::Int(id), Value::Int(number), Value::Bytes(vec![id as u8; bytes])]
}

fn huge_rows() -> Vec<Cells> {
    (0..ROWS).map(|id| row(id, id, HUGE)).collect()
}

async fn create_huge(lab: &dyn super::Lab) -> Vec<Cells> {
    create(lab, "CREATE TABLE huge (id $int NOT NULL PRIMARY KEY, number $int UNIQUE, payload $bytes)").await;
    let rows = huge_rows();
    lab.insert("huge", &rows).await;
    rows
}

/// Hands a batch in until nothing is left of it, and checks that no part was larger than it may be.
async fn in_parts(tx: &mut dyn Transaction, task: &TableTask, batch: ChangeBatch, mode: ApplyMode) -> Vec<Applied> {
    let mut parts = Vec::new();
    let mut rest = Some(batch);
    while let Some(batch) = rest {
        let mut part = tx.apply(task, batch, mode).await.unwrap();
        rest = part.rest.take();
        let images: usize = part.images.iter().map(|image| image.bytes()).sum();
        let left: usize = part.moved.iter().chain(&part.refused).map(|refusal| refusal.bytes()).sum();
        assert!(images + left <= BATCH_BYTES + 2 * HUGE + 1_000, "{} bytes in one part", images + left);
        assert!(images + left > 0 || rest.is_none() || mode == ApplyMode::Place, "a part that brings nothing forward");
        parts.push(part);
    }
    parts
}

fn check_images(task: &TableTask, parts: &[Applied], old: &[Cells]) {
    assert_eq!(parts.iter().map(|part| part.images.len()).sum::<usize>(), old.len(), "images");
    for row in old {
        let key = super::rows::key(task, row);
        let part = parts.iter().find(|part| part.images.iter().any(|image| image.key == key));
        let before = image(part.expect("an image of each row"), &key).before.clone();
        assert!(before == Some(super::rows::encoded(row)), "the row as it was");
    }
}

async fn images(labs: Factory<'_>) {
    let lab = labs();
    let old = create_huge(&*lab).await;
    let store = lab.open().await;
    let task = task(&store, "huge").await;
    let small: Vec<Cells> = (0..4).map(|id| row(id, id, 1)).collect();
    let (updated, rest) = old.split_at(4);
    let (exchanged, gone) = rest.split_at(2);
    let swapped = vec![row(4, 5, 1), row(5, 4, 1)];
    let mut writer = store.writer().await.unwrap();
    let mut tx = writer.begin().await.unwrap();
    let parts = in_parts(&mut *tx, &task, updates(&task, updated, &small), ApplyMode::InPlace).await;
    assert_eq!(parts.iter().map(|part| part.updated).sum::<u64>(), 4);
    check_images(&task, &parts, updated);
    let exchange = updates(&task, exchanged, &swapped);
    let parts = in_parts(&mut *tx, &task, exchange.clone(), ApplyMode::Displace).await;
    check_images(&task, &parts, exchanged);
    let parts = in_parts(&mut *tx, &task, deletes(&task, &gone[..1]), ApplyMode::Displace).await;
    check_images(&task, &parts, &gone[..1]);
    let parts = in_parts(&mut *tx, &task, exchange, ApplyMode::Place).await;
    assert_eq!(parts.iter().map(|part| part.updated).sum::<u64>(), 2);
    let parts = in_parts(&mut *tx, &task, deletes(&task, &gone[1..]), ApplyMode::InPlace).await;
    assert_eq!(parts.iter().map(|part| part.deleted).sum::<u64>(), 1);
    check_images(&task, &parts, &gone[1..]);
    tx.commit(&checkpoint("suite", 1)).await.unwrap();
    assert!(read(&store, &task).await == [small, swapped].concat());
}

async fn left_out(labs: Factory<'_>) {
    let lab = labs();
    let old = create_huge(&*lab).await;
    let store = lab.open().await;
    let task = task(&store, "huge").await;
    let stale: Vec<Cells> = (0..ROWS).map(|id| row(id, id, 3)).collect();
    let new: Vec<Cells> = (0..ROWS).map(|id| row(id, id, 1)).collect();
    // Six rest on what is not there, the last one breaks a rule, and the one between them is written.
    let mut expected = stale[..6].to_vec();
    expected.extend([old[6].clone(), old[7].clone()]);
    let mut wanted = new.clone();
    wanted[7][1] = Value::Int(0);
    let mut writer = store.writer().await.unwrap();
    let mut tx = writer.begin().await.unwrap();
    let parts = in_parts(&mut *tx, &task, updates(&task, &expected, &wanted), ApplyMode::InPlace).await;
    let total = |count: fn(&Applied) -> usize| parts.iter().map(count).sum::<usize>();
    assert_eq!((total(|part| part.moved.len()), total(|part| part.refused.len())), (6, 1));
    assert_eq!(total(|part| part.updated as usize), 1);
    let parts = in_parts(&mut *tx, &task, deletes(&task, &stale[..6]), ApplyMode::InPlace).await;
    assert_eq!(parts.iter().map(|part| part.moved.len()).sum::<usize>(), 6);
    tx.commit(&checkpoint("suite", 1)).await.unwrap();
    let left = [&old[..6], &new[6..7], &old[7..]].concat();
    assert!(read(&store, &task).await == left);
}

async fn seen(labs: Factory<'_>) {
    let lab = labs();
    let there = create_huge(&*lab).await;
    let store = lab.open().await;
    let task = task(&store, "huge").await;
    let asked = in_key_order(&task, [&there[..], &[row(-1, -1, 1)], &[row(99, 99, 1)]].concat());
    let mut keys = keys(&task, &asked);
    let mut writer = store.writer().await.unwrap();
    let mut tx = writer.begin().await.unwrap();
    let mut found = Vec::new();
    while !keys.is_empty() {
        let part = tx.rows(&task, &keys).await.unwrap();
        assert!(part.keys > 0, "at least one key is looked up");
        assert!(part.rows.bytes() <= BATCH_BYTES + HUGE + 1_000, "{} bytes in one part", part.rows.bytes());
        found.extend(cells(&part.rows));
        keys.drop_front(part.keys);
    }
    assert!(found == there);
}
