//! Tables compared by the sums of ranges, held against the same by reading all of them, and over slow links.

mod parts;

use syncline_core::capture::{Comparison, SlowLinks, Tally, Way};
use syncline_core::change::{PlannedChange, TableTask};
use syncline_core::store::{RangeSums, Snapshot};
use syncline_stores::postgres::{ConnectOptions, PostgresSnapshot};
use syncline_testkit::deterministic::Numbers;
use syncline_testkit::slow_link::SlowLink;

use super::desk::Desk;

/// Every link is slow, from the first row on.
const ALWAYS: SlowLinks = SlowLinks { rate: u64::MAX, probe_bytes: 1, table_bytes: 0 };
const NEVER: SlowLinks = SlowLinks { rate: 0, probe_bytes: 0, table_bytes: 0 };

const TYPES: &str = "CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE TYPE other_mood AS ENUM ('sad', 'ok'); \
    CREATE DOMAIN word AS varchar(20); CREATE DOMAIN padded AS char(4)";

/// Columns of all sorts, for a table whose key has these.
fn tables(key: &str, keys: &str, values: &str, rows: u32) -> String {
    let columns = "n integer, one text, two text, amount numeric, at timestamp, span interval, doc jsonb, \
        bytes bytea, letters char(4), short padded, domained word, real double precision, tags text[], address inet";
    let table = |name: &str, mood: &str| {
        format!("CREATE TABLE {name} ({key}, {columns}, feels public.{mood}, PRIMARY KEY ({keys}));")
    };
    format!(
        "{} {} INSERT INTO a SELECT {values}, g, CASE g % 5 WHEN 0 THEN NULL WHEN 1 THEN '' ELSE md5(g::text) END, \
         'b' || g % 7, g / 7.0, timestamp '2024-01-01' + g * interval '1 min', g * interval '1 min', \
         jsonb_build_object('g', g), decode(md5(g::text), 'hex'), 'x', 'y', 'w' || g, g / 3.0, ARRAY[g::text, NULL], \
         '10.0.0.1'::inet + g, \
         CASE WHEN g % 2 = 0 THEN 'sad'::public.mood END FROM generate_series(1, {rows}) g; \
         INSERT INTO b SELECT {keys}, n, one, two, amount, at, span, doc, bytes, letters, short, domained, real, tags, \
         address, feels::text::public.other_mood FROM a;",
        table("a", "mood"),
        table("b", "other_mood")
    )
}

/// What may happen to two tables that were equal.
const EDITS: [&str; 14] = [
    "DELETE FROM b WHERE n % 97 = 3",
    "UPDATE b SET amount = amount + 1 WHERE n % 211 = 5",
    "UPDATE b SET one = '' WHERE one IS NULL AND n % 50 = 0",
    "UPDATE b SET one = one || left(two, 1), two = substr(two, 2) WHERE n % 333 = 4",
    "UPDATE b SET amount = amount::text::numeric * 1.0 WHERE n % 400 = 7",
    "UPDATE b SET letters = 'xx', address = '10.0.0.1/24' WHERE n = 700",
    "UPDATE b SET short = 'z', feels = 'ok' WHERE n BETWEEN 1200 AND 1210",
    "UPDATE b SET tags = NULL, span = span + interval '1 us' WHERE n = 1",
    "DELETE FROM b WHERE n BETWEEN 100 AND 900",
    "DELETE FROM a WHERE n < 60 OR n > 1900",
    "DELETE FROM b WHERE n < 40 OR n > 1950",
    "DELETE FROM a WHERE n % 3 = 0",
    "DELETE FROM b",
    "DELETE FROM a",
];

type Compared = (Vec<PlannedChange>, Tally, Way);

async fn compare(
    (source, a): (&mut PostgresSnapshot, &TableTask),
    (target, b): (&mut PostgresSnapshot, &TableTask),
    links: &SlowLinks,
) -> Compared {
    let estimate = source.estimate(a).await.unwrap();
    let (mut all, mut rows) = (Vec::new(), 0);
    let comparison = Comparison::new((source, a), (target, b));
    let (tally, way) = comparison
        .run(links, estimate, async |page: Vec<PlannedChange>, tally: Tally| {
            all.extend(page);
            assert!(tally.source_rows() >= rows, "rows are counted once");
            rows = tally.source_rows();
            Ok(())
        })
        .await
        .unwrap();
    (all, tally, way)
}

/// Compares both ways, and returns whether sums were used.
async fn check(desk: &Desk, name: &str) -> bool {
    let (a, mut b) = (desk.task("a").await, desk.task("b").await);
    b.columns.clone_from(&a.columns);
    check_tasks(desk, (a, b), name).await
}

/// The same of parts of the tables.
async fn check_tasks(desk: &Desk, (a, b): (TableTask, TableTask), name: &str) -> bool {
    let (mut one, mut other) = (desk.view().await, desk.view().await);
    let read = compare((&mut one, &a), (&mut other, &b), &NEVER).await;
    let summed = compare((&mut one, &a), (&mut other, &b), &ALWAYS).await;
    assert_eq!(read.2, Way::Read);
    assert_eq!(summed.0, read.0, "{name}");
    let counts = |tally: Tally| Tally { source_bytes: 0, ..tally };
    assert_eq!(counts(summed.1), counts(read.1), "{name}");
    // Bytes are judged by the rows that were read, which are others for short tables.
    if read.1.differences() > 100 {
        assert!((read.1.source_bytes / 2..read.1.source_bytes * 2 + 1).contains(&summed.1.source_bytes), "{name}");
    }
    matches!(summed.2, Way::Summed { .. })
}

