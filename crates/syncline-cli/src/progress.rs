//! Progress: bars on a terminal, a plain line every 10 s elsewhere, JSON lines for programs.

mod meter;

use std::collections::HashMap;
use std::io::IsTerminal;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use syncline::event::{Event, EventSink, Phase};

use crate::console::Shape;
use crate::messages::Messages;
use crate::output::Output;
use crate::paint;
use crate::render::text;
use meter::Meter;

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mode {
    /// Bars on a terminal, plain lines elsewhere
    Auto,
    /// Bars; plain lines where there is no terminal
    Bar,
    /// A line every 10 s
    Plain,
    /// Nothing
    None,
}

/// What is shown of progress, with every default resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sight {
    /// On standard error; never [`Mode::Auto`].
    pub(crate) mode: Mode,
    /// Whether JSON lines may be written.
    pub(crate) allows_lines: bool,
}

/// Shows what a run tells.
pub(crate) struct Progress {
    mode: Mode,
    messages: Messages,
    lines: Option<Output>,
    tables: Mutex<HashMap<String, Row>>,
    heading: Mutex<Option<ProgressBar>>,
}

struct Row {
    meter: Meter,
    bar: Option<ProgressBar>,
    lined: Instant,
}

#[derive(Serialize)]
struct ProgressLine<'a> {
    format: u32,
    #[serde(rename = "type")]
    kind: &'a str,
    table: &'a str,
    phase: &'a str,
    state: &'a str,
    rows: u64,
    total: Option<u64>,
}

#[derive(Serialize)]
struct NoteLine<'a> {
    format: u32,
    #[serde(rename = "type")]
    kind: &'a str,
    message: &'a str,
}

const PLAIN_EVERY: Duration = Duration::from_secs(10);
const LINES_EVERY: Duration = Duration::from_secs(1);
const BAR_EVERY: Duration = Duration::from_millis(100);

impl Sight {
    /// Decides from the flags and from where standard error goes.
    pub(crate) fn resolve(asked: Option<Mode>, quiet: bool, shape: Shape, stderr: &impl IsTerminal) -> Self {
        let can_draw = stderr.is_terminal() && !paint::is_dumb();
        let best = if can_draw { Mode::Bar } else { Mode::Plain };
        let is_asked = asked.is_some_and(|mode| mode != Mode::Auto);
        let mode = match asked.unwrap_or(Mode::Auto) {
            _ if !is_asked && (quiet || shape == Shape::Json) => Mode::None,
            Mode::Auto | Mode::Bar => best,
            mode => mode,
        };
        Self { mode, allows_lines: !quiet && asked != Some(Mode::None) }
    }
}

impl Progress {
    /// Begins to show; `lines` takes JSON lines.
    pub(crate) fn start(mode: Mode, messages: Messages, lines: Option<Output>) -> Arc<Self> {
        let progress = Arc::new(Self { mode, messages, lines, tables: Mutex::default(), heading: Mutex::default() });
        if mode == Mode::Plain {
            let shown = Arc::downgrade(&progress);
            // A thread of its own: a line comes every 10 s even while the run waits inside a database.
            std::thread::spawn(move || report_regularly(&shown));
        }
        progress
    }

    /// Says what is going on above everything else, until the end.
    pub(crate) fn head(&self, heading: &str) {
        match self.mode {
            Mode::Bar => {
                let style = ProgressStyle::with_template("{msg}").expect("BUG: the template is fixed");
                let bar = self.messages.bars.add(ProgressBar::new_spinner().with_style(style));
                bar.set_message(heading.to_owned());
                bar.tick();
                *self.heading.lock().unwrap_or_else(PoisonError::into_inner) = Some(bar);
            }
            Mode::Plain => self.messages.progress(heading),
            Mode::Auto | Mode::None => {}
        }
    }

    /// Takes everything off the screen.
    pub(crate) fn finish(&self) {
        for (_, row) in self.tables.lock().unwrap_or_else(PoisonError::into_inner).drain() {
            row.bar.inspect(ProgressBar::finish_and_clear);
        }
        let heading = self.heading.lock().unwrap_or_else(PoisonError::into_inner).take();
        heading.inspect(ProgressBar::finish_and_clear);
        // Nothing is left to clear when standard error is gone.
        let _ = self.messages.bars.clear();
    }

    fn begin(&self, table: String, phase: Phase, total: Option<u64>) {
        self.write_line(&table, phase, "started", 0, total);
        let meter = Meter::start(&table, phase, total, Instant::now());
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        tables.remove(&table).and_then(|row| row.bar).inspect(ProgressBar::finish_and_clear);
        let bar = (self.mode == Mode::Bar).then(|| self.bar(&meter));
        tables.insert(table, Row { meter, bar, lined: Instant::now() });
    }

