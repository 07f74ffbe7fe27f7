//! What changes a database.

pub mod define;
