//! Tasks whose cells are seen in other forms than they are stored in, as another engine would hold them.

use std::sync::Arc;

use syncline_core::change::{Applied, ApplyMode, ChangeBatch, DeleteBatch, Expectation, Reason, RowDigest, TableTask};
use syncline_core::store::{Share, Snapshot, Store};
use syncline_core::value::{Equality, Forms, Kind, TableSum, Value, exact, fit};

use super::rows::{
    Work, backwards, batch, cells, checkpoint, compare, counts, create, digests, encoded, fetch, image, in_key_order,
    key, keys, read, scan, task, write, write_in_place,
};
use super::{Factory, Lab, Promise};
use crate::fixtures::Cells;

pub(super) const PROMISES: &[Promise] = &[
    Promise { name: "forms: every way of reading shows them", check: |labs| Box::pin(read_in_form(labs)) },
    Promise { name: "forms: keys are looked up in theirs", check: |labs| Box::pin(keys_in_form(labs)) },
    Promise { name: "forms: what is put is stored as the engine's own", check: |labs| Box::pin(stored(labs)) },
    Promise { name: "forms: what does not fit its column is refused", check: |labs| Box::pin(refused(labs)) },
    Promise { name: "forms: expectations are about what is seen", check: |labs| Box::pin(expected(labs)) },
    Promise { name: "forms: images are the engine's own, bit for bit", check: |labs| Box::pin(taken_back(labs)) },
    Promise { name: "forms: an exchange restores what was stored", check: |labs| Box::pin(exchanged(labs)) },
];

const FORMED: &str = "CREATE TABLE formed (id $int PRIMARY KEY, at $text, code $text UNIQUE, doc $text, n $int, \
     size $real, note $text)";

/// A task over all columns of `formed`, of which most are seen as something else.
async fn formed(store: &Arc<dyn Store>, equality: Equality) -> TableTask {
    let kinds = vec![
        None,
        Some(Kind::Timestamp { digits: 6 }),
        Some(Kind::Uuid),
        Some(Kind::Json { normalised: false }),
        Some(Kind::Real { single: false }),
        Some(Kind::Int { bits: 64 }),
    ];
    TableTask { forms: Forms { kinds, equality }, ..task(store, "formed").await }
}

const NOON: i64 = 1_709_208_000_500_000;

fn uuid(last: u8) -> Value {
    let mut bytes = *b"\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff";
    bytes[15] = last;
    Value::Uuid(bytes)
}

fn uuid_text(last: u8) -> String {
    format!("00112233-4455-6677-8899-aabbccddee{last:02x}")
}

fn json(text: &str) -> Value {
    Value::Json(text.to_owned())
}

/// Rows as another program stores them: in the notation of the engine, in others, and what is none.
fn odd_rows() -> Vec<Cells> {
    let row = |id: i64, [at, code, doc]: [&str; 3], n: i64, size: f64| -> Cells {
        let [at, code, doc] = [at, code, doc].map(Value::text);
        vec![Value::Int(id), at, code, doc, Value::Int(n), Value::Real(size), Value::text("as it is")]
    };
    let (usual, capitals) = (uuid_text(1), uuid_text(0xef).to_uppercase());
    vec![
        row(1, ["2024-02-29 12:00:00.5", &usual, "{\"a\":1}"], 5, 3.0),
        row(2, ["2024-02-29T12:00:00.500", &capitals, "{ \"b\": [1.0] }"], (1 << 53) + 1, 0.5),
        row(3, ["yesterday", "no uuid", "{\"a\":"], i64::MIN, 1e300),
        row(4, ["infinity", "", "null"], -1, 1e15),
        vec![Value::Int(5), Value::Null, Value::Null, Value::Null, Value::Null, Value::Null, Value::Null],
    ]
}

/// The row as the task sees it.
fn seen(task: &TableTask, row: &Cells) -> Cells {
    let cell = |(at, cell): (usize, &Value)| match task.forms.kind(at) {
        Some(kind) => fit::fit(cell.as_ref(), kind, &mut String::new()).map_or(cell.clone(), |seen| seen.to_owned()),
        None => cell.clone(),
    };
    row.iter().enumerate().map(cell).collect()
}

fn seen_all(task: &TableTask, rows: &[Cells]) -> Vec<Cells> {
    rows.iter().map(|row| seen(task, row)).collect()
}

fn digest(task: &TableTask, row: &[Value]) -> RowDigest {
    task.digest(row.iter().map(Value::as_ref), &mut Vec::new())
}

