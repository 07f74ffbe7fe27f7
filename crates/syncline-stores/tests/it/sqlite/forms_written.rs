//! Rows that come as a database of another engine holds them: what is written, and what is kept of what was there.

use syncline_core::change::{
    Applied, ApplyMode, ChangeBatch, DeleteBatch, Expectation, Image, PutBatch, Reason, RowDigest, TableTask, copies,
};
use syncline_core::checkpoint::Checkpoint;
use syncline_core::schema::ForeignKey;
use syncline_core::store::Store;
use syncline_core::value::{Kind, Value, exact};

use super::desk::{Desk, batch, int, rows_of, text};
use super::forms::{MONEY, NEW_YEAR, TIMESTAMP, decimal, seen};

fn digest(task: &TableTask, row: &[Value]) -> RowDigest {
    task.digest(row.iter().map(Value::as_ref), &mut Vec::new())
}

fn encoded(row: &[Value]) -> Vec<u8> {
    exact::encode_row(row.iter().map(Value::as_ref))
}

/// Rows with what each is to take the place of.
fn put(task: &TableTask, rows: &[(Vec<Value>, Option<Vec<Value>>)]) -> ChangeBatch {
    let expectation = |seen: &Option<Vec<Value>>| match seen {
        Some(row) => Expectation::Digest(digest(task, row)),
        None => Expectation::Absent,
    };
    let expectations = rows.iter().map(|(_, seen)| expectation(seen)).collect();
    let rows: Vec<_> = rows.iter().map(|(row, _)| row.clone()).collect();
    let keys = if task.is_multiset() { vec![Vec::new(); rows.len()] } else { Vec::new() };
    ChangeBatch::Put(PutBatch { rows: batch(&rows), expectations, keys, places: Vec::new() })
}

fn delete(task: &TableTask, rows: &[(Vec<Value>, Vec<Value>)]) -> ChangeBatch {
    let keys: Vec<_> = rows.iter().map(|(key, _)| key.clone()).collect();
    let expectations = rows.iter().map(|(_, row)| digest(task, row)).collect();
    ChangeBatch::Delete(DeleteBatch { keys: batch(&keys), expectations, left: Vec::new() })
}

async fn apply(desk: &Desk, task: &TableTask, steps: &[(ChangeBatch, ApplyMode)]) -> Applied {
    let store = desk.store().await;
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    let mut all = Applied::default();
    for (batch, mode) in steps {
        let applied = transaction.apply(task, batch.clone(), *mode).await.unwrap();
        assert!(applied.rest.is_none());
        all.inserted += applied.inserted;
        all.updated += applied.updated;
        all.deleted += applied.deleted;
        all.images.extend(applied.images);
        all.refused.extend(applied.refused);
        all.moved.extend(applied.moved);
    }
    transaction.commit(&Checkpoint { run: "r".to_owned(), batch: 1 }).await.unwrap();
    writer.forget("r").await.unwrap();
    all
}

async fn apply_one(desk: &Desk, task: &TableTask, batch: ChangeBatch) -> Applied {
    apply(desk, task, &[(batch, ApplyMode::InPlace)]).await
}

/// Puts back what the images hold, as an undo does: bit by bit, and knowing of no forms.
async fn take_back(desk: &Desk, task: &TableTask, images: &[Image]) {
    let native = task.native();
    let (mut puts, mut places, mut expected, mut keys) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut gone, mut left) = (Vec::new(), Vec::new());
    for image in images.iter().rev() {
        match (&image.before, image.after) {
            (Some(before), after) => {
                puts.push(exact::decode_owned(before).unwrap());
                places.push(image.place);
                keys.push(image.key.clone());
                expected.push(after.map_or(Expectation::Absent, Expectation::Digest));
            }
            (None, Some(after)) => {
                gone.push(exact::decode_owned(&image.key).unwrap());
                left.push(after);
            }
            (None, None) => {}
        }
    }
    let keys = if task.is_multiset() { keys } else { Vec::new() };
    let delete = DeleteBatch { keys: batch(&gone), expectations: left, left: Vec::new() };
    let put = PutBatch { rows: batch(&puts), expectations: expected, places, keys };
    let mut steps = Vec::new();
    for mode in [ApplyMode::Displace, ApplyMode::Place] {
        if !puts.is_empty() {
            steps.push((ChangeBatch::Put(put.clone()), mode));
        }
        if !gone.is_empty() && mode == ApplyMode::Displace {
            steps.push((ChangeBatch::Delete(delete.clone()), mode));
        }
    }
    let applied = apply(desk, &native, &steps).await;
    assert_eq!((applied.moved.len(), applied.refused.len()), (0, 0), "{applied:?}");
}

