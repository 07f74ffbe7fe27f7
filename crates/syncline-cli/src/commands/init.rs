//! `syncline init`: a configuration to begin with.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use syncline::config::{self, ConnectionName, FILE_NAME, NewConnection};
use syncline::error::Result;

use crate::console::{Console, working_dir};
use crate::exit::Exit;
use crate::prompt::is_yes;
use crate::render::json::Document;
use crate::render::text::escape;

/// Writes a syncline.toml with comments that say what it can hold.
///
/// On a terminal it asks for connections to begin with. It is written into the working directory, or to the file that
/// --config names, and never over anything.
#[derive(Debug, Args)]
pub(crate) struct InitArgs {}

#[derive(Serialize)]
struct Made {
    file: String,
    connections: Vec<String>,
    next: Vec<String>,
}

/// Does it.
pub(super) fn run(_: &InitArgs, console: &Console) -> Result<Exit> {
    let dir = working_dir()?;
    let shown = console.named_config().map_or_else(|| PathBuf::from(FILE_NAME), Path::to_owned);
    let path = dir.join(&shown);
    // Whoever would be refused is not asked first.
    config::check_absent(&path)?;
    let connections = if console.prompt.can_ask() { asked(console, &path) } else { Vec::new() };
    config::create(&path, &config::starter(&connections))?;
    let next = if connections.is_empty() { "conn add NAME URL" } else { "conn test" };
    let made = Made {
        file: shown.display().to_string(),
        connections: connections.iter().map(|new| new.name.to_string()).collect(),
        next: vec![console.command(next)],
    };
    console.present(&Document::new("init", &made), |_| text(&made, console))?;
    if let Some(above) = dir.parent().and_then(config::find_upward).filter(|_| console.named_config().is_none()) {
        console.messages.note(&format!("{} is not used from here any more", above.display()));
    }
    Ok(Exit::DONE)
}

fn text(made: &Made, console: &Console) -> String {
    let next = if console.is_quiet { String::new() } else { format!("next: {}\n", made.next.join(" | ")) };
    format!("made {}\n{next}", escape(&made.file))
}

/// Connections that a person names, one after the other. What cannot be one is asked again.
fn asked(console: &Console, path: &Path) -> Vec<NewConnection> {
    let mut connections: Vec<NewConnection> = Vec::new();
    let ask = |question: &str| console.prompt.ask(question).filter(|answer| !answer.is_empty());
    while let Some(name) = ask("name of a connection, such as hq (nothing ends the list):") {
        let name = match ConnectionName::parse(&name) {
            Ok(name) if connections.iter().all(|known| known.name != name) => name,
            Ok(name) => {
                console.messages.warn(&format!("{name} is in the list already"));
                continue;
            }
            Err(error) => {
                console.messages.warn(&error.to_string());
                continue;
            }
        };
        let Some(url) = ask("  its url, such as sqlite:shop.db or postgres://app:${env:PASSWORD}@host/shop:") else {
            continue;
        };
        let is_protected = ask("  protected, so that it takes plans only? [y/N]").is_some_and(|answer| is_yes(&answer));
        let new = NewConnection { name, url, is_protected };
        match new.check(path) {
            Ok(()) => connections.push(new),
            Err(error) => console.messages.warn(&error.to_string()),
        }
    }
    connections
}
