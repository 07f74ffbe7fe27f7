//! What people and programs see: text that harms no terminal, JSON that loses nothing.

pub(crate) mod age;
pub(crate) mod cell;
pub(crate) mod conflict;
pub(crate) mod csv;
pub(crate) mod diff;
pub(crate) mod error;
pub(crate) mod json;
pub(crate) mod labels;
pub(crate) mod plan;
pub(crate) mod script;
pub(crate) mod spool;
pub(crate) mod summary;
pub(crate) mod table;
pub(crate) mod text;
