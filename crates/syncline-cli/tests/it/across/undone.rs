//! Runs on PostgreSQL that are taken back.

use syncline_testkit::postgres::fresh_database;

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

/// What the server holds is seen in the forms of both engines, and what an undo has kept as it is stored.
#[test]
fn of_a_load_rows_that_were_changed_since_stay() {
    let server = Server::new();
    server.scene.sql(
        "a.db",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, at TIMESTAMP, price DECIMAL(10, 2), kept BOOLEAN, raw BLOB);
         WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
         INSERT INTO t SELECT i, '2024-05-01 12:00:00', i || '.50', i % 2, x'00ff' FROM n",
    );
    server.scene.ok("mirror a.db env:PG");
    server.database.psql("UPDATE public.t SET price = 0 WHERE id = 7; INSERT INTO public.t (id) VALUES (999)");
    let said = server.scene.run("undo --yes");
    assert_eq!(said.code, Some(7), "{}{}", said.out, said.err);
    assert_eq!(server.by_psql("SELECT id FROM public.t ORDER BY 1"), ["7", "999"]);
    server.database.psql("UPDATE public.t SET price = 7.5 WHERE id = 7");
    assert_eq!(server.scene.run("undo --yes").code, Some(7));
    server.database.psql("DELETE FROM public.t");
    server.scene.ok("undo --yes");
    assert_eq!(tables(&server), Vec::<String>::new());
}

/// Between servers rows travel undecoded.
#[test]
fn so_they_do_between_servers() {
    let (server, other) = (Server::new(), fresh_database());
    let server = Server { scene: server.scene.with_variable("OTHER", &other.url()), database: server.database };
    other.psql(
        "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, 'v' FROM generate_series(1, 900) i",
    );
    server.scene.ok("mirror env:OTHER env:PG");
    server.database.psql("UPDATE public.t SET v = 'mine' WHERE id = 7");
    let said = server.scene.run("undo --yes");
    assert_eq!(said.code, Some(7), "{}{}", said.out, said.err);
    assert_eq!(server.by_psql("SELECT id FROM public.t ORDER BY 1"), ["7"]);
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
