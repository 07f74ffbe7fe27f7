//! Runs on PostgreSQL that are taken back.

use super::Server;

/// Tables of which each references the one before, and a file that fills them.
fn server() -> Server {
    let server = Server::new();
    server.scene.sql(
        "a.db",
        "CREATE TABLE customers (id INTEGER PRIMARY KEY);
         CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER REFERENCES customers (id));
         CREATE TABLE items (id INTEGER PRIMARY KEY, ordered INTEGER REFERENCES orders (id));
         INSERT INTO customers VALUES (1); INSERT INTO orders VALUES (1, 1); INSERT INTO items VALUES (1, 1)",
    );
    server
}

fn tables(server: &Server) -> Vec<String> {
    server.by_psql(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1",
    )
}

/// Found by `prove kill-postgres`: of tables that came in one transaction, the referenced were to be dropped first.
#[test]
fn tables_that_came_together_go_with_those_that_reference_others_first() {
    for strategy in ["full", "auto"] {
        let server = server();
        server.scene.ok(&format!("mirror a.db env:PG --strategy {strategy}"));
        assert_eq!(tables(&server), ["customers", "items", "orders"]);
        server.scene.ok("undo --yes");
        assert_eq!(tables(&server), Vec::<String>::new(), "{strategy}");
    }
}

/// The server refuses to drop a table, and the transaction that takes the others back goes on.
#[test]
fn a_table_that_others_have_built_on_stays_and_the_others_go() {
    let server = server();
    server.scene.ok("mirror a.db env:PG --strategy full");
    server.database.psql("CREATE VIEW seen AS SELECT * FROM public.customers");
    let said = server.scene.run("undo --yes --json");
    let error = &said.last()["tables"][0]["error"];
    assert_eq!(error["code"], "UNDO_STALE", "{}{}", said.out, said.err);
    assert_eq!(tables(&server), ["customers"], "{}{}", said.out, said.err);
}
