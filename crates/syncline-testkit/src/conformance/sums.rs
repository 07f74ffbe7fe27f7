//! Ranges of rows that an engine sums up by itself, where it has a way to.

use futures_util::TryStreamExt;
use syncline_core::change::{RowDigest, TableTask};
use syncline_core::store::{BorderBatch, DigestBatch, Key, KeyRange, Snapshot};
use syncline_core::value::{Equality, Forms, Kind};

use super::rows::{cells, compare, create, create_orders, digests, task};
use super::{Factory, Promise};
use crate::fixtures::{Cells, ORDERS, orders};

pub(super) const PROMISES: &[Promise] = &[
    Promise { name: "sums: the same of the same rows", check: |labs| Box::pin(same_rows(labs)) },
    Promise { name: "sums: another cell, another sum", check: |labs| Box::pin(another_cell(labs)) },
    Promise { name: "sums: borders begin behind a key", check: |labs| Box::pin(behind_a_key(labs)) },
    Promise { name: "sums: ranges hold the rows between their keys", check: |labs| Box::pin(ranges(labs)) },
    Promise { name: "sums: the key at a place in key order", check: |labs| Box::pin(key_at(labs)) },
    Promise { name: "sums: none of cells in another form", check: |labs| Box::pin(no_forms(labs)) },
];

/// Rows that lie between borders, and their sum.
type Summed = (Cells, u64, u128);

async fn has_method(view: &mut dyn Snapshot, task: &TableTask) -> bool {
    match view.sums() {
        None => false,
        Some(sums) => sums.method(task).await.unwrap().is_some(),
    }
}

/// Each border with the rows since the one before and their sum.
async fn summed(view: &mut dyn Snapshot, task: &TableTask, after: Option<&Key>, spacing: u32) -> Vec<Summed> {
    let sums = view.sums().unwrap();
    let batches: Vec<BorderBatch> = sums.borders(task, after, spacing).await.unwrap().try_collect().await.unwrap();
    let (mut all, mut rows_before, mut sum_before) = (Vec::new(), 0, 0);
    for batch in batches {
        assert!(!batch.rows.is_empty(), "no batch is empty");
        for ((key, rows), sum) in cells(&batch.keys).into_iter().zip(batch.rows).zip(batch.sums) {
            assert!(rows > rows_before, "a border has rows before it");
            all.push((key, rows - rows_before, sum ^ sum_before));
            (rows_before, sum_before) = (rows, sum);
        }
    }
    assert!(all.is_sorted_by(|a, b| compare(&a.0, &b.0).is_lt()), "in key order");
    all
}

async fn within(view: &mut dyn Snapshot, task: &TableTask, ranges: &[KeyRange]) -> Vec<(Cells, RowDigest)> {
    let stream = view.sums().unwrap().digest_within(task, ranges).await.unwrap();
    let batches: Vec<DigestBatch> = stream.try_collect().await.unwrap();
    batches.into_iter().flat_map(|batch| cells(&batch.keys).into_iter().zip(batch.digests)).collect()
}

async fn same_rows(labs: Factory<'_>) {
    let (one, other) = (labs(), labs());
    let mut rows = create_orders(&*one, 7, 3_000).await;
    rows.reverse();
    create(&*other, ORDERS).await;
    other.insert("orders", &rows).await;
    let mut found = Vec::new();
    for lab in [one, other] {
        let store = lab.open().await;
        let task = task(&store, "orders").await;
        let mut view = store.snapshot().await.unwrap();
        if !has_method(&mut *view, &task).await {
            return;
        }
        let method = view.sums().unwrap().method(&task).await.unwrap();
        let keys: Vec<Cells> = digests(&mut *view, &task).await.into_iter().map(|(key, _)| key).collect();
        let summed = summed(&mut *view, &task, None, 16).await;
        // Every row is a border with a chance of one in 16: of 3,000 so many are not missed by luck.
        assert!((90..400).contains(&summed.len()), "{} borders", summed.len());
        let mut before = 0;
        for (key, rows, _) in &summed {
            before += *rows as usize;
            assert_eq!(keys[before - 1], *key, "as many rows lie before it as are told");
        }
        found.push((method, summed));
    }
    assert!(found[0] == found[1], "whatever order they came in");
}

