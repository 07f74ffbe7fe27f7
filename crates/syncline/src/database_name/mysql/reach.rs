//! What a name says of the way to its database, understood.

use std::path::{Path, PathBuf};

use syncline_core::error::Result;
use syncline_stores::mysql::ConnectOptions;
use syncline_stores::server::{Host, Password, Roots, TlsMode};

use super::PROGRAM;
use crate::database_name::server::parts::Parts;

/// Where servers put their socket unless told otherwise.
const USUAL_SOCKETS: [&str; 3] = ["/run/mysqld/mysqld.sock", "/var/run/mysqld/mysqld.sock", "/tmp/mysql.sock"];

/// The words of the engines' own clients for each mode. They have none for a way that is only encrypted when the server insists.
const MODES: [(TlsMode, &str); 5] = [
    (TlsMode::Disable, "DISABLED"),
    (TlsMode::Prefer, "PREFERRED"),
    (TlsMode::Require, "REQUIRED"),
    (TlsMode::VerifyCa, "VERIFY_CA"),
    (TlsMode::VerifyFull, "VERIFY_IDENTITY"),
];

/// Where the database is and how to reach it.
///
/// # Errors
/// `URL_INVALID`, or `URL_OPTION` for a value that an option cannot have.
pub(super) fn options(parts: &Parts, lookup: &dyn Fn(&str) -> Option<String>) -> Result<ConnectOptions> {
    let Some(database) = parts.get("database") else {
        return Err(parts.engine.invalid("it names no database"));
    };
    let host = host(parts)?;
    let (tls, roots) = protection(parts, &host)?;
    Ok(ConnectOptions {
        port: parts.port(ConnectOptions::USUAL_PORT)?,
        user: parts.user(lookup)?,
        password: parts.get("password").map(Password::new),
        database: database.to_owned(),
        tls,
        roots,
        connect_timeout: parts.connect_timeout()?,
        program_name: PROGRAM.to_owned(),
        host,
    })
}

/// What a mode is called behind `ssl-mode=`.
pub(super) fn mode_name(mode: TlsMode) -> &'static str {
    MODES.iter().find(|(known, _)| *known == mode).map_or("PREFERRED", |(_, name)| name)
}

/// A host that was typed goes before a socket that was not.
fn host(parts: &Parts) -> Result<Host> {
    let named = parts.host()?;
    if let Some(path) = named.filter(|host| host.starts_with('/')) {
        return Ok(Host::Socket(PathBuf::from(path)));
    }
    let is_typed = parts.typed.contains_key("host");
    match (named, parts.get("socket")) {
        (Some(name), _) if is_typed && !parts.typed.contains_key("socket") => Ok(Host::Name(name.to_owned())),
        (_, Some(socket)) => Ok(Host::Socket(PathBuf::from(socket))),
        (Some(name), None) => Ok(Host::Name(name.to_owned())),
        (None, None) => Ok(usual_socket().map_or_else(|| Host::Name("localhost".to_owned()), Host::Socket)),
    }
}

/// The socket of this machine's server, if there is one.
fn usual_socket() -> Option<PathBuf> {
    USUAL_SOCKETS.into_iter().map(Path::new).find(|path| path.exists()).map(Path::to_path_buf)
}

fn protection(parts: &Parts, host: &Host) -> Result<(TlsMode, Option<Roots>)> {
    let roots = parts.get("ssl-ca").map(|path| Roots::File(PathBuf::from(path)));
    let Some(named) = parts.get("ssl-mode") else {
        // Authorities that were named are named to be asked.
        let is_checked = !host.is_local() || parts.typed.contains_key("ssl-ca");
        return Ok((if is_checked { TlsMode::VerifyFull } else { TlsMode::Prefer }, roots));
    };
    match MODES.iter().find(|(_, name)| name.eq_ignore_ascii_case(named)) {
        Some((mode, _)) => Ok((*mode, roots)),
        None => {
            let names = MODES.map(|(_, name)| name).join(", ");
            Err(parts.placed("ssl-mode", parts.engine.refused(format!("ssl-mode is none of {names}"))))
        }
    }
}
