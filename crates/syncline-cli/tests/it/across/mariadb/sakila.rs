//! Sakila, a shop as MySQL's own users have made it: through the other engines and back, every cell held against the first
//! by the engine's own client.

use serde_json::Value;
use syncline_testkit::mariadb::{Database, fresh_database};
use syncline_testkit::postgres;

use super::{Maria, lines};
use crate::across::shared;
use crate::scene::Said;

/// A server with Sakila as `env:MY`, an empty database of PostgreSQL as `env:PG`, and an empty one as `env:BACK`; nothing
/// where its data is not at hand.
fn sakila() -> Option<(Maria, postgres::Database<'static>, Database<'static>)> {
    let scripts = ["sakila-mysql-schema.sql", "sakila-mysql-data.sql"].map(shared);
    let [Some(schema), Some(data)] = scripts else { return None };
    let (maria, between, back) = (Maria::new(), postgres::fresh_database(), fresh_database());
    let scene = maria.scene.with_variable("PG", &between.url()).with_variable("BACK", &back.url());
    let maria = Maria { scene, ..maria };
    for script in [schema, data] {
        // They make a database of their own name.
        let script = std::fs::read_to_string(script).unwrap();
        let script = script.replace("sakila.", "");
        let own = |line: &&str| !["DROP SCHEMA", "CREATE SCHEMA", "USE "].iter().any(|word| line.starts_with(word));
        maria.database.mariadb(&script.lines().filter(own).collect::<Vec<_>>().join("\n"));
    }
    Some((maria, between, back))
}

/// Every cell of every table, bytes as hexadecimal digits.
fn assert_same(maria: &Maria, back: &Database<'_>) {
    let tables = "SELECT TABLE_NAME FROM information_schema.TABLES
         WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE = 'BASE TABLE' ORDER BY 1";
    let tables = maria.rows(tables);
    assert_eq!(tables.len(), 16);
    for table in tables {
        let cells = maria.rows(&format!(
            "SELECT COLUMN_NAME FROM information_schema.COLUMNS
             WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = '{table}' ORDER BY ORDINAL_POSITION"
        ));
        let cells: Vec<_> = cells.iter().map(|name| format!("hex(CAST(`{name}` AS char))")).collect();
        let key = if table.starts_with("film_") && table != "film_text" { "1, 2" } else { "1" };
        let query = format!("SELECT {} FROM `{table}` ORDER BY {key}", cells.join(", "));
        assert_eq!(lines(back, &query), maria.rows(&query), "{table}");
    }
}

fn assert_whole(said: &Said) {
    assert_eq!((said.code, said.last()["verified"].as_str()), (Some(0), Some("equal")), "{}{}", said.out, said.err);
    let summary = said.last();
    let tables = summary["tables"].as_array().unwrap();
    assert_eq!(tables.len(), 16, "{summary}");
    assert!(tables.iter().all(|table| table["held"] == 0 && table["error"] == Value::Null), "{summary}");
}

/// What is not carried is named.
fn assert_told(said: &Said, told: &[&str]) {
    let notes = said.last()["notes"].clone();
    for told in told {
        assert!(notes.as_array().unwrap().iter().any(|note| note == told), "no {told:?} in {notes:#}");
    }
}

const LEFT_BEHIND: [&str; 3] = [
    "views are not carried: actor_info, customer_list, film_list, nicer_but_slower_film_list, sales_by_film_category, \
     sales_by_store, staff_list",
    "triggers are not carried: customer_create_date, del_film, ins_film, payment_date, rental_date, upd_film",
    "routines are not carried: film_in_stock, film_not_in_stock, get_customer_balance, inventory_held_by_customer, \
     inventory_in_stock, rewards_report",
];

#[test]
fn it_goes_through_both_other_engines_and_comes_back_as_it_was() {
    let Some((maria, _between, back)) = sakila() else { return };
    let said = maria.scene.run("copy env:MY env:PG --json");
    assert_whole(&said);
    assert_told(&said, &LEFT_BEHIND);
    assert_whole(&maria.scene.run("copy env:PG a.db --json"));
    assert_whole(&maria.scene.run("copy a.db env:BACK --json"));
    for pair in ["env:MY env:PG", "env:MY a.db", "env:MY env:BACK"] {
        maria.scene.ok(&format!("verify {pair}"));
        maria.scene.ok(&format!("diff {pair} --exit-code"));
    }
    assert_same(&maria, &back);
    maria.scene.ok("undo --yes");
    assert_eq!(lines(&back, "SHOW TABLES"), Vec::<String>::new());
}

#[test]
fn it_goes_to_another_database_as_it_is() {
    let Some((maria, _between, back)) = sakila() else { return };
    let said = maria.scene.run("copy env:MY env:BACK --json");
    assert_whole(&said);
    assert_told(&said, &LEFT_BEHIND);
    maria.scene.ok("verify env:MY env:BACK");
    assert_same(&maria, &back);
    let definition = |database: &Database<'_>| {
        let printed = lines(database, "SHOW CREATE TABLE film").remove(0);
        // Where counting stands follows from the rows.
        printed.split(" AUTO_INCREMENT=").next().unwrap().to_owned()
    };
    assert_eq!(definition(&back), definition(&maria.database));
}
