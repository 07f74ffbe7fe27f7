//! The program that does the work: where it comes from, and what it is told.

use std::os::unix::fs::PermissionsExt;

use syncline_testkit::mariadb::{Options, PASSWORD};

use super::{ROWS, maria, names, put_back};
use crate::across::bad_input::fails;
use crate::across::mariadb::Maria;
use crate::scene::{Said, Scene};

/// Runs a line with a PATH of this directory, and of the usual ones behind it where they are wanted.
fn with_path(maria: &Maria, line: &str, and_usual: bool) -> Said {
    let mut path = maria.scene.path("bin").into_os_string();
    if and_usual {
        path.push(":/usr/bin:/bin");
    }
    let args: Vec<&str> = line.split(' ').collect();
    maria.scene.command(&args).env("PATH", path).output().unwrap().into()
}

fn script(maria: &Maria, name: &str, text: &str) {
    let file = maria.scene.path("bin").join(name);
    std::fs::create_dir_all(maria.scene.path("bin")).unwrap();
    std::fs::write(&file, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_program_that_is_missing_is_named_with_its_package() {
    let maria = maria(ROWS);
    let said = with_path(&maria, "backup env:MY -o c.sql", false);
    assert_eq!(said.code, Some(2), "{}{}", said.out, said.err);
    assert!(said.err.contains("error[TOOL_MISSING]: mariadb-dump"), "{}", said.err);
    assert!(said.err.contains("apt install mariadb-client"), "{}", said.err);
    assert!(names(&maria).is_empty(), "{:?}", names(&maria));
}

/// An older one, or the other product's, leaves out what it does not know.
#[test]
fn a_program_that_is_not_the_servers_is_refused() {
    let maria = maria(ROWS);
    for version in
        ["mariadb-dump  Ver 10.19 Distrib 10.5.29-MariaDB, for Linux", "mysqldump  Ver 8.4.3 for Linux on x86_64"]
    {
        script(&maria, "mariadb-dump", &format!("echo '{version}'"));
        script(&maria, "mysqldump", &format!("echo '{version}'"));
        let said = with_path(&maria, "backup env:MY -o c.sql", true);
        assert_eq!(said.code, Some(2), "{}{}", said.out, said.err);
        assert!(said.err.contains("error[TOOL_MISSING]") && said.err.contains(version), "{}", said.err);
    }
    // By its other name it is as good.
    let real = maria.database.server().program("mariadb-dump");
    script(&maria, "mysqldump", &format!("exec {} \"$@\"", real.display()));
    let said = with_path(&maria, "backup env:MY -o c.sql", true);
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    assert_eq!(names(&maria), ["bin", "c.sql"]);
}

#[test]
fn a_program_that_fails_is_heard() {
    let maria = maria(ROWS);
    let fails = "case $1 in --version) echo 'from 99.1.0-MariaDB, client 10.19';; *) echo some; echo 'its last words' >&2; exit 1;; esac";
    script(&maria, "mariadb-dump", fails);
    let said = with_path(&maria, "backup env:MY -o c.sql", true);
    assert_eq!(said.code, Some(1), "{}{}", said.out, said.err);
    assert!(said.err.contains("error[STORE_FAILED]") && said.err.contains("its last words"), "{}", said.err);
    assert_eq!(names(&maria), ["bin"]);
}

/// One that ends early and calls that a success.
#[test]
fn a_script_without_an_end_is_no_backup() {
    let maria = maria(ROWS);
    let ends = "case $1 in --version) echo 'from 99.1.0-MariaDB, client 10.19';; *) printf '%s\\n' '-- MariaDB dump' 'CREATE TABLE t (id int);';; esac";
    script(&maria, "mariadb-dump", ends);
    let said = with_path(&maria, "backup env:MY -o c.sql", true);
    assert_eq!(said.code, Some(1), "{}{}", said.out, said.err);
    assert!(said.err.contains("error[STORE_FAILED]") && said.err.contains("its script"), "{}", said.err);
    assert_eq!(names(&maria), ["bin"]);
}

/// Arguments are seen by every user of the machine.
#[test]
fn a_password_is_no_argument() {
    let maria = maria("CREATE TABLE t (id int PRIMARY KEY, f float); INSERT INTO t VALUES (1, 0.1)");
    let told = maria.scene.path("told").display().to_string();
    let program = maria.database.server().program("mariadb-dump");
    let shown = format!("echo \"$0 $*\" >>{told}; env >>{told}.$(echo $1 | tr -d =-)");
    script(&maria, "mariadb-dump", &format!("{shown}; exec {} \"$@\"", program.display()));
    let said = with_path(&maria, "backup env:MY -o c.sql", true);
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    let heard = |name: &str| std::fs::read_to_string(format!("{told}{name}")).unwrap();
    let arguments = heard("");
    assert!(arguments.contains("--single-transaction") && arguments.lines().count() == 3, "{arguments}");
    assert!(!arguments.contains(PASSWORD) && !arguments.contains("top"), "{arguments}");
    // Only where it logs in is it told.
    assert!(heard(".nodefaults").contains(&format!("MYSQL_PWD={PASSWORD}\n")));
    assert!(!heard(".version").contains("MYSQL_PWD"));
}

#[test]
fn the_way_is_as_safe_as_was_asked_for() {
    let server =
        Options::default().without_fsync().tls(&["127.0.0.1"]).setting("require_secure_transport", "ON").start();
    let database = server.fresh_database();
    database.mariadb(ROWS);
    let authority = server.authority();
    let url = |query: &str| format!("{}?{query}", database.url());
    let scene = Scene::new()
        .with_variable("FULL", &url(&format!("ssl-mode=VERIFY_IDENTITY&ssl-ca={}", authority.display())))
        .with_variable("CA", &url(&format!("ssl-mode=VERIFY_CA&ssl-ca={}", authority.display())))
        .with_variable("ANY", &url("ssl-mode=REQUIRED"))
        .with_variable("USUAL", &database.url());
    for way in ["FULL", "CA", "ANY", "USUAL"] {
        scene.ok(&format!("backup env:{way} -o {way}.sql"));
    }
}

/// A certificate for another name: whoever asks for the authority alone gets more than that from the program, and never less.
#[test]
fn a_program_that_checks_more_is_not_let_off() {
    let server = Options::default().without_fsync().tls(&["elsewhere.example"]).start();
    let database = server.fresh_database();
    let authority = server.authority();
    let url = format!("{}?ssl-mode=VERIFY_CA&ssl-ca={}", database.url(), authority.display());
    let scene = Scene::new().with_variable("CA", &url);
    fails(&scene, "backup env:CA -o b.sql", 5, "TLS_FAILED");
}

/// Files and variables that would lead the program elsewhere than us.
#[test]
fn what_else_is_in_the_environment_leads_nowhere() {
    let maria = maria(ROWS);
    std::fs::write(
        maria.scene.path(".my.cnf"),
        "[client]\nport=1\nuser=nobody\npassword=wrong\n[mysqldump]\nno-data\n",
    )
    .unwrap();
    let output = maria
        .scene
        .command(&["backup", "env:MY", "-o", "b.sql"])
        .env("HOME", maria.scene.path(""))
        .envs([("MYSQL_HOST", "nowhere"), ("MYSQL_TCP_PORT", "1"), ("MYSQL_PWD", "wrong"), ("MYSQL_GROUP_SUFFIX", "x")])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(put_back(&maria, "b.sql").mariadb("SELECT count(*) FROM t").trim(), "3000");
}

/// Where the socket is the way, nothing goes over the network.
#[test]
fn a_socket_is_a_way_too() {
    let maria = Maria::alone(Options::default().setting("skip_networking", "0"));
    maria.database.mariadb(ROWS);
    let socket = maria.database.server().socket().display().to_string().replace('/', "%2F");
    let url = format!("mysql://root@{socket}/{}", maria.database.name());
    let scene = Scene::new().with_variable("SOCKET", &url);
    let said = scene.run("backup env:SOCKET -o b.sql");
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
}