#[tokio::test]
async fn a_row_that_is_equal_is_not_rewritten_and_what_differs_is_and_comes_back() {
    let desk = Desk::with(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, at TIMESTAMP, price NUMERIC, note TEXT);
         INSERT INTO t VALUES (1, '2024-01-01T00:00:00', 1.5, 'same'), (2, '2024-01-01T00:00:00', '2', 'old')",
    );
    let before = desk.query("SELECT rowid, * FROM t");
    let task = seen(&desk, &[None, Some(TIMESTAMP), Some(MONEY), None]).await;
    let row = |id, price: &str, note: &str| vec![int(id), Value::Timestamp(NEW_YEAR), decimal(price), text(note)];
    let changes = put(
        &task,
        &[
            (row(1, "1.50", "same"), Some(row(1, "1.5", "other"))),
            (row(2, "2.25", "new"), Some(row(2, "2.00", "old"))),
            (row(3, "7.00", "added"), None),
        ],
    );
    let applied = apply_one(&desk, &task, changes).await;
    assert_eq!((applied.updated, applied.inserted, applied.moved.len()), (1, 1, 0), "the first is as wanted already");
    assert_eq!(
        desk.query("SELECT * FROM t"),
        [
            vec![int(1), text("2024-01-01T00:00:00"), Value::Real(1.5), text("same")],
            vec![int(2), text("2024-01-01 00:00:00"), Value::Real(2.25), text("new")],
            vec![int(3), text("2024-01-01 00:00:00"), int(7), text("added")],
        ]
    );

    // Images know nothing of forms.
    let old = vec![int(2), text("2024-01-01T00:00:00"), int(2), text("old")];
    let new = desk.query("SELECT * FROM t WHERE id = 2").remove(0);
    let image = &applied.images[0];
    assert_eq!((&image.key, image.before.clone()), (&encoded(&[int(2)]), Some(encoded(&old))));
    assert_eq!(image.after, Some(digest(&task.native(), &new)));
    take_back(&desk, &task, &applied.images).await;
    assert_eq!(desk.query("SELECT rowid, * FROM t"), before);
}

#[tokio::test]
async fn what_a_column_makes_of_a_value_is_what_the_image_says() {
    let desk = Desk::with(
        "CREATE TABLE t (k UUID PRIMARY KEY, n NUMERIC, b BOOLEAN, j JSON, d TEXT, kept DEFAULT 'kept');
         INSERT INTO t VALUES ('aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa', 'x', 'true', '{}', 'y', 5)",
    );
    let before = desk.query("SELECT rowid, * FROM t");
    let kinds =
        [Kind::Uuid, Kind::Real { single: false }, Kind::Bool, Kind::Json { normalised: true }, MONEY].map(Some);
    let mut task = seen(&desk, &kinds).await;
    task.mapped.kept = vec![task.columns.pop().unwrap()];
    let row = |key: u8, real| {
        let json = Value::Json("12".to_owned());
        vec![Value::Uuid([key; 16]), Value::Real(real), Value::Bool(true), json, decimal("10.50")]
    };
    let seen = vec![Value::Uuid([0xaa; 16]), text("x"), Value::Bool(true), Value::Json("{}".to_owned()), text("y")];
    let whole = 4_503_599_627_370_496.0;
    let changes = put(&task, &[(row(0xaa, whole), Some(seen)), (row(0xbb, f64::NAN), None), (row(0xcc, -0.0), None)]);
    let applied = apply_one(&desk, &task, changes).await;
    assert_eq!((applied.updated, applied.inserted, applied.moved.len(), applied.refused.len()), (1, 2, 0, 0));
    let native = task.with_kept().native();
    for (image, row) in applied.images.iter().zip(desk.query("SELECT * FROM t ORDER BY k")) {
        assert_eq!(image.after, Some(digest(&native, &row)), "{row:?}");
        assert_eq!(image.key, encoded(&row[..1]));
    }
    // Written once more it is there already.
    let again = put(&task, &[(row(0xaa, whole), None), (row(0xbb, f64::NAN), None), (row(0xcc, -0.0), None)]);
    let repeated = apply_one(&desk, &task, again).await;
    assert_eq!((repeated.written(), repeated.moved.len()), (0, 0));
    let undo = task.with_kept();
    take_back(&desk, &undo, &applied.images).await;
    assert_eq!(desk.query("SELECT rowid, * FROM t"), before);
}