async fn another_cell(labs: Factory<'_>) {
    let lab = labs();
    create_orders(&*lab, 3, 500).await;
    let store = lab.open().await;
    let task = task(&store, "orders").await;
    if !has_method(&mut *store.snapshot().await.unwrap(), &task).await {
        return;
    }
    let changes = [
        "UPDATE orders SET customer = 'ab '",
        "UPDATE orders SET customer = 'AB'",
        "UPDATE orders SET customer = ''",
        "UPDATE orders SET customer = NULL",
        "UPDATE orders SET payload = NULL",
        "UPDATE orders SET amount = 0.30000000000000004",
        "UPDATE orders SET amount = 0.3",
        "UPDATE orders SET quantity = 2",
        "UPDATE orders SET quantity = 3 WHERE id = (SELECT min(id) FROM orders)",
        "UPDATE orders SET quantity = 4 + id % 2",
        "UPDATE orders SET quantity = 5 - id % 2",
    ];
    // With a border at each row there is a sum of each.
    let mut seen = vec![summed(&mut *store.snapshot().await.unwrap(), &task, None, 1).await];
    assert_eq!(seen[0].len(), 500);
    for sql in changes {
        lab.run_sql(sql).await;
        let now = summed(&mut *store.snapshot().await.unwrap(), &task, None, 1).await;
        assert!(!seen.contains(&now), "not seen: {sql}");
        seen.push(now);
    }
}

async fn behind_a_key(labs: Factory<'_>) {
    let lab = labs();
    create_orders(&*lab, 7, 2_000).await;
    let store = lab.open().await;
    let task = task(&store, "orders").await;
    let mut view = store.snapshot().await.unwrap();
    if !has_method(&mut *view, &task).await {
        return;
    }
    let all = summed(&mut *view, &task, None, 8).await;
    for at in [0, all.len() / 2, all.len() - 1] {
        assert!(summed(&mut *view, &task, Some(&all[at].0), 8).await == all[at + 1..], "behind border {at}");
    }
    // A stream that is not read to its end leaves the view as it was.
    drop(view.sums().unwrap().borders(&task, None, 8).await.unwrap());
    assert!(summed(&mut *view, &task, None, 8).await == all);
}

async fn ranges(labs: Factory<'_>) {
    let lab = labs();
    create_orders(&*lab, 7, 6_000).await;
    let store = lab.open().await;
    let task = task(&store, "orders").await;
    let mut view = store.snapshot().await.unwrap();
    if !has_method(&mut *view, &task).await {
        return;
    }
    let all = digests(&mut *view, &task).await;
    let range = |after: Option<usize>, upto: Option<usize>| KeyRange {
        after: after.map(|at| all[at].0.clone()),
        upto: upto.map(|at| all[at].0.clone()),
    };
    let last = all.len() - 1;
    let many: Vec<(Option<usize>, Option<usize>)> =
        (0..last - 1).step_by(2).map(|at| (Some(at), Some(at + 1))).collect();
    let cases = [
        vec![(None, None)],
        vec![(None, Some(0))],
        vec![(None, Some(9)), (Some(11), Some(12)), (Some(500), Some(900)), (Some(last - 3), None)],
        vec![(Some(last), None)],
        vec![(Some(5), Some(5))],
        many,
    ];
    for case in cases {
        let ranges: Vec<KeyRange> = case.iter().map(|(after, upto)| range(*after, *upto)).collect();
        let rows = case.iter().flat_map(|(after, upto)| {
            &all[after.map_or(0, |at| at + 1)..=upto.unwrap_or(last).max(after.unwrap_or(0))]
        });
        let expected: Vec<_> = rows.cloned().collect();
        let found = within(&mut *view, &task, &ranges).await;
        assert!(found == expected, "{} rows of {} ranges, not {}", found.len(), ranges.len(), expected.len());
    }
}

async fn key_at(labs: Factory<'_>) {
    let lab = labs();
    create(&*lab, ORDERS).await;
    lab.insert("orders", &orders(3, 500)).await;
    let store = lab.open().await;
    let task = task(&store, "orders").await;
    let mut view = store.snapshot().await.unwrap();
    if !has_method(&mut *view, &task).await {
        return;
    }
    let all = digests(&mut *view, &task).await;
    for (at, (key, _)) in all.iter().enumerate().step_by(100) {
        assert_eq!(view.sums().unwrap().nth_key(&task, at as u64 + 1).await.unwrap().as_ref(), Some(key));
    }
    assert_eq!(view.sums().unwrap().nth_key(&task, all.len() as u64 + 1).await.unwrap(), None);
}

/// Rows that are equal in another form than their own are not summed up as what they are.
async fn no_forms(labs: Factory<'_>) {
    let lab = labs();
    create_orders(&*lab, 7, 10).await;
    let store = lab.open().await;
    let task = task(&store, "orders").await;
    let mut view = store.snapshot().await.unwrap();
    let seen_as = vec![None, None, Some(Kind::Text { max_chars: None, padded: true })];
    let canonical = Forms { equality: Equality::Canonical, ..Forms::default() };
    for forms in [Forms { kinds: seen_as, ..Forms::default() }, canonical] {
        assert!(!has_method(&mut *view, &TableTask { forms, ..task.clone() }).await);
    }
}
