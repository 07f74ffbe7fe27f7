//! `syncline man`: manual pages.

use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use clap_mangen::Man;
use serde::Serialize;
use syncline::error::{Code, Error, Result};

use crate::args;
use crate::console::Console;
use crate::exit::Exit;
use crate::render::json::Document;
use crate::render::text::{counted, quote};

/// Prints the manual page in roff, or writes those of all commands into a directory.
#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// The directory to write the pages of all commands to; made when missing
    dir: Option<PathBuf>,
}

#[derive(Serialize)]
struct Page {
    page: String,
}

#[derive(Serialize)]
struct Written {
    dir: String,
    pages: u64,
}

/// Does it.
pub(super) fn run(args: &ManArgs, console: &Console) -> Result<Exit> {
    match &args.dir {
        None => {
            let mut page = Vec::new();
            Man::new(args::command()).render(&mut page).map_err(|error| failed(&error))?;
            let page = Page { page: String::from_utf8_lossy(&page).into_owned() };
            console.present(&Document::new("man", &page), |_| page.page.clone())?;
        }
        Some(dir) => {
            let pages = write(dir).map_err(|error| failed(&error).at(dir.to_string_lossy()))?;
            let written = Written { dir: dir.to_string_lossy().into_owned(), pages };
            console.present(&Document::new("man", &written), |_| {
                format!("wrote {} to {}\n", counted(pages, "page"), quote(&written.dir))
            })?;
        }
    }
    Ok(Exit::DONE)
}

fn write(dir: &Path) -> io::Result<u64> {
    std::fs::create_dir_all(dir)?;
    let mut command = args::command().disable_help_subcommand(true);
    command.build();
    write_with_subcommands(command, dir)
}

fn write_with_subcommands(command: clap::Command, dir: &Path) -> io::Result<u64> {
    let mut pages = 1;
    for subcommand in command.get_subcommands().filter(|subcommand| !subcommand.is_hide_set()) {
        pages += write_with_subcommands(subcommand.clone(), dir)?;
    }
    Man::new(command).generate_to(dir)?;
    Ok(pages)
}

fn failed(error: &io::Error) -> Error {
    let code = match error.kind() {
        io::ErrorKind::PermissionDenied => Code::StoreDenied,
        io::ErrorKind::StorageFull => Code::DiskFull,
        _ => Code::UsageInvalid,
    };
    Error::new(code, "the manual pages cannot be written").because(error.to_string())
}
