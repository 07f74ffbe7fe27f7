//! Sums of tables that are made of parts, and of parts of tables.

use std::sync::Arc;

use syncline_core::change::TableTask;
use syncline_core::mapping::{Mapping, MappingRequest, Resolved};
use syncline_core::schema::Schema;

use super::{ALWAYS, Desk, EDITS, TYPES, Way, check, check_tasks, compare, tables};

/// A partitioned table in the place of `b`, with its rows.
fn partitioned(by: &str, parts: &[&str]) -> String {
    let mut sql = format!(
        "ALTER TABLE b RENAME TO whole; CREATE TABLE b (LIKE whole INCLUDING DEFAULTS, PRIMARY KEY (id)) PARTITION BY {by};"
    );
    for (at, part) in parts.iter().enumerate() {
        sql += &format!("CREATE TABLE b{at} PARTITION OF b {part};");
    }
    sql + "INSERT INTO b SELECT * FROM whole; DROP TABLE whole; ANALYZE"
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_are_one_table() {
    let by_range = ["FOR VALUES FROM (MINVALUE) TO (500)", "FOR VALUES FROM (500) TO (1400)", "DEFAULT"];
    let by_hash = [0, 1, 2].map(|rest| format!("FOR VALUES WITH (MODULUS 3, REMAINDER {rest})"));
    let by_hash = by_hash.each_ref().map(String::as_str);
    for (by, parts) in [("RANGE (id)", by_range), ("HASH (id)", by_hash)] {
        for edit in [EDITS[0], EDITS[3], EDITS[8], EDITS[9], EDITS[10], EDITS[11]] {
            let made = tables("id bigint", "id", "g", 2_000);
            let desk = Desk::with(&format!("{TYPES}; {made} {}", partitioned(by, &parts)));
            assert!(check(&desk, by).await, "{by} is summed up");
            desk.database.psql(edit);
            assert!(check(&desk, &format!("{by}: {edit}")).await, "{by} is summed up after {edit}");
        }
    }
}

/// The task with a filter that picks some of its rows.
fn filtered(mut task: TableTask, filter: &str) -> TableTask {
    let schema = Schema { tables: vec![Arc::clone(&task.table)], ..Schema::default() };
    let typed = MappingRequest { filters: vec![format!("{}: {filter}", task.table.name)], ..MappingRequest::default() };
    let mapping = Mapping::parse(&typed).unwrap();
    let resolved = Resolved::new(&mapping, &schema, &|_| true, 0, None).unwrap();
    task.mapped.filter = resolved.view(&task.table).filter.map(Arc::new);
    assert!(task.mapped.filter.is_some());
    task
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_outside_a_filter_are_in_no_sum() {
    let filters = ["id > 7", "n < 300 OR n > 1500", "amount < 150 AND one <> ''", "one IS NULL"];
    for (key, columns, values) in [("id bigint", "id", "g"), ("id integer, sub integer", "id, sub", "g / 100, -g")] {
        for filter in filters {
            let desk = Desk::with(&format!("{TYPES}; {} ANALYZE", tables(key, columns, values, 2_000)));
            let tasks = || async { (filtered(desk.task("a").await, filter), filtered(desk.task("b").await, filter)) };
            // What only differs outside is equal, and rows may come and go over the border of the filter.
            for edit in [EDITS[0], EDITS[1], EDITS[2], "UPDATE b SET n = 2000 - n WHERE n % 450 = 7", EDITS[8]] {
                desk.database.psql(edit);
                let (a, b) = tasks().await;
                assert!(check_tasks(&desk, (a, b), &format!("{key} {filter}: {edit}")).await, "{filter} is summed up");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_that_are_not_carried_are_in_no_sum() {
    let desk = Desk::with(&format!("{TYPES}; {} ANALYZE", tables("id bigint", "id", "g", 2_000)));
    desk.database.psql("UPDATE b SET two = 'other'; UPDATE b SET one = 'x' WHERE n % 400 = 9");
    let (mut a, mut b) = (desk.task("a").await, desk.task("b").await);
    for task in [&mut a, &mut b] {
        let two = task.table.column("two").unwrap();
        task.columns.retain(|column| *column != two);
    }
    assert!(check_tasks(&desk, (a, b), "without a column").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_column_is_in_the_sum() {
    let desk = Desk::with(&format!("{TYPES}; {} ANALYZE", tables("id bigint", "id", "g", 2_000)));
    let columns: Vec<_> = desk.task("b").await.table.columns.iter().map(|column| column.name.clone()).collect();
    for column in columns.iter().filter(|column| *column != "id") {
        let value = match column.as_str() {
            "n" => "-1",
            "amount" | "real" => "0.5",
            "at" => "'2020-02-02'",
            "span" => "'1 day'",
            "doc" => "'[]'",
            "bytes" => "'\\x00'",
            "letters" | "short" | "domained" => "'z'",
            "tags" => "'{z}'",
            "address" => "'10.9.9.9'",
            "feels" => "'ok'",
            _ => "'other'",
        };
        // No other row near it differs, or it would be read in any case.
        desk.database.psql(&format!("UPDATE b SET {column} = {value} WHERE id = 700"));
        let (a, mut b) = (desk.task("a").await, desk.task("b").await);
        b.columns.clone_from(&a.columns);
        let (mut one, mut other) = (desk.view().await, desk.view().await);
        let (found, tally, way) = compare((&mut one, &a), (&mut other, &b), &ALWAYS).await;
        assert_eq!((found.len(), tally.changed, tally.same), (1, 1, 1_999), "{column}");
        assert!(matches!(way, Way::Summed { .. }), "{column}");
        let before = if column == "feels" { "feels::text::public.other_mood" } else { column };
        desk.database.psql(&format!("UPDATE b SET {column} = (SELECT {before} FROM a WHERE id = 700) WHERE id = 700"));
    }
}
