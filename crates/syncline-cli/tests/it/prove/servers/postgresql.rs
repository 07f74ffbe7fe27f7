//! PostgreSQL in the proof.

use syncline_testkit::postgres::Options;

use super::content::Table;
use super::engine::{Database, Engine, Rows, Server};

pub(crate) const ENGINE: Engine = Engine {
    name: "PostgreSQL",
    here: "current_schema()",
    begin: "BEGIN ISOLATION LEVEL REPEATABLE READ;",
    stay: "SELECT pg_sleep(0.03);",
    same: "IS NOT DISTINCT FROM",
    with_all: "CASCADE",
    gone: &[
        "connection to server",
        "server closed the connection",
        "terminating connection",
        "shutting down",
        "starting up",
    ],
    yielded: &[],
    no_table: "does not exist",
    application: "CREATE TABLE journal (n bigint PRIMARY KEY); CREATE TABLE audit (what text);
         CREATE FUNCTION audited() RETURNS trigger LANGUAGE plpgsql AS
             'BEGIN INSERT INTO public.audit VALUES (TG_OP); RETURN NULL; END';",
    definition: str::to_owned,
    insert,
    afterwards,
    settled: "ANALYZE",
    guard: |table| {
        format!(
            "CREATE TRIGGER audited AFTER INSERT OR UPDATE OR DELETE ON {table}
                 FOR EACH ROW EXECUTE FUNCTION audited();\n"
        )
    },
    defined: "SELECT concat_ws(' ', c.relkind, c.oid::regclass, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity)
             FROM pg_class AS c LEFT JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                 AND c.relkind = 'r'
             WHERE c.relnamespace = 'public'::regnamespace
         UNION ALL SELECT concat_ws(' ', conrelid::regclass, conname, convalidated, pg_get_constraintdef(oid))
             FROM pg_constraint WHERE connamespace = 'public'::regnamespace
         UNION ALL SELECT concat_ws(' ', tgrelid::regclass, tgname, tgenabled) FROM pg_trigger WHERE NOT tgisinternal
         ORDER BY 1",
    left: "SELECT relnamespace::regnamespace::text, relname::text FROM pg_class WHERE relname ~ '_syncline'
         UNION ALL SELECT 'prepared', gid::text FROM pg_prepared_xacts
         UNION ALL SELECT 'invalid', indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid
         UNION ALL SELECT 'unchecked', conname::text FROM pg_constraint WHERE NOT convalidated
         UNION ALL SELECT 'audit', what FROM audit",
    held: [
        "SELECT pid FROM pg_locks JOIN pg_database AS d ON d.oid = database
         WHERE locktype = 'advisory' AND datname = current_database()",
        "SELECT * FROM pg_stat_activity",
    ],
    rows,
};

/// A server that nobody needs a password for.
pub(crate) fn start() -> Server {
    Server::Postgres(Options::default().without_fsync().hba("host all all 127.0.0.1/32 trust").start())
}

fn insert(table: &str, columns: &str, rows: &[String]) -> String {
    let lines: String = rows.iter().map(|row| format!("{row}\n")).collect();
    format!("COPY {table} ({columns}) FROM STDIN;\n{lines}\\.\n")
}

fn afterwards(table: &str) -> &'static str {
    match table {
        "orders" => "SELECT setval(pg_get_serial_sequence('orders', 'id'), (SELECT max(id) FROM orders));\n",
        _ => "",
    }
}

fn rows(database: &Database<'_>, tables: &[&'static Table]) -> Rows {
    let copy = |table: &&Table| {
        let query = format!("SELECT {} FROM {}{}", table.columns(), table.name, table.bound());
        format!("\\echo = {}\nCOPY ({query}) TO STDOUT;\n", table.name)
    };
    let printed = database.run(&tables.iter().map(copy).collect::<String>());
    // No cell holds the mark: its blank follows no sign of equality in these texts.
    let parts = printed.split("= ").skip(1).map(|part| part.split_once('\n').unwrap());
    parts.flat_map(|(name, rows)| rows.lines().map(|row| (name.to_owned(), row.to_owned()))).collect()
}