/// Rows to be put, each with the row that it rests on; all as the task sees them.
fn put(task: &TableTask, rows: &[Cells], old: &[Option<&Cells>]) -> ChangeBatch {
    let expectation = |old: &Option<&Cells>| match old {
        Some(row) => Expectation::Digest(digest(task, row)),
        None => Expectation::Absent,
    };
    super::rows::put(task, rows, old.iter().map(expectation).collect())
}

fn delete(task: &TableTask, rows: &[Cells]) -> ChangeBatch {
    let rows = in_key_order(task, rows.to_vec());
    let expectations = rows.iter().map(|row| digest(task, row)).collect();
    ChangeBatch::Delete(DeleteBatch { keys: keys(task, &rows), expectations, left: Vec::new() })
}

async fn native(lab: &dyn Lab) -> Vec<Cells> {
    lab.query("SELECT * FROM formed ORDER BY id").await
}

async fn filled(labs: Factory<'_>, equality: Equality) -> (Box<dyn Lab>, Arc<dyn Store>, TableTask, Vec<Cells>) {
    let lab = labs();
    create(&*lab, FORMED).await;
    let rows = odd_rows();
    lab.insert("formed", &rows).await;
    let store = lab.open().await;
    let task = formed(&store, equality).await;
    (lab, store, task, rows)
}

async fn sum(snapshot: &mut dyn Snapshot, task: &TableTask, of: u32) -> TableSum {
    let mut sum = TableSum::default();
    for index in 0..of {
        let mut parts = snapshot.sum(task, Share { index, of }).await.unwrap();
        while let Some(part) = futures_util::StreamExt::next(&mut parts).await {
            sum.merge(part.unwrap().sum);
        }
    }
    sum
}

async fn read_in_form(labs: Factory<'_>) {
    for equality in [Equality::Exact, Equality::Canonical] {
        let (_lab, store, task, rows) = filled(labs, equality).await;
        let expected = seen_all(&task, &rows);
        let first = [Value::Timestamp(NOON), uuid(1), json("{\"a\":1}"), Value::Real(5.0), Value::Int(3)];
        assert_eq!(expected[0][1..6], first);
        assert_eq!(expected[1][4..6], rows[1][4..6], "what does not fit is as it is");
        let mut snapshot = store.snapshot().await.unwrap();
        let scanned = scan(&mut *snapshot, &task).await;
        assert_eq!(in_key_order(&task, scanned), expected, "scan");
        let some = [expected[0].clone(), expected[2].clone(), vec![Value::Int(77)]];
        let found = fetch(&mut *snapshot, &task, &keys(&task, &some)).await;
        assert_eq!(found, some[..2], "fetch");
        let digested: Vec<_> = expected.iter().map(|row| (vec![row[0].clone()], digest(&task, row))).collect();
        assert_eq!(digests(&mut *snapshot, &task).await, digested, "digest");
        let mut all = TableSum::default();
        all.add(&batch(7, &expected), equality, &mut Vec::new());
        for shares in [1, 3] {
            assert_eq!(sum(&mut *snapshot, &task, shares).await, all, "sum in {shares} shares");
        }
        let mut writer = store.writer().await.unwrap();
        let mut transaction = writer.begin().await.unwrap();
        let sighted = transaction.rows(&task, &keys(&task, &expected)).await.unwrap();
        assert_eq!(cells(&sighted.rows), expected, "rows");
    }
}

