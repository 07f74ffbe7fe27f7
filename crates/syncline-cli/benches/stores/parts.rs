//! The parts of the benchmark: what Syncline does, beside what, within which bounds.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::beside::{self, Beside};
use crate::check;
use crate::measure::{self, Used};
use crate::report::{self, Line};
use crate::sides::{self, Side};
use crate::target::Target;
use crate::world::World;

/// What every part may take of memory, in MB.
const PEAK_MB: f64 = 60.0;

/// One part.
pub(crate) struct Part {
    pub(crate) name: &'static str,
    work: Work,
    from: From,
    to: Target,
    /// How many rows it has to manage a second.
    least_rate: Option<f64>,
    beside: &'static [Beside],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Work {
    Copy,
    /// And reads both sides again.
    CopyAndVerify,
    Diff,
}

#[derive(Clone, Copy)]
enum From {
    File,
    Server,
}

const SQLITE_TO_POSTGRES: Part = Part {
    name: "",
    work: Work::Copy,
    from: From::File,
    to: Target::NewTable,
    least_rate: None,
    beside: &[beside::CSV_PIPE.within(0.65), beside::READY_CSV, beside::SLING_FROM_FILE, beside::PGLOADER],
};
const POSTGRES_TO_POSTGRES: Part = Part {
    from: From::Server,
    beside: &[beside::BINARY_PIPE.within(1.1), beside::SLING_TO_SERVER],
    ..SQLITE_TO_POSTGRES
};
const POSTGRES_TO_SQLITE: Part = Part {
    to: Target::NewFile,
    least_rate: Some(700_000.0),
    beside: &[beside::IMPORT_PIPE, beside::SLING_TO_FILE],
    ..POSTGRES_TO_POSTGRES
};
const DIFF: Part = Part {
    work: Work::Diff,
    to: Target::Changed("equal"),
    beside: &[beside::TEXT_DIFF, beside::RELADIFF],
    ..POSTGRES_TO_POSTGRES
};

/// All parts, in the order they are measured. What is proved is held beside the same without a bound.
pub(crate) const ALL: &[Part] = &[
    Part { name: "sqlite-postgres-new", ..SQLITE_TO_POSTGRES },
    Part { name: "sqlite-postgres-new-verified", ..verified(&SQLITE_TO_POSTGRES, &[beside::CSV_PIPE]) },
    Part { name: "sqlite-postgres-empty", to: Target::EmptyTable, ..SQLITE_TO_POSTGRES },
    Part {
        name: "sqlite-postgres-empty-verified",
        to: Target::EmptyTable,
        ..verified(&SQLITE_TO_POSTGRES, &[beside::CSV_PIPE])
    },
    Part { name: "postgres-postgres-new", ..POSTGRES_TO_POSTGRES },
    Part { name: "postgres-postgres-new-verified", ..verified(&POSTGRES_TO_POSTGRES, &[beside::BINARY_PIPE]) },
    Part { name: "postgres-postgres-empty", to: Target::EmptyTable, ..POSTGRES_TO_POSTGRES },
    Part {
        name: "postgres-postgres-empty-verified",
        to: Target::EmptyTable,
        ..verified(&POSTGRES_TO_POSTGRES, &[beside::BINARY_PIPE])
    },
    Part { name: "postgres-sqlite-new", ..POSTGRES_TO_SQLITE },
    Part { name: "postgres-sqlite-new-verified", ..verified(&POSTGRES_TO_SQLITE, &[beside::IMPORT_PIPE]) },
    Part { name: "postgres-sqlite-wal", to: Target::WalFile, least_rate: Some(450_000.0), ..POSTGRES_TO_SQLITE },
    Part {
        name: "postgres-sqlite-wal-verified",
        to: Target::WalFile,
        ..verified(&POSTGRES_TO_SQLITE, &[beside::IMPORT_PIPE])
    },
    Part { name: "diff-0", ..DIFF },
    Part {
        name: "diff-1000-spread",
        to: Target::Changed("spread"),
        beside: &[
            beside::TEXT_DIFF.within(0.5),
            // At least 12 times faster.
            beside::RELADIFF.within(1.0 / 12.0),
        ],
        ..DIFF
    },
    Part { name: "diff-1000-clustered", to: Target::Changed("clustered"), ..DIFF },
];

const fn verified(part: &Part, beside: &'static [Beside]) -> Part {
    Part { name: "", work: Work::CopyAndVerify, from: part.from, to: part.to, least_rate: None, beside }
}

/// Measures a part round after round, each side first in turn.
pub(crate) fn run(part: &Part, world: &World, rounds: usize) -> Line {
    let state = world.dataset.scratch("state");
    remove(&state);
    let bound = None;
    let mut all = vec![Side { name: "syncline", bound, rounds, run: Box::new(|| ours(part, world, &state)) }];
    for beside in part.beside.iter().filter(|beside| beside.is_there(world)) {
        let run = Box::new(|| {
            part.to.prepare(world);
            let used = beside.run(world, part.to);
            check::counted(world, part.to);
            used
        });
        all.push(Side { name: beside.name, bound: beside.bound, rounds: beside.rounds(rounds), run });
    }
    let sides = sides::interleave(all, rounds);
    if part.work == Work::Diff {
        check::compared(world, part.to, command(part, world, &state));
    }
    part.to.remove(world);
    remove(&state);
    let (rows, least_rate) = (world.dataset.rows, part.least_rate);
    let line = Line { name: part.name, rows, least_rate, peak_bound_mb: PEAK_MB, sides };
    println!("{}", report::part(&line));
    line
}

fn ours(part: &Part, world: &World, state: &Path) -> Used {
    part.to.prepare(world);
    let mut command = command(part, world, state);
    command.arg("--quiet");
    let used = measure::run(command);
    if part.work != Work::Diff {
        check::copied(world, part.to);
    }
    used
}

fn command(part: &Part, world: &World, state: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_syncline"));
    command.arg(if part.work == Work::Diff { "diff" } else { "copy" });
    command.arg(match part.from {
        From::File => world.dataset.file("orders").into(),
        From::Server => OsString::from("env:SOURCE"),
    });
    // By a variable, as people do who have a password in it.
    command.arg("env:TARGET");
    if part.work == Work::Copy {
        command.arg("--no-verify");
    }
    command.arg("--state-dir").arg(state).envs(world.environment(part.to));
    command
}

fn remove(directory: &Path) {
    if directory.is_dir() {
        fs::remove_dir_all(directory).unwrap();
    }
}
