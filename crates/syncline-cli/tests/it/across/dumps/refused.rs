//! What is not restored, with nothing changed.

use syncline_testkit::postgres::Database;

use super::{ROWS, names, plain, server, with_second};
use crate::across::Server;
use crate::across::bad_input::fails;
use crate::backup::small_disk;

/// A server whose database has changed since the backup `b.dump`.
fn changed() -> Server {
    let server = server(ROWS);
    server.scene.ok("backup env:PG -o b.dump");
    server.database.psql("DELETE FROM t WHERE id > 7; CREATE TABLE later AS SELECT 1 AS x");
    server
}

/// Fails as told, twice, and leaves the database as it is.
#[track_caller]
fn unchanged(server: &Server, line: &str, exit: i32, code: &str) -> serde_json::Value {
    let before = plain(&server.database);
    let error = fails(&server.scene, line, exit, code);
    assert_eq!(plain(&server.database), before, "{line}");
    error
}

#[test]
fn what_is_no_sound_backup_is_refused() {
    let server = changed();
    let scene = &server.scene;
    scene.sql("a.db", "CREATE TABLE t (id INTEGER PRIMARY KEY)");
    std::fs::write(scene.path("text.dump"), "id,v\n1,one\n".repeat(1000)).unwrap();
    std::fs::write(scene.path("empty.dump"), "").unwrap();
    std::fs::write(scene.path("maria.sql"), "-- MariaDB dump 10.19\n").unwrap();
    std::fs::create_dir(scene.path("directory.dump")).unwrap();
    for (backup, exit, code) in [
        ("none.dump", 5, "STORE_MISSING"),
        ("none", 5, "STORE_MISSING"),
        ("text.dump", 2, "NOT_A_DATABASE"),
        ("empty.dump", 2, "NOT_A_DATABASE"),
        ("directory.dump", 2, "NOT_A_DATABASE"),
        ("a.db", 6, "RESTORE_REFUSED"),
        ("maria.sql", 6, "RESTORE_REFUSED"),
        ("env:PG", 2, "USAGE_INVALID"),
        ("postgres://u:top%2Fsecret@h/d", 2, "USAGE_INVALID"),
    ] {
        unchanged(&server, &format!("restore {backup} env:PG --yes"), exit, code);
    }
    // The other way round.
    let before = std::fs::read(scene.path("a.db")).unwrap();
    fails(scene, "restore b.dump a.db --yes", 2, "NOT_A_DATABASE");
    assert_eq!(std::fs::read(scene.path("a.db")).unwrap(), before);
    assert!(!scene.path("state/backups").exists(), "what is there was kept for nothing");
    fails(scene, "restore b.dump postgres://postgres@127.0.0.1:1/none --yes", 5, "STORE_UNREACHABLE");
}

#[test]
fn a_backup_with_one_wrong_byte_is_refused() {
    let server = changed();
    let whole = std::fs::read(server.scene.path("b.dump")).unwrap();
    let length = whole.len();
    for at in [6, 40, 300, length / 3, length / 2, length - 120, length - 40] {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x20;
        std::fs::write(server.scene.path("bad.dump"), bytes).unwrap();
        unchanged(&server, "restore bad.dump env:PG --yes", 1, "STORE_CORRUPT");
    }
    for kept in [10, 200, length / 2, length - 100] {
        std::fs::write(server.scene.path("short.dump"), &whole[..kept]).unwrap();
        unchanged(&server, "restore short.dump env:PG --yes", 1, "STORE_CORRUPT");
    }
}

/// An archive that says it is of a newer server. Those of `pg_dump` have no sum, so nothing else is wrong with it.
fn newer(server: &Server, database: &Database<'_>) {
    let cluster = database.cluster();
    let file = server.scene.path("newer.dump");
    let args = ["-h", &cluster.socket().to_string_lossy(), "-p", &cluster.port().to_string(), "-U", "postgres"];
    let args = [&args[..], &["-Fc", "-f", file.to_str().unwrap(), database.name()]].concat();
    let done = syncline_testkit::process::run(&cluster.program("pg_dump"), args, "/".as_ref());
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let version = cluster.psql("postgres", "SHOW server_version");
    let version = version.trim().as_bytes();
    let mut bytes = std::fs::read(&file).unwrap();
    let at = bytes.windows(version.len()).position(|window| window == version).unwrap();
    bytes[at..at + 2].copy_from_slice(b"99");
    std::fs::write(&file, bytes).unwrap();
}

#[test]
fn a_backup_of_a_newer_server_is_refused() {
    let server = changed();
    newer(&server, &server.database);
    let error = unchanged(&server, "restore newer.dump env:PG --yes", 6, "RESTORE_REFUSED");
    assert!(error.to_string().contains("PostgreSQL 99"), "{error}");
}

