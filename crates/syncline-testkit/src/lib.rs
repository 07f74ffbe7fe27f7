//! What Syncline's tests are made of: the conformance suites that every store passes, the data they use, and harnesses
//! that run the real program.
//!
//! | module | holds |
//! |---|---|
//! | [`conformance`] | the promises of the store ports, each a check of its own, and [`conformance::check_store`] |
//! | [`sqlite`] | the [`conformance::Lab`] for SQLite: a database file and another program's connection to it |
//! | [`clock`] | time that passes only where somebody waits |
//! | [`failures`] | what failed, told as it fails |
//! | [`fixtures`] | deterministic rows with awkward values |
//! | [`deterministic`] | the small generator they come from |
//! | [`postgres`] | private PostgreSQL servers, a database of its own for each test, and the [`conformance::Lab`] for it |
//! | [`mariadb`] | private MariaDB servers, or a MySQL server that is there, and a database of its own for each test |
//! | [`prove`] | how many rounds a proof runs, here or in `cargo xtask prove` |
//! | [`slow_link`] | a port that leads to another one, slowly, and counts |
//! | [`process`] | a program started with bounds, kept or killed |
//!
//! The crate depends on the core alone, never on a store: an engine brings its store to the suite.

#![allow(clippy::unwrap_used, reason = "this crate is only ever linked into tests, which say what they expect")]

pub mod clock;
pub mod conformance;
pub mod deterministic;
pub mod failures;
pub mod fixtures;
pub mod mariadb;
pub mod postgres;
pub mod process;
pub mod prove;
pub(crate) mod server;
pub mod slow_link;
pub mod sqlite;
