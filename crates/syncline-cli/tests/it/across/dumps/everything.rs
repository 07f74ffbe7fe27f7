//! What is restored is what was backed up, to the last object and cell.

use std::os::unix::fs::PermissionsExt;

use syncline_testkit::postgres::{PASSWORD, samples};

use super::{ROWS, names, plain, server, with_second};
use crate::across::Server;
use crate::scene::{keys, steady};

/// Objects of all kinds, among them names and bodies that might be taken for something else.
const OBJECTS: &str = r#"
CREATE SCHEMA "Odd; schema"; CREATE SCHEMA "COPY x FROM stdin;";
CREATE EXTENSION citext SCHEMA "Odd; schema"; CREATE EXTENSION hstore;
CREATE TABLE "Odd; schema"."t""able
-- x; \.
" (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "c;o\.l" text DEFAULT E'\\.\n;''', ci "Odd; schema".citext UNIQUE, h hstore);
INSERT INTO "Odd; schema"."t""able
-- x; \.
" ("c;o\.l", ci, h) VALUES (E'\\.', 'A', 'a=>1'), (E'\n\\.\n', 'b', NULL), (NULL, NULL, ''), (DEFAULT, 'c', 'b=>NULL');
CREATE TABLE none (); INSERT INTO none DEFAULT VALUES;
CREATE TABLE "COPY x FROM stdin;".one (v text); INSERT INTO "COPY x FROM stdin;".one VALUES (''), (NULL), (E'\\.'), ('\N');
CREATE FUNCTION tricky() RETURNS text LANGUAGE sql AS $body$
    SELECT 'COPY t FROM stdin;
1
\.
\restrict x
-- Name: y
SET transaction_timeout = 0;
COMMIT;'::text $body$;
CREATE FUNCTION atomic(n int) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT n + 1; END;
CREATE PROCEDURE proc() LANGUAGE plpgsql AS $$ BEGIN PERFORM 1; END $$;
CREATE AGGREGATE total(int) (SFUNC = int4pl, STYPE = int);
CREATE TABLE parted (k int, v text) PARTITION BY LIST (k);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1); CREATE TABLE parted_rest PARTITION OF parted DEFAULT;
INSERT INTO parted SELECT i % 3, i::text FROM generate_series(1, 50) i;
CREATE TABLE a (id int PRIMARY KEY, b int); CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a);
INSERT INTO a VALUES (1, 1); INSERT INTO b VALUES (1, 1); ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b DEFERRABLE INITIALLY DEFERRED;
CREATE VIEW seen AS SELECT id, tricky() FROM a; CREATE MATERIALIZED VIEW kept AS SELECT * FROM seen;
CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'it fired'; END $$;
CREATE TRIGGER noted BEFORE INSERT OR UPDATE ON a FOR EACH ROW EXECUTE FUNCTION noted();
CREATE RULE quiet AS ON DELETE TO b DO INSTEAD (SELECT 1; SELECT 2);
CREATE SEQUENCE counter START 7 INCREMENT 3 CACHE 5; SELECT nextval('counter'), nextval('counter');
CREATE TABLE guarded (id int); ALTER TABLE guarded ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON guarded USING (id > 0);
CREATE STATISTICS stats ON id, b FROM a; COMMENT ON TABLE a IS E'two\nlines; --';
CREATE TYPE made AS ENUM ('x;', 'y'); CREATE CAST (int AS made) WITH INOUT; CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq);
CREATE UNLOGGED TABLE brief AS SELECT 1 AS x; CREATE TABLE heir (extra int) INHERITS (guarded); INSERT INTO heir VALUES (1, 2);
SELECT lo_from_bytea(0, decode(repeat('00ff27', 20000), 'hex')); SELECT lo_from_bytea(4711, '');
CREATE PUBLICATION pub FOR TABLE a; CREATE FOREIGN DATA WRAPPER fdw; CREATE SERVER srv FOREIGN DATA WRAPPER fdw;
CREATE FOREIGN TABLE far (x int) SERVER srv;
CREATE FUNCTION watched() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM 1; END $$;
CREATE EVENT TRIGGER watching ON ddl_command_end EXECUTE FUNCTION watched();
"#;

