//! Where MariaDB's programs are.

use std::path::{Path, PathBuf};

use crate::server::Programs;

/// The variable that names a directory of other programs.
const VARIABLE: &str = "MARIADB_TEST_BIN";

/// Where Debian has them: clients and scripts in the one, the server in the other.
const DEBIAN: [&str; 2] = ["/usr/bin", "/usr/sbin"];

/// Users that the server may run as where we are root, which it refuses to be.
const USERS: [&str; 2] = ["mysql", "nobody"];

/// The client, which serves for any server.
pub(super) const CLIENT: &str = "mariadb";

/// The server's program.
pub(super) const SERVER: &str = "mariadbd";

/// What makes a data directory.
pub(super) const INSTALL: &str = "mariadb-install-db";

/// Those of `MARIADB_TEST_BIN`, else Debian's.
pub(super) fn find() -> Programs {
    found(&[CLIENT, SERVER, INSTALL])
}

/// The same, of which only the client is needed.
pub(super) fn find_client() -> Programs {
    found(&[CLIENT])
}

fn found(needed: &[&str]) -> Programs {
    let chosen = std::env::var_os(VARIABLE).map(|folder| around(Path::new(&folder)));
    let folders = chosen.unwrap_or_else(|| {
        let is_there = |program: &&str| DEBIAN.iter().any(|folder| Path::new(folder).join(program).is_file());
        assert!(
            needed.iter().all(is_there),
            "MariaDB's server is not installed: `cargo xtask test` does it, or set {VARIABLE}"
        );
        DEBIAN.map(PathBuf::from).to_vec()
    });
    Programs::new(folders, needed, &USERS)
}

/// The folder and those beside it into which distributions put a part of the programs.
fn around(folder: &Path) -> Vec<PathBuf> {
    let beside = ["bin", "sbin", "scripts"].map(|name| folder.parent().unwrap_or(folder).join(name));
    [vec![folder.to_owned()], beside.to_vec()].concat()
}
