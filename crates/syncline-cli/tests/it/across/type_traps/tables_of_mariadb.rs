//! Traps of MariaDB that are no single values.

mod definitions;
mod keys;

use super::tables::TableTrap;

/// Those of keys, and those of all else, in the order of the page.
pub(super) const TABLES_OF_MARIADB: &[&[TableTrap]] = &[keys::KEYS, definitions::DEFINITIONS];
