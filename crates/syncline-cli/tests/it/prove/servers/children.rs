//! A table of the target that is no mirror's, and whose rows reference rows that are: a parent that went only to come again
//! would take them along.

use syncline_testkit::postgres::Database;

use super::soundness::has;

/// It is made where there are parents.
pub(crate) const DEFINITION: &str =
    "CREATE TABLE remarks (customer bigint PRIMARY KEY REFERENCES customers (id) ON DELETE CASCADE);";

/// How many are not where they were put, or stand where none was put.
pub(crate) const LOST: &str =
    "SELECT count(*) FROM (SELECT id FROM before.customers JOIN after.customers USING (id)) AS stays
     FULL JOIN public.remarks ON customer = id WHERE id IS NULL OR customer IS NULL;\n";

/// Gives one to each parent that was there and is to be there, and says whether there is a table for them.
pub(crate) fn add(database: &Database<'_>) -> bool {
    let is_there = has(database, "remarks");
    if is_there {
        database.psql("INSERT INTO public.remarks SELECT id FROM before.customers JOIN after.customers USING (id)");
    }
    is_there
}

/// Deletes them, and says how many there were.
///
/// # Panics
/// When one is gone by itself.
pub(crate) fn take_back(database: &Database<'_>) -> u64 {
    assert_eq!(database.psql(LOST).trim(), "0", "rows are gone with what they referenced");
    let gone = "WITH gone AS (DELETE FROM public.remarks RETURNING 1) SELECT count(*) FROM gone";
    database.psql(gone).trim().parse().unwrap()
}
