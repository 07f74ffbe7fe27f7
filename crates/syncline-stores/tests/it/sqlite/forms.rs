//! Cells as a database of another engine would hold them: what is read.

use std::sync::Arc;

use futures_util::TryStreamExt;
use syncline_core::change::TableTask;
use syncline_core::mapping::{Mask, MaskKey, MaskKind};
use syncline_core::store::{Share, Store};
use syncline_core::value::{Equality, Forms, Kind, RowBatch, SumPart, Value};

use super::desk::{Desk, batch, digests, fetch, int, rows_of, scan, task, text};

pub(crate) const TIMESTAMP: Kind = Kind::Timestamp { digits: 6 };
pub(crate) const MONEY: Kind = Kind::Decimal { limit: Some((10, 2)) };

/// Microseconds from 1970-01-01 to 2024-01-01.
pub(crate) const NEW_YEAR: i64 = 1_704_067_200_000_000;

/// The table `t`, seen in these forms.
pub(crate) async fn seen(desk: &Desk, kinds: &[Option<Kind>]) -> TableTask {
    let native = task(desk.schema().await.table("t").unwrap());
    TableTask { forms: Forms { kinds: kinds.to_vec(), equality: Equality::Canonical }, ..native }
}

pub(crate) fn decimal(digits: &str) -> Value {
    Value::Decimal(digits.to_owned())
}

/// What the cells of the column `a` are seen as, in the order of `id`.
async fn shown(declared: &str, cells: &[&str], kind: Kind) -> Vec<Value> {
    let desk = Desk::with(&format!("CREATE TABLE t (id INTEGER PRIMARY KEY, a {declared})"));
    for cell in cells {
        desk.other().execute_batch(&format!("INSERT INTO t (a) VALUES ({cell})")).unwrap();
    }
    let task = seen(&desk, &[None, Some(kind)]).await;
    let store = desk.store().await;
    let mut snapshot = store.snapshot().await.unwrap();
    let rows = scan(&mut snapshot, &task).await;

    // All ways to read show the same, and digests are those of what is shown.
    let keys: Vec<_> = rows.iter().map(|row| vec![row[0].clone()]).collect();
    assert_eq!(fetch(&mut snapshot, &task, &batch(&keys)).await, rows);
    let mut scratch = Vec::new();
    let expected: Vec<_> = rows.iter().map(|row| task.digest(row.iter().map(Value::as_ref), &mut scratch)).collect();
    let found = digests(&mut snapshot, &task).await;
    assert_eq!(found.iter().flat_map(|batch| batch.digests.clone()).collect::<Vec<_>>(), expected);
    let sums: Vec<SumPart> = snapshot.sum(&task, Share::ALL).await.unwrap().try_collect().await.unwrap();
    assert_eq!(sums, [SumPart::of(&batch(&rows), Equality::Canonical, &mut scratch)]);
    drop(snapshot);
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    let sighting = transaction.rows(&task, &batch(&keys)).await.unwrap();
    assert_eq!(rows_of([&sighting.rows]), rows);
    rows.into_iter().map(|mut row| row.swap_remove(1)).collect()
}

#[tokio::test]
async fn times_in_any_notation_are_one_time() {
    let cells = ["'2024-01-01T00:00:00'", "'2024-01-01 00:00:00'", "'2024-01-01'", "'New Year'", "1704067200", "NULL"];
    let found = shown("TIMESTAMP", &cells, TIMESTAMP).await;
    let time = Value::Timestamp(NEW_YEAR);
    assert_eq!(found, [time.clone(), time.clone(), time, text("New Year"), int(1_704_067_200), Value::Null]);
    let zoned = shown("TEXT", &["'2024-01-01T02:00:00+02:00'", "'2024-01-01 00:00:00Z'"], Kind::Instant { digits: 6 });
    assert_eq!(zoned.await, [Value::Instant(NEW_YEAR), Value::Instant(NEW_YEAR)]);
}

#[tokio::test]
async fn numbers_are_decimals_in_columns_of_numbers_and_of_text() {
    let found = shown("DECIMAL(10,2)", &["10.50", "10", "0.125", "'NaN'", "'x'"], MONEY).await;
    assert_eq!(found, [decimal("10.5"), int(10), Value::Real(0.125), decimal("NaN"), text("x")]);
    let found = shown("TEXT", &["'10.50'", "'10.5'", "'1e3'", "'123456789012.5'"], MONEY).await;
    assert_eq!(found, [decimal("10.50"), decimal("10.5"), text("1e3"), text("123456789012.5")]);
    let found = shown("DOUBLE PRECISION", &["1", "'NaN'", "9e999"], Kind::Real { single: false }).await;
    let Value::Real(nan) = found[1] else { panic!("NaN was expected") };
    assert!(nan.is_nan());
    assert_eq!([&found[0], &found[2]], [&Value::Real(1.0), &Value::Real(f64::INFINITY)]);
}

