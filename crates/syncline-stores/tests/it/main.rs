//! The stores against real databases.

#![allow(clippy::unwrap_used, reason = "tests say what they expect by unwrapping")]

mod conformance;
mod mysql;
mod postgres;
mod sqlite;
