//! The programs that do the work: where they come from, and what they are told.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use syncline_testkit::postgres::{Options, PASSWORD};

use super::{ROWS, names, plain, server};
use crate::across::Server;
use crate::scene::{Said, Scene};

/// Runs a line with a PATH of this directory, and of the usual ones behind it where they are wanted.
fn with_path(server: &Server, line: &str, and_usual: bool) -> Said {
    let mut path = server.scene.path("bin").into_os_string();
    if and_usual {
        path.push(":/usr/bin:/bin");
    }
    let args: Vec<&str> = line.split(' ').collect();
    server.scene.command(&args).env("PATH", path).output().unwrap().into()
}

fn script(server: &Server, name: &str, text: &str) {
    let file = server.scene.path("bin").join(name);
    std::fs::create_dir_all(server.scene.path("bin")).unwrap();
    std::fs::write(&file, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_program_that_is_missing_is_named_with_its_package() {
    let server = server(ROWS);
    server.scene.ok("backup env:PG -o b.dump");
    let before = plain(&server.database);
    for line in ["backup env:PG -o c.dump", "restore b.dump env:PG --yes"] {
        let said = with_path(&server, line, false);
        assert_eq!(said.code, Some(2), "{}{}", said.out, said.err);
        assert!(said.err.contains("error[TOOL_MISSING]: pg_dump"), "{}", said.err);
        assert!(said.err.contains("apt install postgresql-client"), "{}", said.err);
    }
    assert_eq!((names(&server), plain(&server.database)), (vec!["b.dump".to_owned()], before));
}

#[test]
fn a_program_that_is_older_than_the_server_is_refused() {
    let server = server(ROWS);
    script(&server, "pg_dump", "echo 'pg_dump (PostgreSQL) 12.22'");
    let said = with_path(&server, "backup env:PG -o c.dump", true);
    assert_eq!(said.code, Some(2), "{}{}", said.out, said.err);
    assert!(said.err.contains("error[TOOL_MISSING]") && said.err.contains("12.22"), "{}", said.err);
    assert!(said.err.contains("apt install postgresql-client-"), "{}", said.err);
    assert_eq!(names(&server), ["bin"]);
}

#[test]
fn a_program_that_fails_is_heard() {
    let server = server(ROWS);
    let fails = "case $1 in --version) echo 'pg_dump (PostgreSQL) 99.1';; *) echo some; echo 'its last words' >&2; exit 1;; esac";
    script(&server, "pg_dump", fails);
    let said = with_path(&server, "backup env:PG -o c.dump", true);
    assert_eq!(said.code, Some(1), "{}{}", said.out, said.err);
    assert!(said.err.contains("error[STORE_FAILED]") && said.err.contains("its last words"), "{}", said.err);
    assert_eq!(names(&server), ["bin"]);
}

/// Arguments are seen by every user of the machine.
#[test]
fn a_password_is_no_argument() {
    let server = server(ROWS);
    let told = server.scene.path("told").display().to_string();
    for name in ["pg_dump", "pg_restore"] {
        let program = server.database.cluster().program(name);
        let shown = format!("echo \"$0 $*\" >>{told}; env >>{told}.$(basename $0).$(echo $1 | tr -d =-)");
        script(&server, name, &format!("{shown}; exec {} \"$@\"", program.display()));
    }
    let said = with_path(&server, "backup env:PG -o c.dump", true);
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    let said = with_path(&server, "restore c.dump env:PG --yes", true);
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    let heard = |name: &str| std::fs::read_to_string(format!("{told}{name}")).unwrap();
    let arguments = heard("");
    assert!(arguments.contains("--format=custom") && arguments.contains("--section=data"), "{arguments}");
    assert!(!arguments.contains(PASSWORD) && !arguments.contains("top"), "{arguments}");
    // Only the one that logs in is told it.
    let variable = format!("PGPASSWORD={PASSWORD}\n");
    assert!(heard(".pg_dump.formatcustom").contains(&variable));
    for name in [".pg_dump.version", ".pg_restore.version", ".pg_restore.list", ".pg_restore.file"] {
        assert!(!heard(name).contains("PGPASSWORD"), "{name}");
    }
}

/// Nobody can write to the tables that are there, but somebody can make another one.
#[test]
fn a_table_that_is_made_while_what_is_there_is_kept_is_not_lost() {
    let server = server(ROWS);
    server.scene.ok("backup env:PG -o b.dump");
    let [dump, psql] = ["pg_dump", "psql"].map(|name| server.database.cluster().program(name));
    let makes = format!("{} -qc 'CREATE TABLE IF NOT EXISTS late AS SELECT 1 AS x' >&2", psql.display());
    let makes = format!("{} \"$@\"; end=$?; case $1 in --format*) {makes};; esac; exit $end", dump.display());
    script(&server, "pg_dump", &makes);
    let said = with_path(&server, "restore b.dump env:PG --yes", true);
    assert_eq!(said.code, Some(5), "{}{}", said.out, said.err);
    assert!(said.err.contains("error[STORE_LOCKED]: somebody has made tables in "), "{}", said.err);
    assert_eq!(server.database.psql("SELECT x FROM late").trim(), "1");
    // Now it is in what is kept; and who keeps nothing loses it knowingly.
    let said = with_path(&server, "restore b.dump env:PG --yes", true);
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    assert_eq!(server.database.psql("SELECT count(*) FROM pg_class WHERE relname = 'late'").trim(), "0");
}

/// The program opens the file anew for every part of it.
#[test]
fn a_backup_that_is_replaced_meanwhile_is_not_restored() {
    let server = server(ROWS);
    server.scene.ok("backup env:PG -o b.dump");
    server.database.psql("UPDATE t SET v = ''");
    server.scene.ok("backup env:PG -o other.dump");
    let before = plain(&server.database);
    let program = server.database.cluster().program("pg_restore");
    let replaces = "case \"$*\" in *--section=data*) mv other.dump b.dump;; esac";
    script(&server, "pg_restore", &format!("{replaces}; exec {} \"$@\"", program.display()));
    let said = with_path(&server, "restore b.dump env:PG --yes", true);
    assert_eq!(said.code, Some(1), "{}{}", said.out, said.err);
    assert!(said.err.contains("error[STORE_CORRUPT]") && said.err.contains("nothing was changed"), "{}", said.err);
    assert_eq!(plain(&server.database), before);
}

#[test]
fn the_way_is_as_safe_as_was_asked_for() {
    let cluster = Options::default().without_fsync().tls(&["127.0.0.1"]).hba("hostnossl all all all reject").start();
    let database = cluster.fresh_database();
    database.psql(ROWS);
    let authority = cluster.authority();
    let url = format!("{}?sslmode=verify-full&sslrootcert={}", database.url(), authority.display());
    let scene = Scene::new().with_variable("PG", &url);
    scene.ok("backup env:PG -o b.dump");
    database.psql("DELETE FROM t");
    scene.ok("restore b.dump env:PG --yes");
    assert_eq!(database.psql("SELECT count(*) FROM t").trim(), "3000");
}

/// Variables that would lead PostgreSQL's programs elsewhere than us.
#[test]
fn what_else_is_in_the_environment_leads_nowhere() {
    let server = server(ROWS);
    let run = |args: &[&str]| {
        let mut command: Command = server.scene.command(args);
        for (name, value) in [("PGDATABASE", "nowhere"), ("PGUSER", "nobody"), ("PGPORT", "1"), ("PGPASSWORD", "wrong")]
        {
            command.env(name, value);
        }
        command.env("PGTARGETSESSIONATTRS", "read-only").env("PGREQUIREPEER", "nobody").output().unwrap()
    };
    let output = run(&["backup", "env:PG", "-o", "b.dump"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let output = run(&["restore", "b.dump", "env:PG", "--yes"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
