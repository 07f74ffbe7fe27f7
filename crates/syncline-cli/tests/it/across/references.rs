//! References that the server would refuse: they are left out and named, and the tables come all the same.

use super::Server;

/// The references of all tables, as the server prints them.
const REFERENCES: &str = "SELECT conrelid::regclass, pg_get_constraintdef(oid) FROM pg_constraint
     WHERE contype = 'f' ORDER BY conrelid::regclass::text, conname";

/// What a run says the table is created without.
fn lacking(server: &Server, line: &str, table: &str) -> String {
    let said = server.scene.run(&format!("{line} --json"));
    assert_eq!((said.code, said.last()["verified"].as_str()), (Some(0), Some("equal")), "{}{}", said.out, said.err);
    let notes = said.last()["notes"].clone();
    let notes = notes.as_array().unwrap().iter().map(|note| note.as_str().unwrap());
    let head = format!("{table} is created without ");
    notes.filter_map(|note| note.strip_prefix(&head)).collect()
}

#[test]
fn of_other_types_to_what_is_not_unique_and_to_nothing() {
    let server = Server::new();
    server.scene.sql(
        "a.db",
        "PRAGMA foreign_keys = OFF;
         CREATE TABLE Parents (id INTEGER PRIMARY KEY, code TEXT, name TEXT UNIQUE, by_index INTEGER);
         CREATE UNIQUE INDEX parents_by_index ON Parents (by_index);
         CREATE TABLE c (id INTEGER PRIMARY KEY, as_text TEXT REFERENCES Parents (id), to_code TEXT REFERENCES Parents (code),
             gone INTEGER REFERENCES nowhere (id), odd INTEGER REFERENCES Parents (absent),
             good INTEGER REFERENCES PARENTS (ID) ON DELETE SET NULL, by_name TEXT REFERENCES parents (NAME),
             small SMALLINT REFERENCES Parents (by_index), boss INTEGER REFERENCES c);
         INSERT INTO Parents VALUES (1, 'a', 'n', 7), (2, 'a', 'm', 8);
         INSERT INTO c VALUES (1, '1', 'a', 5, 6, 1, 'n', 7, 2), (2, 'x', NULL, NULL, NULL, 2, 'm', 8, 1)",
    );
    let lacking = lacking(&server, "copy a.db env:PG", "c");
    for phrase in [
        "the reference (as_text) to Parents: as_text is text, and id is bigint",
        "the reference (to_code) to Parents: (code) is not unique there",
        "the reference (gone) to nowhere: there is no such table",
        "the reference (odd) to Parents: Parents has no column absent",
    ] {
        assert!(lacking.contains(phrase), "no {phrase:?} in {lacking}");
    }
    assert_eq!(lacking.matches("the reference").count(), 4, "{lacking}");
    let kept = [
        "c|FOREIGN KEY (boss) REFERENCES c(id)",
        "c|FOREIGN KEY (by_name) REFERENCES \"Parents\"(name)",
        "c|FOREIGN KEY (good) REFERENCES \"Parents\"(id) ON DELETE SET NULL",
        "c|FOREIGN KEY (small) REFERENCES \"Parents\"(by_index)",
    ];
    assert_eq!(server.by_psql(REFERENCES), kept);
    assert_eq!(server.by_psql("SELECT * FROM c ORDER BY id"), ["1|1|a|5|6|1|n|7|2", "2|x|NULL|NULL|NULL|2|m|8|1"]);
    // It is a difference that nobody needs to mind from then on.
    server.scene.ok("mirror a.db env:PG");
    server.scene.ok("undo --yes");
}

#[test]
fn of_a_table_that_comes_without_the_one_it_references() {
    let server = Server::new();
    let source = syncline_testkit::postgres::fresh_database();
    server.database.psql("CREATE TABLE there (a int, b text, PRIMARY KEY (a, b)); INSERT INTO there VALUES (1, 'x')");
    source.psql(
        "CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE there (a int, b text, PRIMARY KEY (a, b));
         CREATE TABLE c (id int PRIMARY KEY, p int REFERENCES p, a bigint, b varchar(9),
             FOREIGN KEY (b, a) REFERENCES there (b, a));
         INSERT INTO p VALUES (1); INSERT INTO there VALUES (1, 'x'); INSERT INTO c VALUES (1, 1, 1, 'x')",
    );
    let server = Server { scene: server.scene.with_variable("FROM", &source.url()), ..server };
    let lacking = lacking(&server, "copy env:FROM env:PG --tables c", "c");
    assert_eq!(lacking, "the reference (p) to p: there is no such table");
    assert_eq!(server.by_psql(REFERENCES), ["c|FOREIGN KEY (b, a) REFERENCES there(b, a)"]);
}

