//! What a database says about itself.

use rusqlite::Connection;
use syncline_core::store::Description;

use super::ENGINE;
use super::connect::failure::Attempt;
use super::connect::identity::FileIdentity;
use super::connect::{Place, disk};

/// The description of the database behind `conn`.
pub(super) fn describe(conn: &Connection, place: &Place) -> Attempt<Description> {
    Ok(Description {
        engine: ENGINE,
        version: rusqlite::version().to_owned(),
        identity: place.identity().map(FileIdentity::name).unwrap_or_default(),
        former_identity: place.identity().and_then(FileIdentity::former_name),
        writable: place.may_write() && !conn.is_readonly("main")?,
        free_bytes: disk::free_bytes(place.path()),
    })
}