#[tokio::test(flavor = "multi_thread")]
async fn sums_find_what_reading_finds() {
    let keys = [
        ("id bigint", "id", "g * 3"),
        ("id integer, sub integer", "id, sub", "g / 100, -g"),
        ("code text COLLATE \"C\", id smallint", "code, id", "chr(65 + g % 50) || chr(233), g"),
        ("id uuid", "id", "md5(g::text)::uuid"),
        ("id numeric", "id", "CASE WHEN g = 5 THEN 'NaN' ELSE g / 10.0 END"),
        (
            "since timestamptz, raw bytea",
            "since, raw",
            "timestamptz '2024-01-01' + g % 9 * interval '1 s', decode(md5(g::text), 'hex')",
        ),
    ];
    for (seed, (key, columns, values)) in (1..).zip(keys) {
        let desk = Desk::with(&format!("{TYPES}; {}", tables(key, columns, values, 2_000)));
        desk.database.psql("ANALYZE");
        let mut numbers = Numbers::new(seed);
        assert!(check(&desk, key).await, "{key} is summed up");
        for _ in 0..4 {
            let edit = EDITS[numbers.below(EDITS.len() as u64) as usize];
            desk.database.psql(edit);
            // With both sides empty there is nothing to sum up.
            check(&desk, &format!("{key}: {edit}")).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_edit_is_found_by_itself() {
    for edit in EDITS {
        let desk = Desk::with(&format!("{TYPES}; {} ANALYZE", tables("id bigint", "id", "g", 2_000)));
        desk.database.psql(edit);
        assert!(check(&desk, edit).await, "{edit} is summed up");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_no_index_has_in_order_are_not_summed_up() {
    let desk = Desk::with(
        "CREATE EXTENSION citext; CREATE TABLE words (k text COLLATE \"en-x-icu\" PRIMARY KEY, v integer); \
         CREATE TABLE padded (k char(9) PRIMARY KEY); CREATE TABLE folded (k citext PRIMARY KEY); \
         CREATE TABLE loose (k integer, v integer); CREATE TABLE kept (k integer PRIMARY KEY, v integer); \
         CREATE TABLE timed (k timestamp PRIMARY KEY); INSERT INTO timed VALUES ('294276-12-31 23:59:59'); \
         INSERT INTO words SELECT md5(g::text), g FROM generate_series(1, 5000) g; \
         INSERT INTO kept SELECT g, g FROM generate_series(1, 5000) g; ANALYZE",
    );
    let mut view = desk.view().await;
    for (table, is_summed) in
        [("words", false), ("padded", false), ("folded", false), ("loose", false), ("timed", false), ("kept", true)]
    {
        assert_eq!(view.method(&desk.task(table).await).await.unwrap().is_some(), is_summed, "{table}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_link_moves_a_tenth_and_a_fast_one_reads() {
    let make = "CREATE TABLE orders (id bigint PRIMARY KEY, n integer, note text); \
        INSERT INTO orders SELECT g, g % 17, repeat(md5(g::text), 7) FROM generate_series(1, 40000) g; ANALYZE";
    let (source, target) = (Desk::with(make), Desk::with(make));
    target.database.psql("UPDATE orders SET n = -1 WHERE id % 1000 = 7; DELETE FROM orders WHERE id = 20000");
    let task = source.task("orders").await;
    let links = SlowLinks { rate: 25 << 20, probe_bytes: 64 << 10, table_bytes: 64 << 10 };
    let mut outcomes = Vec::new();
    for links in [NEVER, links] {
        let link = SlowLink::to(source.database.cluster().port(), 4 << 20);
        let through = |desk: &Desk| ConnectOptions { port: link.port(), ..desk.options() };
        let (mut one, mut other) = (source.view_as(through(&source)).await, target.view_as(through(&target)).await);
        let found = compare((&mut one, &task), (&mut other, &task), &links).await;
        outcomes.push((found, link.bytes()));
    }
    let [(read, all_bytes), (summed, bytes)] = &outcomes[..] else { unreachable!() };
    assert_eq!(read.0.len(), 41);
    assert_eq!(summed.0, read.0);
    assert!(matches!(summed.2, Way::Summed { rate } if rate < 25 << 20), "{:?}", summed.2);
    assert!(bytes * 10 <= *all_bytes, "{bytes} of {all_bytes} bytes");

    // What is slow here no machine that runs tests is.
    let (mut one, mut other) = (source.view().await, target.view().await);
    let crawling = SlowLinks { rate: 10_000, ..links };
    let direct = compare((&mut one, &task), (&mut other, &task), &crawling).await;
    assert_eq!((direct.0, direct.2), (read.0.clone(), Way::Read));
    assert_eq!(direct.1, read.1);
}
