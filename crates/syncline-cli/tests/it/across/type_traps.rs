//! The type traps between the engines: tables in `type_traps/from_sqlite.rs` and `type_traps/from_postgres.rs` say what
//! comes of every value; the book's page shows the same tables, and a test holds the two together.
//!
//! All traps of a pairing are tables of one database, and each command goes over all of them once. What a database holds is
//! said by `psql`, or by a driver that has no part in carrying it.

mod base;
mod from_postgres;
mod from_sqlite;
mod page;
mod table_traps;
mod tables;
mod trap;
mod world;

use self::base::Base;
use self::from_postgres::{FROM_POSTGRES, TYPES};
use self::from_sqlite::FROM_SQLITE;
use self::trap::{Comes, Trap};
use self::world::World;

/// What each value of a trap is to show, and the rows that are to be held.
fn there(trap: &Trap) -> Vec<Option<String>> {
    trap.values.iter().map(|(_, comes)| comes.there().map(str::to_owned)).collect()
}

#[test]
fn from_sqlite_to_postgres_and_back() {
    let mut world = World::new(FROM_SQLITE, TYPES, Base::File("a.db"), Base::server("PG"));
    world.all_ends_as_told(&there);
    world.comes_back(&Base::File("c.db"), false);
    world.done();
}

#[test]
fn from_postgres_to_sqlite_and_back() {
    let mut world = World::new(FROM_POSTGRES, TYPES, Base::server("PG"), Base::File("b.db"));
    world.all_ends_as_told(&there);
    world.comes_back(&Base::server("PG2"), true);
    world.done();
}

/// Within one engine nothing is seen in another's form: every value arrives as it is.
#[test]
fn from_postgres_to_postgres() {
    let mut world = World::new(FROM_POSTGRES, TYPES, Base::server("PG"), Base::server("PG2"));
    let shown = world.source_shows();
    world.all_ends_as_told(&|trap| shown[trap.name].clone());
    world.done();
}
