//! What only PostgreSQL can do to a store.

mod claim;
mod codec;
mod connect;
mod define;
mod describe;
mod desk;
mod disturbed;
mod filter;
mod forms_keys;
mod keys;
mod migrate;
mod read_keys;
mod reading;
mod schema;
mod sums;
mod tls;
mod track;
mod write;

use std::time::Duration;

use syncline_stores::postgres::ConnectOptions;
use syncline_stores::server::{Host, Password, TlsMode};
use syncline_testkit::postgres::{Cluster, PASSWORD, SUPERUSER};

/// The way to a server's own database by TCP, as its superuser.
pub(crate) fn options(cluster: &Cluster) -> ConnectOptions {
    ConnectOptions {
        host: Host::Name("127.0.0.1".to_owned()),
        port: cluster.port(),
        user: SUPERUSER.to_owned(),
        password: Some(Password::new(PASSWORD)),
        database: "postgres".to_owned(),
        tls: TlsMode::Prefer,
        roots: None,
        connect_timeout: Duration::from_secs(30),
        application_name: "syncline".to_owned(),
    }
}
