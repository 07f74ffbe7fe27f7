//! Runs a mirror or an undo through the library and kills its own process, with SIGKILL, at a named point of the work.
//! The proof `kill-sqlite` uses it to stop a run exactly where a crash would leave something different behind.
//!
//! ```text
//! killed_at POINT NTH STATE_DIR mirror SOURCE TARGET [BATCH_ROWS]
//! killed_at POINT NTH STATE_DIR undo [RUN]
//! ```
//!
//! It ends with exit code 0 when the run ended before the point was reached so often.
#![allow(clippy::print_stderr, reason = "an example tells its user what it does")]

use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use syncline::error::{Code, Error, Result};
use syncline::event::{Event, EventSink, Point};
use syncline::request::{DeleteLimit, RunRequest, Verb};
use syncline::{Cancel, Settings, Syncline};

/// Counts down to the point and kills the process there.
struct KillAt {
    point: Point,
    left: AtomicUsize,
}

impl EventSink for KillAt {
    fn emit(&self, event: Event) {
        let Event::Reached(point) = event else { return };
        if point == self.point && self.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            kill_self();
        }
    }
}

/// SIGKILL, which no handler can soften.
fn kill_self() -> ! {
    let pid = std::process::id().to_string();
    loop {
        if let Err(error) = Command::new("kill").args(["-9", &pid]).status() {
            eprintln!("cannot run kill: {error}");
            std::process::abort();
        }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    match work(std::env::args().skip(1).collect()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(error.code().exit())
        }
    }
}

async fn work(arguments: Vec<String>) -> Result<()> {
    let usage = || Error::new(Code::UsageInvalid, "usage: killed_at POINT NTH STATE_DIR mirror|undo ...");
    let [point, nth, state_dir, verb, rest @ ..] = arguments.as_slice() else { return Err(usage()) };
    let named = |known: &Point| format!("{known:?}").eq_ignore_ascii_case(point);
    let point = Point::ALL.into_iter().find(named).ok_or_else(usage)?;
    let left = AtomicUsize::new(nth.parse().map_err(|_| usage())?);
    let session = Syncline::open(Settings {
        state_dir: PathBuf::from(state_dir),
        working_dir: std::env::current_dir()
            .map_err(|error| Error::new(Code::StoreFailed, "no working directory").caused_by(error))?,
        environment: Box::new(|_| None),
        events: Arc::new(KillAt { point, left }),
        cancel: Cancel::new(),
    })
    .await?;
    match (verb.as_str(), rest) {
        ("mirror", [source, target, batch @ ..]) => {
            let mut request = RunRequest::new(Verb::Mirror, source, target);
            request.max_delete = DeleteLimit::Percent(100);
            if let Some(rows) = batch.first() {
                request.batch_rows = rows.parse().map_err(|_| usage())?;
            }
            session.run(&request).await.map(drop)
        }
        ("undo", run) => {
            let plan = session.undo_plan(run.first().map(String::as_str)).await?;
            session.undo(&plan).await.map(drop)
        }
        _ => Err(usage()),
    }
}
