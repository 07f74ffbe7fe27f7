//! Sakila, a shop as PostgreSQL's own users have made it: through a file and back, and to another server, with every cell held
//! against the first by the engines' own shells.

mod cells;

use serde_json::Value;
use syncline_testkit::postgres::{Database, fresh_database};

use self::cells::{assert_as_in_file, assert_same};
use super::{Server, shared};

/// A server with Sakila as `env:PG` and an empty database as `env:BACK`; nothing where its data is not at hand.
fn sakila() -> Option<(Server, Database<'static>)> {
    let scripts = ["sakila-postgres-schema.sql", "sakila-postgres-data.sql"].map(shared);
    let [Some(schema), Some(data)] = scripts else { return None };
    let (mut server, back) = (Server::new(), fresh_database());
    server.scene = server.scene.with_variable("BACK", &back.url());
    for script in [schema, data] {
        server.database.psql(&std::fs::read_to_string(script).unwrap());
    }
    // There are tables for months of which the data has no payments.
    for month in 1..=6 {
        server.database.psql(&format!(
            "WITH gone AS (DELETE FROM ONLY payment WHERE payment_id % 60 = {month} RETURNING *)
             INSERT INTO payment_p2007_0{month} SELECT payment_id, customer_id, staff_id, rental_id, amount,
                 date '2007-0{month}-15' + payment_date::time FROM gone"
        ));
    }
    Some((server, back))
}

fn notes(said: &crate::scene::Said) -> Vec<String> {
    let notes = said.last()["notes"].clone();
    notes.as_array().unwrap().iter().map(|note| note.as_str().unwrap().to_owned()).collect()
}

/// All that a run into an empty database says it leaves behind, whichever engine that is of.
const LEFT_BEHIND: [&str; 6] = [
    "views are not carried: actor_info, customer_list, film_list, nicer_but_slower_film_list, sales_by_film_category, \
     sales_by_store, staff_list",
    "triggers are not carried: film_fulltext_trigger, last_updated (14)",
    "routines are not carried: _group_concat, film_in_stock, film_not_in_stock, get_customer_balance, group_concat, \
     inventory_held_by_customer, inventory_in_stock, last_day, rewards_report",
    "rules are not carried: payment_insert_p2007_01, payment_insert_p2007_02, payment_insert_p2007_03, \
     payment_insert_p2007_04, payment_insert_p2007_05, payment_insert_p2007_06",
    "sequences are not carried: actor_actor_id_seq, address_address_id_seq, category_category_id_seq, \
     city_city_id_seq, country_country_id_seq, customer_customer_id_seq, film_film_id_seq, inventory_inventory_id_seq, \
     language_language_id_seq, payment_payment_id_seq and 3 more",
    "inheritances are not carried: payment_p2007_01, payment_p2007_02, payment_p2007_03, payment_p2007_04, \
     payment_p2007_05, payment_p2007_06",
];

fn assert_told(said: &crate::scene::Said, further: &[&str]) {
    let notes = notes(said);
    for told in LEFT_BEHIND.iter().chain(further) {
        assert!(notes.iter().any(|note| note == told), "no {told:?} in {notes:#?}");
    }
}

fn assert_whole(said: &crate::scene::Said) {
    assert_eq!((said.code, said.last()["verified"].as_str()), (Some(0), Some("equal")), "{}{}", said.out, said.err);
    let summary = said.last();
    let tables = summary["tables"].as_array().unwrap();
    assert_eq!(tables.len(), 21, "{summary}");
    assert!(tables.iter().all(|table| table["held"] == 0 && table["error"] == Value::Null), "{summary}");
}

#[test]
fn it_goes_into_a_file_and_comes_back_as_it_was() {
    let Some((server, back)) = sakila() else { return };
    let said = server.scene.run("copy env:PG a.db --json");
    assert_whole(&said);
    assert_told(
        &said,
        &[
            "film is created without the type public.year of release_year, INTEGER here, the type public.mpaa_rating of \
             rating, TEXT here",
            "customer is created without the default of create_date",
        ],
    );
    assert_as_in_file(&server, "a.db");
    server.scene.ok("verify env:PG a.db");
    let said = server.scene.run("copy a.db env:BACK --json");
    assert_whole(&said);
    server.scene.ok("verify a.db env:BACK");
    server.scene.ok("verify env:PG env:BACK");
    server.scene.ok("diff env:PG env:BACK --exit-code");
    assert_same(&server.database, &back);
    server.scene.ok("undo --yes");
    assert_eq!(back.psql("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"), "");
}

#[test]
fn it_goes_to_another_database_as_it_is() {
    let Some((server, back)) = sakila() else { return };
    let said = server.scene.run("copy env:PG env:BACK --json");
    assert_whole(&said);
    assert_told(&said, &["film is created without the type public.year of release_year, integer here"]);
    server.scene.ok("verify env:PG env:BACK");
    assert_same(&server.database, &back);
    // Enumerations, arrays and texts that are searched are what they were.
    let types = "SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'film'::regclass
         AND attname IN ('rating', 'special_features', 'fulltext') ORDER BY attname";
    assert_eq!(back.psql(types), "tsvector\nmpaa_rating\ntext[]\n");
    // What the source declares by a type of its own is so declared where there is such a type.
    back.psql("DROP TABLE film CASCADE; CREATE DOMAIN year AS integer");
    let said = server.scene.run("copy env:PG env:BACK --tables film --json");
    assert_eq!((said.code, said.last()["verified"].as_str()), (Some(0), Some("equal")), "{}{}", said.out, said.err);
    assert!(notes(&said).iter().all(|note| !note.contains("public.year")), "{}", said.out);
    assert_eq!(back.psql("SELECT atttypid::regtype FROM pg_attribute WHERE attname = 'release_year'"), "year\n");
}

/// Its own triggers would set times anew and write texts that are searched, and its rules would put payments into other
/// tables under other numbers.
#[test]
fn edits_of_the_file_reach_it_past_its_triggers_and_rules() {
    let Some((server, _back)) = sakila() else { return };
    server.scene.ok("copy env:PG a.db");
    server.scene.sql(
        "a.db",
        "PRAGMA foreign_keys = OFF;
         UPDATE film SET title = 'OTHER', special_features = '{\"a b\",c}', rating = 'R' WHERE film_id = 7;
         UPDATE customer SET activebool = 0, create_date = '2020-02-29' WHERE customer_id = 9;
         UPDATE language SET name = 'Latin' WHERE language_id = 6;
         INSERT INTO payment SELECT 90000 + payment_id, customer_id, staff_id, rental_id, 1.5, '2007-02-20 10:00:00.5'
             FROM payment_p2007_02 LIMIT 40;
         DELETE FROM payment_p2007_03 WHERE payment_id % 7 = 0",
    );
    let said = server.scene.run("mirror a.db env:PG --max-delete 50% --json");
    assert_whole(&said);
    assert_as_in_file(&server, "a.db");
    let film = "SELECT title, special_features, rating FROM film WHERE film_id = 7";
    assert_eq!(server.by_psql(film), ["OTHER|{\"a b\",c}|R"]);
    assert_eq!(server.by_psql("SELECT count(*) FROM ONLY payment WHERE payment_id > 90000"), ["40"]);
    server.scene.ok("verify a.db env:PG");
    server.scene.ok("undo --yes");
    assert_eq!(server.by_psql("SELECT count(*) FROM payment WHERE payment_id > 90000"), ["0"]);
    assert_ne!(server.by_psql(film), ["OTHER|{\"a b\",c}|R"]);
}
