//! What only MySQL and MariaDB can do to a store.

mod cells;
mod connect;
mod copies;
mod desk;
mod disturbed;
mod examine;
mod filter;
mod hostile;
mod keys;
mod reading;
mod schema;
mod tls;
mod track;
mod translate;
mod widen;
mod write;

use std::time::Duration;

use syncline_stores::mysql::ConnectOptions;
use syncline_stores::server::{Host, Password, TlsMode};
use syncline_testkit::mariadb::Server;

/// The way to a server by TCP, as its superuser, and to no database that anybody needs.
pub(crate) fn options(server: &Server) -> ConnectOptions {
    let (user, password) = server.superuser();
    ConnectOptions {
        host: Host::Name(server.host().to_owned()),
        port: server.port(),
        user: user.to_owned(),
        password: Some(Password::new(password)),
        database: "mysql".to_owned(),
        tls: TlsMode::Prefer,
        roots: None,
        connect_timeout: Duration::from_secs(30),
        program_name: "syncline".to_owned(),
    }
}
