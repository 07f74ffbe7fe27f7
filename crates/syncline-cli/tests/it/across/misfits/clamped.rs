//! The nearest value that fits, in both directions.

use super::super::Server;
use super::summary;

const FILE: &str = "
    CREATE TABLE c (id INTEGER PRIMARY KEY, d DECIMAL TEXT(5,2), at TIMESTAMP, tz TIMESTAMPTZ, t TIME, day DATE, n TEXT);
    INSERT INTO c VALUES
        (1, '12345.678', '2024-01-01 10:00:00.9', '2024-01-01 10:00:00.123456+02:00', '10:00:00.123456789',
            '5900000-01-01', '123456'),
        (2, '1e2', '300000-01-01 00:00:00', '4714-01-01 00:00:00+00 BC', '25:00:00', '2024-05-06 07:08:09', '12.5'),
        (3, 'many', NULL, NULL, NULL, NULL, NULL),
        (4, '7', '2023-02-29 00:00:00', NULL, NULL, NULL, NULL);";

#[test]
fn numbers_and_times_that_a_file_holds_as_text() {
    let server = Server::new();
    server.scene.sql("a.db", FILE);
    server.database.psql(
        "CREATE TABLE c (id bigint PRIMARY KEY, d numeric(5,2), at timestamp(0), tz timestamptz(3), t time(3), day date,
             n smallint)",
    );
    let rules: Vec<String> = ["d", "at", "tz", "t", "day", "n"].iter().map(|name| format!("c.{name}=clamp")).collect();
    let rules: Vec<&str> = rules.iter().flat_map(|rule| ["--misfit", rule]).collect();
    let first = summary(&server, "copy a.db env:PG --json", &rules);
    let table = &first["tables"][0];
    assert_eq!((&table["inserted"], &table["bent"], &table["held"]), (&2.into(), &2.into(), &2.into()), "{first}");
    let shown = "SELECT id, d, at, tz AT TIME ZONE 'UTC', t, day, n FROM c ORDER BY id";
    let expected = [
        "1|999.99|2024-01-01 10:00:00|2024-01-01 08:00:00.123|10:00:00.123|5874897-12-31|32767",
        "2|100.00|294276-12-31 23:59:59|4714-11-24 00:00:00 BC|24:00:00|2024-05-06|13",
    ];
    assert_eq!(server.by_psql(shown), expected);
    let listed = server.scene.ok("conflicts list");
    assert_eq!(listed.matches("clamp was chosen, but no value that").count(), 2, "{listed}");
    let again = summary(&server, "mirror a.db env:PG --json", &rules);
    let table = &again["tables"][0];
    assert_eq!((&table["unchanged"], &table["updated"], &table["bent"]), (&2.into(), &0.into(), &2.into()), "{again}");
}

#[test]
fn numbers_that_a_file_would_round() {
    let server = Server::new();
    server.scene.sql("a.db", "CREATE TABLE n (id INTEGER PRIMARY KEY, d NUMERIC, r REAL)");
    server.database.psql(
        "CREATE TABLE n (id bigint PRIMARY KEY, d numeric, r bigint);
         INSERT INTO n VALUES (1, 0.12345678901234567890, 9007199254740993), (2, 1.5, 7)",
    );
    let held = server.scene.run("copy env:PG a.db --json");
    assert_eq!((held.code, &held.last()["tables"][0]["held"]), (Some(3), &1.into()), "{}{}", held.out, held.err);
    let rules = ["--misfit", "n.d=clamp", "--misfit", "n.r=clamp"];
    let bent = summary(&server, "copy env:PG a.db --json", &rules);
    let table = &bent["tables"][0];
    assert_eq!((&table["inserted"], &table["bent"]), (&1.into(), &1.into()), "{bent}");
    let again = summary(&server, "mirror env:PG a.db --json", &rules);
    let table = &again["tables"][0];
    assert_eq!((&table["unchanged"], &table["updated"], &table["bent"]), (&2.into(), &0.into(), &1.into()), "{again}");
}
