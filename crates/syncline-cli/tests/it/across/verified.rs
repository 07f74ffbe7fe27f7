//! What is proven of a run into a server.

use std::process::Command;
use std::sync::Arc;

use syncline::event::{Event, EventSink, Point};
use syncline::request::{RunRequest, Verb};
use syncline::summary::Verified;
use syncline::{Cancel, Settings, Syncline};

use super::Server;

/// Another program, which changes a row of the target as soon as the run has committed something.
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

/// A server cannot tell the commits of others from the run's own. What differs is called different then, not in flight.
#[test]
fn what_differs_afterwards_is_called_that() {
    let server = Server::new();
    server
        .scene
        .sql("a.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'one'), (2, 'two')");
    server.database.psql("CREATE TABLE t (id bigint PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'one')");
    let url = server.database.url();
    let settings = Settings {
        state_dir: server.scene.path("state"),
        backup_root: None,
        working_dir: server.scene.path(""),
        environment: Box::new(|_| None),
        events: Arc::new(Meddler { url: url.clone() }),
        cancel: Cancel::new(),
    };
    let summary = tokio::runtime::Runtime::new().unwrap().block_on(async {
        let session = Syncline::open(settings).await.unwrap();
        session.run(&RunRequest::new(Verb::Mirror, "a.db", &url)).await.unwrap()
    });
    assert_eq!(summary.verified, Verified::Different, "{summary:?}");
}