/// Two notations of one key are two keys, and each finds its own row.
async fn keys_in_form(labs: Factory<'_>) {
    let lab = labs();
    create(&*lab, "CREATE TABLE keyed (code $text NOT NULL PRIMARY KEY, n $int)").await;
    let mut codes: Vec<String> = (0..40_u8).map(|n| uuid_text(n.wrapping_mul(37))).collect();
    codes.extend([codes[5].to_uppercase(), "no uuid".to_owned(), String::new(), "0".to_owned()]);
    let rows: Vec<Cells> = codes.iter().zip(0..).map(|(code, n)| vec![Value::text(code), Value::Int(n)]).collect();
    lab.insert("keyed", &rows).await;
    let store = lab.open().await;
    let forms = Forms { kinds: vec![Some(Kind::Uuid)], equality: Equality::Canonical };
    let task = TableTask { forms, ..task(&store, "keyed").await };
    let mut snapshot = store.snapshot().await.unwrap();
    let all = digests(&mut *snapshot, &task).await;
    assert_eq!(all.len(), rows.len());
    assert!(all.is_sorted_by(|a, b| compare(&a.0, &b.0).is_lt()), "no key twice, and all in order: {all:?}");
    let shown: Vec<Cells> = all.iter().map(|(key, _)| key.clone()).collect();
    assert_eq!(shown.iter().filter(|key| matches!(key[0], Value::Uuid(_))).count(), 40, "{shown:?}");
    let fetched = fetch(&mut *snapshot, &task, &batch(1, &shown)).await;
    assert_eq!(fetched.iter().map(|row| row[..1].to_vec()).collect::<Vec<_>>(), shown, "each finds a row");
    for row in &fetched {
        let Value::Int(n) = row[1] else { panic!("{row:?}") };
        let stored = &rows[n as usize];
        assert!(row[0] == stored[0] || seen(&task, stored)[0] == row[0], "another row: {row:?}, {stored:?}");
    }
    let absent = batch(1, &[vec![uuid(254)], vec![Value::text(uuid_text(253))]]);
    assert!(fetch(&mut *snapshot, &task, &absent).await.is_empty(), "a text is not the key that it is the notation of");
    drop(snapshot);
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    let sighted = transaction.rows(&task, &batch(1, &shown)).await.unwrap();
    assert_eq!(cells(&sighted.rows), fetched);
    drop(transaction);
    drop(writer);
    let (gone, stay) = fetched.split_at(20);
    let applied = write_in_place(&store, &task, delete(&task, gone)).await;
    assert_eq!((counts(&applied), applied.moved.len()), ((0, 0, 20), 0));
    assert_eq!(read(&store, &task).await, stay);
}

/// Rows as another engine would hand them over, and what they are here.
fn given() -> (Vec<Cells>, Vec<Cells>) {
    let row = |id, at, code, doc, n, size| vec![Value::Int(id), at, code, doc, n, size, Value::text("note")];
    let text = |text: &str| Value::text(text);
    let seen = vec![
        row(11, Value::Timestamp(NOON), uuid(11), json("{\"a\": 1}"), Value::Real(5.0), Value::Int(3)),
        row(12, Value::Timestamp(i64::MIN), uuid(12), json("[]"), Value::Real(-1e15), Value::Int(-(1 << 53))),
        // What did not fit on the other side either.
        row(13, text("yesterday"), text("nor this"), text("{"), Value::Int((1 << 53) + 1), Value::Real(0.5)),
        row(14, Value::Null, Value::Null, Value::Null, Value::Null, Value::Null),
    ];
    let (int, real) = (Value::Int, Value::Real);
    let codes = [11, 12].map(|last| text(&uuid_text(last)));
    let stored = vec![
        row(11, text("2024-02-29 12:00:00.5"), codes[0].clone(), text("{\"a\": 1}"), int(5), real(3.0)),
        row(12, text("-infinity"), codes[1].clone(), text("[]"), int(-1_000_000_000_000_000), real(-(2_f64.powi(53)))),
        row(13, text("yesterday"), text("nor this"), text("{"), int((1 << 53) + 1), real(0.5)),
        row(14, Value::Null, Value::Null, Value::Null, Value::Null, Value::Null),
    ];
    (seen, stored)
}

async fn stored(labs: Factory<'_>) {
    let (given, expected) = given();
    for is_load in [true, false] {
        let lab = labs();
        create(&*lab, FORMED).await;
        let store = lab.open().await;
        let task = formed(&store, Equality::Canonical).await;
        if is_load {
            let mut writer = store.writer().await.unwrap();
            let mut transaction = writer.begin().await.unwrap();
            assert!(transaction.load(&task, batch(7, &given)).await.unwrap().is_empty());
            transaction.commit(&checkpoint("forms", 1)).await.unwrap();
        } else {
            let applied = write_in_place(&store, &task, put(&task, &given, &[None; 4])).await;
            assert_eq!((counts(&applied), applied.refused.len()), ((4, 0, 0), 0));
            let again = write_in_place(&store, &task, put(&task, &given, &[None; 4])).await;
            assert_eq!((counts(&again), again.moved.len()), ((0, 0, 0), 0), "they are there already");
        }
        assert_eq!(native(&*lab).await, expected, "as another program sees it");
        assert_eq!(read(&store, &task).await, given);
        // The rows change places.
        let mut turned = given.clone();
        for (at, row) in turned.iter_mut().enumerate() {
            row[1] = given[(at + 1) % 4][1].clone();
            row[3..].clone_from_slice(&given[(at + 1) % 4][3..]);
        }
        let old: Vec<_> = given.iter().map(Some).collect();
        let applied = write_in_place(&store, &task, put(&task, &turned, &old)).await;
        assert_eq!((counts(&applied), applied.moved.len()), ((0, 4, 0), 0));
        assert_eq!(read(&store, &task).await, turned);
    }
}

