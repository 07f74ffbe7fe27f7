//! PostgreSQL: one database of a server, over the network or a socket.
//!
//! | file | what it holds |
//! |---|---|
//! | `connect` | the way to a server, what a session is set to, PostgreSQL's errors in our words |
//! | `describe` | version, identity, rights, what is risky about a server |
//! | `claim` | the right of one run to change the database |
//! | `codec` | rows as COPY carries them |

mod claim;
pub mod codec;
mod connect;
mod describe;

pub use self::claim::PostgresClaim;
pub use self::connect::{ConnectOptions, Connection, Host, Password, Roots, TlsMode, connect};
pub use self::describe::{describe, warnings};

/// What the engine is called.
const ENGINE: &str = "postgres";
