//! Where each side writes, or what it compares with.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

use rusqlite::Connection;

use crate::ORDERS;
use crate::world::{self, SCRATCH, World};

/// What a side finds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    /// A database of the server without the table.
    NewTable,
    /// One with the table, which is empty.
    EmptyTable,
    /// No file.
    NewFile,
    /// A file with the table, which is empty, and a write-ahead log.
    WalFile,
    /// A database that is as the source is but for these changes, only read.
    Changed(&'static str),
}

impl Target {
    /// Whether it is on the server.
    pub(crate) fn is_served(self) -> bool {
        matches!(self, Self::NewTable | Self::EmptyTable | Self::Changed(_))
    }

    /// What its clients call it.
    pub(crate) fn name(self, world: &World) -> OsString {
        match self {
            Self::NewTable | Self::EmptyTable => world.url(SCRATCH),
            Self::NewFile | Self::WalFile => self.path(world).into(),
            Self::Changed(name) => world.url(world.changed(name)),
        }
    }

    /// Where the file is.
    pub(crate) fn path(self, world: &World) -> PathBuf {
        world.dataset.scratch("target").with_extension("db")
    }

    /// What is left to do for a side that makes no table by itself.
    pub(crate) fn definition(self) -> &'static str {
        match self {
            Self::NewTable => world::TABLE,
            Self::NewFile => ORDERS.table,
            Self::EmptyTable | Self::WalFile | Self::Changed(_) => "",
        }
    }

    /// Makes it what the side is to find. What is still to be written must not slow down what is measured.
    pub(crate) fn prepare(self, world: &World) {
        self.remove(world);
        match self {
            Self::EmptyTable => drop(world.cluster.psql(SCRATCH, world::TABLE)),
            Self::WalFile => {
                let conn = Connection::open(self.path(world)).unwrap();
                conn.pragma_update(None, "journal_mode", "wal").unwrap();
                conn.execute_batch(ORDERS.table).unwrap();
            }
            Self::NewTable | Self::NewFile | Self::Changed(_) => {}
        }
        world.cluster.psql("postgres", "CHECKPOINT");
    }

    /// Leaves nothing of what was written.
    pub(crate) fn remove(self, world: &World) {
        match self {
            Self::NewTable | Self::EmptyTable => drop(world.cluster.psql(SCRATCH, "DROP TABLE IF EXISTS orders")),
            Self::NewFile | Self::WalFile => {
                for end in ["db", "db-wal", "db-shm", "db-journal"] {
                    let _ = fs::remove_file(self.path(world).with_extension(end));
                }
            }
            Self::Changed(_) => {}
        }
    }
}
