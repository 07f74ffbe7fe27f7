//! Rows that keep others out of a table, because they have their unique values.

use syncline_core::change::ApplyMode;
use syncline_core::value::Value;

use super::rows::{batch, checkpoint, create, create_seats, deletes, in_key_order, key, read, task};
use super::{Factory, Promise};
use crate::fixtures::Cells;

pub(super) const PROMISES: &[Promise] = &[
    Promise { name: "rivals: the rows that have a unique value are named", check: |labs| Box::pin(named(labs)) },
    Promise { name: "rivals: seen as the transaction leaves them", check: |labs| Box::pin(in_transaction(labs)) },
    Promise { name: "rivals: several, and none where another rule is broken", check: |labs| Box::pin(several(labs)) },
    Promise { name: "rivals: none in a table without a key", check: |labs| Box::pin(no_key(labs)) },
];

fn guest(name: &str, seat: &Value) -> Cells {
    vec![Value::text(name), seat.clone(), Value::text("new")]
}

async fn named(labs: Factory<'_>) {
    let lab = labs();
    let there = create_seats(&*lab, 50).await;
    let store = lab.open().await;
    let task = task(&store, "seats").await;
    let mut moving = there[5].clone();
    moving[1] = there[6][1].clone();
    let mut staying = there[7].clone();
    staying[2] = Value::text("changed");
    let asked = [guest("late", &there[3][1]), guest("fine", &Value::Int(-2)), moving, staying, there[8].clone()];
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    let rivals = transaction.rivals(&task, &batch(3, &asked)).await.unwrap();
    let expected = [vec![key(&task, &there[3])], vec![], vec![key(&task, &there[6])], vec![], vec![]];
    assert_eq!(rivals, expected);
    assert!(transaction.rivals(&task, &batch(3, &[])).await.unwrap().is_empty());
    transaction.commit(&checkpoint("suite", 1)).await.unwrap();
    assert!(read(&store, &task).await == in_key_order(&task, there), "nothing is changed");
}

async fn in_transaction(labs: Factory<'_>) {
    let lab = labs();
    let there = create_seats(&*lab, 10).await;
    let store = lab.open().await;
    let task = task(&store, "seats").await;
    let asked = batch(3, &[guest("late", &there[3][1])]);
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    transaction.apply(&task, deletes(&task, &there[3..4]), ApplyMode::InPlace).await.unwrap();
    assert_eq!(transaction.rivals(&task, &asked).await.unwrap(), [Vec::<Vec<u8>>::new()]);
    let other = guest("early", &there[3][1]);
    transaction.load(&task, batch(3, std::slice::from_ref(&other))).await.unwrap();
    assert_eq!(transaction.rivals(&task, &asked).await.unwrap(), [[key(&task, &other)]]);
}

async fn several(labs: Factory<'_>) {
    let lab = labs();
    create(&*lab, "CREATE TABLE t (id $int PRIMARY KEY, a $int UNIQUE, b $int UNIQUE, c $int NOT NULL)").await;
    let row = |cells: [i64; 4]| -> Cells { cells.into_iter().map(Value::Int).collect() };
    let there = [row([1, 10, 20, 0]), row([2, 11, 21, 0]), row([3, 12, 22, 0])];
    lab.insert("t", &there).await;
    let store = lab.open().await;
    let task = task(&store, "t").await;
    let mut unbound = row([5, 10, 21, 0]);
    unbound[3] = Value::Null;
    let null = vec![Value::Int(6), Value::Null, Value::Null, Value::Int(0)];
    let asked = [row([4, 10, 21, 0]), row([3, 11, 20, 0]), row([1, 11, 20, 0]), unbound, null];
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    let mut rivals = transaction.rivals(&task, &batch(4, &asked)).await.unwrap();
    rivals.iter_mut().for_each(|rivals| rivals.sort());
    let keys = |rows: &[&Cells]| rows.iter().map(|row| key(&task, row)).collect::<Vec<_>>();
    let (one, two) = (&there[0], &there[1]);
    assert_eq!(rivals, [keys(&[one, two]), keys(&[one, two]), keys(&[two]), vec![], vec![]]);
}

async fn no_key(labs: Factory<'_>) {
    let lab = labs();
    create(&*lab, "CREATE TABLE t (a $int UNIQUE, b $text)").await;
    let rows = [vec![Value::Int(1), Value::text("x")], vec![Value::Null, Value::text("y")]];
    lab.insert("t", &rows).await;
    let store = lab.open().await;
    let task = task(&store, "t").await;
    assert!(task.is_multiset());
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    assert_eq!(transaction.rivals(&task, &batch(2, &rows)).await.unwrap(), vec![Vec::<Vec<u8>>::new(); 2]);
}
