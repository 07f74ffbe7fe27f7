//! The Debian packages that the tests stand on, and their installation where they are missing.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail, ensure};

use crate::cargo;

/// One Debian package that the tests need.
struct Package {
    name: &'static str,
    /// A program it brings: a name to look up on the path, or an absolute file, where `*` is any one folder.
    program: &'static str,
    why: &'static str,
}

/// Everything beyond Rust, gcc and git; nothing else in the workspace installs packages.
const PACKAGES: &[Package] = &[
    Package { name: "sqlite3", program: "sqlite3", why: "independent checks of what Syncline wrote" },
    // Debian's name for the version it supports, with its client. The programs are not on the path; the `psql` that is
    // chooses among versions and clusters, which is not for tests.
    Package {
        name: "postgresql",
        program: "/usr/lib/postgresql/*/bin/postgres",
        why: "private servers that the tests start and stop",
    },
    // With its client. The server's program is not on everybody's path.
    Package {
        name: "mariadb-server",
        program: "/usr/sbin/mariadbd",
        why: "private servers that the tests start and stop",
    },
    Package {
        name: "python3-psycopg2",
        program: "/usr/lib/python3/dist-packages/psycopg2/__init__.py",
        why: "an application of PostgreSQL in another language",
    },
    Package {
        name: "python3-pymysql",
        program: "/usr/lib/python3/dist-packages/pymysql/__init__.py",
        why: "an application of MariaDB in another language",
    },
];

/// Installs the packages whose programs are missing, as root or through `sudo`.
pub(super) fn install_missing() -> Result<()> {
    let missing: Vec<&Package> = PACKAGES.iter().filter(|p| !present(p.program)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    for package in &missing {
        println!("installing {}: {}", package.name, package.why);
    }
    let names: Vec<&str> = missing.iter().map(|package| package.name).collect();
    let Some(prefix) = root_prefix() else {
        bail!("missing Debian packages: {0}; install them as root with `apt-get install {0}`", names.join(" "));
    };
    // A fresh image has no package lists; a stale list is worth one refresh too.
    for args in [&["update"], &install_args(&names)[..]] {
        ensure!(
            cargo::status(&mut apt_get(prefix, args))? == 0,
            "`apt-get {}` failed; these Debian packages are needed: {}",
            args[0],
            names.join(" ")
        );
    }
    Ok(())
}

/// Returns where `program` is found on the path.
pub(super) fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

fn present(program: &str) -> bool {
    if Path::new(program).is_absolute() { is_file(program) } else { on_path(program).is_some() }
}

/// Whether there is a file of this name, whatever folder stands for a `*` in it.
fn is_file(name: &str) -> bool {
    let Some((above, below)) = name.split_once("/*/") else { return Path::new(name).is_file() };
    let Ok(folders) = Path::new(above).read_dir() else { return false };
    folders.flatten().any(|folder| folder.path().join(below).is_file())
}

/// Returns what to put before a command that needs root, or nothing if there is no way.
fn root_prefix() -> Option<&'static [&'static str]> {
    let user = Command::new("id").arg("-u").output().ok()?;
    if user.stdout.trim_ascii() == b"0" {
        Some(&[])
    } else if on_path("sudo").is_some() {
        Some(&["sudo"])
    } else {
        None
    }
}

fn install_args<'a>(names: &[&'a str]) -> Vec<&'a str> {
    [&["install", "-y", "--no-install-recommends"], names].concat()
}

fn apt_get(prefix: &[&str], args: &[&str]) -> Command {
    // `env` rather than the environment of this process: sudo would drop the variable.
    let words = [prefix, &["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"], args].concat();
    let mut command = Command::new(words[0]);
    command.args(&words[1..]);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_by_name_or_by_file() {
        assert!(present("sh"));
        assert!(present("/bin/sh"));
        assert!(!present("no-such-program-anywhere"));
        assert!(!present("/no/such/file"));
        assert!(present("/usr/*/sh"));
        assert!(!present("/usr/*/no-such-program") && !present("/no/*/sh"));
    }

    #[test]
    fn the_servers_of_the_tests_are_installed_with_the_rest() {
        let names: Vec<_> = PACKAGES.iter().map(|package| package.name).collect();
        assert_eq!(
            install_args(&names)[3..],
            ["sqlite3", "postgresql", "mariadb-server", "python3-psycopg2", "python3-pymysql"]
        );
        let server = PACKAGES.iter().find(|package| package.name == "mariadb-server").expect("it is in the table");
        assert_eq!(server.program, "/usr/sbin/mariadbd", "where the tests look for it");
    }

    #[test]
    fn apt_get_runs_as_root_or_through_sudo() {
        let line = |prefix: &[&str]| {
            let command = apt_get(prefix, &install_args(&["sqlite3"]));
            let mut words = vec![command.get_program().to_string_lossy().into_owned()];
            words.extend(command.get_args().map(|a| a.to_string_lossy().into_owned()));
            words.join(" ")
        };
        let install = "env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends sqlite3";
        assert_eq!(line(&[]), install);
        assert_eq!(line(&["sudo"]), format!("sudo {install}"));
    }
}
