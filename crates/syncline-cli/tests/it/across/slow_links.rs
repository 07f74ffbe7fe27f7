//! Databases that are far away.

use std::sync::Arc;

use syncline::event::{Event, EventSink};
use syncline::request::{RunRequest, Verb};
use syncline::summary::{DiffReport, Verified};
use syncline::{Cancel, DiffRequest, MappingRequest, SlowLinks, Syncline};
use syncline_testkit::postgres::{Cluster, fresh_database};
use syncline_testkit::slow_link::SlowLink;

use super::Server;

struct Nobody;

impl EventSink for Nobody {
    fn emit(&self, _event: Event) {}
}

async fn session(server: &Server, slow_links: SlowLinks) -> Syncline {
    let settings = server.scene.settings(Arc::new(Nobody), Cancel::new());
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

/// Whatever is filtered, left out and renamed, and however many tables are read at once.
#[test]
fn what_is_seen_through_a_mapping_is_found_by_checksums_too() {
    let (server, target) = (Server::new(), fresh_database());
    let rows = |name: &str, seed: u32| {
        format!(
            "INSERT INTO {name} SELECT g, g % 17, md5((g + {seed})::text), repeat(md5(g::text), 5) FROM generate_series(1, 6000) g;"
        )
    };
    let columns = "id bigint PRIMARY KEY, n integer, secret text";
    let make = |last: &str, parts: &str| {
        format!(
            "CREATE TABLE one ({columns}, {last} text); CREATE TABLE two ({columns}, {last} text);
             CREATE TABLE parts ({columns}, {last} text) {parts};"
        )
    };
    let parts =
        "PARTITION BY HASH (id); CREATE TABLE parts_0 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 0);
         CREATE TABLE parts_1 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 1)";
    let fill = |seed| ["one", "two", "parts"].map(|name| rows(name, seed)).concat() + "ANALYZE";
    server.database.psql(&(make("note", "") + &fill(0)));
    target.psql(&(make("remark", parts) + &fill(1)));
    let edits = "UPDATE one SET remark = 'r' WHERE id % 500 = 3; DELETE FROM one WHERE id = 77; INSERT INTO two VALUES (-1, 1, '', '');
         UPDATE two SET remark = 'r' WHERE id BETWEEN 3000 AND 3010; DELETE FROM parts WHERE id % 1000 = 5";
    target.psql(edits);
    let link = SlowLink::to(Cluster::shared().port(), 4 << 20);
    let source =
        server.database.url().replace(&format!(":{}/", Cluster::shared().port()), &format!(":{}/", link.port()));
    let names = |rules: &[&str]| rules.iter().map(|rule| (*rule).to_owned()).collect::<Vec<_>>();
    let mapping = MappingRequest {
        filters: names(&["one: n < 9 OR id > 4000", "parts: id <= 5000"]),
        columns: names(&["one: !secret", "two: !secret", "parts: !secret"]),
        renames: names(&["one.note=remark", "two.note=remark", "parts.note=remark"]),
        ..MappingRequest::default()
    };
    let slow = SlowLinks { probe_bytes: 64 << 10, table_bytes: 64 << 10, ..SlowLinks::default() };
    let request = DiffRequest { source: source.clone(), target: target.url(), tables: Vec::new(), mapping };
    let (read, summed, ran) = tokio::runtime::Runtime::new().unwrap().block_on(async {
        let read = session(&server, SlowLinks { rate: 0, ..slow }).await.diff(&request, None).await.unwrap();
        let session = session(&server, slow).await.with_jobs(Some(2));
        let summed = session.diff(&request, None).await.unwrap();
        let run =
            RunRequest { mapping: request.mapping.clone(), ..RunRequest::new(Verb::Mirror, &source, target.url()) };
        (read, summed, session.run(&run).await.unwrap())
    });
    let by_sums = |note: &&String| note.contains(" was compared by checksums");
    assert_eq!(summed.notes.iter().filter(by_sums).count(), 3, "{:?}", summed.notes);
    assert_eq!(DiffReport { notes: Vec::new(), ..summed.clone() }, DiffReport { notes: Vec::new(), ..read.clone() });
    assert!(read.tables.iter().all(|table| table.only_source + table.only_target + table.changed > 0), "{read:?}");
    assert!(ran.tables.iter().all(|table| table.strategy.contains("by checksums")), "{ran:?}");
    assert_eq!(ran.verified, Verified::Equal);
    // What no side of the filter shows stays, and so does what is not carried.
    let left = "SELECT count(*) > 0, bool_and(n >= 9 AND id <= 4000) FROM one WHERE remark = 'r'";
    assert_eq!(target.psql(left), "t|t\n");
    assert_eq!(target.psql("SELECT count(*) FROM parts WHERE id % 1000 = 5"), "5\n");
    assert_eq!(target.psql("SELECT count(*) FROM two WHERE secret <> md5((id + 1)::text)"), "0\n");
}
