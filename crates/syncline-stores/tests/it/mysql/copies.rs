//! Rows of tables without a key: told apart by where they stand in a view.

use syncline_core::change::copies;
use syncline_core::error::Code;
use syncline_core::store::{Flow, Snapshot};
use syncline_core::value::{Value, exact};

use super::desk::{Desk, digests, failure, fetch, scan};

fn digest(row: &[Value]) -> u128 {
    exact::digest_row(row.iter().map(Into::into), &mut Vec::new())
}

/// Beside others who insert, change, delete and make room, in a table with an index that has all its columns in another order.
#[tokio::test(flavor = "multi_thread")]
async fn they_are_found_at_their_places_beside_writers() {
    let desk = Desk::with(
        "CREATE TABLE t (n integer, s varchar(300), KEY covering (n, s(10)), KEY small (n)); \
         INSERT INTO t SELECT seq % 7, repeat('x', seq % 200) FROM seq_1_to_20000; INSERT INTO t SELECT * FROM t WHERE n = 3; DELETE FROM t WHERE n = 5; \
         CREATE TABLE narrow (n integer, KEY (n)); INSERT INTO narrow SELECT 10000 - seq % 50 FROM seq_1_to_9000",
    );
    for name in ["t", "narrow"] {
        let task = desk.task(name).await;
        assert!(task.is_multiset());
        let mut view = desk.view().await;
        view.check_key(&task).await.unwrap();
        let mut expected: Vec<u128> = scan(&mut view, &task).await.iter().map(|row| digest(row)).collect();
        expected.sort_unstable();
        let mut found = Vec::new();
        for round in 0..3 {
            let writes = match name {
                "t" => format!(
                    "INSERT INTO t SELECT {round}, repeat('y', 250) FROM seq_1_to_3000; UPDATE t SET s = repeat('z', 290), n = n + 1 WHERE n = {round}; \
                     DELETE FROM t WHERE n = 6 LIMIT 1000"
                ),
                _ => "UPDATE narrow SET n = n - 1; DELETE FROM narrow WHERE n < 9960 LIMIT 500".to_owned(),
            };
            desk.database.mariadb(&writes);
            let again = digests(&mut view, &task).await;
            assert_eq!(again.iter().map(|(_, digest)| digest.0).collect::<Vec<_>>(), expected, "{name}");
            assert!(found.is_empty() || found == again, "{name}: places are the same every time");
            found = again;
        }
        assert_eq!(found[0].0.len(), copies::WIDTH);
        view.set_flow(Flow::shared_by(2));
        let keys: Vec<_> = found.iter().step_by(3).map(|(key, _)| key.clone()).collect();
        let wanted: Vec<u128> = found.iter().step_by(3).map(|(_, digest)| digest.0).collect();
        let fetched = fetch(&mut view, &task, &keys).await;
        assert_eq!(
            fetched.iter().map(|row| digest(row)).collect::<Vec<_>>(),
            wanted,
            "{name}: in the order of the keys"
        );
        let last = [found.last().unwrap().0.clone()];
        assert_eq!(digest(&fetch(&mut view, &task, &last).await[0]), found.last().unwrap().1.0);
        let nowhere = [vec![keys[0][0].clone(), Value::Int(1 << 40)]];
        assert!(fetch(&mut view, &task, &nowhere).await.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_of_partitions_have_places_and_tables_without_transactions_have_none() {
    let desk = Desk::with(
        "CREATE TABLE parts (n integer) PARTITION BY HASH (n) PARTITIONS 3; INSERT INTO parts SELECT seq % 100 FROM seq_1_to_3000; \
         CREATE TABLE m (n integer) ENGINE = MyISAM; INSERT INTO m VALUES (1)",
    );
    let mut view = desk.view().await;
    let task = desk.task("parts").await;
    let first = digests(&mut view, &task).await;
    desk.database.mariadb("DELETE FROM parts WHERE n < 50; INSERT INTO parts SELECT seq FROM seq_1_to_500");
    let again = digests(&mut view, &task).await;
    assert_eq!(first, again);
    let keys: Vec<_> = first.iter().map(|(key, _)| key.clone()).collect();
    let fetched: Vec<u128> = fetch(&mut view, &task, &keys).await.iter().map(|row| digest(row)).collect();
    assert_eq!(fetched, first.iter().map(|(_, digest)| digest.0).collect::<Vec<_>>());
    let task = desk.task("m").await;
    let error = view.check_key(&task).await.unwrap_err();
    assert_eq!(error.code(), Code::TableNoKey, "{error:?}");
    assert!(error.why().is_some_and(|why| why.contains("MyISAM")), "{error:?}");
    assert_eq!(failure(view.digest(&task).await.unwrap()).await.code(), Code::TableNoKey);
    assert_eq!(scan(&mut view, &task).await.len(), 1, "read whole they can be");
}
