//! Where PostgreSQL's programs are.

use std::fs;
use std::path::PathBuf;

use crate::server::Programs;

/// Where Debian has one directory for each version.
const DEBIAN: &str = "/usr/lib/postgresql";

/// Users that the server may run as where we are root, which it refuses to be.
const USERS: [&str; 2] = ["postgres", "nobody"];

/// Those of `PG_TEST_BIN`, else the newest that Debian's packages have brought.
pub(super) fn find() -> Programs {
    let folder = std::env::var_os("PG_TEST_BIN").map(PathBuf::from).or_else(newest);
    let folder = folder.unwrap_or_else(|| {
        panic!("PostgreSQL's server is not installed below {DEBIAN}: `cargo xtask test` does it, or set PG_TEST_BIN")
    });
    Programs::new(vec![folder], &["initdb", "postgres", "psql"], &USERS)
}

fn newest() -> Option<PathBuf> {
    let version = |folder: &PathBuf| folder.file_name()?.to_str()?.parse::<u32>().ok();
    let folders = fs::read_dir(DEBIAN).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    let complete = folders.filter(|folder| version(folder).is_some() && folder.join("bin/postgres").is_file());
    Some(complete.max_by_key(version)?.join("bin"))
}
