//! Connections by name: the configuration and the commands about it.

mod conn;
mod files;
mod init;
mod names;
mod protected;
mod secrets;
mod show;
mod validate;

use std::fs;

use crate::scene::{Said, Scene};

const TABLE: &str = "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)";

/// `hq` and `branch`, which differ in one row.
const PAIR: &str = "\
version = 1

# Headquarters.
[connections.hq]
url = \"sqlite:a.db\"

[connections.branch]
url = 'b.db'
";

impl Scene {
    /// Two databases and a configuration that names them `hq` and `branch`.
    fn with_connections() -> Self {
        let scene = Self::with_pair(&format!("{TABLE}; INSERT INTO t VALUES (1, 'a'), (2, 'b')"), TABLE);
        scene.write("syncline.toml", PAIR);
        scene
    }

    /// Writes a file, with its directory.
    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Runs a line in a directory beneath.
    fn run_in(&self, directory: &str, line: &str) -> Said {
        let mut command = self.command(&line.split(' ').collect::<Vec<_>>());
        command.current_dir(self.path(directory)).output().unwrap().into()
    }

    /// The text with the name of this directory replaced.
    fn steady(&self, text: &str) -> String {
        let real = fs::canonicalize(self.path("")).unwrap();
        text.replace(real.to_str().unwrap().trim_end_matches('/'), "DIR")
            .replace(self.path("").to_str().unwrap().trim_end_matches('/'), "DIR")
    }

    /// All that was written into the state directory, as text.
    fn state(&self) -> String {
        let mut text = String::new();
        let mut directories = vec![self.path("state")];
        while let Some(directory) = directories.pop() {
            for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
                match entry.file_type().unwrap().is_dir() {
                    true => directories.push(entry.path()),
                    false => text += &String::from_utf8_lossy(&fs::read(entry.path()).unwrap()),
                }
            }
        }
        text
    }
}

/// A command was refused with this code, and said so as every error does.
#[track_caller]
fn refused(said: &Said, exit: i32, code: &str) {
    assert_eq!(said.code, Some(exit), "{}{}", said.out, said.err);
    assert!(said.err.contains(&format!("error[{code}]: ")), "{}", said.err);
    for part in ["  why ", "  state ", "  next "] {
        assert!(said.err.contains(part), "no {part}: {}", said.err);
    }
}
