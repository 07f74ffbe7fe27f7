//! Values that do not fit the target's column.

mod clamped;
mod refused;

use serde_json::Value;
use syncline_testkit::postgres::fresh_database;

use super::Server;

const FILE: &str = "
    CREATE TABLE o (id INTEGER PRIMARY KEY, total DECIMAL(5,2), placed TIMESTAMP, note VARCHAR(3), code SMALLINT);
    INSERT INTO o VALUES
        (1, 10.5, '2024-01-01 10:00:00', 'abc', 1),
        (2, 12345.678, 'yesterday', 'abcdef', 40000),
        (3, 'NaN', NULL, 7, -40000);";

fn server() -> Server {
    let server = Server::new();
    server.scene.sql("a.db", FILE);
    server
}

fn summary(server: &Server, line: &str, rules: &[&str]) -> Value {
    let args: Vec<&str> = line.split(' ').chain(rules.iter().copied()).collect();
    let output = server.scene.command(&args).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    serde_json::from_str(text.lines().last().unwrap()).unwrap()
}

const BENT: [&str; 8] =
    ["--misfit", "o.total=clamp", "--misfit", "o.placed=null", "--misfit", "o.note=text", "--misfit", "o.code=clamp"];

#[test]
fn without_a_choice_their_rows_are_held() {
    let server = server();
    let said = server.scene.run("copy a.db env:PG --json");
    assert_eq!(said.code, Some(3), "{}{}", said.out, said.err);
    assert_eq!(said.last()["tables"][0]["held"], 2, "{}", said.out);
    assert_eq!(server.by_psql("SELECT id FROM o"), ["1"]);
    let listed = server.scene.ok("conflicts list");
    assert!(listed.contains("type") && listed.contains("id=2") && listed.contains("id=3"), "{listed}");
    server.scene.sql("a.db", "UPDATE o SET total = 1, placed = NULL, note = 'x', code = 1");
    server.scene.ok("conflicts retry");
    assert_eq!(server.by_psql("SELECT id FROM o ORDER BY id"), ["1", "2", "3"]);
}

#[test]
fn chosen_ones_are_bent_counted_and_listed() {
    let server = server();
    let summary = summary(&server, "copy a.db env:PG --json", &BENT);
    assert_eq!(summary["verified"], "equal-except", "{summary}");
    assert_eq!((&summary["tables"][0]["inserted"], &summary["tables"][0]["bent"]), (&3.into(), &2.into()), "{summary}");
    let expected = ["1|10.50|2024-01-01 10:00:00|abc|1", "2|999.99|NULL|abcdef|32767", "3|NaN|NULL|7|-32768"];
    assert_eq!(server.by_psql("SELECT * FROM o ORDER BY id"), expected);
    let listed = server.scene.json("conflicts list --json");
    let entries = listed["data"].as_array().unwrap();
    assert_eq!(entries.len(), 2, "{listed}");
    assert!(entries.iter().all(|entry| entry["kind"] == "bent"), "{listed}");
    let shown = server.scene.ok("conflicts show c_1");
    for words in ["12345.678", "999.99", "yesterday", "clamp was chosen", "null was chosen"] {
        assert!(shown.contains(words), "{words}\n{shown}");
    }
    // Bent alike they are equal, and nothing is tried again.
    let again = self::summary(&server, "mirror a.db env:PG --json", &BENT);
    assert_eq!((&again["tables"][0]["unchanged"], &again["tables"][0]["updated"]), (&3.into(), &0.into()), "{again}");
    server.scene.ok("conflicts retry");
    assert_eq!(server.scene.json("conflicts list --json")["data"].as_array().unwrap().len(), 2);
}

#[test]
fn documents_that_repeat_a_name_do_not_fit_where_the_meaning_alone_is_kept() {
    let (mut server, other) = (Server::new(), fresh_database());
    server.scene = server.scene.with_variable("PG2", &other.url());
    server.database.psql(
        r#"CREATE TABLE d (id integer PRIMARY KEY, j json);
           INSERT INTO d VALUES (1, '{"b":1, "a":2}'), (2, '{"a":1,"a":2}'), (3, '[{"x":{"a":1,"\u0061":1}}]')"#,
    );
    other.psql("CREATE TABLE d (id integer PRIMARY KEY, j jsonb)");
    let plan = server.scene.run("plan copy env:PG env:PG2");
    assert!(plan.out.contains("j (json -> jsonb)"), "what is checked is named: {}", plan.out);
    let said = server.scene.run("copy env:PG env:PG2 --json");
    assert_eq!((said.code, &said.last()["tables"][0]["held"]), (Some(3), &2.into()), "{}{}", said.out, said.err);
    let listed = server.scene.ok("conflicts list");
    assert!(listed.contains("repeats the name of a member") && !listed.contains("\"a\":1"), "{listed}");
    // What the column would have made of them is not what they are.
    other.psql(r#"INSERT INTO d VALUES (2, '{"a":2}'), (3, '[{"x":{"a":1}}]')"#);
    let said = server.scene.run("verify env:PG env:PG2 --json");
    assert_eq!((said.code, &said.last()["verified"]), (Some(10), &"equal-except".into()), "{}{}", said.out, said.err);
    assert!(said.out.contains("2 with other values; 2 of them are held"), "{}", said.out);
    let bent = summary(&server, "mirror env:PG env:PG2 --json", &["--misfit", "d.j=null"]);
    assert_eq!((&bent["tables"][0]["updated"], &bent["tables"][0]["bent"]), (&2.into(), &2.into()), "{bent}");
}

#[test]
fn choices_that_help_nothing_are_refused() {
    let server = Server::new();
    server.scene.sql("a.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER NOT NULL)");
    server.database.psql("CREATE TABLE t (id bigint PRIMARY KEY, n bigint NOT NULL)");
    for rule in ["t.id=null", "t.n=null", "t.n=text", "t.x=clamp", "t.n=round", "u.n=clamp", "t=clamp"] {
        let said = server.scene.run_with("copy a.db env:PG", &["--misfit", rule]);
        assert_eq!(said.code, Some(2), "{rule}: {}{}", said.out, said.err);
        assert!(said.err.contains("  next"), "{rule}: {}", said.err);
    }
}