/// Roles and rights, also such that an owner has taken from itself. They are the server's, and other tests share it.
fn rights(role: &str) -> String {
    format!(
        "CREATE ROLE {role}; CREATE ROLE {role}_reader; GRANT CREATE, USAGE ON SCHEMA public TO {role}_reader;
         ALTER TABLE a OWNER TO {role}; GRANT SELECT (id), UPDATE ON a TO {role}_reader WITH GRANT OPTION;
         REVOKE INSERT ON a FROM {role}; REVOKE EXECUTE ON FUNCTION tricky() FROM PUBLIC;
         ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO {role}_reader; ALTER VIEW seen OWNER TO {role}"
    )
}

/// What changes all of it, and adds what is to go.
const CHANGES: &str = "\
ALTER EVENT TRIGGER watching DISABLE; CREATE EVENT TRIGGER other ON sql_drop EXECUTE FUNCTION watched();
CREATE FUNCTION refuses() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no drops here'; END $$;
CREATE TABLE later (id int REFERENCES a, m made); CREATE VIEW on_top AS SELECT * FROM later; CREATE SCHEMA later; CREATE TABLE later.t (v hstore);
CREATE EXTENSION pg_trgm SCHEMA later; DROP TABLE none; DROP MATERIALIZED VIEW kept; UPDATE parted SET k = 9; ALTER TABLE parted ADD c int;
SELECT lo_create(4712), lo_unlink(4711); CREATE PUBLICATION another FOR ALL TABLES; SELECT setval('counter', 1);
REVOKE ALL ON SCHEMA public FROM PUBLIC; COMMENT ON SCHEMA public IS 'changed'; CREATE FOREIGN DATA WRAPPER later_fdw;
CREATE CAST (made AS int) WITH INOUT; DROP ROUTINE atomic; ALTER TYPE made ADD VALUE 'z'; TRUNCATE guarded, heir;
CREATE EVENT TRIGGER refusing ON sql_drop EXECUTE FUNCTION refuses()";

/// Every table, the rows of each in the order in which they read.
fn cells(server: &Server, table: &str) -> Vec<Vec<Option<String>>> {
    server.database.rows(&format!("SELECT * FROM {table} AS every ORDER BY every::text"))
}

#[test]
fn everything_comes_back_and_nothing_else_stays() {
    let (server, second) = with_second(server(OBJECTS));
    server.database.psql(&rights("dump_owner"));
    server.database.psql(&samples::odd_table());
    let before = plain(&server.database);
    let odd = cells(&server, "odd");
    let said = server.scene.ok("backup env:PG -o all.dump");
    assert!(said.contains(" backed up, ") && said.contains("all.dump"), "{said}");
    server.database.psql(CHANGES);
    server.database.psql("ALTER EVENT TRIGGER refusing DISABLE; DELETE FROM odd WHERE id % 2 = 0");
    server.database.psql("ALTER EVENT TRIGGER refusing ENABLE");
    assert_ne!(plain(&server.database), before);
    server.scene.ok("restore all.dump env:PG --yes");
    assert_eq!(cells(&server, "odd"), odd);
    similar(&plain(&server.database), &before);
    // Into another database, and from there.
    server.scene.ok("restore all.dump env:PG2 --yes");
    similar(&plain(&second), &before);
    server.scene.ok("backup env:PG2 -o again.dump");
    server.scene.ok("restore again.dump env:PG --yes");
    similar(&plain(&server.database), &before);
    assert_eq!(server.database.psql("SELECT count(*) FROM pg_namespace WHERE nspname ~ '_syncline'").trim(), "0");
}

/// Two texts of many lines, of which the first that differs is told.
#[track_caller]
fn similar(left: &str, right: &str) {
    for (at, (left, right)) in left.lines().zip(right.lines()).enumerate() {
        assert_eq!(left, right, "line {at}");
    }
    assert_eq!(left.lines().count(), right.lines().count());
}

