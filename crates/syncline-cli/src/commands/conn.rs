//! `syncline conn`: databases by names of their own.

mod add;
mod edit;
mod list;
mod rm;
mod show;
mod test;

use clap::Subcommand;
use serde::Serialize;
use syncline::config::{Config, Connection};
use syncline::error::Result;

use crate::console::{Console, working_dir};
use crate::exit::Exit;

/// Adds, lists, tests, shows, edits and removes connections: databases by names of their own.
#[derive(Debug, Subcommand)]
pub(crate) enum ConnCommand {
    Add(add::AddArgs),
    List(list::ListArgs),
    Test(test::TestArgs),
    Show(show::ShowArgs),
    Edit(edit::EditArgs),
    Rm(rm::RmArgs),
}

/// Does it.
pub(super) async fn run(command: ConnCommand, console: &Console) -> Result<Exit> {
    match command {
        ConnCommand::Add(args) => add::run(args, console),
        ConnCommand::List(args) => list::run(&args, console),
        ConnCommand::Test(args) => test::run(args, console).await,
        ConnCommand::Show(args) => show::run(&args, console),
        ConnCommand::Edit(args) => edit::run(args, console),
        ConnCommand::Rm(args) => rm::run(&args, console),
    }
}

/// A connection as programs see it. Nothing secret is in it.
#[derive(Debug, Serialize)]
pub(super) struct ConnectionDocument {
    pub(super) name: String,
    pub(super) url: String,
    /// Where the password is kept: `none`, `secret` or `file`.
    pub(super) password: &'static str,
    /// What is asked for when it is opened.
    pub(super) secrets: Vec<SecretDocument>,
    pub(super) protected: bool,
    pub(super) file: String,
    pub(super) line: usize,
    pub(super) origin: &'static str,
    /// Whether it is the one that its name means.
    pub(super) in_force: bool,
}

#[derive(Debug, Serialize)]
pub(super) struct SecretDocument {
    kind: &'static str,
    argument: String,
}

impl ConnectionDocument {
    pub(super) fn new(connection: &Connection, in_force: bool) -> Self {
        let secret = |secret: &syncline::config::SecretRef| SecretDocument {
            kind: secret.kind.name(),
            argument: secret.argument.clone(),
        };
        Self {
            name: connection.name.to_string(),
            url: connection.shown_url(),
            password: connection.password_in().name(),
            secrets: connection.secrets().map(secret).collect(),
            protected: connection.is_protected,
            file: connection.file.display().to_string(),
            line: connection.line,
            origin: connection.origin.name(),
            in_force,
        }
    }
}

/// The configuration in force.
pub(super) fn load(console: &Console) -> Result<Config> {
    Config::load(&console.config_places(), &working_dir()?)
}

/// What was done to a connection.
#[derive(Debug, Serialize)]
struct Done<'a> {
    action: &'static str,
    name: &'a str,
    file: String,
}
