//! A directory of its own for each test, and the binary run inside it with nothing of the tester's environment.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::Connection;
use serde_json::Value;
use syncline::config::ConfigPlaces;
use syncline::event::EventSink;
use syncline::{Cancel, Settings};
use syncline_testkit::failures;
use tempfile::TempDir;

/// A directory with its own state directory.
pub(crate) struct Scene {
    dir: TempDir,
    variables: Vec<(String, String)>,
}

/// What a command said.
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Scene {
    /// An empty directory.
    pub(crate) fn new() -> Self {
        failures::told_at_once();
        Self { dir: TempDir::new().unwrap(), variables: Vec::new() }
    }

    /// The same with a variable in the environment of the binary.
    pub(crate) fn with_variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// What a session of the library is opened with that works here as the binary does.
    pub(crate) fn settings(&self, events: Arc<dyn EventSink>, cancel: Cancel) -> Settings {
        let variables = self.variables.clone();
        let look_up =
            move |name: &str| variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        Settings {
            state_dir: self.path("state"),
            backup_root: None,
            working_dir: self.path(""),
            environment: Box::new(look_up),
            config: ConfigPlaces::default(),
            events,
            cancel,
        }
    }

    /// The demo, in `syncline-demo`.
    pub(crate) fn with_demo() -> Self {
        let scene = Self::new();
        assert_eq!(scene.run("demo").code, Some(0));
        scene
    }

    /// Two databases made by these statements, `a.db` and `b.db`.
    pub(crate) fn with_pair(a: &str, b: &str) -> Self {
        let scene = Self::new();
        scene.sql("a.db", a);
        scene.sql("b.db", b);
        scene
    }

    /// Runs statements on a database.
    pub(crate) fn sql(&self, database: &str, statements: &str) {
        Connection::open(self.path(database)).unwrap().execute_batch(statements).unwrap();
    }

    /// One number from a database.
    pub(crate) fn number(&self, database: &str, query: &str) -> i64 {
        Connection::open(self.path(database)).unwrap().query_row(query, [], |row| row.get(0)).unwrap()
    }

    /// A path inside the directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The binary with arguments, ready to be changed further.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_syncline"));
        command.args(args).current_dir(self.dir.path()).env_clear().stdin(Stdio::null());
        command.env("SYNCLINE_STATE_DIR", self.path("state")).env("HOME", self.dir.path());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs a line of arguments that hold no spaces.
    pub(crate) fn run(&self, line: &str) -> Said {
        self.command(&line.split(' ').collect::<Vec<_>>()).output().unwrap().into()
    }

    /// Runs a line without spaces in its arguments, with rules of a mapping behind it: a flag and its text, in turn.
    pub(crate) fn run_with(&self, line: &str, rules: &[&str]) -> Said {
        let args: Vec<&str> = line.split(' ').chain(rules.iter().copied()).collect();
        self.command(&args).output().unwrap().into()
    }

    /// As [`Scene::run_with`], and it succeeds.
    pub(crate) fn ok_with(&self, line: &str, rules: &[&str]) -> String {
        let said = self.run_with(line, rules);
        assert_eq!(said.code, Some(0), "{line} {rules:?}\n{}{}", said.out, said.err);
        said.out
    }

    /// All that a query finds, one line a row, its cells as SQLite quotes them.
    pub(crate) fn rows(&self, database: &str, query: &str) -> Vec<String> {
        let conn = Connection::open(self.path(database)).unwrap();
        let mut statement = conn.prepare(query).unwrap();
        let width = statement.column_count();
        let line = |row: &rusqlite::Row<'_>| {
            let cells = (0..width).map(|at| Ok(cell(row.get_ref(at)?)));
            Ok(cells.collect::<rusqlite::Result<Vec<_>>>()?.join("|"))
        };
        statement.query_map([], line).unwrap().collect::<rusqlite::Result<_>>().unwrap()
    }

    /// Runs a line that succeeds.
    pub(crate) fn ok(&self, line: &str) -> String {
        let said = self.run(line);
        assert_eq!(said.code, Some(0), "{line}\n{}{}", said.out, said.err);
        said.out
    }

    /// Runs a line that succeeds and prints one JSON document.
    pub(crate) fn json(&self, line: &str) -> Value {
        serde_json::from_str(&self.ok(line)).unwrap()
    }
}

fn cell(value: rusqlite::types::ValueRef<'_>) -> String {
    use rusqlite::types::ValueRef;
    match value {
        ValueRef::Null => "NULL".to_owned(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => format!("{number:?}"),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
        ValueRef::Blob(bytes) => format!("{bytes:?}"),
    }
}

impl Said {
    /// The last line of standard output, as JSON.
    pub(crate) fn last(&self) -> Value {
        serde_json::from_str(self.out.lines().last().expect("there is output")).unwrap()
    }
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Tells other threads to stop when it goes out of scope, also because the test has failed: a scope waits for its threads,
/// and a failure must not wait for ever.
pub(crate) struct StopOnDrop<'a>(pub(crate) &'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// The text with times and identifiers of runs replaced, so that it is the same every time.
pub(crate) fn steady(text: &str) -> String {
    let mut steady = Vec::new();
    for line in text.lines() {
        let words = line.split(' ').collect::<Vec<_>>();
        let mut shown: Vec<String> = Vec::new();
        for (at, word) in words.iter().enumerate() {
            let is_time = words.get(at + 1).is_some_and(|unit| matches!(unit.trim_end_matches('.'), "s" | "ms"));
            shown.push(match word {
                _ if word.starts_with("r_") => "r_RUN".to_owned(),
                _ if is_time && word.parse::<f64>().is_ok() => "TIME".to_owned(),
                &"ms" | &"s" => "s".to_owned(),
                &"ms." => "s.".to_owned(),
                word => (*word).to_owned(),
            });
        }
        steady.push(shown.join(" "));
    }
    steady.join("\n") + "\n"
}

/// The keys of an object, in the order they were written.
pub(crate) fn keys(line: &str) -> Vec<String> {
    // serde_json sorts; the contract's order is looked for in the text.
    let object: serde_json::Map<String, Value> = serde_json::from_str(line).unwrap();
    let mut keys: Vec<String> = object.keys().cloned().collect();
    keys.sort_by_key(|key| line.find(&format!("\"{key}\":")));
    keys
}
