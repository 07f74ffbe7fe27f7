//! The stores against real databases.

mod sqlite;