#[tokio::test]
async fn what_does_not_fit_is_seen_as_it_is() {
    let truths = shown("BOOLEAN", &["1", "0", "2", "'true'", "'yes'"], Kind::Bool).await;
    assert_eq!(truths, [Value::Bool(true), Value::Bool(false), int(2), Value::Bool(true), text("yes")]);
    let uuid = "'AAAAAAAA-bbbb-CCCC-dddd-EEEEEEEEEEEE'";
    let bytes =
        Value::Uuid([0xaa, 0xaa, 0xaa, 0xaa, 0xbb, 0xbb, 0xcc, 0xcc, 0xdd, 0xdd, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee]);
    assert_eq!(
        shown("UUID", &[uuid, "'none'", "x'00'"], Kind::Uuid).await,
        [bytes, text("none"), Value::Bytes(vec![0])]
    );
    let json = shown("JSON", &["'{\"a\": 1}'", "'{'", "1"], Kind::Json { normalised: true }).await;
    assert_eq!(json, [Value::Json("{\"a\": 1}".to_owned()), text("{"), Value::Json("1".to_owned())]);
    let small = shown("INTEGER", &["32767", "32768"], Kind::Int { bits: 16 }).await;
    assert_eq!(small, [int(32767), int(32768)]);
}

#[tokio::test]
async fn masks_hide_what_is_seen() {
    let desk = Desk::with(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a UUID);
        INSERT INTO t VALUES (1, 'AAAAAAAA-bbbb-CCCC-dddd-EEEEEEEEEEEE'), (2, 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee')",
    );
    let mut task = seen(&desk, &[None, Some(Kind::Uuid)]).await;
    let key = Arc::new(MaskKey::new([7; 32]));
    task.mapped.masks.push((1, Mask::new(MaskKind::Hash, key)));
    let store = desk.store().await;
    let mut snapshot = store.snapshot().await.unwrap();
    let rows = scan(&mut snapshot, &task).await;
    assert_eq!(rows[0][1], rows[1][1], "the same UUID behind the same mask");
    assert!(!matches!(rows[0][1], Value::Uuid(_)), "{:?}", rows[0][1]);
    assert_eq!(fetch(&mut snapshot, &task, &batch(&[vec![int(1)], vec![int(2)]])).await, rows);
}

#[tokio::test]
async fn a_table_without_a_key_is_a_multiset_of_what_is_seen() {
    let desk = Desk::with(
        "CREATE TABLE t (a TIMESTAMP, n);
        INSERT INTO t VALUES ('2024-01-01T00:00:00', 1), ('2024-01-01 00:00:00', 1.0)",
    );
    let task = seen(&desk, &[Some(TIMESTAMP), None]).await;
    let store = desk.store().await;
    let mut snapshot = store.snapshot().await.unwrap();
    let found: Vec<_> = digests(&mut snapshot, &task).await.into_iter().flat_map(|batch| batch.digests).collect();
    let row = [Value::Timestamp(NEW_YEAR), int(1)];
    let digest = task.digest(row.iter().map(Value::as_ref), &mut Vec::new());
    assert_eq!(found, [digest, digest]);
}

#[tokio::test]
async fn a_huge_row_is_seen_alone() {
    let desk = Desk::with(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a JSON);
         INSERT INTO t SELECT n, '\"' || hex(zeroblob(n * 4000000)) || '\"' FROM (SELECT 1 AS n UNION SELECT 2 UNION SELECT 3)",
    );
    let task = seen(&desk, &[None, Some(Kind::Json { normalised: false })]).await;
    let store = desk.store().await;
    let mut snapshot = store.snapshot().await.unwrap();
    let keys = batch(&[vec![int(1)], vec![int(2)], vec![int(3)]]);
    let batches: Vec<RowBatch> = snapshot.fetch(&task, &keys).await.unwrap().try_collect().await.unwrap();
    assert_eq!(batches.iter().map(RowBatch::len).sum::<usize>(), 3);
    let rows = rows_of(&batches);
    for (row, id) in rows.iter().zip(1..) {
        let Value::Json(json) = &row[1] else { panic!("JSON was expected") };
        assert_eq!((row[0].clone(), json.len()), (int(id), 2 + 8_000_000 * id as usize));
    }
}