#[tokio::test]
async fn a_value_that_the_column_cannot_hold_is_refused_alone_on_both_lanes() {
    for keyed in [true, false] {
        let key = if keyed { "PRIMARY KEY" } else { "" };
        let desk = Desk::with(&format!("CREATE TABLE t (id INT {key}, exact NUMERIC, real REAL)"));
        let task = seen(&desk, &[None, Some(Kind::Decimal { limit: None }), Some(Kind::Int { bits: 64 })]).await;
        let rows = vec![
            vec![int(1), decimal("1.5"), int(1)],
            vec![int(2), decimal("12345678901234567890.5"), int(1)],
            vec![int(3), decimal("1.5"), int(i64::MAX)],
            vec![int(4), decimal("NaN"), int(4)],
        ];
        let wanted: Vec<_> = rows.iter().map(|row| (row.clone(), None)).collect();
        let applied = apply_one(&desk, &task, put(&task, &wanted)).await;
        let there = desk.query("SELECT * FROM t ORDER BY id");
        assert_eq!(there, [[int(1), Value::Real(1.5), Value::Real(1.0)], [int(4), text("NaN"), Value::Real(4.0)]]);
        desk.other().execute_batch("DELETE FROM t").unwrap();
        let store = desk.store().await;
        let mut writer = store.writer().await.unwrap();
        let mut transaction = writer.begin().await.unwrap();
        let loaded = transaction.load(&task, batch(&rows)).await.unwrap();
        transaction.commit(&Checkpoint { run: "r".to_owned(), batch: 1 }).await.unwrap();
        assert_eq!(desk.query("SELECT * FROM t ORDER BY id"), there);

        for refused in [&applied.refused, &loaded] {
            let told: Vec<_> = refused.iter().map(|refusal| (refusal.reason, refusal.words.as_str())).collect();
            assert_eq!(
                told,
                [
                    (Reason::Type, "exact: the column would lose digits of the number"),
                    (Reason::Type, "real: the column would round the number"),
                ]
            );
            assert_eq!(refused[0].row, Some(encoded(&rows[1])), "in forms");
        }
        let name = if keyed { encoded(&[int(2)]) } else { copies::name(digest(&task, &rows[1])) };
        assert_eq!(loaded[0].key, name);
    }
}

#[tokio::test]
async fn keys_are_deleted_and_rewritten_by_their_forms() {
    for rowid in ["", "WITHOUT ROWID"] {
        let desk = Desk::with(&format!(
            "CREATE TABLE t (k TEXT NOT NULL PRIMARY KEY, at TIMESTAMP) {rowid};
             INSERT INTO t VALUES ('10.50', '2024-01-01'), ('10.5', '2024-01-01'), ('7.00', 'x')"
        ));
        let before = desk.query("SELECT * FROM t ORDER BY k");
        let task = seen(&desk, &[Some(MONEY), Some(TIMESTAMP)]).await;
        let time = Value::Timestamp(NEW_YEAR);
        let gone = delete(
            &task,
            &[
                (vec![decimal("10.50")], vec![decimal("10.50"), time.clone()]),
                (vec![text("10.5")], vec![text("10.5"), time.clone()]),
            ],
        );
        let new = put(
            &task,
            &[
                (vec![decimal("7.0"), time.clone()], Some(vec![decimal("7.00"), text("x")])),
                (vec![decimal("8"), time.clone()], None),
            ],
        );
        let applied = apply(&desk, &task, &[(gone, ApplyMode::InPlace), (new, ApplyMode::InPlace)]).await;
        assert_eq!((applied.deleted, applied.updated, applied.inserted, applied.moved.len()), (2, 1, 1, 0));
        let written = text("2024-01-01 00:00:00");
        let there = desk.query("SELECT * FROM t ORDER BY k");
        assert_eq!(there, [[text("7.00"), written.clone()], [text("8.00"), written]]);
        let keys: Vec<_> = applied.images.iter().map(|image| image.key.clone()).collect();
        assert_eq!(keys, ["10.50", "10.5", "7.00", "8.00"].map(|key| encoded(&[text(key)])));
        take_back(&desk, &task, &applied.images).await;
        assert_eq!(desk.query("SELECT * FROM t ORDER BY k"), before);
    }
}

