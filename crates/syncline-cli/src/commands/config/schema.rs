//! `syncline config schema`.

use clap::Args;
use syncline::config::json_schema;
use syncline::error::Result;

use crate::console::{Console, Shape};
use crate::exit::Exit;

/// Prints the JSON Schema of syncline.toml, for editors that complete and check it.
#[derive(Debug, Args)]
pub(crate) struct SchemaArgs {}

/// Does it.
pub(super) fn run(_: &SchemaArgs, console: &Console) -> Result<Exit> {
    let schema = json_schema();
    match console.shape {
        Shape::Json => console.output.json(&schema)?,
        Shape::Text => console.output.text(&format!("{schema:#}\n"))?,
    }
    Ok(Exit::DONE)
}
