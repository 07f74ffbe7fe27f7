//! The way to a server.

mod settings;

pub use self::settings::{ConnectOptions, Host, Password, Roots, TlsMode};
