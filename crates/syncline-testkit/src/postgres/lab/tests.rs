use super::*;

fn lab() -> PostgresLab {
    PostgresLab::new(|_| Box::pin(async { panic!("no store is opened here") }))
}

#[tokio::test(flavor = "multi_thread")]
async fn sample_values_are_held_unchanged() {
    let lab = lab();
    lab.run_sql(&lab.sql(Fixture::SampleTypes).unwrap()).await;
    for (at, (column, values)) in lab.sample_values().into_iter().enumerate() {
        lab.run_sql(&format!("CREATE TABLE kind_{at} (id bigint PRIMARY KEY, v {column})")).await;
        let rows: Vec<_> = values.into_iter().zip(0..).map(|(value, id)| vec![Value::Int(id), value]).collect();
        lab.insert(&format!("kind_{at}"), &rows).await;
        assert_eq!(lab.query(&format!("SELECT id, v FROM kind_{at} ORDER BY id")).await, rows, "{column}");
    }
}

/// What the server itself makes of the literals is what the lab reads, so that reading and writing do not err alike.
#[tokio::test(flavor = "multi_thread")]
async fn what_other_programs_have_written_is_read_as_what_it_is() {
    let lab = lab();
    lab.run_sql(&samples::odd_table()).await;
    for (at, sample) in samples::samples().into_iter().enumerate() {
        let sql = format!("SELECT c{at} FROM odd WHERE id BETWEEN 1 AND {} ORDER BY id", sample.cells.len());
        let expected: Vec<_> = sample.cells.into_iter().map(|(_, value)| vec![value]).collect();
        assert_eq!(lab.query(&sql).await, expected, "{}", sample.column);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fixtures_are_statements_that_postgres_takes() {
    let lab = lab();
    lab.run_sql(&lab.types().fill(crate::fixtures::ORDERS)).await;
    lab.insert("orders", &crate::fixtures::orders(1, 100)).await;
    let rows = lab.query("SELECT * FROM orders ORDER BY id").await;
    let mut expected = crate::fixtures::orders(1, 100);
    expected.sort_by_key(|row| if let Value::Int(id) = row[0] { id } else { panic!("an id is an integer") });
    assert_eq!(rows, expected);
    use Fixture::{Audit, Clustered, ImplicitReference, MixedKey, NullableKey, OtherCollation, Tickets};
    let fixtures = [Audit, Clustered, ImplicitReference, MixedKey, NullableKey, OtherCollation, Tickets];
    for sql in fixtures.into_iter().filter_map(|fixture| lab.sql(fixture)) {
        lab.run_sql(&sql).await;
    }
    // A reference that points at nothing, and a trigger that does not fire.
    lab.insert("shipments", &[vec![Value::Int(1), Value::Int(-77)]]).await;
    lab.insert("audited", &[vec![Value::Int(7), Value::Int(7)]]).await;
    assert_eq!(lab.query("SELECT count(*) FROM audit").await, [[Value::Int(0)]]);
    lab.run_sql(
        "INSERT INTO audited VALUES (1, 1); UPDATE audited SET n = 2 WHERE id = 1; DELETE FROM audited WHERE id = 1",
    )
    .await;
    assert_eq!(lab.query("SELECT count(DISTINCT what) FROM audit").await, [[Value::Int(6)]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_object_is_seen_and_its_state_too() {
    let lab = lab();
    let objects = async || lab.query(&lab.sql(Fixture::Objects).unwrap()).await;
    let mut seen = vec![objects().await];
    for sql in [
        "CREATE TABLE t (id bigint PRIMARY KEY, n bigint)",
        "ALTER TABLE t ADD CONSTRAINT positive CHECK (n > 0) NOT VALID",
        "ALTER TABLE t VALIDATE CONSTRAINT positive",
        "ALTER TABLE t ALTER n SET DEFAULT 7",
        "ALTER TABLE t ADD x text",
        "ALTER TABLE t DROP x",
        "CREATE TABLE u (t bigint REFERENCES t)",
        "ALTER TABLE u DISABLE TRIGGER ALL",
        "CREATE INDEX i ON t (n)",
        "DROP INDEX i; CREATE INDEX i ON t (n DESC)",
        "CREATE VIEW v AS SELECT id FROM t",
        "CREATE OR REPLACE VIEW v AS SELECT id FROM t WHERE n > 1",
        "CREATE SEQUENCE s",
        "ALTER SEQUENCE s INCREMENT 2",
        "CREATE TYPE mood AS ENUM ('a')",
        "ALTER TYPE mood ADD VALUE 'b'",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 2'",
        "CREATE RULE r AS ON INSERT TO u DO INSTEAD NOTHING",
        "CREATE SCHEMA other",
        "CREATE TABLE other.t (id bigint)",
        "GRANT SELECT ON t TO PUBLIC",
        "SELECT lo_create(0)",
    ] {
        lab.run_sql(sql).await;
        let now = objects().await;
        assert!(!seen.contains(&now), "not seen: {sql}");
        seen.push(now);
    }
    lab.run_sql("INSERT INTO t VALUES (1, 1); SELECT nextval('s'); CREATE TEMP TABLE gone (id bigint)").await;
    assert_eq!(seen.last(), Some(&objects().await), "rows are no objects");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_lock_keeps_others_from_writing_until_it_is_dropped() {
    let lab = lab();
    lab.run_sql("CREATE TABLE t (a bigint); CREATE TABLE u (a bigint)").await;
    let lock = lab.hold_lock().await;
    let refused = lab.database().try_psql("SET lock_timeout = 1; INSERT INTO u VALUES (1)");
    assert!(refused.stderr.contains("lock timeout"), "{}", refused.stderr);
    assert_eq!(lab.database().psql("SELECT count(*) FROM u"), "0\n", "readers go on");
    drop(lock);
    lab.run_sql("INSERT INTO u VALUES (1)").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_begun_is_seen_once_it_is_committed_and_undone_when_it_is_dropped() {
    let lab = lab();
    lab.run_sql("CREATE TABLE t (a bigint)").await;
    let count = async || lab.query("SELECT count(*) FROM t").await;
    let one = lab.begin("INSERT INTO t VALUES (1)").await;
    drop(lab.begin("INSERT INTO t VALUES (2)").await);
    assert_eq!(count().await, [[Value::Int(0)]]);
    one.commit().await;
    assert_eq!(count().await, [[Value::Int(1)]]);
}
