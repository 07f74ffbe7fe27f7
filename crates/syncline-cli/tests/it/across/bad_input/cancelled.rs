//! An administrator who ends a statement in the middle of COPY: a clear error, nothing half written, and the next run goes
//! on.

use std::process::Stdio;
use std::time::{Duration, Instant};

use super::{is_told, rows};
use crate::across::Server;
use crate::scene::Said;

/// A row of this table that says so waits for whoever holds the lock, while COPY is under way.
const TARGET: &str = "CREATE FUNCTION waits(v text) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN
         IF v = 'wait' THEN PERFORM pg_advisory_xact_lock_shared(4711); END IF; RETURN true; END $$;
     CREATE TABLE t (id int PRIMARY KEY, v text CHECK (waits(v)))";

/// Sessions that wait so.
const AT_COPY: &str = "FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'
     AND query LIKE 'COPY%'";

const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn a_copy_that_is_ended_midway_leaves_nothing_of_itself() {
    let server = Server::new();
    server.scene.sql("a.db", &rows(5_000, &"x".repeat(100)));
    server.scene.sql("a.db", "UPDATE t SET v = 'wait' WHERE id = 4000");
    server.database.psql(TARGET);
    let mut holder = server.database.session();
    holder.run("SELECT pg_advisory_lock(4711)");
    let mut command = server.scene.command(&["copy", "a.db", "env:PG", "--batch-size", "500", "--json"]);
    let run = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let end = Instant::now() + PATIENCE;
    while server.by_psql(&format!("SELECT count(pg_cancel_backend(pid)) {AT_COPY}")) == ["0"] {
        assert!(Instant::now() < end, "no COPY came to the row that waits");
    }
    let said = Said::from(run.wait_with_output().unwrap());
    assert_eq!(said.code, Some(1), "{}{}", said.out, said.err);
    let error = is_told("copy", &said, "STATEMENT_CANCELLED");
    assert!(error["why"].to_string().contains("user request"), "{error}");
    assert_eq!(server.by_psql("SELECT count(*) FROM t"), ["0"], "part of a load is there");
    holder.run("SELECT pg_advisory_unlock(4711)");
    let next = server.scene.run("copy a.db env:PG --json");
    assert_eq!((next.code, next.last()["verified"].as_str()), (Some(0), Some("equal")), "{}{}", next.out, next.err);
    assert_eq!(server.by_psql("SELECT count(*), count(*) FILTER (WHERE v = 'wait') FROM t"), ["5000|1"]);
    assert_eq!(server.by_psql("SELECT relname FROM pg_class WHERE relname LIKE '%syncline%'"), Vec::<String>::new());
}
