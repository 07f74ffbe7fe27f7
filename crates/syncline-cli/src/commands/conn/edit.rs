//! `syncline conn edit`.

use clap::{Args, ValueEnum};
use syncline::config::{self, ConnectionChange, ConnectionName, NewConnection};
use syncline::error::{Code, Error, Result};

use super::add::warn_of_password;
use super::{Done, load};
use crate::console::Console;
use crate::exit::Exit;
use crate::render::json::Document;
use crate::render::text::escape;

/// Changes a connection where it is written. Comments and order of the file stay as they are.
#[derive(Debug, Args)]
pub(crate) struct EditArgs {
    /// The connection
    name: String,
    /// Where it is to lead
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Whether it is to take plans only
    #[arg(long, value_name = "YES|NO")]
    protected: Option<Answer>,
    /// What it is to be called
    #[arg(long, value_name = "NAME")]
    rename: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Answer {
    /// It takes plans only
    Yes,
    /// It takes every command
    No,
}

/// Does it.
pub(super) fn run(args: EditArgs, console: &Console) -> Result<Exit> {
    let config = load(console)?;
    let connection = config.find(&args.name)?;
    let change = ConnectionChange {
        name: args.rename.as_deref().map(ConnectionName::parse).transpose()?,
        url: args.url,
        is_protected: args.protected.map(|answer| answer == Answer::Yes),
    };
    if change == ConnectionChange::default() {
        return Err(Error::new(Code::UsageInvalid, "nothing is to be changed")
            .because("none of --url, --protected and --rename was given")
            .leaving("nothing was changed")
            .next(format!("syncline conn show {}", connection.name), "see how it is"));
    }
    config::change(&connection.file, connection.name.as_str(), &change)?;
    let name = change.name.as_ref().unwrap_or(&connection.name);
    if let Some(url) = change.url.clone() {
        let new = NewConnection { name: name.clone(), url, is_protected: false };
        warn_of_password(&new, &connection.file, true, console);
    }
    let done = Done { action: "changed", name: name.as_str(), file: connection.file.display().to_string() };
    console.present(&Document::new("connection-change", &done), |_| {
        format!("changed {} in {}\n", connection.name, escape(&done.file))
    })?;
    Ok(Exit::DONE)
}
