//! Servers that cannot be reached, or do not let us in.

use std::net::TcpListener;

use syncline_testkit::postgres::{Options, PASSWORD, SUPERUSER, fresh_database};

use super::{Server, fails, files_below, is_told, proxy, rows, scene_with};
use crate::scene::Scene;

/// Lines in which `env:PG` is the source, the target, or one of two that are read.
const LINES: [&str; 4] = ["copy a.db env:PG", "mirror env:PG a.db", "diff a.db env:PG", "verify env:PG a.db"];

/// A scene whose server has this name.
fn named(url: &str) -> Scene {
    let scene = Scene::new().with_variable("PG", url);
    scene.sql("a.db", &rows(3, "x"));
    scene
}

#[test]
fn who_is_not_let_in_is_told_so() {
    let database = fresh_database();
    for (role, password) in [(SUPERUSER, "wrong/secret"), ("nobody_of_that_name", PASSWORD)] {
        let scene = named(&database.url_as(role, password));
        for line in LINES {
            let error = fails(&scene, line, 4, "LOGIN_FAILED");
            assert!(!error.to_string().contains("wrong/secret") && !error.to_string().contains("wrong%2Fsecret"));
        }
    }
    let port = database.cluster().port();
    let scene = named(&format!("postgres://{SUPERUSER}@127.0.0.1:{port}/{}", database.name()));
    let error = fails(&scene, "copy a.db env:PG", 4, "LOGIN_FAILED");
    assert!(error["next"].to_string().contains(".pgpass"), "{error}");
}

/// Found from outside: with a role that is not there the password was to be looked at. Who asks for none says so openly.
#[test]
fn a_role_that_is_not_there_is_told_apart_from_a_wrong_password() {
    let cluster = Options::default().without_fsync().hba("host all all all trust").start();
    let database = cluster.fresh_database();
    let error = fails(&named(&database.url_as("no\"body", "")), LINES[0], 4, "LOGIN_FAILED");
    let next = [&error["next"][0]["action"], &error["next"][1]["action"]].map(|action| action.as_str().unwrap());
    assert_eq!(next, ["check the user in the name of the database", "CREATE ROLE \"no\"\"body\" LOGIN"], "{error}");
    assert!(!error.to_string().contains("PGPASSWORD"), "{error}");
}

/// Found from outside: certificates were advised where the server has no TLS at all.
#[test]
fn a_server_without_encryption_is_to_switch_it_on() {
    let database = fresh_database();
    for mode in ["require", "verify-full"] {
        let error = fails(&named(&format!("{}?sslmode={mode}", database.url())), LINES[0], 5, "TLS_FAILED");
        let next = [&error["next"][0]["action"], &error["next"][1]["action"]].map(|action| action.as_str().unwrap());
        assert_eq!(next, ["ssl = on in the server's postgresql.conf", "sslmode=disable"], "{error}");
        assert!(!error.to_string().contains("sslrootcert"), "{error}");
    }
}

#[test]
fn a_server_that_is_not_there_is_told_so() {
    let refused = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    for url in [
        format!("postgres://u:{}@127.0.0.1:{refused}/db", "top%2Fsecret"),
        "postgres://u@no-such-host.invalid/db".to_owned(),
        format!("postgres:///db?host=/no/such/directory&port={refused}&user=u"),
    ] {
        let scene = named(&url);
        for line in LINES {
            fails(&scene, line, 5, "STORE_UNREACHABLE");
        }
    }
}

#[test]
fn a_missing_database_or_schema_is_not_made() {
    let database = fresh_database();
    let missing = [database.cluster().url("nothing_here"), format!("{}?schema=nothing_here", database.url())];
    for url in missing {
        let scene = named(&url);
        for line in LINES {
            fails(&scene, line, 5, "STORE_MISSING");
        }
    }
}

#[test]
fn a_server_that_is_full_or_takes_nobody_is_told_so() {
    let cluster = Options::default().without_fsync().start();
    let database = cluster.fresh_database();
    cluster.psql("postgres", "CREATE ROLE one LOGIN PASSWORD 'p' CONNECTION LIMIT 0");
    let scene = named(&database.url_as("one", "p"));
    fails(&scene, "diff a.db env:PG", 5, "STORE_UNREACHABLE");
    cluster.psql("postgres", &format!("ALTER DATABASE {} ALLOW_CONNECTIONS false", database.name()));
    for line in LINES {
        fails(&named(&database.url()), line, 5, "STORE_UNREACHABLE");
    }
}

