//! Adapters between Syncline and the databases it keeps in step.
//!
//! Every engine has a folder with the same file names; [`sql`] is the one place where names and values are quoted for
//! SQL text. A store is done when it passes the conformance suite of `syncline-testkit`.

mod digests;
mod disk;
mod draft;
mod dump;
mod fetched;
mod fitted;
mod idle;
mod lens;
mod lock_file;
pub mod mysql;
mod one_writer;
pub mod postgres;
mod refused;
pub mod server;
mod sorter;
pub mod sql;
pub mod sqlite;
mod standing;
mod stored;
mod stream;
mod touched;

pub use sqlite::{Access, SqliteStore};
