//! The type traps between the engines: the tables in `type_traps/from_…` say what comes of every value; the book's pages show
//! the same tables, and a test holds the two together.
//!
//! All traps of a pairing are tables of one database, and each command goes over all of them once. What a database holds is
//! said by `psql`, by `mariadb`, or by a driver that has no part in carrying it.

mod base;
mod from_mariadb;
mod from_postgres;
mod from_sqlite;
mod page;
mod table_traps;
mod tables;
mod tables_of_mariadb;
mod trap;
mod world;

use self::base::Base;
use self::from_mariadb::FROM_MARIADB;
use self::from_postgres::{FROM_POSTGRES, TYPES};
use self::from_sqlite::FROM_SQLITE;
use self::trap::{Comes, Into, Told, Trap};
use self::world::World;

/// What each value of a trap is to show, and the rows that are to be held.
fn there(told: &Told) -> Vec<Option<String>> {
    told.values.iter().map(|(_, comes)| comes.there().map(str::to_owned)).collect()
}

/// The traps of an engine, as a target is to deal with them.
fn told(traps: &'static [&'static [Trap]], into: Into) -> Vec<Told> {
    traps.iter().copied().flatten().map(|trap| trap.told(into)).collect()
}

/// From one engine to another, and home again.
fn there_and_back(traps: Vec<Told>, source: Base, target: Base, (home, defined): (Base, bool)) {
    let mut world = World::new(traps, TYPES, source, target);
    world.all_ends_as_told(&there);
    world.comes_back(&home, defined);
    world.done();
}

/// Within one engine nothing is seen in another's form: every value arrives as it is.
fn over(traps: &'static [&'static [Trap]], source: Base, target: Base) {
    let traps = traps.iter().copied().flatten().map(Trap::told_at_home).collect();
    let mut world = World::new(traps, TYPES, source, target);
    let shown = world.source_shows();
    world.all_ends_as_told(&|told| {
        let value = |((_, comes), cell): (&(_, Comes), &Option<String>)| comes.there().and(cell.clone());
        told.values.iter().zip(&shown[told.trap.name]).map(value).collect()
    });
    world.done();
}

#[test]
fn from_sqlite_to_postgres_and_back() {
    let home = (Base::File("c.db"), false);
    there_and_back(told(FROM_SQLITE, Into::First), Base::File("a.db"), Base::postgres("PG"), home);
}

#[test]
fn from_sqlite_to_mariadb_and_back() {
    let home = (Base::File("c.db"), false);
    there_and_back(told(FROM_SQLITE, Into::Second), Base::File("a.db"), Base::mariadb("MY"), home);
}

#[test]
fn from_postgres_to_sqlite_and_back() {
    let home = (Base::postgres("PG2"), true);
    there_and_back(told(FROM_POSTGRES, Into::First), Base::postgres("PG"), Base::File("b.db"), home);
}

#[test]
fn from_postgres_to_mariadb_and_back() {
    let home = (Base::postgres("PG2"), true);
    there_and_back(told(FROM_POSTGRES, Into::Second), Base::postgres("PG"), Base::mariadb("MY"), home);
}

#[test]
fn from_postgres_to_postgres() {
    over(FROM_POSTGRES, Base::postgres("PG"), Base::postgres("PG2"));
}

#[test]
fn from_mariadb_to_sqlite_and_back() {
    let home = (Base::mariadb("MY2"), true);
    there_and_back(told(FROM_MARIADB, Into::First), Base::mariadb("MY"), Base::File("b.db"), home);
}

#[test]
fn from_mariadb_to_postgres_and_back() {
    let home = (Base::mariadb("MY2"), true);
    there_and_back(told(FROM_MARIADB, Into::Second), Base::mariadb("MY"), Base::postgres("PG"), home);
}

#[test]
fn from_mariadb_to_mariadb() {
    over(FROM_MARIADB, Base::mariadb("MY"), Base::mariadb("MY2"));
}
