//! `syncline config path`.

use clap::Args;
use serde::Serialize;
use syncline::config::FILE_NAME;
use syncline::error::Result;

use crate::console::{Console, working_dir};
use crate::exit::Exit;
use crate::render::json::Document;
use crate::render::text::escape;

/// Prints the files of the configuration that are read, the one that counts first before the others.
#[derive(Debug, Args)]
pub(crate) struct PathArgs {}

#[derive(Serialize)]
struct Paths {
    files: Vec<FoundFile>,
    looked_for: Vec<String>,
}

#[derive(Serialize)]
pub(super) struct FoundFile {
    pub(super) file: String,
    pub(super) origin: &'static str,
}

/// Does it.
pub(super) fn run(_: &PathArgs, console: &Console) -> Result<Exit> {
    let (files, looked_for) = (found(console)?, looked_for(console)?);
    let paths = Paths { files, looked_for };
    console.present(&Document::new("config-path", &paths), |_| {
        paths.files.iter().map(|found| format!("{}\n", escape(&found.file))).collect()
    })?;
    if paths.files.is_empty() {
        console.messages.note(&format!("there is none; looked for {}", paths.looked_for.join(" and ")));
    }
    Ok(Exit::DONE)
}

/// The files that are read.
pub(super) fn found(console: &Console) -> Result<Vec<FoundFile>> {
    let paths = console.config_places().paths(&working_dir()?);
    let file = |(path, origin): (std::path::PathBuf, syncline::config::Origin)| FoundFile {
        file: path.display().to_string(),
        origin: origin.name(),
    };
    Ok(paths.into_iter().map(file).collect())
}

fn looked_for(console: &Console) -> Result<Vec<String>> {
    let dir = working_dir()?;
    let first = match console.named_config() {
        Some(path) => dir.join(path).display().to_string(),
        None => format!("{FILE_NAME} in {} and above", dir.display()),
    };
    let user = console.user_config().map(|path| path.display().to_string());
    Ok(std::iter::once(first).chain(user).collect())
}
