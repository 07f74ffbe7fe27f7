//! A table of the target that is no mirror's, and whose rows reference rows that are: a parent that went only to come again
//! would take them along.

use super::engine::Database;

/// It is made where there are parents.
pub(crate) const DEFINITION: &str =
    "CREATE TABLE remarks (customer bigint PRIMARY KEY REFERENCES customers (id) ON DELETE CASCADE);";

/// How many are not where they were put, or stand where none was put.
pub(crate) const LOST: &str = "SELECT (SELECT count(*) FROM was.customers JOIN will.customers AS stays USING (id)
             WHERE id NOT IN (SELECT customer FROM remarks))
         + (SELECT count(*) FROM remarks WHERE customer NOT IN
             (SELECT id FROM was.customers JOIN will.customers AS stays USING (id)));\n";

/// Gives one to each parent that was there and is to be there, and says whether there is a table for them.
pub(crate) fn add(database: &Database<'_>) -> bool {
    let is_there = database.has("remarks");
    if is_there {
        database.run("INSERT INTO remarks SELECT id FROM was.customers JOIN will.customers AS stays USING (id)");
    }
    is_there
}

/// Deletes them, and says how many there were.
///
/// # Panics
/// When one is gone by itself.
pub(crate) fn take_back(database: &Database<'_>) -> u64 {
    assert_eq!(database.run(LOST).trim(), "0", "rows are gone with what they referenced");
    database.run("SELECT count(*) FROM remarks; DELETE FROM remarks").trim().parse().unwrap()
}
