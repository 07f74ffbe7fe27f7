use std::collections::BTreeMap;

use futures_util::{FutureExt, stream};
use proptest::prelude::*;

use super::*;
use crate::value::{RowBatch, exact};

type Table = BTreeMap<i64, i64>;

/// What an engine does: a row whose digest begins with little is a border.
fn borders(table: &Table, spacing: u32, rows_of_batch: usize) -> Vec<Result<BorderBatch>> {
    let empty = || BorderBatch { keys: RowBatch::new(1), rows: Vec::new(), sums: Vec::new() };
    let (mut batches, mut batch, mut sum) = (Vec::new(), empty(), 0);
    for (rows, (key, content)) in (1..).zip(table) {
        let digest = exact::digest_row([ValueRef::Int(*key), ValueRef::Int(*content)], &mut Vec::new());
        sum ^= digest;
        if digest % u128::from(spacing) == 0 {
            batch.keys.push(ValueRef::Int(*key)).unwrap();
            batch.rows.push(rows);
            batch.sums.push(sum);
        }
        if batch.rows.len() >= rows_of_batch {
            batches.push(Ok(std::mem::replace(&mut batch, empty())));
        }
    }
    batches.push(Ok(batch));
    batches
}

/// The stretches with the keys they begin behind, and the key behind which nothing is known.
fn walk(source: Vec<Result<BorderBatch>>, target: Vec<Result<BorderBatch>>) -> Result<(Vec<(i64, Stretch)>, i64)> {
    let mut borders = Borders::new(stream::iter(source).boxed(), stream::iter(target).boxed());
    let (mut stretches, mut after) = (Vec::new(), i64::MIN);
    while let Some(stretch) = borders.next().now_or_never().unwrap()? {
        let crate::value::Value::Int(upto) = stretch.upto[0] else { panic!("a strange key") };
        stretches.push((after, stretch));
        after = upto;
    }
    Ok((stretches, after))
}

fn between(table: &Table, after: i64, upto: i64) -> Table {
    table.iter().filter(|(key, _)| after < **key && **key <= upto).map(|(key, content)| (*key, *content)).collect()
}

/// A table, and one that came of it by edits: single rows, and whole ranges of them gone.
fn tables() -> impl Strategy<Value = (Table, Table)> {
    let rows = prop::collection::btree_map(-300_i64..300, 0_i64..5, 0..400);
    let edits = prop::collection::vec((-300_i64..300, prop::option::of(0_i64..5), 0_i64..80), 0..12);
    (rows, edits).prop_map(|(before, edits)| {
        let mut after = before.clone();
        for (key, content, length) in edits {
            match content {
                Some(content) => drop(after.insert(key, content)),
                None => after.retain(|other, _| !(key..key + length).contains(other)),
            }
        }
        (before, after)
    })
}

proptest! {
    #[test]
    fn equal_stretches_hold_equal_rows_and_the_others_do_not((source, target) in tables(), spacing in 1_u32..20) {
        let (stretches, end) = walk(borders(&source, spacing, 3), borders(&target, spacing, 5)).unwrap();
        for (after, stretch) in stretches {
            let crate::value::Value::Int(upto) = stretch.upto[0] else { panic!("a strange key") };
            let (ours, theirs) = (between(&source, after, upto), between(&target, after, upto));
            prop_assert_eq!(stretch.same, (ours == theirs).then_some(ours.len() as u64), "from {} to {}", after, upto);
        }
        // What has no border behind it is little, unless one side ends early.
        if source == target {
            let last = source.iter().rev().take_while(|(key, _)| **key > end).count();
            prop_assert!(last < 400 && between(&source, end, i64::MAX).len() == last);
        }
    }

    #[test]
    fn one_edit_spoils_what_is_around_it_only(key in -300_i64..300, content in 5_i64..9) {
        let source: Table = (-300..300).map(|key| (key, 0)).collect();
        let mut target = source.clone();
        target.insert(key, content);
        let (stretches, _) = walk(borders(&source, 8, 3), borders(&target, 8, 3)).unwrap();
        let spoilt = stretches.iter().filter(|(_, stretch)| stretch.same.is_none()).count();
        prop_assert!(spoilt <= 1);
    }
}

#[test]
fn borders_out_of_order_are_noticed() {
    let table: Table = (0..50).map(|key| (key, 0)).collect();
    let swapped = || {
        let mut batches = borders(&table, 1, 10);
        batches.swap(1, 3);
        batches
    };
    for (source, target) in [(borders(&table, 1, 10), swapped()), (swapped(), borders(&table, 1, 10))] {
        assert_eq!(walk(source, target).unwrap_err().code(), Code::Internal);
    }
}
