//! Keys that are text here and something richer on the other side: their order, and what they find.

use syncline_core::change::TableTask;
use syncline_core::value::{Equality, Forms, Kind, Value};

use super::desk::{Desk, digests, fetch};
use super::keys::check;

/// Texts that some column takes for something else, in many notations.
const TEXTS: &str = "0,1,10,2024-01-01,2023-12-31,12024-01-01,0044-03-15 BC,2024-01-01 00:00:00,2024-01-01T00:00:00,\
    2024-01-01 00:00:00.5,2024-01-01 00:00:00.55,2024-01-01 00:00:00+00,2024-01-01 00:00:00+00:00,\
    2024-01-01 02:00:00+02:00,0044-03-15 12:00:00 BC,12024-01-01 00:00:00,294276-12-31 23:59:59,infinity,-infinity,\
    12:00:00,12:00:00.5,12:00,24:00:00,aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee,AAAAAAAA-BBBB-CCCC-DDDD-EEEEEEEEEEEE,\
    00000000-0000-0000-0000-000000000001,{},[1],a,a ,B,zz,\u{e9},::1,10.0.0.1,";

fn kinds() -> [Kind; 8] {
    [
        Kind::Date,
        Kind::Time { digits: 6 },
        Kind::Timestamp { digits: 6 },
        Kind::Instant { digits: 3 },
        Kind::Uuid,
        Kind::Json { normalised: true },
        Kind::Other { type_name: "inet".to_owned() },
        Kind::Text { max_chars: None, padded: true },
    ]
}

async fn seen(desk: &Desk, table: &str, kinds: Vec<Option<Kind>>) -> TableTask {
    TableTask { forms: Forms { kinds, equality: Equality::Canonical }, ..desk.task(table).await }
}

#[tokio::test(flavor = "multi_thread")]
async fn they_come_in_the_order_of_their_forms_and_find_their_rows() {
    let desk = Desk::with(&format!(
        "CREATE TABLE t (k text, m integer, n text, PRIMARY KEY (m, k)); \
         INSERT INTO t SELECT k, m, k FROM unnest(string_to_array('{TEXTS}', ',')) k, generate_series(1, 2) m"
    ));
    for kind in kinds() {
        let mut task = seen(&desk, "t", vec![Some(kind.clone())]).await;
        check(&desk, &task).await;
        task.key.reverse();
        check(&desk, &task).await;
        let keys = digests(&mut desk.view().await, &task).await;
        let is_padded = matches!(kind, Kind::Text { .. });
        assert_eq!(keys.iter().all(|(key, _)| matches!(key[0], Value::Text(_))), is_padded, "some are seen as {kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_of_them_than_fit_a_batch_come_in_their_order() {
    let desk = Desk::with(
        "CREATE TABLE t (k text PRIMARY KEY, n integer); \
         INSERT INTO t SELECT CASE WHEN i % 9 = 0 THEN upper(md5(i::text)::uuid::text) ELSE md5(i::text)::uuid::text END, i \
         FROM generate_series(1, 20000) i",
    );
    let task = seen(&desk, "t", vec![Some(Kind::Uuid)]).await;
    check(&desk, &task).await;
    let keys = digests(&mut desk.view().await, &task).await;
    assert!(keys.iter().filter(|(key, _)| matches!(key[0], Value::Uuid(_))).count() >= 17_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_notation_of_a_key_is_another_key() {
    let desk = Desk::with("CREATE TABLE t (k text PRIMARY KEY); INSERT INTO t VALUES ('2024-01-01T00:00:00')");
    let task = seen(&desk, "t", vec![Some(Kind::Timestamp { digits: 6 })]).await;
    let mut view = desk.view().await;
    let (text, time) = (Value::text("2024-01-01T00:00:00"), Value::Timestamp(1_704_067_200_000_000));
    assert!(fetch(&mut view, &task, &[vec![time.clone()]]).await.is_empty());
    assert_eq!(fetch(&mut view, &task, &[vec![text.clone()]]).await, [[text]]);
    desk.database.psql("INSERT INTO t VALUES ('2024-01-01 00:00:00')");
    assert_eq!(fetch(&mut desk.view().await, &task, &[vec![time.clone()]]).await, [[time]]);
}
