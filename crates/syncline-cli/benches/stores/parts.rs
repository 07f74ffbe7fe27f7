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
use crate::world::Server::{self, Mariadb, Postgres};
use crate::world::World;

/// What every part may take of memory, in MB.
const PEAK_MB: f64 = 60.0;

/// One part.
pub(crate) struct Part {
    pub(crate) name: &'static str,
    work: Work,
    from: From,
    to: Target,
    /// Sessions that may load at once.
    jobs: &'static str,
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
    /// Finds what differs and makes it equal.
    Mirror,
}

/// Where the rows are.
#[derive(Clone, Copy)]
enum From {
    File,
    On(Server),
}

const SQLITE_TO_POSTGRES: Part = Part {
    name: "",
    work: Work::Copy,
    from: From::File,
    to: Target::NewTable(Postgres),
    jobs: "1",
    least_rate: None,
    beside: &[beside::CSV_PIPE.within(0.65), beside::READY_CSV, beside::SLING_FROM_FILE, beside::PGLOADER],
};
const POSTGRES_TO_POSTGRES: Part = Part {
    from: From::On(Postgres),
    beside: &[beside::BINARY_PIPE.within(1.1), beside::SLING_TO_SERVER],
    ..SQLITE_TO_POSTGRES
};
const POSTGRES_TO_SQLITE: Part = Part {
    to: Target::NewFile,
    least_rate: Some(700_000.0),
    beside: &[beside::IMPORT_PIPE, beside::SLING_TO_FILE],
    ..POSTGRES_TO_POSTGRES
};
const POSTGRES_TO_MARIADB: Part = Part {
    to: Target::NewTable(Mariadb),
    beside: &[beside::COPY_TO_LOAD.within(1.05), beside::SLING_POSTGRES_TO_MARIADB],
    ..POSTGRES_TO_POSTGRES
};
const MARIADB_TO_POSTGRES: Part = Part {
    from: From::On(Mariadb),
    beside: &[beside::BATCH_TO_COPY.within(0.75), beside::SLING_MARIADB_TO_POSTGRES],
    ..SQLITE_TO_POSTGRES
};
const MARIADB_TO_SQLITE: Part = Part {
    to: Target::NewFile,
    least_rate: Some(450_000.0),
    beside: &[beside::SLING_MARIADB_TO_FILE],
    ..MARIADB_TO_POSTGRES
};
const SQLITE_TO_MARIADB: Part = Part {
    to: Target::NewTable(Mariadb),
    beside: &[beside::CSV_TO_LOAD, beside::SLING_FILE_TO_MARIADB],
    ..SQLITE_TO_POSTGRES
};
const DIFF: Part = Part {
    work: Work::Diff,
    to: Target::Changed(Postgres, "equal"),
    beside: &[beside::TEXT_DIFF, beside::RELADIFF],
    ..POSTGRES_TO_POSTGRES
};

/// All parts, in the order they are measured. What is proved is held beside the same without a bound.
pub(crate) const ALL: &[Part] = &[
    Part { name: "sqlite-postgres-new", ..SQLITE_TO_POSTGRES },
    Part { name: "sqlite-postgres-new-verified", ..verified(&SQLITE_TO_POSTGRES, &[beside::CSV_PIPE]) },
    Part { name: "sqlite-postgres-empty", to: Target::EmptyTable(Postgres), ..SQLITE_TO_POSTGRES },
    Part {
        name: "sqlite-postgres-empty-verified",
        to: Target::EmptyTable(Postgres),
        ..verified(&SQLITE_TO_POSTGRES, &[beside::CSV_PIPE])
    },
    Part { name: "postgres-postgres-new", ..POSTGRES_TO_POSTGRES },
    Part { name: "postgres-postgres-new-verified", ..verified(&POSTGRES_TO_POSTGRES, &[beside::BINARY_PIPE]) },
    Part { name: "postgres-postgres-empty", to: Target::EmptyTable(Postgres), ..POSTGRES_TO_POSTGRES },
    Part {
        name: "postgres-postgres-empty-verified",
        to: Target::EmptyTable(Postgres),
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
        to: Target::Changed(Postgres, "spread"),
        beside: &[
            beside::TEXT_DIFF.within(0.5),
            // At least 12 times faster.
            beside::RELADIFF.within(1.0 / 12.0),
        ],
        ..DIFF
    },
    Part { name: "diff-1000-clustered", to: Target::Changed(Postgres, "clustered"), ..DIFF },
    Part { name: "postgres-mariadb-new", ..POSTGRES_TO_MARIADB },
    Part {
        name: "postgres-mariadb-new-two",
        jobs: "2",
        beside: &[beside::COPY_TO_LOAD.within(0.85)],
        ..POSTGRES_TO_MARIADB
    },
    Part { name: "mariadb-postgres-new", ..MARIADB_TO_POSTGRES },
    Part { name: "mariadb-sqlite-new", ..MARIADB_TO_SQLITE },
    Part { name: "mariadb-sqlite-wal", to: Target::WalFile, ..MARIADB_TO_SQLITE },
    Part { name: "sqlite-mariadb-new", ..SQLITE_TO_MARIADB },
    Part {
        name: "diff-mariadb-1000-spread",
        to: Target::Changed(Mariadb, "spread"),
        beside: &[beside::TEXT_DIFF_ACROSS.within(0.6)],
        ..DIFF
    },
    Part {
        name: "mirror-mariadb-mariadb-1000-spread",
        work: Work::Mirror,
        from: From::On(Mariadb),
        to: Target::Repaired(Mariadb, "repaired"),
        beside: &[beside::PT_TABLE_SYNC],
        ..DIFF
    },
];

impl Part {
    /// The server that `SOURCE` is on; parts that read the file have it beside them.
    fn source(&self) -> Server {
        match self.from {
            From::File => self.to.server().unwrap_or(Postgres),
            From::On(server) => server,
        }
    }
}

const fn verified(part: &Part, beside: &'static [Beside]) -> Part {
    Part { name: "", work: Work::CopyAndVerify, from: part.from, to: part.to, jobs: "1", least_rate: None, beside }
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
            let used = beside.run(world, part.source(), part.to);
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
        let from = match part.from {
            From::File => None,
            From::On(server) => Some(server),
        };
        check::copied(world, from, part.to);
    }
    used
}

fn command(part: &Part, world: &World, state: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_syncline"));
    command.arg(match part.work {
        Work::Diff => "diff",
        Work::Mirror => "mirror",
        Work::Copy | Work::CopyAndVerify => "copy",
    });
    command.arg(match part.from {
        From::File => world.dataset.file("orders").into(),
        From::On(_) => OsString::from("env:SOURCE"),
    });
    if part.jobs != "1" {
        command.args(["--jobs", part.jobs]);
    }
    // By a variable, as people do who have a password in it.
    command.arg("env:TARGET");
    if matches!(part.work, Work::Copy | Work::Mirror) {
        command.arg("--no-verify");
    }
    command.arg("--state-dir").arg(state).envs(world.environment(part.source(), part.to));
    command
}

fn remove(directory: &Path) {
    if directory.is_dir() {
        fs::remove_dir_all(directory).unwrap();
    }
}
