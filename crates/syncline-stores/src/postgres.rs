//! PostgreSQL: one database of a server, over the network or a socket.
//!
//! | file | what it holds |
//! |---|---|
//! | `connect` | where a server is and who asks for a database |
//! | `codec` | rows as COPY carries them |

pub mod codec;
mod connect;

pub use self::connect::{ConnectOptions, Host, Password, Roots, TlsMode};
