//! `syncline config validate`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::Args;
use serde::Serialize;
use syncline::config::{self, Origin, Problem, Severity, Validation};
use syncline::error::{Code, Error, Result};

use crate::console::{Console, working_dir};
use crate::exit::Exit;
use crate::paint::Paint;
use crate::render::error::line;
use crate::render::json::Document;
use crate::render::text::{counted, escape};

/// Looks for mistakes in the configuration, and lists all of them with their places and what to do.
///
/// Nothing is opened, fetched or run but git, which says whether it tracks the file. The exit code is 2 where there is a mistake.
#[derive(Debug, Args)]
pub(crate) struct ValidateArgs {
    /// The file to look into [default: those that are read]
    file: Option<PathBuf>,
}

#[derive(Serialize)]
struct Validated {
    valid: bool,
    files: Vec<FileDocument>,
    problems: Vec<ProblemDocument>,
}

#[derive(Serialize)]
struct FileDocument {
    file: String,
    origin: &'static str,
    valid: bool,
    connections: usize,
}

#[derive(Serialize)]
struct ProblemDocument {
    severity: &'static str,
    file: String,
    line: usize,
    column: usize,
    what: String,
    why: String,
    next: String,
}

/// Does it.
pub(super) fn run(args: ValidateArgs, console: &Console) -> Result<Exit> {
    let dir = working_dir()?;
    let paths = match args.file {
        Some(path) => vec![(dir.join(path), Origin::Named)],
        None => console.config_places().paths(&dir),
    };
    if paths.is_empty() {
        return Err(Error::new(Code::ConfigFailed, "there is no configuration to look into")
            .because("no syncline.toml is here or above, and none of the user")
            .leaving("nothing was changed")
            .next("syncline init", "make one"));
    }
    let validate = |(path, origin): (PathBuf, Origin)| config::validate(&path, origin, is_tracked(&path));
    let files = paths.into_iter().map(validate).collect::<Result<Vec<_>>>()?;
    let is_valid = files.iter().all(Validation::is_valid);
    let document = Validated {
        valid: is_valid,
        files: files.iter().map(file_document).collect(),
        problems: files.iter().flat_map(|file| file.problems.iter().map(|it| problem_document(file, it))).collect(),
    };
    console.present(&Document::new("config-validation", &document), |_| {
        files.iter().map(|file| text(file, console.paint)).collect()
    })?;
    Ok(if is_valid { Exit::DONE } else { Exit::USAGE })
}

/// Whether git tracks a file. Where there is no git, nothing does.
fn is_tracked(path: &Path) -> bool {
    let real = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let (Some(directory), Some(name)) = (real.parent(), real.file_name()) else { return false };
    let mut git = Command::new("git");
    // Nothing that a repository may configure to be run is needed for this.
    git.args(["-c", "core.fsmonitor=false", "ls-files", "--error-unmatch", "--"]).arg(name).current_dir(directory);
    git.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    git.env("GIT_OPTIONAL_LOCKS", "0").env("GIT_LITERAL_PATHSPECS", "1");
    git.status().is_ok_and(|status| status.success())
}

fn file_document(file: &Validation) -> FileDocument {
    FileDocument {
        file: file.path.display().to_string(),
        origin: file.origin.name(),
        valid: file.is_valid(),
        connections: file.connections,
    }
}

fn problem_document(file: &Validation, problem: &Problem) -> ProblemDocument {
    ProblemDocument {
        severity: problem.severity.name(),
        file: file.path.display().to_string(),
        line: problem.line,
        column: problem.column,
        what: problem.what.clone(),
        why: problem.why.clone(),
        next: problem.next.clone(),
    }
}

fn text(file: &Validation, paint: Paint) -> String {
    let path = file.path.display().to_string();
    let mut shown = String::new();
    for problem in &file.problems {
        let severity = match problem.severity {
            Severity::Error => paint.bad(problem.severity.name()),
            Severity::Warning => paint.odd(problem.severity.name()),
        };
        let place = format!("{}:{}:{}", escape(&path), problem.line, problem.column);
        shown += &format!("{place}: {severity}: {}\n", escape(&problem.what));
        shown += &line(paint, "why", &problem.why);
        shown += &line(paint, "next", &problem.next);
    }
    let number = |severity| file.problems.iter().filter(|problem| problem.severity == severity).count() as u64;
    let said = match (number(Severity::Error), number(Severity::Warning)) {
        (0, 0) => format!("is valid, {}", counted(file.connections as u64, "connection")),
        (0, warnings) => {
            format!("is valid, {}, {}", counted(file.connections as u64, "connection"), counted(warnings, "warning"))
        }
        (errors, 0) => format!("cannot be used, {}", counted(errors, "error")),
        (errors, warnings) => {
            format!("cannot be used, {}, {}", counted(errors, "error"), counted(warnings, "warning"))
        }
    };
    format!("{shown}{} {said}\n", escape(&path))
}
