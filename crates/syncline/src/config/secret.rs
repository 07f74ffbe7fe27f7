//! Secrets, fetched where the url of a connection says they are kept.
//!
//! What is fetched is never part of an error, and neither is anything that a command wrote.

mod command;
mod env_file;

use std::path::Path;

use syncline_core::error::{Code, Error, Result};
use syncline_core::limits;

use super::connection::Connection;
use super::files::read_bounded;
use super::template::{SecretKind, SecretRef};
use crate::session::Environment;

/// What was fetched, or why it could not be.
type Fetched<T> = std::result::Result<T, String>;

/// Where variables are looked for beside the environment.
const ENV_FILE: &str = ".env";

/// The secrets of a connection, in the order in which its url has them.
///
/// # Errors
/// `SECRET_FAILED`; `CONFIG_UNTRUSTED` where a program would be run for a file that others may write.
pub(super) async fn fetch(connection: &Connection, lookup: &Environment) -> Result<Vec<String>> {
    if connection.secrets().any(|secret| secret.kind.runs()) {
        connection.standing.check_commands(&connection.file)?;
    }
    let mut secrets = Vec::new();
    for secret in connection.secrets() {
        let fetched = match words(secret) {
            Some(words) => ran(words?, connection).await,
            None => kept(secret, connection.base(), lookup),
        };
        let found = fetched.and_then(usable).map_err(|why| failed(secret, &why, connection))?;
        secrets.push(found);
    }
    Ok(secrets)
}

/// The same, if no program has to be run and nothing is missing.
pub(super) fn fetch_at_hand(connection: &Connection, lookup: &Environment) -> Option<Vec<String>> {
    let at_hand = |secret: &SecretRef| {
        let is_kept = !secret.kind.runs();
        is_kept.then(|| kept(secret, connection.base(), lookup).and_then(usable).ok()).flatten()
    };
    connection.secrets().map(at_hand).collect()
}

/// What is kept in a variable or a file.
fn kept(secret: &SecretRef, base: &Path, lookup: &Environment) -> Fetched<Vec<u8>> {
    match secret.kind {
        SecretKind::Env => {
            let set = lookup(&secret.argument).filter(|value| !value.is_empty()).map(Ok);
            set.unwrap_or_else(|| in_env_file(&secret.argument, base)).map(String::into_bytes)
        }
        SecretKind::File | SecretKind::Cmd | SecretKind::Keyring => {
            let path = base.join(&secret.argument);
            let read = read_bounded(&path, limits::SECRET_BYTES_MAX as u64);
            read.map(|(bytes, _)| without_end(bytes)).map_err(|error| format!("{}: {error}", path.display()))
        }
    }
}

fn in_env_file(variable: &str, base: &Path) -> Fetched<String> {
    let path = base.join(ENV_FILE);
    if path.symlink_metadata().is_err() {
        return Err(format!("the variable is unset or empty, and there is no {} that could set it", path.display()));
    }
    let said = |why: String| format!("{}: {why}", path.display());
    let (bytes, standing) =
        read_bounded(&path, limits::SECRET_BYTES_MAX as u64).map_err(|error| said(error.to_string()))?;
    standing.check_found(&path).map_err(|error| said(error.why().unwrap_or_default().to_owned()))?;
    let text = String::from_utf8(bytes).map_err(|_| said("it is no UTF-8 text".to_owned()))?;
    match env_file::find(&text, variable).map_err(said)? {
        Some(value) if !value.is_empty() => Ok(value),
        _ => Err(format!("the variable is unset or empty, and {} does not set it", path.display())),
    }
}

/// The program that is run for a secret, and its arguments; `None` where none is.
fn words(secret: &SecretRef) -> Option<Result<Vec<String>>> {
    match secret.kind {
        SecretKind::Cmd => Some(command::split(&secret.argument).map_err(|why| {
            Error::new(Code::SecretFailed, format!("{secret} cannot be run"))
                .because(why)
                .leaving("nothing was changed")
        })),
        SecretKind::Keyring => Some(command::of_keyring(&secret.argument).ok_or_else(|| {
            Error::new(Code::SecretFailed, format!("{secret} cannot be looked up"))
                .because("no program that asks a keyring is known on this system")
                .leaving("nothing was changed")
                .next("${cmd:COMMAND}", "takes what a command prints")
        })),
        SecretKind::Env | SecretKind::File => None,
    }
}

async fn ran(words: Vec<String>, connection: &Connection) -> Fetched<Vec<u8>> {
    let base = connection.base().to_owned();
    let run = move || command::run(&words, &base, limits::SECRET_COMMAND_WITHIN);
    let printed = tokio::task::spawn_blocking(run).await.map_err(|_| "it could not be run".to_owned())?;
    printed.map(without_end)
}

/// Programs and editors end the last line.
fn without_end(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    }
    bytes
}

fn usable(bytes: Vec<u8>) -> Fetched<String> {
    let text = String::from_utf8(bytes).map_err(|_| "what it gave is no UTF-8 text".to_owned())?;
    match text {
        _ if text.is_empty() => Err("what it gave is empty".to_owned()),
        _ if text.contains('\0') => Err("what it gave holds a NUL character".to_owned()),
        _ if text.len() > limits::SECRET_BYTES_MAX => Err("what it gave is too long for a secret".to_owned()),
        text => Ok(text),
    }
}

fn failed(secret: &SecretRef, why: &str, connection: &Connection) -> Error {
    let error =
        Error::new(Code::SecretFailed, format!("{} asks for {secret}, which could not be had", connection.name))
            .at(connection.place())
            .because(why)
            .leaving("nothing was changed");
    match secret.kind {
        SecretKind::Env => error.next(format!("export {}=…", secret.argument), "sets the variable"),
        SecretKind::File => error.next("check the path; it counts from the directory of the configuration", ""),
        SecretKind::Cmd => error.next(&secret.argument, "run it yourself to see what is wrong; it may take no input"),
        SecretKind::Keyring => error.next(command::to_keep(&secret.argument), "puts it into the keyring"),
    }
}

#[cfg(test)]
mod tests;

/// A connection with this url, as if it stood in a file of this directory.
#[cfg(test)]
pub(super) fn connection_in(dir: &Path, url: &str) -> Connection {
    let path = dir.join(super::FILE_NAME);
    std::fs::write(&path, format!("version = 1\n[connections.hq]\nurl = '''{url}'''\n")).unwrap();
    let file = super::ConfigFile::load(&path, super::Origin::Named).unwrap();
    file.connections[0].clone()
}
