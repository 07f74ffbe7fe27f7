//! What a name says of the way to its database, understood.

use std::path::PathBuf;

use syncline_core::error::Result;
use syncline_stores::postgres::ConnectOptions;
use syncline_stores::server::{Host, Password, Roots, TlsMode};

use super::APPLICATION;
use crate::database_name::server::parts::Parts;

/// Variables that would lead PostgreSQL's own clients elsewhere than us, and what takes their place in a name.
const NOT_HEEDED: [(&str, &str); 3] = [
    ("PGSERVICE", "host, user and database of that service"),
    ("PGHOSTADDR", "that address as the host"),
    ("PGOPTIONS", "the options with the role itself (ALTER ROLE … SET)"),
];

/// Where the database is and how to reach it.
///
/// # Errors
/// `URL_INVALID`, or `URL_OPTION` for a value that an option cannot have.
pub(super) fn options(parts: &Parts, lookup: &dyn Fn(&str) -> Option<String>) -> Result<ConnectOptions> {
    check_variables(parts, lookup)?;
    let host = match parts.host()? {
        None => Host::Name("localhost".to_owned()),
        Some(host) if host.starts_with('/') => Host::Socket(PathBuf::from(host)),
        Some(host) => Host::Name(host.to_owned()),
    };
    let (tls, roots) = protection(parts, &host)?;
    let user = parts.user(lookup)?;
    Ok(ConnectOptions {
        port: parts.port(ConnectOptions::USUAL_PORT)?,
        password: parts.get("password").map(Password::new),
        database: parts.get("dbname").unwrap_or(&user).to_owned(),
        tls,
        roots,
        connect_timeout: parts.connect_timeout()?,
        application_name: parts.get("application_name").unwrap_or(APPLICATION).to_owned(),
        host,
        user,
    })
}

/// To leave such a variable out in silence could mean another database than the person's.
fn check_variables(parts: &Parts, lookup: &dyn Fn(&str) -> Option<String>) -> Result<()> {
    let is_complete = ["host", "user", "dbname"].iter().all(|part| parts.typed.contains_key(part));
    let set = NOT_HEEDED.into_iter().filter(|(variable, _)| *variable != "PGSERVICE" || !is_complete);
    let mut set = set.filter(|(variable, _)| lookup(variable).is_some_and(|value| !value.is_empty()));
    let Some((variable, instead)) = set.next() else { return Ok(()) };
    Err(parts
        .engine
        .invalid(format!("the variable {variable} is set, which this program does not heed"))
        .next(format!("unset {variable}"), format!("and give {instead}")))
}

fn protection(parts: &Parts, host: &Host) -> Result<(TlsMode, Option<Roots>)> {
    let roots = parts.get("sslrootcert").map(|name| match name {
        "system" => Roots::System,
        path => Roots::File(PathBuf::from(path)),
    });
    let Some(mode) = parts.get("sslmode") else {
        // Authorities that were named are named to be asked.
        let is_checked = !host.is_local() || roots == Some(Roots::System) || parts.typed.contains_key("sslrootcert");
        return Ok((if is_checked { TlsMode::VerifyFull } else { TlsMode::Prefer }, roots));
    };
    let Some(mode) = TlsMode::from_name(mode) else {
        let names = TlsMode::ALL.map(TlsMode::name).join(", ");
        return Err(parts.placed("sslmode", parts.engine.refused(format!("sslmode is none of {names}"))));
    };
    // Anybody can get a certificate of the system's authorities for some name, so the name has to be looked at.
    if roots == Some(Roots::System) && mode != TlsMode::VerifyFull && parts.typed.contains_key("sslrootcert") {
        let what = format!("sslmode={} cannot be used with sslrootcert=system", mode.name());
        return Err(parts
            .engine
            .refused(what)
            .next("sslmode=verify-full", "is the mode that fits the system's authorities"));
    }
    Ok((mode, roots))
}