async fn refused(labs: Factory<'_>) {
    let (lab, store, task, rows) = filled(labs, Equality::Canonical).await;
    // A number that the column of doubles could only round.
    let bad = Value::Int((1 << 53) + 1);
    let (mut new, _) = given();
    new[1][5] = bad.clone();
    let mut changed = seen_all(&task, &rows);
    changed.iter_mut().for_each(|row| row[6] = Value::text("changed"));
    changed[0][5] = bad.clone();
    let seen = seen_all(&task, &rows);
    let old: Vec<_> = seen.iter().map(Some).chain([None; 4]).collect();
    let all = [changed.clone(), new.clone()].concat();
    let applied = write_in_place(&store, &task, put(&task, &all, &old)).await;
    let found: Vec<_> = applied.refused.iter().map(|it| (it.key.clone(), it.reason, it.row.clone())).collect();
    let named = |row: &Cells| (key(&task, row), Reason::Type, Some(encoded(row)));
    assert_eq!(found, [named(&changed[0]), named(&new[1])]);
    assert!(applied.refused.iter().all(|refusal| !refusal.words.is_empty()));
    assert_eq!(applied.refused[0].found, Some(encoded(&seen[0])), "as the task sees it");
    assert_eq!((counts(&applied), applied.images.len()), ((3, 4, 0), 7));
    let expected = [&seen[..1], &changed[1..], &new[..1], &new[2..]].concat();
    assert_eq!(read(&store, &task).await, expected);
    // So it is in a load, and no other row is touched by it.
    lab.run_sql("DELETE FROM formed").await;
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    let refused = transaction.load(&task, batch(7, &new)).await.unwrap();
    assert_eq!(
        refused.iter().map(|it| (it.key.clone(), it.reason)).collect::<Vec<_>>(),
        [(key(&task, &new[1]), Reason::Type)]
    );
    transaction.commit(&checkpoint("forms", 1)).await.unwrap();
    assert_eq!(read(&store, &task).await, [&new[..1], &new[2..]].concat());
}

async fn expected(labs: Factory<'_>) {
    let (lab, store, task, rows) = filled(labs, Equality::Canonical).await;
    let old = seen_all(&task, &rows);
    let mut new = old.clone();
    new.iter_mut().for_each(|row| row[6] = Value::text("ours"));
    // Of 1 only the notation changes, of 2 the meaning; 3 is what it is to become already, in other words.
    new[2][3] = json("{\"x\": 10}");
    for sql in [
        "UPDATE formed SET at = '2024-02-29T12:00:00.500000', doc = ' {\"a\" : 1.0}' WHERE id = 1",
        "UPDATE formed SET at = '2024-02-29 12:00:01' WHERE id = 2",
        "UPDATE formed SET note = 'ours', doc = '{ \"x\":1e1 }' WHERE id = 3",
    ] {
        lab.run_sql(sql).await;
    }
    let applied =
        write_in_place(&store, &task, put(&task, &new[..3], &old[..3].iter().map(Some).collect::<Vec<_>>())).await;
    assert_eq!((counts(&applied), applied.moved.len(), applied.refused.len()), ((0, 1, 0), 1, 0), "{applied:?}");
    assert_eq!(applied.images[0].key, key(&task, &old[0]));
    let mut moved = old[1].clone();
    moved[1] = Value::Timestamp(1_709_208_001_000_000);
    let refusal = &applied.moved[0];
    assert_eq!((&refusal.key, &refusal.found), (&key(&task, &old[1]), &Some(encoded(&moved))), "what is seen now");
    assert_eq!(native(&*lab).await[2][3], Value::text("{ \"x\":1e1 }"), "passed over");
    // So it is with rows that are to go.
    lab.run_sql("UPDATE formed SET at = 'yesterday' WHERE id = 4").await;
    lab.run_sql("UPDATE formed SET at = '2024-02-29T12:00:00.5' WHERE id = 1").await;
    let gone = write_in_place(&store, &task, delete(&task, &[new[0].clone(), old[3].clone(), old[4].clone()])).await;
    assert_eq!((counts(&gone), gone.moved.len()), ((0, 0, 2), 1), "{gone:?}");
    assert_eq!(gone.moved[0].key, key(&task, &old[3]));
}

