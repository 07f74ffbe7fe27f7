//! `syncline config show`.

use std::path::Path;

use clap::{Args, ValueEnum};
use serde::Serialize;
use syncline::config::Config;
use syncline::error::Result;

use super::path::{FoundFile, found};
use crate::commands::conn::ConnectionDocument;
use crate::console::{Console, working_dir};
use crate::exit::Exit;
use crate::progress::Mode;
use crate::render::json::Document;
use crate::render::table::{table, words};

/// Shows the settings that are in force and where each comes from. Never a password.
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {}

#[derive(Serialize)]
struct Shown {
    settings: Vec<Setting>,
    files: Vec<FoundFile>,
    connections: Vec<ConnectionDocument>,
}

/// A setting of every command.
#[derive(Debug, Serialize)]
struct Setting {
    name: &'static str,
    /// `None` where there is none.
    value: Option<String>,
    /// `flag`, `environment` or `default`.
    origin: &'static str,
    /// The variable that gives it, where the environment does.
    #[serde(skip_serializing_if = "Option::is_none")]
    variable: Option<String>,
}

/// Does it.
pub(super) fn run(_: &ShowArgs, console: &Console) -> Result<Exit> {
    let config = Config::load(&console.config_places(), &working_dir()?)?;
    let connections = config.connections();
    let shown = Shown {
        settings: settings(console)?,
        files: found(console)?,
        connections: connections.iter().map(|(it, in_force)| ConnectionDocument::new(it, *in_force)).collect(),
    };
    console.present(&Document::new("config", &shown), |_| text(&shown))?;
    Ok(Exit::DONE)
}

fn settings(console: &Console) -> Result<Vec<Setting>> {
    let globals = &console.globals;
    let path = |path: &Path| Some(path.display().to_string());
    let state_dir = console.state_dir()?;
    let backup_root = globals.backup_root.clone().unwrap_or_else(|| state_dir.join("backups"));
    let values = [
        ("config", globals.config.as_deref().and_then(path)),
        ("state_dir", path(&state_dir)),
        ("backup_root", path(&backup_root)),
        ("progress", named(globals.progress.unwrap_or(Mode::Auto))),
        ("color", named(globals.color.unwrap_or_default())),
        ("no_input", Some(globals.no_input.to_string())),
        ("log_format", named(globals.log_format.unwrap_or_default())),
    ];
    let setting = |(name, value): (&'static str, Option<String>)| {
        let origin = globals.origins.of_option(name);
        let variable = (origin == "environment").then(|| format!("SYNCLINE_{}", name.to_uppercase()));
        Setting { name, value, origin, variable }
    };
    Ok(values.into_iter().map(setting).collect())
}

fn named(value: impl ValueEnum) -> Option<String> {
    Some(value.to_possible_value()?.get_name().to_owned())
}

fn text(shown: &Shown) -> String {
    let from = |setting: &Setting| match &setting.variable {
        Some(variable) => format!("{} {variable}", setting.origin),
        None => setting.origin.to_owned(),
    };
    let setting = |setting: &Setting| {
        vec![setting.name.to_owned(), setting.value.clone().unwrap_or_else(|| "none".to_owned()), from(setting)]
    };
    let connection = |connection: &ConnectionDocument| {
        let protected = if connection.protected { "  (protected)" } else { "" };
        let place = format!("{}, line {}", connection.file, connection.line);
        vec![format!("connections.{}", connection.name), format!("{}{protected}", connection.url), place]
    };
    let in_force = shown.connections.iter().filter(|connection| connection.in_force);
    let rows: Vec<_> = shown.settings.iter().map(setting).chain(in_force.map(connection)).collect();
    table(&[words("SETTING"), words("VALUE"), words("FROM")], &rows)
}