#[test]
fn roles_that_are_missing_are_told_and_can_be_done_without() {
    let (server, second) = with_second(server(&format!(
        "{ROWS}; CREATE ROLE dump_gone; CREATE ROLE dump_gone_too; ALTER TABLE t OWNER TO dump_gone; GRANT SELECT ON t TO dump_gone_too"
    )));
    server.scene.ok("backup env:PG -o b.dump");
    server.database.psql(
        "ALTER TABLE t OWNER TO postgres; REVOKE ALL ON t FROM dump_gone_too; DROP ROLE dump_gone; DROP ROLE dump_gone_too",
    );
    let error = unchanged(&server, "restore b.dump env:PG --yes", 6, "RESTORE_REFUSED");
    assert!(error.to_string().contains("dump_gone") && error.to_string().contains("--no-owner"), "{error}");
    server.scene.ok("restore b.dump env:PG2 --yes --no-owner");
    let owner = "SELECT pg_get_userbyid(relowner), relacl FROM pg_class WHERE relname = 't'";
    assert_eq!(second.psql(owner).trim(), "postgres|");
    assert_eq!(second.psql("SELECT count(*) FROM t").trim(), "3000");
    // A restore that was refused supersedes nothing.
    let listed = server.scene.json("runs list --json");
    let refused = listed["data"].as_array().unwrap().iter().find(|run| run["status"] == "failed").unwrap();
    assert_eq!(refused["incarnation"], 1, "{refused}");
}

/// Found midway: a condition that looks another table up where a restore does not look, so no row can be put in.
#[test]
fn what_fails_midway_changes_nothing() {
    let server = server(
        "CREATE TABLE known (id int); INSERT INTO known VALUES (1);
         CREATE FUNCTION is_known(int) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN RETURN EXISTS (SELECT FROM known WHERE id = $1); END $$;
         CREATE TABLE t (id int CHECK (is_known(id))); INSERT INTO t VALUES (1)",
    );
    server.scene.ok("backup env:PG -o b.dump");
    server.database.psql("INSERT INTO known VALUES (2); INSERT INTO t VALUES (2)");
    let error = unchanged(&server, "restore b.dump env:PG --yes", 6, "RESTORE_REFUSED");
    assert!(error.to_string().contains("known"), "{error}");
}

#[test]
fn who_may_not_do_it_is_told_so() {
    let (mut server, database) = (server(ROWS), "dump_intruder");
    server.scene.ok("backup env:PG -o b.dump");
    server.database.psql(&format!(
        "CREATE ROLE {database} LOGIN PASSWORD 'x'; GRANT SELECT ON t TO {database}; CREATE TABLE secret AS SELECT 1 AS x"
    ));
    let url = server.database.url_as(database, "x");
    server.scene = server.scene.with_variable("LOW", &url);
    let error = fails(&server.scene, "backup env:LOW -o c.dump", 4, "PERMISSION_DENIED");
    assert!(error.to_string().contains("secret"), "{error}");
    unchanged(&server, "restore b.dump env:LOW --yes --no-safety-backup", 4, "PERMISSION_DENIED");
    assert_eq!(names(&server), ["b.dump"]);
    server.database.psql(&format!("DROP OWNED BY {database}; DROP ROLE {database}"));
}

/// Who owns a database and all that is in it needs no more rights than that.
#[test]
fn an_owner_needs_no_superuser() {
    let mut server = server("CREATE ROLE dump_owning LOGIN PASSWORD 'x'");
    let name = server.database.name().to_owned();
    server.database.psql(&format!("ALTER DATABASE {name} OWNER TO dump_owning"));
    server.database.psql(&format!("SET ROLE dump_owning; {ROWS}; CREATE EXTENSION citext; CREATE TABLE c (v citext)"));
    let url = server.database.url_as("dump_owning", "x");
    server.scene = server.scene.with_variable("OWN", &url);
    let before = plain(&server.database);
    server.scene.ok("backup env:OWN -o b.dump");
    server.database.psql("SET ROLE dump_owning; DROP TABLE t; CREATE TABLE u (id int)");
    server.scene.ok("restore b.dump env:OWN --yes");
    assert_eq!(plain(&server.database), before);
    server.database.psql(&format!(
        "ALTER DATABASE {name} OWNER TO postgres; DROP OWNED BY dump_owning CASCADE; DROP ROLE dump_owning"
    ));
}

#[test]
fn a_database_that_follows_another_is_not_replaced() {
    let server = changed();
    server.database.psql("CREATE SUBSCRIPTION follows CONNECTION 'host=nowhere' PUBLICATION p WITH (connect = false)");
    let error = unchanged(&server, "restore b.dump env:PG --yes", 6, "RESTORE_REFUSED");
    assert!(error.to_string().contains("DROP SUBSCRIPTION"), "{error}");
    server.database.psql("ALTER SUBSCRIPTION follows SET (slot_name = NONE); DROP SUBSCRIPTION follows");
}

#[test]
fn a_full_disk_leaves_no_file() {
    let server = server(
        "CREATE TABLE t AS SELECT i, (SELECT string_agg(md5((i * 31 + j)::text), '') FROM generate_series(1, 30) j) AS v
         FROM generate_series(1, 4000) i",
    );
    let Some(small) = small_disk(&server.scene) else { return };
    fails(&server.scene, "backup env:PG -o small/b.dump", 1, "DISK_FULL");
    assert_eq!(std::fs::read_dir(&small.0).unwrap().count(), 0);
    server.scene.ok("backup env:PG -o b.dump");
    unchanged(&server, "restore b.dump env:PG --yes --backup-root small", 1, "DISK_FULL");
}

#[test]
fn nothing_is_overwritten() {
    let server = changed();
    let before = std::fs::read(server.scene.path("b.dump")).unwrap();
    fails(&server.scene, "backup env:PG -o b.dump", 2, "BACKUP_EXISTS");
    assert_eq!(std::fs::read(server.scene.path("b.dump")).unwrap(), before);
    fails(&server.scene, "backup env:PG -o no/such/directory/b.dump", 5, "STORE_MISSING");
    assert_eq!(names(&server), ["b.dump"]);
}
