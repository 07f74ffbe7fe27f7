//! `syncline conn show`.

use clap::Args;
use syncline::error::Result;

use super::{ConnectionDocument, load};
use crate::console::Console;
use crate::exit::Exit;
use crate::render::json::Document;
use crate::render::text::escape;

/// Shows a connection: where it leads, where it is written, what it asks for. Never a password.
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// The connection
    name: String,
}

/// Does it.
pub(super) fn run(args: &ShowArgs, console: &Console) -> Result<Exit> {
    let config = load(console)?;
    let shown = ConnectionDocument::new(config.find(&args.name)?, true);
    console.present(&Document::new("connection", &shown), |_| text(&shown))?;
    Ok(Exit::DONE)
}

fn text(connection: &ConnectionDocument) -> String {
    let mut shown = format!("{}\n", escape(&connection.name));
    let mut fact = |name: &str, value: &str| shown += &format!("  {name:9}  {}\n", escape(value));
    fact("url", &connection.url);
    match connection.password {
        "file" => fact("password", "in the file itself, and not shown"),
        "secret" => fact("password", "kept elsewhere, where the url says"),
        _ => {}
    }
    fact("protected", if connection.protected { "yes: it takes only syncline apply PLAN" } else { "no" });
    fact("file", &format!("{}, line {}", connection.file, connection.line));
    shown
}
