//! MySQL and MariaDB: one database of a server, over the network or a socket.
//!
//! | file | what it holds |
//! |---|---|
//! | `connect` | the way to a server, what a session is set to, the servers' errors in our words |
//! | `describe` | version, identity, whether it can be written |
//! | `claim` | the right of one run to change the database |
//! | `schema` | what the tables look like |
//! | `definition` | the statement of a table as a server prints it, taken apart |
//! | `types` | what kind each type is, how its cells travel, and how a kind is declared |
//! | `codec` | cells as the protocol brings them, and as files for `LOAD DATA` |
//!
//! There is no `names`: a database is one space of names, and every table is called by its own.

mod claim;
pub mod codec;
mod connect;
mod definition;
mod describe;
mod digest;
mod filter;
pub mod schema;
pub mod snapshot;
pub mod types;
pub mod write;

pub use self::claim::MysqlClaim;
pub use self::connect::{ConnectOptions, Connection, Product, Version, connect};
pub use self::describe::describe;

/// What the engine is called, whoever makes the server.
const ENGINE: &str = "mysql";
