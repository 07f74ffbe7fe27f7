//! SQLite: the conformance suite, and what only SQLite can do to a store.

mod conformance;
mod connect;
mod desk;
mod digest;
mod schema;
mod snapshot;
mod values;
mod write;
