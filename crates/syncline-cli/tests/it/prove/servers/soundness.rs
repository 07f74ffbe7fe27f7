//! What must hold of a target between runs: nothing of Syncline is left, no reference points at nothing, and what the
//! application has set up is as it was.

use std::thread;
use std::time::{Duration, Instant};

use syncline_testkit::postgres::Database;

/// References of the world: child, column, parent.
pub(crate) const REFERENCES: [(&str, &str, &str); 2] =
    [("orders", "customer", "customers"), ("employees", "manager", "employees")];

/// The server takes a moment to notice that a client is gone.
const PATIENCE: Duration = Duration::from_secs(30);

/// All that has a name, and how it is defined.
const DEFINED: &str = "SELECT concat_ws(' ', c.relkind, c.oid::regclass, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity)
         FROM pg_class AS c LEFT JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
             AND c.relkind = 'r'
         WHERE c.relnamespace = 'public'::regnamespace
     UNION ALL SELECT concat_ws(' ', conrelid::regclass, conname, convalidated, pg_get_constraintdef(oid))
         FROM pg_constraint WHERE connamespace = 'public'::regnamespace
     UNION ALL SELECT concat_ws(' ', tgrelid::regclass, tgname, tgenabled) FROM pg_trigger WHERE NOT tgisinternal
     ORDER BY 1";

/// Everything but rows.
pub(crate) fn definitions(database: &Database<'_>) -> String {
    database.psql(DEFINED)
}

/// Whether a table is there.
pub(crate) fn has(database: &Database<'_>, table: &str) -> bool {
    database.psql(&format!("SELECT to_regclass('public.{table}') IS NOT NULL")).trim() == "t"
}

/// Panics unless no run at all shows in the database.
pub(crate) fn check(database: &Database<'_>) {
    let left = "SELECT relnamespace::regnamespace::text, relname::text FROM pg_class WHERE relname ~ '_syncline'
         UNION ALL SELECT 'prepared', gid::text FROM pg_prepared_xacts
         UNION ALL SELECT 'invalid', indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid
         UNION ALL SELECT 'unchecked', conname::text FROM pg_constraint WHERE NOT convalidated
         UNION ALL SELECT 'audit', what FROM audit";
    assert_eq!(database.psql(left), "", "something is left in the target");
    until_nothing(
        database,
        "SELECT pid FROM pg_locks JOIN pg_database AS d ON d.oid = database
         WHERE locktype = 'advisory' AND datname = current_database()",
        "an advisory lock",
    );
    check_references(database);
}

/// Panics when a row points at nothing, which no reader may see at any time.
pub(crate) fn check_references(database: &Database<'_>) {
    for (child, column, parent) in REFERENCES {
        if has(database, child) {
            assert_eq!(
                database.psql(&dangling(child, column, parent)).trim(),
                "0",
                "rows of {child} reference nothing"
            );
        }
    }
}

/// How many rows point at nothing.
pub(crate) fn dangling(child: &str, column: &str, parent: &str) -> String {
    format!(
        "SELECT count(*) FROM public.{child} AS c WHERE c.{column} IS NOT NULL
             AND NOT EXISTS (SELECT 1 FROM public.{parent} AS p WHERE p.id = c.{column});"
    )
}

fn until_nothing(database: &Database<'_>, query: &str, what: &str) {
    let end = Instant::now() + PATIENCE;
    while !database.psql(query).is_empty() {
        assert!(Instant::now() < end, "{what} is left: {}", database.psql("SELECT * FROM pg_stat_activity"));
        thread::sleep(Duration::from_millis(5));
    }
}
