//! `--watch`: a line for whatever was carried, until somebody stops it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::Serialize;
use syncline::calendar;
use syncline::error::Result;
use syncline::event::{Event, EventSink, Followed, FollowedTable};
use syncline::request::RunRequest;

use super::transfer::{Title, show};
use crate::console::{Console, Shape};
use crate::exit::Exit;
use crate::output::Output;
use crate::progress::Progress;
use crate::render::text;

/// Follows the source, and shows what was carried.
pub(super) async fn run(request: RunRequest, title: Title, console: &Console) -> Result<Exit> {
    let progress = console.progress_of_run();
    let lines = Lines {
        progress: Arc::clone(&progress),
        output: console.output.clone(),
        shape: console.shape,
        is_following: AtomicBool::new(false),
    };
    let session = console.open_with(Arc::new(lines)).await?;
    show(console, &progress, title, session.follow(&request)).await
}

/// Shows what was carried, and of a run's progress what comes before.
struct Lines {
    progress: Arc<Progress>,
    output: Output,
    shape: Shape,
    is_following: AtomicBool,
}

#[derive(Serialize)]
struct Line<'a> {
    format: u32,
    #[serde(rename = "type")]
    kind: &'a str,
    at: &'a str,
    lag_ms: Option<u64>,
    tables: &'a [FollowedTable],
}

impl EventSink for Lines {
    fn emit(&self, event: Event) {
        match event {
            Event::Followed(followed) => {
                if !self.is_following.swap(true, Ordering::Relaxed) {
                    self.progress.finish();
                }
                self.show(&followed);
            }
            // Each window has phases, and goes by in a moment.
            Event::PhaseStarted { .. } | Event::Progress { .. } | Event::PhaseEnded { .. }
                if self.is_following.load(Ordering::Relaxed) => {}
            event => self.progress.emit(event),
        }
    }
}

impl Lines {
    /// A run is not stopped by a reader who goes away.
    fn show(&self, followed: &Followed) {
        let at = calendar::timestamp(followed.at_ms.div_euclid(1_000) * 1_000_000).replace(' ', "T") + "Z";
        match self.shape {
            Shape::Json => {
                let (lag_ms, tables) = (followed.lag_ms, &followed.tables);
                let line = Line { format: 1, kind: "followed", at: &at, lag_ms, tables };
                drop(self.output.json(&line));
            }
            Shape::Text => {
                let tables: Vec<String> = followed.tables.iter().map(counts).collect();
                let what = if tables.is_empty() { "in step".to_owned() } else { tables.join("   ") };
                let lag = followed.lag_ms.map(|lag| format!("   lag {}", text::duration(Duration::from_millis(lag))));
                drop(self.output.text(&format!("{at}  {what}{}\n", lag.unwrap_or_default())));
            }
        }
    }
}

/// `orders +3 ~1 -2`
fn counts(table: &FollowedTable) -> String {
    let FollowedTable { table, inserted, updated, deleted, held } = table;
    let some = |sign: &str, rows: u64| (rows > 0).then(|| format!(" {sign}{}", text::count(rows)));
    let counts = [some("+", *inserted), some("~", *updated), some("-", *deleted), some("held ", *held)];
    format!("{}{}", text::escape(table), counts.into_iter().flatten().collect::<String>())
}
