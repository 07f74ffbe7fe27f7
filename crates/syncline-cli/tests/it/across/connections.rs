//! Servers by the names of connections.

use std::fs;

use syncline_testkit::postgres::{SUPERUSER, fresh_database};

use super::Server;
use super::bad_input::fails;
use crate::scene::{Said, Scene};

/// Every character that a URL would take for something else.
const PASSWORD: &str = "CANARY p@ss:w/o?rd#&=%41${x}'\"\\ü";

/// All that is written below a directory, as text.
fn written(scene: &Scene, directory: &str) -> String {
    let mut text = String::new();
    let mut directories = vec![scene.path(directory)];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
            match entry.file_type().unwrap().is_dir() {
                true => directories.push(entry.path()),
                false => text += &String::from_utf8_lossy(&fs::read(entry.path()).unwrap()),
            }
        }
    }
    text
}

#[test]
fn a_password_of_any_characters_comes_from_wherever_it_is_kept_and_stays_there() {
    let Server { scene, database } = Server::new();
    let scene = scene.with_variable("PW", PASSWORD);
    let role = format!("r_{}", database.name());
    database.psql(&format!("CREATE ROLE {role} LOGIN SUPERUSER PASSWORD '{}'", PASSWORD.replace('\'', "''")));
    scene.sql("a.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'a'), (2, 'b')");
    fs::write(scene.path("pw"), format!("{PASSWORD}\n")).unwrap();
    let place = format!("127.0.0.1:{}/{}", database.cluster().port(), database.name());
    for url in [
        format!("postgres://{role}:${{env:PW}}@{place}"),
        format!("postgres://{role}:${{file:pw}}@{place}"),
        format!("postgres://{role}@{place}?password=${{cmd:cat pw}}"),
    ] {
        let toml = format!("version = 1\n[connections.shop]\nurl = \"{url}\"\n[connections.a]\nurl = \"a.db\"\n");
        fs::write(scene.path("syncline.toml"), toml).unwrap();
        let mut said = String::new();
        for line in [
            "conn test shop",
            "copy a shop",
            "diff a shop --exit-code",
            "undo --yes",
            "plan mirror a shop -o p.plan",
            "apply p.plan --json",
            "doctor shop --grants",
            "verify a shop -v",
            "runs list --json",
            "mirror shop a --max-delete 100%",
            "undo --yes --json",
        ] {
            let Said { code, out, err } = scene.run(line);
            assert_eq!(code, Some(0), "{url} {line}: {out}{err}");
            said += &(out + &err);
        }
        let kept = scene.json("backup shop --json")["file"].as_str().unwrap().to_owned();
        said += &scene.ok(&format!("restore {kept} shop --yes"));
        assert!(said.ends_with(".dump shop\n"), "{said}");
        assert!(said.contains("a -> shop"), "{said}");
        let kept = written(&scene, "state") + &String::from_utf8_lossy(&fs::read(scene.path("p.plan")).unwrap());
        assert!(!said.contains("CANARY") && !kept.contains("CANARY"), "{said}");
        database.psql("DROP TABLE IF EXISTS t");
    }
}

#[test]
fn a_protected_database_is_known_under_the_other_names_of_its_server() {
    let Server { scene, database } = Server::new();
    let other = fresh_database();
    scene.sql("a.db", "CREATE TABLE t (id INTEGER PRIMARY KEY)");
    let toml = "version = 1\n[connections.shop]\nurl = \"${env:PG}\"\nprotected = true\n";
    fs::write(scene.path("syncline.toml"), toml).unwrap();
    let local = database.url().replace("127.0.0.1", "localhost");
    let guarded = [("shop".to_owned(), 6), ("env:PG".to_owned(), 6), (local, 6), (other.url(), 0)];
    for (name, code) in guarded {
        let said: Said = scene.command(&["copy", "a.db", &name]).output().unwrap().into();
        assert_eq!(said.code, Some(code), "{name}: {}{}", said.out, said.err);
        assert_eq!(said.err.contains("GUARD_PROTECTED"), code == 6, "{name}: {}", said.err);
    }
    assert_eq!(database.psql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").trim(), "0");
    scene.ok("backup shop -o shop.dump");
    for name in ["shop", "connection:shop", "env:PG"] {
        let line = format!("restore shop.dump {name} --yes --no-safety-backup");
        let error = fails(&scene, &line, 6, "GUARD_PROTECTED");
        assert_eq!(error["state"], "nothing was changed");
    }
    scene.ok("plan copy a.db shop -o p.plan");
    scene.ok("apply p.plan");
    assert_eq!(database.psql("SELECT count(*) FROM t").trim(), "0");
    let listed = scene.ok("conn list");
    assert!(listed.contains("${env:PG}") && !listed.contains(SUPERUSER), "{listed}");
}
