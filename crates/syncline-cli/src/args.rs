//! What was typed, before anything is made of it.

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;

use clap::builder::FalseyValueParser;
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, ColorChoice, CommandFactory, FromArgMatches, Parser};
use syncline::error::{Code, Error};
use syncline::summary::ErrorReport;

use crate::commands::Command;
use crate::exit::Exit;
use crate::messages::LogFormat;
use crate::output::Output;
use crate::paint::{Color, Paint};
use crate::progress::Mode;
use crate::render::error::{self, ErrorLine};

/// Keeps SQL databases in step.
///
/// The first database named is the source, the second the target. A database is a path such as hq.db, sqlite:PATH,
/// postgres://USER@HOST:PORT/DATABASE, mysql://USER@HOST:PORT/DATABASE, env:NAME for an environment variable that holds one
/// of these, or the name of a connection in syncline.toml.
#[derive(Debug, Parser)]
#[command(name = "syncline", version, subcommand_required = true, arg_required_else_help = true)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub(crate) globals: Globals,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0 done                       1 failed                     2 usage or configuration
  3 partial                    4 login or permission        5 cannot open a database
  6 a guard stopped it         7 done, conflicts wait       8 another run holds the lock
  10 differences found (diff --exit-code, verify)           130, 143 interrupted

Try it:  syncline demo";

/// Options of every command.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Globals {
    /// Write JSON to standard output: one document, or one object a line for runs, the summary last
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Show no progress, notes or hints
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Show the causes beneath an error
    #[arg(long, short, global = true)]
    pub(crate) verbose: bool,
    /// How progress is shown on standard error [default: auto]
    #[arg(long, global = true, value_name = "HOW", env = "SYNCLINE_PROGRESS", hide_env_values = true)]
    pub(crate) progress: Option<Mode>,
    /// When to colour [default: auto]
    #[arg(long, global = true, value_name = "WHEN", env = "SYNCLINE_COLOR", hide_env_values = true)]
    pub(crate) color: Option<Color>,
    /// Agree to questions beforehand; opens no guard
    #[arg(long, global = true)]
    pub(crate) yes: bool,
    /// Never ask: fail, naming the flag to pass
    #[arg(long, global = true, env = "SYNCLINE_NO_INPUT", hide_env_values = true, value_parser = FalseyValueParser::new())]
    pub(crate) no_input: bool,
    /// Where runs and before-images are kept [default: syncline in the user's state directory]
    #[arg(long, global = true, value_name = "DIR", env = "SYNCLINE_STATE_DIR", hide_env_values = true)]
    pub(crate) state_dir: Option<PathBuf>,
    /// Where backups go that are given no name [default: backups in the state directory]
    #[arg(long, global = true, value_name = "DIR", env = "SYNCLINE_BACKUP_ROOT", hide_env_values = true)]
    pub(crate) backup_root: Option<PathBuf>,
    /// The configuration, in the place of the syncline.toml that is found here or above
    #[arg(long, global = true, value_name = "FILE", env = "SYNCLINE_CONFIG", hide_env_values = true)]
    pub(crate) config: Option<PathBuf>,
    /// The shape of messages on standard error [default: text]
    #[arg(long, global = true, value_name = "FORMAT", env = "SYNCLINE_LOG_FORMAT", hide_env_values = true)]
    pub(crate) log_format: Option<LogFormat>,
    /// Where these come from.
    #[arg(skip)]
    pub(crate) origins: Origins,
}

/// Which options were given, and by what.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origins(Vec<(&'static str, ValueSource)>);

impl Origins {
    /// Options that the environment can give too.
    const NAMES: [&str; 7] = ["config", "state_dir", "backup_root", "progress", "color", "no_input", "log_format"];

    fn of(matches: &ArgMatches) -> Self {
        Self(Self::NAMES.into_iter().filter_map(|name| Some((name, matches.value_source(name)?))).collect())
    }

    /// `flag`, `environment` or `default`.
    pub(crate) fn of_option(&self, name: &str) -> &'static str {
        match self.0.iter().find(|(known, _)| *known == name) {
            Some((_, ValueSource::CommandLine)) => "flag",
            Some((_, ValueSource::EnvVariable)) => "environment",
            _ => "default",
        }
    }
}

/// Reads the arguments. What they ask for at once, such as help, is shown here, and so is what is wrong with them.
///
/// # Errors
/// Returns the code to end with.
pub(crate) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Cli, Exit> {
    let args: Vec<OsString> = args.into_iter().collect();
    let early = Early::guess(&args);
    let parsed = command().color(early.color_choice()).try_get_matches_from(&args);
    let read = |matches: ArgMatches| {
        let mut cli = Cli::from_arg_matches(&matches)?;
        cli.globals.origins = Origins::of(&matches);
        Ok(cli)
    };
    match parsed.and_then(read) {
        Ok(cli) => Ok(cli),
        Err(shown) if matches!(shown.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            let _ = shown.print();
            Err(Exit::DONE)
        }
        Err(help) if help.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand && !early.is_json => {
            let _ = help.print();
            Err(Exit::USAGE)
        }
        Err(wrong) => {
            early.show(&usage_error(&wrong));
            Err(Exit::USAGE)
        }
    }
}

/// The whole command line, as help, completions and man pages show it.
pub(crate) fn command() -> clap::Command {
    // A copy never deletes, so the flags about deletes are taken from scripts that pass them to both, and not offered.
    let without_deletes = |copy: clap::Command| {
        copy.mut_arg("max_delete", |flag| flag.hide(true)).mut_arg("allow_empty_source", |flag| flag.hide(true))
    };
    // Taken from a mirror as well, to be refused with the reason.
    let without_keeping = |mirror: clap::Command| mirror.mut_arg("keep_existing", |flag| flag.hide(true));
    Cli::command()
        .mut_subcommand("copy", without_deletes)
        .mut_subcommand("mirror", without_keeping)
        .mut_subcommand("plan", |plan| {
            plan.mut_subcommand("copy", without_deletes).mut_subcommand("mirror", without_keeping)
        })
}

