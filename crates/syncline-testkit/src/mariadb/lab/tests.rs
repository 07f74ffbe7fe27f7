use super::*;

fn lab() -> MariadbLab {
    MariadbLab::new(|_| Box::pin(async { panic!("no store is opened here") }))
}

#[tokio::test(flavor = "multi_thread")]
async fn sample_values_are_held_unchanged() {
    let lab = lab();
    for (at, (column, values)) in lab.sample_values().into_iter().enumerate() {
        lab.run_sql(&format!("CREATE TABLE kind_{at} (id bigint PRIMARY KEY, v {column})")).await;
        let rows: Vec<_> = values.into_iter().zip(0..).map(|(value, id)| vec![Value::Int(id), value]).collect();
        lab.insert(&format!("kind_{at}"), &rows).await;
        assert_eq!(lab.query(&format!("SELECT id, v FROM kind_{at} ORDER BY id")).await, rows, "{column}");
        if lab.can_be_key(column) && !matches!(rows[0][1], Value::Json(_)) {
            lab.run_sql(&format!("CREATE TABLE key_{at} (v {column} NOT NULL PRIMARY KEY, n bigint)")).await;
        }
    }
}

/// What the server itself makes of the literals is what the lab reads, so that reading and writing do not err alike.
#[tokio::test(flavor = "multi_thread")]
async fn what_other_programs_have_written_is_read_as_what_it_is() {
    let lab = lab();
    let is_mariadb = lab.database().server().is_mariadb();
    lab.database().mariadb(&samples::odd_table(is_mariadb));
    for (at, sample) in samples::samples(is_mariadb).into_iter().enumerate() {
        let sql = format!("SELECT c{at} FROM odd WHERE id BETWEEN 1 AND {} ORDER BY id", sample.cells.len());
        let expected: Vec<_> = sample.cells.into_iter().map(|(_, value)| vec![value]).collect();
        assert_eq!(lab.query(&sql).await, expected, "{}", sample.column);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fixtures_are_statements_that_the_server_takes() {
    let lab = lab();
    lab.run_sql(&lab.types().fill(crate::fixtures::ORDERS)).await;
    lab.insert("orders", &crate::fixtures::orders(1, 10_000)).await;
    let rows = lab.query("SELECT * FROM orders ORDER BY id").await;
    let mut expected = crate::fixtures::orders(1, 10_000);
    expected.sort_by_key(|row| if let Value::Int(id) = row[0] { id } else { panic!("an id is an integer") });
    assert!(rows == expected);
    use Fixture::{Audit, Clustered, ImplicitReference, MixedKey, NullableKey, OtherCollation, Tickets};
    let fixtures = [Audit, Clustered, ImplicitReference, MixedKey, NullableKey, OtherCollation, Tickets];
    for sql in fixtures.into_iter().filter_map(|fixture| lab.sql(fixture)) {
        lab.run_sql(&sql).await;
    }
    // A reference that points at nothing.
    lab.run_sql("CREATE TABLE shipments (id bigint PRIMARY KEY, o bigint, FOREIGN KEY (o) REFERENCES orders (id))")
        .await;
    lab.insert("shipments", &[vec![Value::Int(1), Value::Int(-77_777)]]).await;
    lab.run_sql(
        "INSERT INTO audited VALUES (1, 1); UPDATE audited SET n = 2 WHERE id = 1; DELETE FROM audited WHERE id = 1;",
    )
    .await;
    assert_eq!(lab.query("SELECT count(DISTINCT what) FROM audit").await, [[Value::Int(6)]]);
    lab.run_sql("INSERT INTO tickets (n) VALUES (5)").await;
    assert_eq!(lab.query("SELECT id, n FROM tickets").await, [[Value::Int(1), Value::Int(5)]]);
    lab.insert("labels", &[vec![Value::text("Anna"), Value::Int(1)]]).await;
    assert_eq!(lab.query("SELECT n FROM labels WHERE label = 'ANNA'").await, [[Value::Int(1)]]);
    assert!(lab.query("SELECT 1 WHERE 1 = 0").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_are_in_the_order_of_their_bytes() {
    let lab = lab();
    lab.run_sql(&lab.types().fill("CREATE TABLE named (name $text PRIMARY KEY)")).await;
    let names: Vec<_> = crate::fixtures::text_keys().into_iter().map(|key| vec![key]).collect();
    lab.insert("named", &names).await;
    let mut expected = names;
    expected.sort_by_key(|row| if let Value::Text(bytes) = &row[0] { bytes.clone() } else { panic!("a text") });
    assert_eq!(lab.query("SELECT name FROM named ORDER BY name").await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cell_of_100_mb_goes_in_and_comes_out() {
    let lab = lab();
    lab.run_sql(&lab.types().fill("CREATE TABLE files (id $int PRIMARY KEY, content $bytes)")).await;
    let mut row = vec![Value::Int(1), Value::Bytes(vec![0; 100 << 20])];
    lab.insert("files", std::slice::from_ref(&row)).await;
    let found = lab.query("SELECT * FROM files").await.remove(0);
    assert!(found == row);
    row[0] = Value::Int(2);
    assert!(found != row);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_object_is_seen_and_its_state_too() {
    let (lab, other) = (lab(), lab());
    let objects = async |lab: &MariadbLab| lab.query(&lab.sql(Fixture::Objects).unwrap()).await;
    let mut seen = objects(&lab).await;
    for sql in [
        "CREATE TABLE t (id bigint PRIMARY KEY, n bigint)",
        "ALTER TABLE t ADD CONSTRAINT positive CHECK (n > 0)",
        "ALTER TABLE t ALTER n SET DEFAULT 7",
        "ALTER TABLE t ADD x varchar(9) DEFAULT 'NULL'",
        "ALTER TABLE t ALTER x SET DEFAULT NULL",
        "ALTER TABLE t MODIFY x varchar(9) CHARACTER SET latin1",
        "ALTER TABLE t MODIFY x varchar(9) CHARACTER SET latin1 AFTER id",
        "ALTER TABLE t DROP x",
        "CREATE TABLE u (t bigint, CONSTRAINT c FOREIGN KEY (t) REFERENCES t (id))",
        "ALTER TABLE u DROP FOREIGN KEY c",
        "ALTER TABLE u ADD CONSTRAINT c FOREIGN KEY (t) REFERENCES t (id) ON DELETE CASCADE",
        "CREATE INDEX i ON t (n)",
        "DROP INDEX i ON t; CREATE INDEX i ON t (n DESC)",
        "CREATE VIEW v AS SELECT id FROM t",
        "CREATE OR REPLACE VIEW v AS SELECT id FROM t WHERE n > 1",
        "CREATE FUNCTION f() RETURNS int DETERMINISTIC RETURN 1",
        "CREATE PROCEDURE p(a int) DO 1",
        "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET NEW.n = 1",
        "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DISABLE DO DO 1",
        "CREATE TABLE w (id int PRIMARY KEY) PARTITION BY HASH (id) PARTITIONS 2",
        "ALTER TABLE t COMMENT 'a table'",
    ] {
        lab.run_sql(sql).await;
        let now = objects(&lab).await;
        assert_ne!(seen, now, "not seen: {sql}");
        seen = now;
        other.run_sql(sql).await;
    }
    lab.run_sql("INSERT INTO t VALUES (1, 1); CREATE TEMPORARY TABLE gone (id bigint)").await;
    assert_eq!(seen, objects(&lab).await, "rows are no objects");
    assert_eq!(seen, objects(&other).await, "in whichever database");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_lock_keeps_others_from_writing_until_it_is_dropped() {
    let lab = lab();
    lab.run_sql("CREATE TABLE \"a `t`\" (a bigint PRIMARY KEY); CREATE TABLE u (a bigint); INSERT INTO u VALUES (1)")
        .await;
    let lock = lab.hold_lock().await;
    for write in ["INSERT INTO u VALUES (2)", "INSERT INTO `a ``t``` VALUES (1)", "UPDATE u SET a = 3", "DELETE FROM u"]
    {
        let refused = lab.database().try_mariadb(&format!("SET innodb_lock_wait_timeout = 1; {write}"));
        assert!(refused.stderr.contains("ERROR 1205"), "{write}: {}", refused.stderr);
    }
    assert_eq!(lab.database().mariadb("SELECT count(*) FROM u"), "1\n", "readers go on");
    drop(lock);
    lab.run_sql("INSERT INTO u VALUES (2)").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_begun_is_seen_once_it_is_committed_and_undone_when_it_is_dropped() {
    let lab = lab();
    lab.run_sql("CREATE TABLE t (a bigint)").await;
    let count = async || lab.query("SELECT count(*) FROM t").await;
    let one = lab.begin("INSERT INTO t VALUES (1); INSERT INTO t VALUES (2)").await;
    drop(lab.begin("INSERT INTO t VALUES (3)").await);
    assert_eq!(count().await, [[Value::Int(0)]]);
    one.commit().await;
    assert_eq!(count().await, [[Value::Int(2)]]);
}
