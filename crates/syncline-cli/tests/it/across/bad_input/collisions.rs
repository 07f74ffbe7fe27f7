//! Transactions that the server undoes because of others at work are begun anew.

use std::process::Stdio;
use std::time::{Duration, Instant};

use syncline_testkit::postgres::fresh_database;

use super::{is_told, rows, scene_with};
use crate::scene::Said;

/// More rows than are written at once, in one transaction: who waits for the later ones keeps the first ones locked.
const COUNT: u32 = 4_000;

#[test]
fn the_victim_of_a_deadlock_tries_again_and_keeps_nothing_twice() {
    let database = fresh_database();
    let scene = scene_with(&database, &rows(COUNT, "new"));
    database.psql(&rows(COUNT, "old"));
    // The run looks for a deadlock after the application has closed the circle, and long before the application does.
    let name = database.name();
    database.psql(&format!("ALTER DATABASE {name} SET deadlock_timeout = '5s'"));
    let mut application = database.session();
    application.run("SET deadlock_timeout = '120s'; BEGIN; SELECT id FROM t WHERE id = 3900 FOR UPDATE");
    let args = ["mirror", "a.db", "env:PG", "--json", "--progress", "none"];
    let run = scene.command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while database.psql(waits).trim() == "0" {
        assert!(Instant::now() < deadline, "the run never waits");
    }
    // It goes on once the run has been ended, and changes nothing that the run rests on.
    let (_, state) = application.run("UPDATE t SET v = v WHERE id = 1; COMMIT");
    assert_eq!(state, "00000", "the application was chosen to give way");
    let said = Said::from(run.wait_with_output().unwrap());
    assert_eq!((said.code, said.last()["verified"].as_str()), (Some(0), Some("equal")), "{}{}", said.out, said.err);
    assert_eq!(said.last()["tables"][0]["updated"], COUNT, "{}", said.out);
    assert_eq!(database.psql("SELECT count(*) FROM t WHERE v = 'new'").trim(), COUNT.to_string());
    // One deadlock there was, and one before-image of each row there is.
    let deadlocks =
        format!("SELECT pg_stat_clear_snapshot(); SELECT deadlocks FROM pg_stat_database WHERE datname = '{name}'");
    let deadline = Instant::now() + Duration::from_secs(60);
    while database.psql(&deadlocks).trim() != "1" {
        assert!(Instant::now() < deadline, "there was no deadlock: {}", database.psql(&deadlocks));
    }
    let undone = scene.run("undo --yes --json");
    assert_eq!((undone.code, &undone.last()["tables"][0]["updated"]), (Some(0), &COUNT.into()), "{}", undone.out);
    assert_eq!(database.psql("SELECT count(*) FROM t WHERE v = 'old'").trim(), COUNT.to_string());
}

/// A table whose rows fail to be serialized the first so many times that one is checked. Numbers are given out for good, also
/// in transactions that come to nothing.
fn colliding(times: u32) -> String {
    format!(
        "CREATE SEQUENCE tries;
         CREATE FUNCTION collide() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
             IF nextval('public.tries') <= {times} THEN RAISE EXCEPTION 'collision' USING ERRCODE = '40001'; END IF;
             RETURN true;
         END $$;
         CREATE TABLE t (id int PRIMARY KEY, v text, CHECK (v = 'old' OR public.collide()));
         INSERT INTO t SELECT n, 'old' FROM generate_series(1, 9) AS n;"
    )
}

#[test]
fn what_collides_a_few_times_arrives_in_the_end() {
    let database = fresh_database();
    let scene = scene_with(&database, &rows(5, "new"));
    database.psql(&colliding(3));
    let said = scene.run("mirror a.db env:PG --json --max-delete 9");
    assert_eq!((said.code, said.last()["verified"].as_str()), (Some(0), Some("equal")), "{}{}", said.out, said.err);
    let table = &said.last()["tables"][0];
    assert_eq!((&table["updated"], &table["deleted"], &table["held"]), (&5.into(), &4.into(), &0.into()));
    scene.ok("undo --yes");
    assert_eq!(database.psql("SELECT count(*) FROM t WHERE v = 'old'").trim(), "9");
}

/// Nothing but an undo changes what sequences are from here on, and that fails to be serialized the first so many times.
fn colliding_counters(times: u32) -> String {
    format!(
        "CREATE SEQUENCE tries;
         CREATE FUNCTION collide() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
             IF nextval('public.tries') <= {times} THEN RAISE EXCEPTION 'collision' USING ERRCODE = '40P01'; END IF;
         END $$;
         CREATE EVENT TRIGGER colliding ON ddl_command_start WHEN TAG IN ('ALTER SEQUENCE') EXECUTE FUNCTION collide();
         ALTER EVENT TRIGGER colliding ENABLE ALWAYS"
    )
}

#[test]
fn counters_are_put_back_however_often_that_collides() {
    let database = fresh_database();
    let scene = scene_with(&database, &rows(5, "new"));
    database.psql("CREATE TABLE t (id serial PRIMARY KEY, v text); SELECT setval('t_id_seq', 2)");
    scene.ok("copy a.db env:PG");
    let counter = || database.psql("SELECT last_value, is_called FROM t_id_seq").trim().to_owned();
    assert_eq!(counter(), "5|t");
    database.psql(&colliding_counters(3));
    let said = scene.run("undo --yes --json");
    assert_eq!((said.code, &said.last()["tables"][0]["deleted"]), (Some(0), &5.into()), "{}{}", said.out, said.err);
    assert_eq!(counter(), "2|t");
    assert!(database.psql("SELECT last_value FROM tries").trim().parse::<u32>().unwrap() > 3);
    assert_eq!(database.psql("SELECT count(*) FROM pg_class WHERE relname LIKE '%syncline%'").trim(), "0");
}

#[test]
fn a_counter_that_collides_for_ever_stays_and_ends_the_undo() {
    let database = fresh_database();
    let scene = scene_with(&database, &rows(5, "new"));
    database.psql("CREATE TABLE t (id serial PRIMARY KEY, v text); SELECT setval('t_id_seq', 2)");
    scene.ok("copy a.db env:PG");
    database.psql(&colliding_counters(1_000));
    let said = scene.run("undo --yes --json");
    is_told("undo", &said, "STORE_LOCKED");
    assert_eq!(database.psql("SELECT last_value FROM tries").trim(), "5", "attempts have their bound");
    assert_eq!(database.psql("SELECT last_value FROM t_id_seq").trim(), "5");
}

#[test]
fn what_collides_for_ever_ends_the_run_and_nothing_of_it_stays() {
    let database = fresh_database();
    let scene = scene_with(&database, &rows(5, "new"));
    database.psql(&colliding(1_000));
    let said = scene.run("mirror a.db env:PG --json --max-delete 9");
    assert_eq!(said.code, Some(5), "{}{}", said.out, said.err);
    is_told("mirror", &said, "STORE_LOCKED");
    assert_eq!(database.psql("SELECT last_value FROM tries").trim(), "5", "attempts have their bound");
    assert_eq!(database.psql("SELECT count(*) FROM t WHERE v = 'old'").trim(), "9");
    assert_eq!(database.psql("SELECT count(*) FROM pg_class WHERE relname LIKE '%syncline%'").trim(), "0");
}