/// Turns clap's report into the form that all errors have.
fn usage_error(wrong: &clap::Error) -> Error {
    let report = wrong.render().to_string();
    let mut paragraphs =
        report.split("\n\n").map(|paragraph| paragraph.split_whitespace().collect::<Vec<_>>().join(" "));
    let first = match wrong.kind() {
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => "error: no command was given".to_owned(),
        _ => paragraphs.next().unwrap_or_default(),
    };
    let mut error = Error::new(Code::UsageInvalid, first.strip_prefix("error: ").unwrap_or(&first))
        .because(reason(wrong.kind()))
        .leaving("nothing was changed");
    for paragraph in paragraphs {
        if let Some(tip) = paragraph.strip_prefix("tip: ") {
            error = error.because(tip);
        } else if let Some(usage) = paragraph.strip_prefix("Usage: ") {
            error = error.next(without_globals(usage), "");
        }
    }
    error.next("syncline --help", "lists commands and flags")
}

/// A line of usage without the options that every command takes: they are named there when given, by the environment too.
fn without_globals(usage: &str) -> String {
    let cli = Cli::command();
    let globals: Vec<_> = cli.get_arguments().filter(|argument| argument.is_global_set()).collect();
    let mut words = usage.split(' ').peekable();
    let mut kept = Vec::new();
    while let Some(word) = words.next() {
        let global =
            globals.iter().find(|flag| flag.get_long().is_some_and(|long| word.strip_prefix("--") == Some(long)));
        match global {
            None => kept.push(word),
            Some(flag) if flag.get_action().takes_values() => {
                words.next_if(|value| value.starts_with('<'));
            }
            Some(_) => {}
        }
    }
    kept.join(" ")
}

/// Why arguments are not taken, where clap's report does not say.
fn reason(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::UnknownArgument => "this command takes no such flag or argument",
        ErrorKind::InvalidSubcommand => "there is no such command",
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => "the flag does not take this value",
        ErrorKind::ArgumentConflict => "one contradicts the other, or is given twice",
        ErrorKind::TooManyValues | ErrorKind::TooFewValues | ErrorKind::WrongNumberOfValues => {
            "the number does not fit"
        }
        ErrorKind::MissingRequiredArgument
        | ErrorKind::MissingSubcommand
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => "there is no default for it",
        ErrorKind::InvalidUtf8 => "names and rules must be UTF-8",
        _ => "the arguments cannot be read",
    }
}

/// What can be told from arguments that may not even parse.
struct Early {
    is_json: bool,
    color: Color,
}

impl Early {
    fn guess(args: &[OsString]) -> Self {
        let words: Vec<&str> = args.iter().map_while(|arg| arg.to_str()).take_while(|arg| *arg != "--").collect();
        let asks = |flag: &str, value: &str| {
            words.windows(2).any(|pair| pair == [flag, value]) || words.contains(&format!("{flag}={value}").as_str())
        };
        let color = match () {
            () if asks("--color", "never") => Color::Never,
            () if asks("--color", "always") => Color::Always,
            () => Color::Auto,
        };
        let is_json = words.contains(&"--json") || asks("--format", "json") || asks("--format", "ndjson");
        Self { is_json, color }
    }

    fn color_choice(&self) -> ColorChoice {
        match self.color {
            Color::Auto => ColorChoice::Auto,
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
        }
    }

    fn show(&self, error: &Error) {
        let mut stderr = std::io::stderr();
        let _ = if self.is_json {
            Output::stdout().json(&ErrorLine::new(&ErrorReport::from(error)))
        } else {
            let _ = stderr.write_all(error::form(error, Paint::new(self.color, &stderr), false).as_bytes());
            Ok(())
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(args: &[&str]) -> Error {
        usage_error(&command().try_get_matches_from(args).unwrap_err())
    }

    #[test]
    fn the_command_line_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn usage_errors_have_the_form_of_all_errors() {
        let error = wrong(&["syncline", "mirror", "a.db", "b.db", "--max-deletes", "3"]);
        assert_eq!(error.code(), Code::UsageInvalid);
        assert_eq!(error.what(), "unexpected argument '--max-deletes' found");
        assert_eq!(error.why(), Some("a similar argument exists: '--max-delete'"));
        let error = wrong(&["syncline", "mirror", "a.db"]);
        assert_eq!(error.what(), "the following required arguments were not provided: <TARGET>");
        let error = wrong(&["syncline", "mirror", "a.db", "--json", "--state-dir", "d"]);
        assert_eq!(error.next_steps()[0].action, "syncline mirror <SOURCE> <TARGET>");
        let error = wrong(&["syncline", "miror", "a.db", "b.db"]);
        assert_eq!(error.why(), Some("a similar subcommand exists: 'mirror'"));
    }

    #[test]
    fn json_is_recognised_in_arguments_that_do_not_parse() {
        let guess = |args: &[&str]| Early::guess(&args.iter().map(OsString::from).collect::<Vec<_>>()).is_json;
        assert!(guess(&["syncline", "--json", "nothing"]));
        assert!(guess(&["syncline", "diff", "--format", "ndjson"]));
        assert!(guess(&["syncline", "diff", "--format=json"]));
        assert!(!guess(&["syncline", "diff", "--", "--json"]));
        assert!(!guess(&["syncline", "diff", "--format", "csv"]));
    }
}
