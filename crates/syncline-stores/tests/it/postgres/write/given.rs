//! Numbers that the server gives out and lets nobody change.

use super::*;

const TABLE: &str = "CREATE TABLE g (id int8 PRIMARY KEY, a int8 UNIQUE, k int8 GENERATED ALWAYS AS IDENTITY); \
    INSERT INTO g OVERRIDING SYSTEM VALUE VALUES (1, 10, 1), (2, 20, 2), (3, 30, 3)";

fn row(cells: [i64; 3]) -> Vec<Value> {
    cells.into_iter().map(Value::Int).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_whose_number_would_change_is_refused_and_no_part_of_it_written() {
    let desk = Desk::new(TABLE).await;
    let task = task("g", &[("id", INT), ("a", INT), ("k", INT)]);
    let old = [row([1, 10, 1]), row([2, 20, 2]), row([3, 30, 3])];
    let new = [row([1, 11, 7]), row([2, 21, 2]), row([4, 41, 9])];
    let expected =
        vec![Expectation::Digest(digest(&old[0])), Expectation::Digest(digest(&old[1])), Expectation::Absent];
    let applied = write(&desk, &task, put(&new, expected)).await;
    assert_eq!((applied.updated, applied.inserted, applied.refused.len()), (1, 1, 1), "{applied:?}");
    assert_eq!(applied.images.len(), 2, "none of a row that was not written");
    let refusal = &applied.refused[0];
    assert_eq!(refusal.reason, syncline_core::change::Reason::Refused);
    assert!(refusal.words.contains("\"k\" is GENERATED ALWAYS AS IDENTITY"), "{}", refusal.words);
    assert_eq!(desk.shown("SELECT id, a, k FROM g ORDER BY id"), "1|10|1\n2|21|2\n3|30|3\n4|41|9");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_stays_where_it_is_while_others_exchange_their_values() {
    let desk = Desk::new(TABLE).await;
    let task = task("g", &[("id", INT), ("a", INT), ("k", INT)]);
    let old = [row([1, 10, 1]), row([2, 20, 2]), row([3, 30, 3])];
    let new = [row([1, 20, 1]), row([2, 10, 2]), row([3, 31, 8])];
    let mut writer = desk.writer().await;
    let mut transaction = writer.begin().await.unwrap();
    let first = transaction.apply(&task, updates(&old, &new), ApplyMode::Displace).await.unwrap();
    let second = transaction.apply(&task, updates(&old, &new), ApplyMode::Place).await.unwrap();
    assert_eq!((first.images.len(), first.refused.len()), (2, 1), "{first:?}");
    assert_eq!((second.updated, second.refused.len()), (2, 0), "{second:?}");
    commit(transaction).await.unwrap();
    assert_eq!(desk.shown("SELECT id, a, k FROM g ORDER BY id"), "1|20|1\n2|10|2\n3|30|3");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_a_sequence_cannot_give_out_moves_it_nowhere() {
    let desk = Desk::new(
        "CREATE TABLE b (id int8 GENERATED ALWAYS AS IDENTITY (MAXVALUE 20) PRIMARY KEY, n int8); \
         CREATE TABLE d (id int8 GENERATED ALWAYS AS IDENTITY (INCREMENT -1) PRIMARY KEY, n int8); \
         CREATE TABLE m (id int8 GENERATED ALWAYS AS IDENTITY (START 5) PRIMARY KEY, n int8); \
         ALTER TABLE m ALTER id RESTART WITH 1",
    )
    .await;
    for (table, rows, next) in [("b", [7, 30], "8"), ("d", [-3, 30], "-4")] {
        let task = task(table, &[("id", INT), ("n", INT)]);
        write(&desk, &task, inserts(&ints(rows.map(|id| [id, 1])))).await;
        let given = format!("SELECT nextval(pg_get_serial_sequence('{table}', 'id'))");
        assert_eq!(desk.shown(&given), next, "{table}");
    }
    let mut writer = desk.writer().await;
    let mut transaction = writer.begin().await.unwrap();
    transaction.restore_sequence("b", Some(99)).await.unwrap();
    let before = transaction.sequence("m").await.unwrap();
    transaction.restore_sequence("m", before).await.unwrap();
    commit(transaction).await.unwrap();
    assert_eq!(
        desk.shown("SELECT nextval(pg_get_serial_sequence('m', 'id'))"),
        "1",
        "the number before is none of its own"
    );
}