#[tokio::test]
async fn what_was_found_instead_is_told_in_forms() {
    let desk = Desk::with(
        "CREATE TABLE t (k UUID PRIMARY KEY, b BOOLEAN); INSERT INTO t VALUES ('aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa', 1)",
    );
    let task = seen(&desk, &[Some(Kind::Uuid), Some(Kind::Bool)]).await;
    let (key, there) = (Value::Uuid([0xaa; 16]), vec![Value::Uuid([0xaa; 16]), Value::Bool(true)]);
    let other = vec![key.clone(), Value::Bool(false)];
    let put = put(&task, &[(other.clone(), None)]);
    let gone = delete(&task, &[(vec![key.clone()], other.clone())]);
    let applied = apply(&desk, &task, &[(put, ApplyMode::InPlace), (gone, ApplyMode::InPlace)]).await;
    assert_eq!((applied.written(), applied.moved.len()), (0, 2));
    for moved in &applied.moved {
        assert_eq!((&moved.key, &moved.found), (&encoded(std::slice::from_ref(&key)), &Some(encoded(&there))));
    }
    assert_eq!(applied.moved[0].row, Some(encoded(&other)));
}

#[tokio::test]
async fn an_exchange_keeps_what_was_there() {
    let desk = Desk::with(
        "CREATE TABLE t (k UUID PRIMARY KEY, at TIMESTAMP UNIQUE, kept DEFAULT 'kept');
         INSERT INTO t VALUES ('aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa', '2024-01-01 00:00:00', 'a'),
                              ('bbbbbbbb-bbbb-bbbb-bbbb-bbbbbbbbbbbb', '2024-01-02', 'b')",
    );
    let before = desk.query("SELECT rowid, * FROM t");
    let mut task = seen(&desk, &[Some(Kind::Uuid), Some(TIMESTAMP)]).await;
    task.mapped.kept = vec![task.columns.pop().unwrap()];
    let at = |days: i64| Value::Timestamp(NEW_YEAR + days * 86_400_000_000);
    let row = |key: u8, days| vec![Value::Uuid([key; 16]), at(days)];
    let batch =
        put(&task, &[(row(0xaa, 1), Some(row(0xaa, 0))), (row(0xbb, 0), Some(row(0xbb, 1))), (row(0xcc, 5), None)]);
    let rows: Vec<_> = [row(0xaa, 1), row(0xcc, 5)].to_vec();
    let store = desk.store().await;
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    let rivals = transaction.rivals(&task, &super::desk::batch(&rows)).await.unwrap();
    assert_eq!(
        rivals,
        [vec![], vec![]] as [Vec<Vec<u8>>; 2],
        "'2024-01-02' is another text than what would be written"
    );
    let taken = super::desk::batch(&[row(0xdd, 0)]);
    let rivals = transaction.rivals(&task, &taken).await.unwrap();
    assert_eq!(rivals, [[encoded(&[Value::Uuid([0xaa; 16])])]], "in forms");
    drop(transaction);
    drop(writer);

    let steps = [(batch.clone(), ApplyMode::Displace), (batch, ApplyMode::Place)];
    let applied = apply(&desk, &task, &steps).await;
    assert_eq!((applied.updated, applied.inserted, applied.images.len()), (2, 1, 3));
    let native = task.with_kept().native();
    let there = desk.query("SELECT * FROM t ORDER BY k");
    assert_eq!(there[0][1..], [text("2024-01-02 00:00:00"), text("a")]);
    assert_eq!(there[1][1..], [text("2024-01-01 00:00:00"), text("b")]);
    for (image, row) in applied.images.iter().zip(&there) {
        assert_eq!(image.after, Some(digest(&native, row)));
    }
    take_back(&desk, &task.with_kept(), &applied.images).await;
    assert_eq!(desk.query("SELECT rowid, * FROM t"), before);
}

