//! What only SQLite can do to a store.

mod adopt;
#[cfg(unix)]
mod connect;
mod copies;
mod desk;
mod digest;
mod forms;
mod forms_keys;
mod forms_written;
mod rivals;
mod schema;
mod snapshot;
mod track;
mod twins;
mod values;
mod write;
