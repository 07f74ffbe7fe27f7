//! What the server has against a row, in its own words.

use syncline_core::change::Reason;
use syncline_core::value::Value;

use super::{Desk, apply, inserts, int, text, updates};

#[tokio::test]
async fn each_rule_has_its_reason() {
    let desk = Desk::new(
        "CREATE TABLE t (id int PRIMARY KEY, name varchar(20) NOT NULL, n int UNIQUE, CHECK (id < 100));
         DELIMITER //
         CREATE TRIGGER no_thirteen BEFORE INSERT ON t FOR EACH ROW
             IF NEW.id = 13 THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'not thirteen'; END IF//
         DELIMITER ;
         INSERT INTO t VALUES (1, 'a', 1)",
    )
    .await;
    let task = desk.task("t").await;
    let row = |id, name: Value, n: Value| vec![int(id), name, n];
    let rows = [
        row(2, text("b"), int(2)),
        row(3, Value::Null, int(3)),
        row(4, text("d"), int(1)),
        row(200, text("e"), int(5)),
        row(5, text("f"), int(1 << 40)),
        row(6, text("g"), Value::Null),
        row(13, text("h"), Value::Null),
    ];
    let applied = apply(&desk, &task, inserts(&rows)).await;
    let reasons: Vec<_> = applied.refused.iter().map(|refusal| refusal.reason).collect();
    assert_eq!(
        reasons,
        [Reason::NotNull, Reason::Unique, Reason::Check, Reason::Type, Reason::Refused],
        "{:?}",
        applied.refused
    );
    assert_eq!(applied.inserted, 2);
    assert!(applied.refused.iter().any(|refusal| refusal.words.contains("not thirteen")));
    assert!(applied.refused.iter().all(|refusal| !refusal.words.contains("_syncline")), "{:?}", applied.refused);
    assert_eq!(desk.shown("SELECT id FROM t ORDER BY id"), "1\n2\n6");
}

#[tokio::test]
async fn many_that_clash_are_found_and_the_others_written() {
    let desk =
        Desk::new("CREATE TABLE t (id int PRIMARY KEY, n int UNIQUE); INSERT INTO t SELECT seq, seq FROM seq_1_to_500")
            .await;
    let task = desk.task("t").await;
    let old: Vec<_> = (1..=400).map(|id| vec![int(id), int(id)]).collect();
    // Every third wants what one has that stays.
    let new: Vec<_> =
        (1..=400).map(|id| vec![int(id), int(if id % 3 == 0 { 401 + id / 4 } else { 1_000 + id })]).collect();
    let applied = apply(&desk, &task, updates(&old, &new)).await;
    assert_eq!((applied.updated, applied.refused.len()), (267, 133));
    assert!(applied.refused.iter().all(|refusal| refusal.reason == Reason::Unique && refusal.found.is_some()));
    assert_eq!(desk.shown("SELECT COUNT(*) FROM t WHERE n > 1000"), "267");
}

#[tokio::test]
async fn a_value_that_the_server_does_not_take_is_named_by_itself() {
    let desk = Desk::new("CREATE TABLE t (id int PRIMARY KEY, n tinyint NOT NULL, at timestamp NULL)").await;
    let task = desk.task("t").await;
    let mut writer = desk.writer().await;
    let mut transaction = writer.begin().await.unwrap();
    let far = Value::Instant(i64::from(u32::MAX) * 2 * 1_000_000);
    let rows = [
        vec![int(1), int(1), Value::Null],
        vec![int(2), int(1_000), Value::Instant(0)],
        vec![int(3), Value::Null, far],
    ];
    let found = transaction.misfits(&task, &[1, 2], &super::batch(3, &rows)).await.unwrap();
    let cells: Vec<_> = found.iter().map(|cell| (cell.row, cell.column)).collect();
    // The moment 0 is the engine's zero date, which is no moment.
    assert!(cells.contains(&(1, 1)) && cells.contains(&(2, 2)) && !cells.contains(&(2, 1)), "{found:?}");
}
