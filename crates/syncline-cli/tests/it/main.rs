//! The `syncline` binary from outside: one module a command, and two for what all commands share.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests say what they expect by unwrapping, and what they measured"
)]

mod acceptance;
#[cfg(unix)]
mod across;
mod backup;
mod bad_input;
mod cancel;
mod carried;
mod completions;
mod concurrency;
mod config;
mod conflicts;
mod copies;
mod copy;
mod counters;
mod demo;
mod diff;
mod disk;
mod doctor;
mod explain;
mod follow;
mod four_parts;
mod identity;
mod jobs;
mod locks;
mod man;
mod mapping;
mod memory;
mod mirror;
mod plan;
mod prove;
mod rate;
mod refresh;
mod restore;
mod runs;
mod scene;
mod schema;
mod streams;
mod sync_log;
mod track;
mod type_traps;
mod undo;
mod usage;
mod verify;