    fn advance(&self, table: &str, phase: Phase, rows: u64) {
        let now = Instant::now();
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(row) = tables.get_mut(table) else { return };
        row.meter.rows = rows;
        let pause = if row.bar.is_some() { BAR_EVERY } else { LINES_EVERY };
        if now.duration_since(row.lined) < pause {
            return;
        }
        row.lined = now;
        let total = row.meter.total;
        if let Some(bar) = &row.bar {
            bar.set_position(rows);
            bar.set_message(row.meter.counts(now));
        }
        drop(tables);
        self.write_line(table, phase, "working", rows, total);
    }

    fn end(&self, table: &str, phase: Phase, rows: u64) {
        let row = self.tables.lock().unwrap_or_else(PoisonError::into_inner).remove(table);
        let total = row.as_ref().and_then(|row| row.meter.total);
        row.and_then(|row| row.bar).inspect(ProgressBar::finish_and_clear);
        self.write_line(table, phase, "ended", rows, total);
    }

    fn note(&self, message: &str) {
        match &self.lines {
            // A run is not stopped by a reader of its progress who goes away.
            Some(output) => drop(output.json(&NoteLine { format: 1, kind: "note", message })),
            None => self.messages.note(message),
        }
    }

    fn bar(&self, meter: &Meter) -> ProgressBar {
        let template = match meter.total {
            Some(_) => "{prefix}  [{bar:20}]  {msg}",
            None => "{prefix}  {spinner}  {msg}",
        };
        let style = ProgressStyle::with_template(template).expect("BUG: the template is fixed").progress_chars("#--");
        // Dressed before it is added, or its first sight would be in the clothes of another.
        let bar = ProgressBar::with_draw_target(meter.total, ProgressDrawTarget::hidden());
        self.messages
            .bars
            .add(bar.with_style(style).with_prefix(meter.name()).with_message(meter.counts(Instant::now())))
    }

    fn write_line(&self, table: &str, phase: Phase, state: &str, rows: u64, total: Option<u64>) {
        let Some(output) = &self.lines else { return };
        let phase = meter::phase_name(phase);
        // A run is not stopped by a reader of its progress who goes away.
        drop(output.json(&ProgressLine { format: 1, kind: "progress", table, phase, state, rows, total }));
    }
}

impl EventSink for Progress {
    fn emit(&self, event: Event) {
        match event {
            Event::PhaseStarted { table, phase, rows } => self.begin(table, phase, rows),
            Event::Progress { table, phase, rows } => self.advance(&table, phase, rows),
            Event::PhaseEnded { table, phase, rows } => self.end(&table, phase, rows),
            Event::Note(message) => self.note(&message),
            // Those who follow show it.
            Event::Followed(_) => {}
            // Where a crash would matter is for those who test crashes.
            Event::Reached(_) => {}
        }
    }
}

fn report_regularly(shown: &Weak<Progress>) {
    loop {
        std::thread::sleep(PLAIN_EVERY);
        let Some(progress) = shown.upgrade() else { return };
        let now = Instant::now();
        let tables = progress.tables.lock().unwrap_or_else(PoisonError::into_inner);
        let lines: Vec<String> = tables.values().map(|row| row.meter.line(now)).collect();
        drop(tables);
        lines.iter().for_each(|line| progress.messages.progress(&text::escape(line)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(asked: Option<Mode>, quiet: bool, shape: Shape) -> (Mode, bool) {
        let no_terminal = tempfile::tempfile().unwrap();
        let sight = Sight::resolve(asked, quiet, shape, &no_terminal);
        (sight.mode, sight.allows_lines)
    }

    #[test]
    fn without_a_terminal_lines_are_plain_and_programs_get_theirs() {
        assert_eq!(resolved(None, false, Shape::Text), (Mode::Plain, true));
        assert_eq!(resolved(Some(Mode::Bar), false, Shape::Text), (Mode::Plain, true));
        assert_eq!(resolved(Some(Mode::None), false, Shape::Text), (Mode::None, false));
        assert_eq!(resolved(None, true, Shape::Text), (Mode::None, false));
        assert_eq!(resolved(Some(Mode::Plain), true, Shape::Text), (Mode::Plain, false));
        assert_eq!(resolved(None, false, Shape::Json), (Mode::None, true));
        assert_eq!(resolved(Some(Mode::Plain), false, Shape::Json), (Mode::Plain, true));
    }
}
