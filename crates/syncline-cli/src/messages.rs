//! Standard error: notes, warnings and errors, printed above the bars without garbling them.

use std::io::{self, Write};

use clap::ValueEnum;
use indicatif::MultiProgress;
use serde::Serialize;
use syncline::error::Error;
use syncline::summary::ErrorReport;

use crate::paint::Paint;
use crate::render::error::{self, ErrorLine};
use crate::render::{json, text};

/// The shape of messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Words for people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Writes messages.
#[derive(Clone)]
pub(crate) struct Messages {
    /// Their shape.
    pub(crate) format: LogFormat,
    /// Whether notes are kept back; errors never are.
    pub(crate) is_quiet: bool,
    /// Whether the causes beneath an error are shown.
    pub(crate) is_verbose: bool,
    /// Colour on standard error.
    pub(crate) paint: Paint,
    /// The bars that messages are printed above.
    pub(crate) bars: MultiProgress,
}

#[derive(Serialize)]
struct MessageLine<'a> {
    format: u32,
    #[serde(rename = "type")]
    kind: &'a str,
    message: &'a str,
}

impl Messages {
    /// A remark.
    pub(crate) fn note(&self, message: &str) {
        if !self.is_quiet {
            self.say("note", message);
        }
    }

    /// Something that a person must not miss; it is shown also where notes are kept back.
    pub(crate) fn warn(&self, message: &str) {
        self.say("warning", message);
    }

    /// A line of progress; whoever calls has made sure that it is wanted.
    pub(crate) fn progress(&self, line: &str) {
        match self.format {
            LogFormat::Text => self.write(&format!("{line}\n")),
            LogFormat::Json => self.say("progress", line),
        }
    }

    /// What a question is about: as it is, whatever the format, because a person asked to see it.
    pub(crate) fn show(&self, shown: &str) {
        self.write(shown);
    }

    /// An error that ends the command, and the report that was made of it.
    pub(crate) fn error(&self, report: &ErrorReport, error: &Error) {
        match self.format {
            LogFormat::Text => self.write(&error::form_with_causes(report, error, self.paint, self.is_verbose)),
            LogFormat::Json => self.write(&(json::line(&ErrorLine::new(report)) + "\n")),
        }
    }

    /// An error of one table, in a run that went on with others.
    pub(crate) fn report(&self, report: &ErrorReport) {
        match self.format {
            LogFormat::Text => self.write(&error::form_of_report(report, self.paint)),
            LogFormat::Json => self.write(&(json::line(&ErrorLine::new(report)) + "\n")),
        }
    }

    fn say(&self, kind: &str, message: &str) {
        match self.format {
            LogFormat::Text => self.write(&format!("{}: {}\n", self.paint.dim(kind), text::escape(message))),
            LogFormat::Json => self.write(&(json::line(&MessageLine { format: 1, kind, message }) + "\n")),
        }
    }

    fn write(&self, text: &str) {
        // With standard error gone there is nobody left to tell.
        let _ = self.bars.suspend(|| io::stderr().lock().write_all(text.as_bytes()));
    }
}