#[tokio::test]
async fn rows_without_a_key_are_called_by_what_is_seen() {
    let desk = Desk::with(
        "CREATE TABLE t (at TIMESTAMP, n NUMERIC);
        INSERT INTO t VALUES ('2024-01-01T00:00:00', 1.5), ('2024-01-01', 1.5), ('2024-01-01 00:00:00', 2)",
    );
    let before = desk.query("SELECT rowid, * FROM t");
    let task = seen(&desk, &[Some(TIMESTAMP), Some(MONEY)]).await;
    let row = |n: &str| vec![Value::Timestamp(NEW_YEAR), decimal(n)];
    let (gone, new) = (row("1.50"), row("9.00"));
    let key = |place| vec![Value::Bytes(digest(&task, &gone).0.to_be_bytes().to_vec()), int(place)];
    // One is left of those that are alike, whichever; and one is added.
    let counted = ChangeBatch::Delete(DeleteBatch {
        keys: batch(&[key(99)]),
        expectations: vec![digest(&task, &gone)],
        left: vec![1],
    });
    let ChangeBatch::Put(mut put) = put(&task, &[(new.clone(), None)]) else { panic!("a put") };
    put.expectations = vec![Expectation::Fewer(1)];
    let steps = [(counted, ApplyMode::InPlace), (ChangeBatch::Put(put.clone()), ApplyMode::InPlace)];
    let applied = apply(&desk, &task, &steps).await;
    assert_eq!((applied.deleted, applied.inserted, applied.moved.len()), (1, 1, 0));
    let repeated = apply_one(&desk, &task, ChangeBatch::Put(put)).await;
    assert_eq!(repeated.written(), 0, "there is one like it");
    let written = [text("2024-01-01 00:00:00"), int(9)];
    let inserted = applied.images.last().unwrap();
    let named = copies::encode(digest(&task.native(), &written), inserted.place.unwrap());
    assert_eq!((&inserted.key, inserted.after), (&named, Some(digest(&task.native(), &written))));
    take_back(&desk, &task, &applied.images).await;
    assert_eq!(desk.query("SELECT rowid, * FROM t"), before);
}

#[tokio::test]
async fn what_points_at_nothing_is_told_in_forms() {
    let desk = Desk::with(
        "CREATE TABLE p (id UUID PRIMARY KEY);
         CREATE TABLE t (k UUID PRIMARY KEY, p UUID REFERENCES p (id));
         INSERT INTO t VALUES ('aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa', 'bbbbbbbb-bbbb-bbbb-bbbb-bbbbbbbbbbbb'),
                              ('cccccccc-cccc-cccc-cccc-cccccccccccc', 'CCCCCCCC-CCCC-CCCC-CCCC-CCCCCCCCCCCC')",
    );
    let task = seen(&desk, &[Some(Kind::Uuid), Some(Kind::Uuid)]).await;
    let reference: ForeignKey = task.table.foreign_keys[0].clone();
    let store = desk.store().await;
    let mut snapshot = store.snapshot().await.unwrap();
    let uuid = |byte: u8| Value::Uuid([byte; 16]);
    let all = snapshot.orphans(&task, &reference, None, 9).await.unwrap();
    assert_eq!(rows_of([&all.keys]), [[uuid(0xaa)], [uuid(0xcc)]]);
    assert_eq!(rows_of([&all.points_at]), [[uuid(0xbb)], [text("CCCCCCCC-CCCC-CCCC-CCCC-CCCCCCCCCCCC")]]);
    let asked = batch(&[vec![uuid(0xaa)], vec![uuid(0xdd)]]);
    let some = snapshot.orphans(&task, &reference, Some(&asked), 9).await.unwrap();
    assert_eq!((some.count, rows_of([&some.keys])), (1, vec![vec![uuid(0xaa)]]));
}