#[test]
fn a_restore_is_told_before_and_after() {
    let server = server(ROWS);
    let said = server.scene.ok("backup env:PG -o b.dump --json");
    assert_eq!(keys(said.trim()), ["format", "type", "database", "file", "bytes", "tables", "duration_ms"]);
    let made: serde_json::Value = serde_json::from_str(&said).unwrap();
    let file = server.scene.path("b.dump").metadata().unwrap();
    assert_eq!((made["bytes"].as_u64(), made["tables"].as_u64()), (Some(file.len()), Some(1)));
    assert_eq!(file.permissions().mode() & 0o777, 0o600);
    assert!(!server.scene.path("state").exists(), "a backup to a file of its own needs no state");
    server.database.psql("UPDATE t SET v = ''");
    let shown = steady(&server.scene.ok("restore b.dump env:PG --yes"));
    assert!(shown.starts_with("restore  b.dump -> 127.0.0.1:"), "{shown}");
    assert!(shown.contains("\nbackup     1 table, ") && shown.contains(", checked\ntarget     "), "{shown}");
    assert!(shown.contains(" are replaced, with all that was written since\nkept       as a backup in "), "{shown}");
    let back = shown.lines().find(|line| line.starts_with("to go back: ")).unwrap();
    let back = back.trim_start_matches("to go back: syncline ");
    assert!(back.starts_with("restore /") && back.ends_with(".dump env:PG"), "{back}");
    assert_eq!(server.database.psql("SELECT count(*) FROM t WHERE v <> ''").trim(), "3000");
    server.scene.ok(&format!("{back} --yes --no-safety-backup"));
    assert_eq!(server.database.psql("SELECT count(*) FROM t WHERE v = ''").trim(), "3000");
    assert_eq!(names(&server), ["b.dump"]);
    let kept = std::fs::read_dir(server.scene.path("state/backups")).unwrap().map(|it| it.unwrap().file_name());
    let kept: Vec<_> = kept.map(|name| name.into_string().unwrap()).collect();
    assert!(kept.len() == 1 && kept[0].starts_with(&format!("{}-20", server.database.name())), "{kept:?}");
}

/// What is kept of a URL has no password, and the target is opened once more when all is done.
#[test]
fn a_password_in_a_url_is_enough() {
    let server = server(ROWS);
    let url = server.database.url();
    server.scene.ok(&format!("backup {url} -o b.dump"));
    server.database.psql("DELETE FROM t");
    let said = server.scene.run(&format!("restore b.dump {url} --yes"));
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    assert!(!said.out.contains(PASSWORD) && !said.err.contains(PASSWORD), "{}{}", said.out, said.err);
    assert_eq!(server.database.psql("SELECT count(*) FROM t").trim(), "3000");
    let listed = server.scene.json("runs list --json");
    assert_eq!((&listed["data"][0]["verb"], &listed["data"][0]["status"]), (&"restore".into(), &"succeeded".into()));
}

/// What the engine's own programs can do with a backup, and we with theirs.
#[test]
fn a_backup_is_an_archive_of_pg_dump() {
    let (server, second) = with_second(server(ROWS));
    let before = plain(&server.database);
    server.scene.ok("backup env:PG -o ours.dump");
    let cluster = second.cluster();
    let port = cluster.port().to_string();
    let (ours, theirs) = (server.scene.path("ours.dump"), server.scene.path("theirs.dump"));
    let run = |program: &str, args: &[&str]| {
        let socket = cluster.socket().to_string_lossy().into_owned();
        let fixed = ["-h", &socket, "-p", &port, "-U", "postgres"];
        let done = syncline_testkit::process::run(&cluster.program(program), [&fixed[..], args].concat(), "/".as_ref());
        assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""), "{program}");
    };
    run("pg_restore", &["-d", second.name(), ours.to_str().unwrap()]);
    similar(&plain(&second), &before);
    second.psql("DROP TABLE t");
    run("pg_restore", &["-j", "2", "-d", second.name(), ours.to_str().unwrap()]);
    similar(&plain(&second), &before);
    run("pg_dump", &["-Fc", "-f", theirs.to_str().unwrap(), server.database.name()]);
    second.psql("DROP TABLE t");
    server.scene.ok("restore theirs.dump env:PG2 --yes");
    similar(&plain(&second), &before);
}

#[test]
fn a_run_backs_its_target_up_first() {
    let server = server("CREATE TABLE t (id bigint PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'old')");
    server.scene.sql("a.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'new')");
    let said = server.scene.run("mirror a.db env:PG --backup --json");
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    let backup = said.last()["backup"].as_str().unwrap().to_owned();
    assert_eq!(server.database.psql("SELECT v FROM t").trim(), "new");
    server.scene.ok(&format!("restore {backup} env:PG --yes"));
    assert_eq!(server.database.psql("SELECT v FROM t").trim(), "old");
}
