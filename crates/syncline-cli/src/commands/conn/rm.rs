//! `syncline conn rm`.

use clap::Args;
use syncline::config;
use syncline::error::Result;

use super::{Done, load};
use crate::console::Console;
use crate::exit::Exit;
use crate::render::json::Document;
use crate::render::text::escape;

/// Takes a connection out of the file it is written in, with the comment above it. The database stays as it is.
#[derive(Debug, Args)]
pub(crate) struct RmArgs {
    /// The connection
    name: String,
}

/// Does it.
pub(super) fn run(args: &RmArgs, console: &Console) -> Result<Exit> {
    let config = load(console)?;
    let connection = config.find(&args.name)?;
    let (name, file) = (connection.name.as_str(), connection.file.display().to_string());
    let question = format!("Take {name} out of {}? Runs that named it cannot be undone without it.", escape(&file));
    if !console.prompt.confirm(&question, &format!("conn rm {name}"))? {
        console.messages.note("nothing was changed");
        return Ok(Exit::FAILED);
    }
    config::remove(&connection.file, name)?;
    let done = Done { action: "removed", name, file };
    console.present(&Document::new("connection-change", &done), |_| {
        format!("removed {name} from {}\n", escape(&done.file))
    })?;
    Ok(Exit::DONE)
}
