//! What a command stands on: where its data and its messages go, what it may ask, and the way into the library.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use etcetera::BaseStrategy;
use indicatif::{MultiProgress, ProgressDrawTarget};
use serde::Serialize;
use syncline::config::ConfigPlaces;
use syncline::error::{Code, Error, Result};
use syncline::event::EventSink;
use syncline::summary::ErrorReport;
use syncline::{Cancel, Settings, Syncline};

use crate::args::Globals;
use crate::interrupt::Interrupt;
use crate::messages::Messages;
use crate::output::Output;
use crate::paint::{Color, Paint};
use crate::progress::{Mode, Progress, Sight};
use crate::prompt::Prompt;
use crate::render::error::ErrorLine;
use crate::render::text;

/// Who the output is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// People.
    Text,
    /// Programs.
    Json,
}

/// The options of every command with their defaults resolved.
pub(crate) struct Console {
    /// Data.
    pub(crate) output: Output,
    /// Everything else.
    pub(crate) messages: Messages,
    /// Questions.
    pub(crate) prompt: Prompt,
    /// Who the output is for.
    pub(crate) shape: Shape,
    /// Whether hints are left out.
    pub(crate) is_quiet: bool,
    /// Colour on standard output.
    pub(crate) paint: Paint,
    /// What was typed.
    pub(crate) globals: Globals,
    sight: Sight,
    cancel: Cancel,
    interrupt: Interrupt,
}

impl Console {
    /// Resolves what was typed; `asked` is the shape a command's own flags ask for.
    pub(crate) fn new(globals: &Globals, asked: Shape) -> Self {
        let output = Output::stdout();
        let color = globals.color.unwrap_or_default();
        let shape = if globals.json { Shape::Json } else { asked };
        let sight = Sight::resolve(globals.progress, globals.quiet, shape, &io::stderr());
        let is_drawn = sight.mode == Mode::Bar;
        let target = if is_drawn { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let interrupt = Interrupt::default();
        let messages = Messages {
            format: globals.log_format.unwrap_or_default(),
            // Programs find notes in the document.
            is_quiet: globals.quiet || shape == Shape::Json,
            is_verbose: globals.verbose,
            paint: Paint::new(color, &io::stderr()),
            bars: MultiProgress::with_draw_target(target),
        };
        let prompt = Prompt {
            is_agreed: globals.yes,
            is_mute: globals.no_input || shape == Shape::Json,
            messages: messages.clone(),
            interrupt: interrupt.clone(),
        };
        let paint = Paint::new(if shape == Shape::Json { Color::Never } else { color }, &io::stdout());
        let (is_quiet, cancel, globals) = (globals.quiet, Cancel::new(), globals.clone());
        Self { output, messages, prompt, shape, is_quiet, paint, globals, sight, cancel, interrupt }
    }

    /// Begins to listen for Ctrl-C and SIGTERM.
    pub(crate) fn watch_interrupts(&self) -> Interrupt {
        self.interrupt.watch(self.cancel.clone(), self.messages.clone());
        self.interrupt.clone()
    }

    /// Progress of a command that reports while it works: under `--json` also as lines on standard output.
    pub(crate) fn progress_of_run(&self) -> Arc<Progress> {
        let lines = self.shape == Shape::Json && self.sight.allows_lines;
        Progress::start(self.sight.mode, self.messages.clone(), lines.then(|| self.output.clone()))
    }

    /// Progress of a command that writes one document. Rows that stream to the terminal would garble bars there.
    pub(crate) fn progress_of_document(&self, streams: bool) -> Arc<Progress> {
        let mode = if streams && self.output.is_terminal() { Mode::None } else { self.sight.mode };
        Progress::start(mode, self.messages.clone(), None)
    }

    /// Opens a session of the library.
    ///
    /// # Errors
    /// When there is no state directory, or the library cannot use it.
    pub(crate) async fn open(&self, progress: &Arc<Progress>) -> Result<Syncline> {
        self.open_with(Arc::clone(progress) as Arc<dyn EventSink>).await
    }

    /// As [`Console::open`], for a listener of its own.
    pub(crate) async fn open_with(&self, events: Arc<dyn EventSink>) -> Result<Syncline> {
        let working_dir = working_dir()?;
        Syncline::open(Settings {
            state_dir: working_dir.join(self.state_dir()?),
            backup_root: self.globals.backup_root.clone(),
            working_dir,
            environment: Box::new(|name| std::env::var(name).ok()),
            config: self.config_places(),
            events,
            cancel: self.cancel.clone(),
        })
        .await
    }

    /// Writes a document to programs, or what `text` makes of it to people.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn present<T: Serialize>(&self, document: &T, text: impl FnOnce(&T) -> String) -> Result<()> {
        match self.shape {
            Shape::Json => self.output.json(document),
            Shape::Text => self.output.text(&text(document)),
        }
    }