#[test]
fn a_server_that_asks_for_encryption_gets_it_or_is_not_spoken_to() {
    let options = Options::default().without_fsync().tls(&["localhost", "127.0.0.1"]);
    let cluster = options.hba("hostnossl all all all reject").start();
    let database = cluster.fresh_database();
    database.psql(&rows(3, "x"));
    let authority = cluster.authority().display().to_string();
    let with = |words: &str| named(&format!("{}?{words}", database.url()));
    for line in LINES {
        fails(&with("sslmode=disable"), line, 5, "TLS_FAILED");
    }
    // Nobody vouches for it.
    fails(&with("sslmode=verify-full"), LINES[0], 5, "TLS_FAILED");
    fails(&with(&format!("sslmode=verify-full&sslrootcert={authority}.none")), LINES[0], 2, "USAGE_INVALID");
    for words in ["", "sslmode=require", &format!("sslmode=verify-full&sslrootcert={authority}")] {
        with(words).ok("mirror a.db env:PG");
    }
}

#[test]
fn who_takes_the_encryption_away_gets_nothing() {
    let port = proxy::stripping_tls();
    for mode in ["require", "verify-ca", "verify-full"] {
        let scene = named(&format!("postgres://u:top%2Fsecret@127.0.0.1:{port}/db?sslmode={mode}"));
        for line in LINES {
            fails(&scene, line, 5, "TLS_FAILED");
        }
    }
}

#[test]
fn a_password_is_neither_shown_nor_kept() {
    let server = Server::new();
    server.scene.sql("a.db", &rows(3, "x"));
    let url = server.database.url();
    for args in [
        vec!["copy", "a.db", "env:PG", "-v"],
        vec!["mirror", &url, "a.db", "-v"],
        vec!["plan", "mirror", "a.db", &url, "-o", "a.plan"],
        vec!["apply", "a.plan", "--yes"],
        vec!["diff", "a.db", &url, "--json"],
        vec!["diff", "a.db", &url, "--rows"],
        vec!["diff", &url, "a.db", "--format", "sql"],
        vec!["diff", &url, &url],
        vec!["diff", &url, &url, "--format", "sql"],
        vec!["verify", &url, &url],
        vec!["verify", &url],
        vec!["mirror", &url, &url],
        vec!["plan", "mirror", &url, &url],
        vec!["restore", "a.db", &url],
        vec!["copy", "a.db", &url, "--no-create", "--tables", "nothing"],
        vec!["runs", "list", "--json"],
        vec!["runs", "logs"],
        vec!["undo", "--yes"],
    ] {
        let output = server.scene.command(&args).output().unwrap();
        super::keeps_the_password(&args.join(" "), &output.into());
    }
    let files = files_below(&server.scene.path("."));
    assert!(files.len() > 2, "{files:?}");
    for file in files {
        let bytes = std::fs::read(&file).unwrap();
        for secret in [PASSWORD, "top%2Fsecret"] {
            let is_there = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!is_there, "{} holds the password", file.display());
        }
    }
}

#[test]
fn one_database_under_two_names_is_one_database() {
    let server = Server::new();
    server.database.psql(&rows(3, "x"));
    let (cluster, name) = (server.database.cluster(), server.database.name());
    let port = cluster.port();
    let by = |rest: &str| format!("postgres://{SUPERUSER}:top%2Fsecret%3A%401@{rest}");
    let aliases = [
        server.database.url(),
        by(&format!("localhost:{port}/{name}")),
        by(&format!("/{name}?host={}&port={port}", cluster.socket().display())),
        by(&format!("127.0.0.1:{}/{name}", proxy::Proxy::to(port).port)),
    ];
    for alias in aliases {
        let scene = scene_with(&server.database, "").with_variable("ALIAS", &alias);
        for line in ["mirror env:PG env:ALIAS", "copy env:ALIAS env:PG", "mirror env:ALIAS env:ALIAS"] {
            let said = scene.run(&format!("{line} --json"));
            assert_eq!(said.code, Some(6), "{alias}: {}{}", said.out, said.err);
            is_told(line, &said, "GUARD_SAME_TABLE");
        }
        let said = scene.run("mirror env:PG env:ALIAS").err;
        assert!(said.contains("one database of one server") && !said.contains("same file"), "{said}");
    }
}

/// What is advised where two schemas are meant does what was asked for.
#[test]
fn from_schema_to_schema_of_one_database_it_goes_by_a_file() {
    let mut server = Server::new();
    server.database.psql("CREATE SCHEMA one; CREATE SCHEMA two; CREATE TABLE one.t (id int PRIMARY KEY, v text)");
    server.database.psql("INSERT INTO one.t VALUES (1, 'x')");
    for schema in ["one", "two"] {
        let url = format!("{}?schema={schema}", server.database.url());
        server.scene = server.scene.with_variable(schema, &url);
    }
    let said = server.scene.run("copy env:one env:two");
    assert_eq!(said.code, Some(6), "{}{}", said.out, said.err);
    assert!(said.err.contains("two schemas of it") && said.err.contains("FILE.db TARGET"), "{}", said.err);
    server.scene.ok("copy env:one step.db --tables t");
    server.scene.ok("copy step.db env:two");
    assert_eq!(server.by_psql("SELECT * FROM two.t"), ["1|x"]);
}
