//! PostgreSQL: one database of a server, over the network or a socket.
//!
//! | file | what it holds |
//! |---|---|
//! | `connect` | the way to a server, what a session is set to, PostgreSQL's errors in our words |
//! | `codec` | rows as COPY carries them |

pub mod codec;
mod connect;

pub use self::connect::{ConnectOptions, Connection, Host, Password, Roots, TlsMode, connect};
