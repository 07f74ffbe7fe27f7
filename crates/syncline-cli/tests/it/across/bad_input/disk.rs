//! A server whose disk is full.

use std::os::unix::fs::{MetadataExt, chown};
use std::path::Path;
use std::process::Command;

use syncline_testkit::postgres::{Database, fresh_database};

use super::{is_told, rows, scene_with};

/// A small disk that the server keeps one database on. It goes with this.
struct SmallDisk<'a> {
    directory: tempfile::TempDir,
    name: String,
    database: Option<Database<'a>>,
}

impl SmallDisk<'_> {
    /// `None` where nothing may be mounted.
    fn mounted() -> Option<Self> {
        let outer = fresh_database();
        let cluster = outer.cluster();
        let directory = tempfile::TempDir::new_in(cluster.socket()).unwrap();
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=24m", "tmpfs"]).arg(directory.path()).status();
        if !mounted.is_ok_and(|status| status.success()) {
            println!("not allowed to mount a small disk here: not tried");
            return None;
        }
        let owner = std::fs::metadata(cluster.socket()).unwrap();
        chown(directory.path(), Some(owner.uid()), Some(owner.gid())).unwrap();
        let name = format!("{}_small", outer.name());
        let mut disk = Self { directory, name: name.clone(), database: None };
        let place = disk.directory.path().display().to_string();
        cluster.psql("postgres", &format!("CREATE TABLESPACE {name} LOCATION '{place}'"));
        disk.database = Some(cluster.database_with(&format!("TABLESPACE {name}")));
        Some(disk)
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn database(&self) -> &Database<'_> {
        self.database.as_ref().unwrap()
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        if let Some(database) = self.database.take() {
            let cluster = database.cluster();
            drop(database);
            let _ = cluster.try_psql("postgres", &format!("DROP TABLESPACE {}", self.name));
        }
        let _ = Command::new("umount").arg(self.path()).status();
    }
}

#[test]
fn a_full_disk_of_the_server_ends_the_run_and_the_next_goes_on() {
    let Some(disk) = SmallDisk::mounted() else { return };
    let database = disk.database();
    let scene = scene_with(database, &rows(40_000, &"x".repeat(500)));
    let said = scene.run("copy a.db env:PG --batch-size 1000 --json");
    assert_eq!(said.code, Some(1), "{}{}", said.out, said.err);
    let error = is_told("copy", &said, "DISK_FULL");
    assert!(error["why"].to_string().contains("No space left on device"), "{error}");
    // A new table is loaded in one transaction.
    assert_eq!(database.psql("SELECT to_regclass('t')").trim(), "");
    let resized = Command::new("mount").args(["-o", "remount,size=200m"]).arg(disk.path()).status();
    assert!(resized.unwrap().success());
    let said = scene.run("copy a.db env:PG --json");
    assert_eq!((said.code, said.last()["verified"].as_str()), (Some(0), Some("equal")), "{}{}", said.out, said.err);
}