    /// Shows the error that ends the command.
    pub(crate) fn error(&self, error: &Error) {
        let mut report = ErrorReport::from(error);
        self.complete(&mut report);
        match self.shape {
            Shape::Json => {
                let _ = self.output.json(&ErrorLine::new(&report));
            }
            Shape::Text => self.messages.error(&report, error),
        }
    }

    /// Completes the commands that an error advises: the library does not know which flags were given.
    pub(crate) fn complete(&self, report: &mut ErrorReport) {
        let needs_none = |command: &str| ["--help", "explain", "demo"].iter().any(|other| command.starts_with(other));
        for step in &mut report.next {
            if let Some(command) = step.action.strip_prefix("syncline ").filter(|command| !needs_none(command)) {
                step.action = self.command(command);
            }
        }
    }

    /// Where configuration is looked for.
    pub(crate) fn config_places(&self) -> ConfigPlaces {
        ConfigPlaces { named: self.globals.config.clone(), search: true, user: self.user_config() }
    }

    /// The file of the configuration that was named.
    pub(crate) fn named_config(&self) -> Option<&Path> {
        self.globals.config.as_deref()
    }

    /// The user's own file of the configuration, whether it is there or not; `None` without a home directory.
    pub(crate) fn user_config(&self) -> Option<PathBuf> {
        let places = etcetera::choose_base_strategy().ok()?;
        Some(places.config_dir().join("syncline").join("config.toml"))
    }

    /// A command as it would be typed to go on from here: with the places that were chosen by flag.
    pub(crate) fn command(&self, command: &str) -> String {
        format!("syncline {command}{}", self.place_flags())
    }

    /// The flags that name the state directory and the configuration, each with a space before it, where they were chosen by
    /// flag; else nothing.
    pub(crate) fn place_flags(&self) -> String {
        let Globals { state_dir, config, origins, .. } = &self.globals;
        let chosen = [("--state-dir", "state_dir", state_dir), ("--config", "config", config)];
        let given = chosen.into_iter().filter(|(_, name, _)| origins.of_option(name) == "flag");
        let flag = |(flag, _, path): (&str, &str, &Option<PathBuf>)| {
            path.as_ref().map(|path| format!(" {flag} {}", text::quote(&path.to_string_lossy())))
        };
        given.filter_map(flag).collect()
    }

    /// Where runs and before-images are kept.
    ///
    /// # Errors
    /// When none is named and there is no home directory.
    pub(crate) fn state_dir(&self) -> Result<PathBuf> {
        if let Some(dir) = &self.globals.state_dir {
            return Ok(dir.clone());
        }
        let places = etcetera::choose_base_strategy().map_err(|error| {
            Error::new(Code::StateFailed, "there is no home directory to keep runs in")
                .caused_by(error)
                .next("--state-dir DIR", "keep them there")
        })?;
        Ok(places.state_dir().unwrap_or_else(|| places.data_dir()).join("syncline"))
    }
}

/// The working directory.
///
/// # Errors
/// When it is gone.
pub(crate) fn working_dir() -> Result<PathBuf> {
    std::env::current_dir().map_err(|error| {
        Error::new(Code::StateFailed, "the working directory is gone").because(error.to_string()).caused_by(error)
    })
}
