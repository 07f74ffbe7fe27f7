//! The stores against real databases.

mod conformance;
mod sqlite;