/// Such constraints are kept while a transaction is at work only if nobody wishes otherwise.
#[test]
fn of_a_table_that_is_there_with_constraints_that_may_wait() {
    let server = Server::new();
    server.database.psql(
        "CREATE TABLE p (id bigint PRIMARY KEY DEFERRABLE, code text UNIQUE DEFERRABLE INITIALLY DEFERRED,
             name text UNIQUE DEFERRABLE, twice text UNIQUE DEFERRABLE);
         CREATE UNIQUE INDEX p_twice ON p (twice); INSERT INTO p VALUES (1, 'a', 'n', 't')",
    );
    server.scene.sql(
        "a.db",
        "CREATE TABLE p (id INTEGER PRIMARY KEY, code TEXT UNIQUE, name TEXT UNIQUE, twice TEXT UNIQUE);
         CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p, code TEXT REFERENCES p (code),
             name TEXT REFERENCES p (name), twice TEXT REFERENCES p (twice));
         INSERT INTO p VALUES (1, 'a', 'n', 't'); INSERT INTO c VALUES (7, 1, 'a', 'n', 't')",
    );
    let lacking = lacking(&server, "copy a.db env:PG", "c");
    let why = "is unique there by a DEFERRABLE constraint, and nothing can reference that";
    let expected = [("p", "id"), ("code", "code"), ("name", "name")]
        .map(|(child, parent)| format!("the reference ({child}) to p: ({parent}) {why}"));
    assert_eq!(lacking, expected.join(", "));
    assert_eq!(server.by_psql(REFERENCES), ["c|FOREIGN KEY (twice) REFERENCES p(twice)"]);
    assert_eq!(server.by_psql("SELECT * FROM c"), ["7|1|a|n|t"]);
}

/// No table of a circle can be dropped before the others.
#[test]
fn in_a_circle_of_tables_that_a_run_has_made_and_that_are_taken_back() {
    for strategy in ["full", "auto"] {
        let server = Server::new();
        server.scene.sql(
            "a.db",
            "PRAGMA foreign_keys = OFF;
             CREATE TABLE a (id INTEGER PRIMARY KEY, b INTEGER REFERENCES b (id));
             CREATE TABLE b (id INTEGER PRIMARY KEY, c INTEGER REFERENCES c (id), boss INTEGER REFERENCES b (id));
             CREATE TABLE c (id INTEGER PRIMARY KEY, a INTEGER REFERENCES a (id));
             INSERT INTO a VALUES (1, 1); INSERT INTO b VALUES (1, 1, 1); INSERT INTO c VALUES (1, 1)",
        );
        server.scene.ok(&format!("mirror a.db env:PG --strategy {strategy}"));
        let made = server.by_psql(REFERENCES);
        assert_eq!(made.len(), 4, "{made:?}");
        // What somebody has built on one keeps them all, just as they are.
        server.database.psql("CREATE VIEW seen AS SELECT * FROM public.b");
        let said = server.scene.run("undo --yes --json");
        assert!(said.code == Some(6) && said.out.contains("UNDO_STALE"), "{:?} {}{}", said.code, said.out, said.err);
        assert_eq!(server.by_psql(REFERENCES), made);
        assert_eq!(server.by_psql("SELECT count(*) FROM a JOIN b ON a.b = b.id JOIN c ON b.c = c.id"), ["1"]);
        server.database.psql("DROP VIEW seen");
        server.scene.ok("undo --yes");
        let left = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace";
        assert_eq!(server.by_psql(left), Vec::<String>::new(), "{strategy}");
    }
}

/// `a_child` comes before `z_parent` by its name.
#[test]
fn a_script_writes_parents_first_and_deletes_them_last() {
    for command in ["diff", "plan mirror --max-delete 100%"] {
        let server = Server::new();
        let source = syncline_testkit::postgres::fresh_database();
        for database in [&source, &server.database] {
            database.psql(
                "CREATE TABLE z_parent (id INT PRIMARY KEY); CREATE TABLE a_child (id INT PRIMARY KEY, p INT REFERENCES z_parent)",
            );
        }
        source.psql("INSERT INTO z_parent VALUES (1), (2); INSERT INTO a_child VALUES (1, 1), (2, 2)");
        server.database.psql("INSERT INTO z_parent VALUES (2), (3); INSERT INTO a_child VALUES (2, 3), (3, 3)");
        let script = server.scene.run(&format!("{command} {} env:PG --format sql", source.url()));
        assert_eq!(script.code, Some(0), "{}", script.err);
        server.database.psql(&script.out);
        assert_eq!(server.by_psql("SELECT * FROM a_child ORDER BY id"), ["1|1", "2|2"], "{command}");
        assert_eq!(server.by_psql("SELECT * FROM z_parent ORDER BY id"), ["1", "2"], "{command}");
    }
}

/// The references of tables that are made come once all rows are there, also where they go in a circle.
#[test]
fn the_script_of_a_plan_makes_tables_that_reference_each_other() {
    let server = Server::new();
    let source = syncline_testkit::postgres::fresh_database();
    source.psql(
        "CREATE TABLE b (id INT PRIMARY KEY, c INT);
         CREATE TABLE c (id INT PRIMARY KEY, b INT REFERENCES b); ALTER TABLE b ADD FOREIGN KEY (c) REFERENCES c;
         CREATE TABLE a (id INT PRIMARY KEY, c INT REFERENCES c);
         INSERT INTO b VALUES (1, NULL); INSERT INTO c VALUES (1, 1); UPDATE b SET c = 1; INSERT INTO a VALUES (1, 1)",
    );
    let script = server.scene.run(&format!("plan copy {} env:PG --format sql", source.url()));
    assert_eq!(script.code, Some(0), "{}", script.err);
    server.database.psql(&script.out);
    assert_eq!(
        server.by_psql("SELECT count(*) FROM a JOIN c ON a.c = c.id JOIN b ON c.b = b.id AND b.c = c.id"),
        ["1"]
    );
    assert_eq!(server.by_psql("SELECT count(*) FROM pg_constraint WHERE contype = 'f'"), ["3"]);
}
