//! Databases that are far away.

use std::sync::Arc;

use syncline::event::{Event, EventSink};
use syncline::request::{RunRequest, Verb};
use syncline::summary::{DiffReport, Verified};
use syncline::{Cancel, DiffRequest, MappingRequest, Settings, SlowLinks, Syncline};
use syncline_testkit::postgres::{Cluster, fresh_database};
use syncline_testkit::slow_link::SlowLink;

use super::Server;

struct Nobody;

impl EventSink for Nobody {
    fn emit(&self, _event: Event) {}
}

async fn session(server: &Server, slow_links: SlowLinks) -> Syncline {
    let settings = Settings {
        state_dir: server.scene.path("state"),
        backup_root: None,
        working_dir: server.scene.path(""),
        environment: Box::new(|_| None),
        events: Arc::new(Nobody),
        cancel: Cancel::new(),
    };
    Syncline::open(settings).await.unwrap().with_slow_links(slow_links)
}

/// What is compared by checksums is found, written and said as what is read, and the report says why it was so.
#[test]
fn what_is_far_away_is_compared_by_checksums() {
    let (server, target) = (Server::new(), fresh_database());
    let make = "CREATE TABLE orders (id bigint PRIMARY KEY, n integer, note text); CREATE TABLE few (id integer PRIMARY KEY); \
        INSERT INTO orders SELECT g, g % 17, repeat(md5(g::text), 7) FROM generate_series(1, 8000) g; \
        INSERT INTO few VALUES (1), (2); ANALYZE";
    server.database.psql(make);
    target.psql(make);
    target.psql(
        "UPDATE orders SET n = -1 WHERE id % 1000 = 7; DELETE FROM orders WHERE id = 4000; \
         INSERT INTO orders VALUES (-5, 1, 'x'), (9000, 1, 'y'); DELETE FROM few WHERE id = 1",
    );
    let link = SlowLink::to(Cluster::shared().port(), 4 << 20);
    let source =
        server.database.url().replace(&format!(":{}/", Cluster::shared().port()), &format!(":{}/", link.port()));
    let slow = SlowLinks { probe_bytes: 64 << 10, table_bytes: 64 << 10, ..SlowLinks::default() };
    let request = DiffRequest {
        source: source.clone(),
        target: target.url(),
        tables: Vec::new(),
        mapping: MappingRequest::default(),
    };
    let (read, summed, ran) = tokio::runtime::Runtime::new().unwrap().block_on(async {
        let read = session(&server, SlowLinks { rate: 0, ..slow }).await.diff(&request, None).await.unwrap();
        let session = session(&server, slow).await;
        let summed = session.diff(&request, None).await.unwrap();
        let run = RunRequest::new(Verb::Mirror, &source, target.url());
        (read, summed, session.run(&run).await.unwrap())
    });
    assert_eq!(DiffReport { notes: Vec::new(), ..summed.clone() }, read);
    assert!(!read.equal && read.notes.is_empty());
    let [note] = &summed.notes[..] else { panic!("{:?}", summed.notes) };
    assert!(note.starts_with("orders was compared by checksums, because rows came at "), "{note}");

    let how = |name: &str| ran.tables.iter().find(|table| table.table == name).unwrap().strategy.clone();
    assert!(how("orders").starts_with("compare: the target has rows; by checksums, because rows came at "), "{ran:?}");
    assert_eq!(how("few"), "compare: the target has rows");
    assert_eq!(ran.verified, Verified::Equal);
    for query in ["SELECT * FROM orders ORDER BY id", "SELECT * FROM few ORDER BY id"] {
        assert!(server.database.rows(query) == target.rows(query), "{query}");
    }
}
