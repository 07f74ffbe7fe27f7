//! What has arrived, cell by cell, as the engines' own shells see it.

use std::process::Command;

use serde_json::Value;

use crate::orders::CHANGES;
use crate::target::Target;
use crate::world::{SOURCE, Server, World};

/// The rows, and all their cells as the server prints them; and what it says the columns are.
const ON_SERVER: &str =
    "SELECT count(*), sum(hashtextextended(o::text, 0)::numeric), sum(hashtextextended(o::text, 1)::numeric),
    (SELECT string_agg(format('%I %s %s', attname, format_type(atttypid, atttypmod), attnotnull), ', ' ORDER BY attnum)
     FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attnum > 0) FROM orders o";

/// The same of MariaDB. Texts are put together as bytes, because columns may differ in how they compare.
const ON_MARIADB: &str = "SELECT count(*), bit_xor(conv(left(md5(concat_ws('|', id, customer_id, binary status, amount, binary ifnull(note, 'NULL'),
    created_at, updated_at, binary payload)), 16), 16, 10) + 0), sum(crc32(concat_ws('|', binary payload, id, binary status, amount))) FROM orders";

/// What both kinds of servers say of the rows: all numbers, and texts by their lengths and digests.
const ACROSS: [(Server, &str); 2] = [
    (Server::Postgres, "SELECT count(*), sum(id), sum(customer_id), sum(amount), sum(('x' || substr(md5(status || coalesce(note, 'NULL') || payload::text
        || to_char(created_at, 'YYYY-MM-DD HH24:MI:SS.US') || to_char(updated_at, 'YYYY-MM-DD HH24:MI:SS.US')), 1, 8))::bit(32)::bigint) FROM orders"),
    (Server::Mariadb, "SELECT count(*), sum(id), sum(customer_id), sum(amount), sum(CAST(conv(left(md5(concat(binary status, binary ifnull(note, 'NULL'), binary payload,
        created_at, updated_at)), 8), 16, 10) AS unsigned)) FROM orders"),
];

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
pub(crate) fn copied(world: &World, from: Option<Server>, target: Target) {
    let rows = world.dataset.rows;
    if let Some(server) = target.server() {
        let (source, arrived) = match (from, server) {
            (Some(Server::Mariadb), Server::Mariadb) => (ON_MARIADB, ON_MARIADB),
            (Some(Server::Mariadb), Server::Postgres) => (ACROSS[1].1, ACROSS[0].1),
            (_, Server::Mariadb) => (ACROSS[0].1, ACROSS[1].1),
            (_, Server::Postgres) => (ON_SERVER, ON_SERVER),
        };
        let source = world.rows(from.unwrap_or(Server::Postgres), SOURCE, source);
        assert_eq!(source[0][0], Some(rows.to_string()), "the source itself");
        assert_eq!(world.rows(server, target.database(), arrived), source, "what arrived is not what the source holds");
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
        Target::Changed(..) => return,
        _ => match target.server() {
            Some(server) => world.rows(server, target.database(), count)[0][0].clone().unwrap_or_default(),
            None => in_file(world, target, &[count]),
        },
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
    let changes = if target.database() == "equal" { 0 } else { CHANGES };
    let expected = [changes / 10 * 8, changes / 10, changes / 10, world.dataset.rows - changes / 10 * 9];
    assert_eq!(found, expected.map(Some), "{said}");
}
