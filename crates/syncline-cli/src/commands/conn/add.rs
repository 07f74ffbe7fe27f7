//! `syncline conn add`.

use std::io::{self, BufRead};
use std::path::{Path, PathBuf};

use clap::Args;
use syncline::config::{self, Config, ConnectionName, FILE_NAME, NewConnection, PasswordIn};
use syncline::error::{Code, Error, Result};

use super::Done;
use crate::console::{Console, working_dir};
use crate::exit::Exit;
use crate::render::json::Document;
use crate::render::text::escape;

/// Adds a connection to syncline.toml, which is made where there is none.
///
/// Comments and order of the file stay as they are. A password in the url would be in the file: write ${env:NAME}, ${file:PATH},
/// ${cmd:COMMAND} or ${keyring:NAME} in its place, in single quotes for the shell.
#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    /// What it is to be called
    name: String,
    /// Where it leads; - reads it from standard input [default: asked on a terminal]
    url: Option<String>,
    /// Let it take plans only
    #[arg(long)]
    protected: bool,
    /// Add it to the user's own file instead
    #[arg(long)]
    user: bool,
}

/// Does it.
pub(super) fn run(args: AddArgs, console: &Console) -> Result<Exit> {
    let name = ConnectionName::parse(&args.name)?;
    let path = place(args.user, console)?;
    let is_typed = args.url.as_ref().is_some_and(|url| url != "-");
    let new = NewConnection { name, url: url(args.url, console)?, is_protected: args.protected };
    new.check(&path)?;
    if path.symlink_metadata().is_ok() {
        config::add(&path, &new)?;
    } else {
        config::create(&path, &config::starter(std::slice::from_ref(&new)))?;
    }
    warn_of_password(&new, &path, is_typed, console);
    let file = path.display().to_string();
    let done = Done { action: "added", name: new.name.as_str(), file };
    console.present(&Document::new("connection-change", &done), |_| {
        format!("added {} to {}\n", new.name, escape(&done.file))
    })?;
    if let Ok(config) = Config::load(&console.config_places(), &working_dir()?) {
        let in_force = config.connection(new.name.as_str()).map(|connection| &connection.file);
        if let Some(other) = in_force.filter(|file| **file != path) {
            console.messages.warn(&format!("{} means the one in {} from here", new.name, other.display()));
        }
    }
    Ok(Exit::DONE)
}

/// The file that it goes into.
fn place(is_users: bool, console: &Console) -> Result<PathBuf> {
    let dir = working_dir()?;
    if is_users {
        return console.user_config().ok_or_else(|| {
            Error::new(Code::ConfigFailed, "there is no home directory to keep a configuration in")
                .leaving("nothing was changed")
                .next("--config FILE", "keep it there")
        });
    }
    let named = console.named_config().map(|path| dir.join(path));
    Ok(named.or_else(|| config::find_upward(&dir)).unwrap_or_else(|| dir.join(FILE_NAME)))
}

fn url(typed: Option<String>, console: &Console) -> Result<String> {
    let missing = || {
        Error::new(Code::UsageInvalid, "no url was given")
            .because("there is nobody to ask for it")
            .leaving("nothing was changed")
            .next("syncline conn add NAME URL", "says it; - in its place reads it from standard input")
    };
    match typed.as_deref() {
        Some("-") => {
            let mut line = String::new();
            let read = io::stdin().lock().read_line(&mut line).map_err(|error| missing().because(error.to_string()))?;
            if read == 0 { Err(missing()) } else { Ok(line.trim().to_owned()) }
        }
        Some(url) => Ok(url.to_owned()),
        None if console.prompt.can_ask() => console.prompt.ask("url:").ok_or_else(missing),
        None => Err(missing()),
    }
}

/// Says where a password is now.
pub(super) fn warn_of_password(new: &NewConnection, path: &Path, is_typed: bool, console: &Console) {
    if new.password_in() != PasswordIn::File {
        return;
    }
    let elsewhere = "${env:NAME}, ${file:PATH}, ${cmd:COMMAND} or ${keyring:NAME} in its place keeps it elsewhere";
    console.messages.warn(&format!("the password is in {} now; {elsewhere}", path.display()));
    if is_typed {
        console.messages.note(
            "a password on the command line is seen by every user of this machine; - reads the url from standard input",
        );
    }
}
