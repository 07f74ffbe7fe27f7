//! What is proven of a run into a server.

use std::process::Command;
use std::sync::Arc;

use syncline::event::{Event, EventSink, Point};
use syncline::request::{RunRequest, Verb};
use syncline::summary::Verified;
use syncline::{Cancel, Syncline};

use syncline_testkit::postgres::fresh_database;

use super::Server;

/// Another program, which changes a row of a database as soon as the run has committed something.
struct Meddler {
    url: String,
}

impl EventSink for Meddler {
    fn emit(&self, event: Event) {
        if matches!(event, Event::Reached(Point::Committed)) {
            let change = "UPDATE t SET v = 'meddled' WHERE id = 1";
            assert!(Command::new("psql").args(["-Xqc", change, &self.url]).status().unwrap().success());
        }
    }
}

/// Found by testers: rows without a key that a load has held were called by another digest than comparisons know.
#[test]
fn rows_without_a_key_that_are_held_are_known_to_be() {
    let server = Server::new();
    server.scene.sql(
        "a.db",
        "CREATE TABLE t (a INTEGER, d DECIMAL(10, 2), doc JSON);
         INSERT INTO t VALUES (1, 1.5, '{\"b\": 1, \"a\": 2}'), (1, 1.5, '{\"b\": 1, \"a\": 2}'), (2, 2, '{}'), (3, 2.25, NULL)",
    );
    for kind in ["json", "jsonb"] {
        for row in ["", "INSERT INTO t VALUES (3, 2.250, NULL)"] {
            server.database.psql(&format!(
                "DROP TABLE IF EXISTS t; CREATE TABLE t (a bigint CHECK (a > 1), d numeric(10, 3), doc {kind}); {row}"
            ));
            let said = server.scene.run("mirror a.db env:PG --json");
            let summary = said.last();
            assert_eq!(said.code, Some(3), "{kind} {row} {}{}", said.out, said.err);
            assert_eq!((&summary["tables"][0]["held"], &summary["verified"]), (&2.into(), &"equal-except".into()));
            for line in ["verify a.db env:PG --json", "verify --json"] {
                let said = server.scene.run(line);
                let table = &said.last()["tables"][0];
                assert_eq!(table["verified"], "equal-except", "{kind} {row} {}{}", said.out, said.err);
                assert!(table["note"].as_str().unwrap().ends_with("; 2 of them are held"), "{table}");
            }
            // Another run holds the same, not others beside them.
            server.scene.run("mirror a.db env:PG --json");
            assert_eq!(server.scene.json("conflicts list --json")["data"].as_array().unwrap().len(), 1);
        }
    }
}

/// A server cannot tell the commits of others from the run's own. What differs is called different then, not in flight.
#[test]
fn what_differs_afterwards_is_called_that() {
    let server = Server::new();
    server
        .scene
        .sql("a.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'one'), (2, 'two')");
    server.database.psql("CREATE TABLE t (id bigint PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'one')");
    let url = server.database.url();
    assert_eq!(mirror_beside(&server, "a.db", &url), Verified::Different);
}

/// Not so those of others in the source, be it on the same server.
#[test]
fn what_others_write_to_the_source_is_in_flight() {
    let server = Server::new();
    let source = fresh_database();
    source.psql("CREATE TABLE t (id bigint PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'one'), (2, 'two')");
    server.database.psql("CREATE TABLE t (id bigint PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'one')");
    assert_eq!(mirror_beside(&server, &source.url(), &source.url()), Verified::InFlight);
}

/// What is proven of a mirror into the server, beside somebody who changes a row of `disturbed`.
fn mirror_beside(server: &Server, source: &str, disturbed: &str) -> Verified {
    let settings = server.scene.settings(Arc::new(Meddler { url: disturbed.to_owned() }), Cancel::new());
    let summary = tokio::runtime::Runtime::new().unwrap().block_on(async {
        let session = Syncline::open(settings).await.unwrap();
        session.run(&RunRequest::new(Verb::Mirror, source, server.database.url())).await.unwrap()
    });
    summary.verified
}
