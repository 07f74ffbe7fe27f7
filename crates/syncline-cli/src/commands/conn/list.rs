//! `syncline conn list`.

use clap::Args;
use syncline::error::Result;

use super::{ConnectionDocument, load};
use crate::console::{Console, Shape};
use crate::exit::Exit;
use crate::render::json::List;
use crate::render::table::{table, words};

/// Lists connections, without passwords.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {}

/// Does it.
pub(super) fn run(_: &ListArgs, console: &Console) -> Result<Exit> {
    let config = load(console)?;
    let connections = config.connections();
    let listed: Vec<_> = connections.iter().map(|(connection, is)| ConnectionDocument::new(connection, *is)).collect();
    match console.shape {
        Shape::Json => console.output.json(&List::new("connections", &listed, None))?,
        Shape::Text => console.output.text(&text(&listed))?,
    }
    Ok(Exit::DONE)
}

fn text(connections: &[ConnectionDocument]) -> String {
    if connections.is_empty() {
        return "there are no connections\n".to_owned();
    }
    let row = |connection: &ConnectionDocument| {
        let protected = if connection.protected { "yes" } else { "" };
        let note = match connection {
            ConnectionDocument { in_force: false, .. } => "not in force: the project has one of that name",
            ConnectionDocument { password: "file", .. } => "its password is in the file",
            _ => "",
        };
        let cells = [connection.name.as_str(), &connection.url, protected, &connection.file, note];
        cells.map(str::to_owned).to_vec()
    };
    let headings = [words("NAME"), words("URL"), words("PROTECTED"), words("FILE"), words("NOTE")];
    table(&headings, &connections.iter().map(row).collect::<Vec<_>>())
}
