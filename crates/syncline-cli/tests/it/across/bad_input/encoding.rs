//! Text that the server has and cannot send.

use super::{Server, fails, is_told};

/// A server whose binary reaches a database of the encoding SQL_ASCII as `env:ASCII`, with a byte in `bad` that is no UTF-8.
fn server() -> (Server, String) {
    let mut server = Server::new();
    let cluster = server.database.cluster();
    let name = format!("{}_ascii", server.database.name());
    cluster.psql(
        "postgres",
        &format!("CREATE DATABASE {name} ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"),
    );
    cluster.psql(
        &name,
        r"CREATE TABLE bad (id int PRIMARY KEY, v text); INSERT INTO bad VALUES (1, 'good'), (2, E'caf\351');
          CREATE TABLE good (id int PRIMARY KEY, v text); INSERT INTO good VALUES (1, E'caf\303\251');",
    );
    let url = server.database.url().replace(server.database.name(), &name);
    server.scene = server.scene.with_variable("ASCII", &url);
    (server, name)
}

#[test]
fn a_table_with_text_that_is_not_utf8_fails_alone() {
    let (server, name) = server();
    for line in
        ["copy env:ASCII b.db", "mirror env:ASCII b.db", "mirror env:ASCII b.db --jobs 2", "copy env:ASCII env:PG"]
    {
        let error = fails(&server.scene, line, 3, "TEXT_UNREADABLE");
        assert_eq!(error["where"], "bad", "{line}: {error}");
        assert!(error["why"].as_str().unwrap().contains("SQL_ASCII"), "{error}");
    }
    assert_eq!(server.by_sqlite3("b.db", "SELECT * FROM good"), ["1|café"]);
    assert_eq!(server.by_psql("SELECT * FROM good"), ["1|café"]);
    server.scene.sql("b.db", "CREATE TABLE bad (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO bad VALUES (1, 'good')");
    fails(&server.scene, "mirror env:ASCII b.db", 3, "TEXT_UNREADABLE");
    for line in ["diff env:ASCII b.db --json", "verify env:ASCII b.db --json"] {
        let said = server.scene.run(line);
        assert!(said.out.contains("SQL_ASCII") && said.out.contains("bad"), "{line}\n{}{}", said.out, said.err);
    }
    let planned = server.scene.run("plan mirror env:ASCII b.db --json");
    is_told("plan", &planned, "TEXT_UNREADABLE");
    let told = server.scene.run("doctor env:ASCII");
    assert!(told.out.contains("encoding is SQL_ASCII"), "{}", told.out);
    assert!(!server.scene.run("doctor env:PG").out.contains("SQL_ASCII"));
    // What `explain` advises helps.
    let mend = "UPDATE bad SET v = convert_from(convert(convert_to(v, 'SQL_ASCII'), 'LATIN1', 'UTF8'), 'SQL_ASCII')";
    server.database.cluster().psql(&name, mend);
    server.scene.ok("mirror env:ASCII b.db");
    assert_eq!(server.by_sqlite3("b.db", "SELECT v FROM bad"), ["good", "café"]);
}