/// Images of changes in forms, taken back by a task without any, as an undo does.
async fn check_images(lab: &dyn Lab, task: &TableTask, before: &[Cells], applied: &[Applied]) -> Vec<Work> {
    let after = native(lab).await;
    let images: Vec<_> = applied.iter().flat_map(|applied| applied.images.clone()).collect();
    let native = task.native();
    let by_key = |rows: &[Cells], wanted: &[u8]| rows.iter().find(|row| key(&native, row) == wanted).cloned();
    for image in &images {
        let stood = image.before.as_ref().map(|before| exact::decode_owned(before).unwrap());
        assert_eq!(stood, by_key(before, &image.key), "before");
        let left = by_key(&after, &image.key).map(|row| super::rows::digest(&row));
        assert_eq!(image.after, left, "after");
    }
    backwards(&native, &images)
}

async fn taken_back(labs: Factory<'_>) {
    let (lab, store, task, rows) = filled(labs, Equality::Canonical).await;
    let before = native(&*lab).await;
    let old = seen_all(&task, &rows);
    let mut changed = old[..2].to_vec();
    changed.iter_mut().for_each(|row| row[1] = Value::Timestamp(1));
    let (new, _) = given();
    let updates = put(&task, &changed, &old[..2].iter().map(Some).collect::<Vec<_>>());
    let new = [&new[..2], &new[3..]].concat();
    let work = [updates, delete(&task, &old[2..]), put(&task, &new, &[None; 3])].map(|it| (it, ApplyMode::InPlace));
    let applied = write(&store, &task, &work).await;
    assert_eq!(applied.iter().map(counts).collect::<Vec<_>>(), [(0, 2, 0), (0, 0, 3), (3, 0, 0)]);
    let back = check_images(&*lab, &task, &before, &applied).await;
    let undone = write(&store, &task.native(), &back).await;
    assert_eq!(undone.iter().map(Applied::written).sum::<u64>(), 8);
    assert_eq!(native(&*lab).await, before, "every notation is back");
    // The same where the key is in a form: an image names the row as it is stored.
    create(&*lab, "CREATE TABLE keyed (code $text NOT NULL PRIMARY KEY, n $int)").await;
    let rows: Vec<Cells> = (0..3).map(|n| vec![Value::text(uuid_text(n)), Value::Int(n.into())]).collect();
    lab.insert("keyed", &rows).await;
    let forms = Forms { kinds: vec![Some(Kind::Uuid)], equality: Equality::Canonical };
    let task = TableTask { forms, ..super::rows::task(&store, "keyed").await };
    let old = read(&store, &task).await;
    let (mut changed, new) = (old[0].clone(), vec![uuid(9), Value::Int(9)]);
    changed[1] = Value::Null;
    let work = [put(&task, &[changed, new], &[Some(&old[0]), None]), delete(&task, &old[1..])];
    let applied = write(&store, &task, &work.map(|it| (it, ApplyMode::InPlace))).await;
    let images: Vec<_> = applied.into_iter().flat_map(|applied| applied.images).collect();
    assert_eq!(image(&images_of(&images), &encoded(&rows[0][..1])).before, Some(encoded(&rows[0])));
    write(&store, &task.native(), &backwards(&task.native(), &images)).await;
    assert_eq!(lab.query("SELECT * FROM keyed ORDER BY code").await, rows);
}

fn images_of(images: &[syncline_core::change::Image]) -> Applied {
    Applied { images: images.to_vec(), ..Applied::default() }
}

/// Two rows swap a unique value, while a third leaves: what comes back is what was stored, not what was seen.
async fn exchanged(labs: Factory<'_>) {
    let (lab, store, task, rows) = filled(labs, Equality::Canonical).await;
    let before = native(&*lab).await;
    let old = seen_all(&task, &rows);
    let mut swapped = old[..2].to_vec();
    swapped[0][2] = old[1][2].clone();
    swapped[1][2] = old[0][2].clone();
    let swap = put(&task, &swapped, &old[..2].iter().map(Some).collect::<Vec<_>>());
    let halves = [
        (swap.clone(), ApplyMode::Displace),
        (delete(&task, &old[2..3]), ApplyMode::Displace),
        (swap, ApplyMode::Place),
    ];
    let applied = write(&store, &task, &halves).await;
    assert_eq!(read(&store, &task).await, [&swapped[..], &old[3..]].concat());
    let back: Vec<_> =
        check_images(&*lab, &task, &before, &applied).await.into_iter().map(|(batch, _)| batch).collect();
    let displace = back.iter().map(|batch| (batch.clone(), ApplyMode::Displace));
    let puts = back.iter().filter(|batch| matches!(batch, ChangeBatch::Put(_)));
    let place = puts.map(|batch| (batch.clone(), ApplyMode::Place));
    write(&store, &task.native(), &displace.chain(place).collect::<Vec<_>>()).await;
    assert_eq!(native(&*lab).await, before, "every notation is back");
}
