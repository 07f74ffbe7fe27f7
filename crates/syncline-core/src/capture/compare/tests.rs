use std::collections::BTreeMap;
use std::future::Future;

use futures_util::stream;
use proptest::prelude::*;

use super::*;
use crate::value::ValueRef;

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// A stream over rows given as key -> digest, cut into batches of odd sizes.
fn digests(rows: &BTreeMap<i64, u128>, batch_rows: usize) -> DigestStream<'static> {
    let rows: Vec<_> = rows.iter().map(|(key, digest)| (*key, *digest)).collect();
    let batches: Vec<_> = rows
        .chunks(batch_rows)
        .map(|chunk| {
            let mut keys = RowBatch::new(1);
            chunk.iter().for_each(|(key, _)| keys.push(ValueRef::Int(*key)).unwrap());
            let digests = chunk.iter().map(|(_, digest)| RowDigest(*digest)).collect();
            Ok(DigestBatch { keys, digests, bytes: 10 * chunk.len() as u64, read: chunk.len() as u64 })
        })
        .collect();
    stream::iter(batches).boxed()
}

fn compare_all(
    source: &BTreeMap<i64, u128>,
    target: &BTreeMap<i64, u128>,
    batch_rows: usize,
    limit: usize,
) -> (Vec<PlannedChange>, Tally) {
    let mut compare = Compare::new(digests(source, batch_rows), digests(target, batch_rows + 2));
    let mut changes = Vec::new();
    while let Some(page) = block_on(compare.next_page(limit)).unwrap() {
        assert!(page.len() <= limit);
        changes.extend(page);
    }
    (changes, compare.tally())
}

proptest! {
    #[test]
    fn the_differences_are_those_of_two_maps(
        source in prop::collection::btree_map(-20_i64..20, 0_u128..3, 0..30),
        target in prop::collection::btree_map(-20_i64..20, 0_u128..3, 0..30),
        batch_rows in 1_usize..7,
        limit in 1_usize..5,
    ) {
        let (changes, tally) = compare_all(&source, &target, batch_rows, limit);
        let mut expected = Vec::new();
        for key in -20..20 {
            let operation = match (source.get(&key), target.get(&key)) {
                (Some(a), Some(b)) if a != b => Operation::Update,
                (Some(_), None) => Operation::Insert,
                (None, Some(_)) => Operation::Delete,
                _ => continue,
            };
            let key_bytes = exact::encode_row([ValueRef::Int(key)]);
            let digest = |side: &BTreeMap<i64, u128>| side.get(&key).map(|digest| RowDigest(*digest));
            let (seen, becomes) = (digest(&target), digest(&source));
            expected.push(PlannedChange { operation, key: key_bytes, seen, becomes, copies: None });
        }
        prop_assert_eq!(&changes, &expected);
        prop_assert_eq!(tally.source_rows(), source.len() as u64);
        prop_assert_eq!(tally.target_rows(), target.len() as u64);
        prop_assert_eq!(tally.source_bytes, 10 * source.len() as u64);
    }
}

#[test]
fn a_side_out_of_order_is_refused_rather_than_believed() {
    for keys in [[2, 1], [1, 1]] {
        let mut batch = DigestBatch { keys: RowBatch::new(1), digests: vec![RowDigest(0); 2], bytes: 0, read: 2 };
        keys.iter().for_each(|key| batch.keys.push(ValueRef::Int(*key)).unwrap());
        let mut compare = Compare::new(stream::iter([Ok(batch)]).boxed(), stream::iter([]).boxed());
        assert_eq!(block_on(compare.next_page(10)).unwrap_err().code(), Code::Internal);
    }
}
