//! The parts of the benchmark: what Syncline does, beside which loop, within which bound.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rusqlite::Connection;

use crate::measure::{self, Used};
use crate::orders::Dataset;
use crate::report::{self, Line};
use crate::sides::{self, Side};
use crate::{ORDERS, bare};

/// What every part may take of memory, in MB.
const PEAK_MB: f64 = 40.0;

/// One part.
pub(crate) struct Part {
    pub(crate) name: &'static str,
    bound: Option<f64>,
    verb: &'static str,
    flags: &'static [&'static str],
    target: Target,
    bare: &'static str,
}

/// What both sides find where they write, or compare with.
#[derive(Clone, Copy)]
enum Target {
    /// Nothing.
    Missing,
    /// A database with the table, which is empty.
    Empty,
    /// A file of the dataset, only read.
    Kept(&'static str),
    /// A fresh copy of a file of the dataset; the loop beside it only reads the original.
    Copy(&'static str),
}

const COPY: Part = Part {
    name: "",
    bound: None,
    verb: "copy",
    flags: &["--no-verify"],
    target: Target::Missing,
    bare: "insert-select",
};
const DIFF: Part =
    Part { name: "", bound: Some(1.3), verb: "diff", flags: &[], target: Target::Kept("equal"), bare: "hash" };
const MIRROR: Part = Part {
    name: "",
    bound: Some(1.6),
    verb: "mirror",
    flags: &["--no-verify"],
    target: Target::Copy("equal"),
    bare: "hash",
};

/// All parts, in the order they are measured.
pub(crate) const ALL: &[Part] = &[
    Part { name: "copy-new", bound: Some(1.3), ..COPY },
    Part { name: "copy-new-verified", bound: Some(1.8), flags: &[], ..COPY },
    Part { name: "rows-existing", bound: Some(1.0), target: Target::Empty, bare: "bind", ..COPY },
    Part {
        name: "rows-new",
        bound: Some(0.85),
        bare: "bind",
        flags: &["--no-verify", "--rename", "orders.note=remark"],
        ..COPY
    },
    Part { name: "rows-existing-verified", target: Target::Empty, bare: "bind", flags: &[], ..COPY },
    Part { name: "diff-0", ..DIFF },
    Part { name: "diff-1000-spread", target: Target::Kept("spread"), ..DIFF },
    Part { name: "diff-1000-clustered", target: Target::Kept("clustered"), ..DIFF },
    Part { name: "mirror-0", ..MIRROR },
    Part { name: "mirror-1000-spread", target: Target::Copy("spread"), ..MIRROR },
    Part { name: "mirror-1000-clustered", target: Target::Copy("clustered"), ..MIRROR },
    Part { name: "mirror-1000-spread-verified", bound: None, flags: &[], target: Target::Copy("spread"), ..MIRROR },
];

/// Measures a part pair after pair, each side first in turn.
pub(crate) fn run(part: &Part, dataset: &Dataset, pairs: usize) -> Line {
    let state = dataset.scratch("state");
    remove(&state);
    let side = |name, bound, run| Side { name, bound, rounds: pairs, run };
    let both = vec![
        side("syncline", None, Box::new(|| ours(part, dataset, &state))),
        side("bare", part.bound, Box::new(|| beside(part, dataset))),
    ];
    let sides = sides::interleave(both, pairs);
    let line = Line { name: part.name, rows: dataset.rows, least_rate: None, peak_bound_mb: PEAK_MB, sides };
    remove(&state);
    println!("{}", report::part(&line));
    line
}

fn ours(part: &Part, dataset: &Dataset, state: &Path) -> Used {
    let target = prepared(part.target, dataset, "ours");
    let mut command = Command::new(env!("CARGO_BIN_EXE_syncline"));
    command.arg(part.verb).arg(dataset.file("orders")).arg(&target).args(part.flags).arg("--quiet");
    command.arg("--state-dir").arg(state);
    let used = measure::run(command);
    tidy(part.target, &target);
    used
}

fn beside(part: &Part, dataset: &Dataset) -> Used {
    let target = match part.target {
        // The loop only reads, so the original will do.
        Target::Copy(name) => dataset.file(name),
        target => prepared(target, dataset, "bare"),
    };
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([bare::FLAG, part.bare]).arg(dataset.file("orders")).arg(&target);
    let used = measure::run(command);
    if !matches!(part.target, Target::Copy(_)) {
        tidy(part.target, &target);
    }
    used
}

/// The target, as the part wants to find it.
fn prepared(target: Target, dataset: &Dataset, who: &str) -> PathBuf {
    let path = match target {
        Target::Kept(name) => return dataset.file(name),
        _ => dataset.scratch(who).with_extension("db"),
    };
    remove(&path);
    match target {
        Target::Missing | Target::Kept(_) => {}
        Target::Empty => Connection::open(&path).unwrap().execute_batch(ORDERS.table).unwrap(),
        Target::Copy(name) => {
            fs::copy(dataset.file(name), &path).unwrap();
            // What is still to be written must not slow down what is measured.
            fs::File::open(&path).unwrap().sync_all().unwrap();
        }
    }
    path
}

fn tidy(target: Target, path: &Path) {
    if !matches!(target, Target::Kept(_)) {
        remove(path);
    }
}

fn remove(path: &Path) {
    if path.is_dir() {
        fs::remove_dir_all(path).unwrap();
    } else if path.exists() {
        fs::remove_file(path).unwrap();
    }
}
