//! Where each side writes, or what it compares with.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

use rusqlite::Connection;

use crate::ORDERS;
use crate::world::{SCRATCH, Server, World};

/// What a side finds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    /// A database of a server without the table.
    NewTable(Server),
    /// One with the table, which is empty.
    EmptyTable(Server),
    /// No file.
    NewFile,
    /// A file with the table, which is empty, and a write-ahead log.
    WalFile,
    /// A database that is as the source is but for these changes, only read.
    Changed(Server, &'static str),
    /// As `Changed`, and made equal again.
    Repaired(Server, &'static str),
}

impl Target {
    /// The server it is on.
    pub(crate) fn server(self) -> Option<Server> {
        match self {
            Self::NewTable(server) | Self::EmptyTable(server) => Some(server),
            Self::Changed(server, _) | Self::Repaired(server, _) => Some(server),
            Self::NewFile | Self::WalFile => None,
        }
    }

    /// What its database is called there.
    pub(crate) fn database(self) -> &'static str {
        match self {
            Self::Changed(_, name) | Self::Repaired(_, name) => name,
            _ => SCRATCH,
        }
    }

    /// What its clients call it.
    pub(crate) fn name(self, world: &World) -> OsString {
        match self {
            Self::NewTable(server) | Self::EmptyTable(server) => world.url(server, SCRATCH),
            Self::NewFile | Self::WalFile => self.path(world).into(),
            Self::Changed(server, name) | Self::Repaired(server, name) => {
                world.url(server, world.changed(server, name))
            }
        }
    }

    /// Where the file is.
    pub(crate) fn path(self, world: &World) -> PathBuf {
        world.dataset.scratch("target").with_extension("db")
    }

    /// What is left to do for a side that makes no table by itself.
    pub(crate) fn definition(self) -> &'static str {
        match self {
            Self::NewTable(server) => server.table(),
            Self::NewFile => ORDERS.table,
            Self::EmptyTable(_) | Self::WalFile | Self::Changed(..) | Self::Repaired(..) => "",
        }
    }

    /// Makes it what the side is to find. What is still to be written must not slow down what is measured.
    pub(crate) fn prepare(self, world: &World) {
        self.remove(world);
        match self {
            Self::EmptyTable(server) => world.run(server, SCRATCH, server.table()),
            Self::Repaired(server, name) => world.change_again(server, name),
            Self::WalFile => {
                let conn = Connection::open(self.path(world)).unwrap();
                conn.pragma_update(None, "journal_mode", "wal").unwrap();
                conn.execute_batch(ORDERS.table).unwrap();
            }
            Self::NewTable(_) | Self::NewFile | Self::Changed(..) => {}
        }
        world.rest();
    }

    /// Leaves nothing of what was written.
    pub(crate) fn remove(self, world: &World) {
        match self {
            Self::NewTable(server) | Self::EmptyTable(server) => {
                world.run(server, SCRATCH, "DROP TABLE IF EXISTS orders")
            }
            Self::NewFile | Self::WalFile => {
                for end in ["db", "db-wal", "db-shm", "db-journal"] {
                    let _ = fs::remove_file(self.path(world).with_extension(end));
                }
            }
            Self::Changed(..) | Self::Repaired(..) => {}
        }
    }
}
