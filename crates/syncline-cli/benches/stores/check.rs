//! What has arrived, cell by cell, as the engines' own shells see it.

use std::process::Command;

use serde_json::Value;

use crate::orders::CHANGES;
use crate::target::Target;
use crate::world::{SCRATCH, SOURCE, World};

/// The rows, and all their cells as the server prints them; and what it says the columns are.
const ON_SERVER: &str =
    "SELECT count(*), sum(hashtextextended(o::text, 0)::numeric), sum(hashtextextended(o::text, 1)::numeric),
    (SELECT string_agg(format('%I %s %s', attname, format_type(atttypid, atttypmod), attnotnull), ', ' ORDER BY attnum)
     FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attnum > 0) FROM orders o";

/// Rows of both files, and those that are in both with the same cells. Digits behind the point that say nothing may be
/// missing from an amount or a time.
const IN_FILE: &str = "SELECT (SELECT count(*) FROM orders), (SELECT count(*) FROM source.orders), count(*)
    FROM orders t JOIN source.orders s USING (id)
    WHERE (t.customer_id, t.status, t.note, t.payload) IS (s.customer_id, s.status, s.note, s.payload)
    AND printf('%.2f', t.amount) = printf('%.2f', s.amount)
    AND rtrim(rtrim(t.created_at || iif(instr(t.created_at, '.'), '', '.'), '0'), '.')
        = rtrim(rtrim(s.created_at || iif(instr(s.created_at, '.'), '', '.'), '0'), '.')
    AND rtrim(rtrim(t.updated_at || iif(instr(t.updated_at, '.'), '', '.'), '0'), '.')
        = rtrim(rtrim(s.updated_at || iif(instr(s.updated_at, '.'), '', '.'), '0'), '.')";

/// Looks at all that was copied.
///
/// # Panics
/// When a cell is not what it was.
pub(crate) fn copied(world: &World, target: Target) {
    let rows = world.dataset.rows;
    if target.is_served() {
        let source = world.cluster.rows(SOURCE, ON_SERVER);
        assert_eq!(source[0][0], Some(rows.to_string()), "the source itself");
        assert_eq!(world.cluster.rows(SCRATCH, ON_SERVER), source, "what arrived is not what the source holds");
        return;
    }
    let attach = format!("ATTACH '{}' AS source", world.dataset.file("orders").display());
    assert_eq!(
        in_file(world, target, &[&attach, IN_FILE]),
        format!("{rows}|{rows}|{rows}"),
        "rows there, here, and equal"
    );
}

/// Looks at how many rows have arrived, which is all that can be said of those who change values on the way.
///
/// # Panics
/// When some have not.
pub(crate) fn counted(world: &World, target: Target) {
    let count = "SELECT count(*) FROM orders";
    let found = match target {
        Target::Changed(_) => return,
        _ if target.is_served() => world.cluster.psql(SCRATCH, count).trim().to_owned(),
        _ => in_file(world, target, &[count]),
    };
    assert_eq!(found, world.dataset.rows.to_string(), "rows that arrived");
}

/// What SQLite's shell prints.
fn in_file(world: &World, target: Target, commands: &[&str]) -> String {
    let output = Command::new("sqlite3").arg("-list").arg(target.path(world)).args(commands).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Looks at what Syncline says the difference is.
///
/// # Panics
/// When it is not what was changed.
pub(crate) fn compared(world: &World, target: Target, mut command: Command) {
    let output = command.arg("--json").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    let said: Value = serde_json::from_str(said.trim().lines().next_back().unwrap()).unwrap();
    let table = &said["tables"][0];
    let found = ["changed", "only_source", "only_target", "same"].map(|count| table[count].as_u64());
    let changes = if target == Target::Changed("equal") { 0 } else { CHANGES };
    let expected = [changes / 10 * 8, changes / 10, changes / 10, world.dataset.rows - changes / 10 * 9];
    assert_eq!(found, expected.map(Some), "{said}");
}
