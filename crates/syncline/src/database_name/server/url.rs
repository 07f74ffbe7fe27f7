//! The parts of a URL of a server, `scheme://user:password@host:port/database?option=value`, taken apart and not yet understood.
//!
//! No part is ever repeated in an error: where the text is split depends on characters that a password may hold, so any
//! part may be half of one.

use std::collections::BTreeMap;

use syncline_core::error::Result;

use super::super::percent;
use super::Engine;

/// What was typed, by the name of its option.
pub(in crate::database_name) type Typed = BTreeMap<&'static str, String>;

/// Takes apart what follows the scheme and its colon. Parts that are empty are left out.
///
/// # Errors
/// `URL_INVALID`, or `URL_OPTION` for an option that is not allowed or given twice.
pub(in crate::database_name) fn parse(engine: &'static Engine, rest: &str) -> Result<Typed> {
    let mut typed = Typed::new();
    let Some(rest) = rest.strip_prefix("//") else {
        return Err(engine.invalid(format!("behind {}: two slashes must follow", engine.scheme)));
    };
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, database) = place.split_once('/').unwrap_or((place, ""));
    let server = match authority.split_once('@') {
        Some((login, server)) => {
            let (user, password) = login.split_once(':').unwrap_or((login, ""));
            put(engine, &mut typed, "user", user)?;
            put(engine, &mut typed, "password", password)?;
            server
        }
        None => authority,
    };
    if server.contains('@') {
        return Err(
            engine.invalid("there are two @; write %40 for one that belongs to the user's name or the password")
        );
    }
    if database.contains(['@', '/']) {
        return Err(engine.invalid(
            "behind the name of the database stands more; in a password or a name, write %2F for / and %40 for @",
        ));
    }
    let (host, port) = split_port(engine, server)?;
    put(engine, &mut typed, "host", host)?;
    put(engine, &mut typed, "port", port)?;
    put(engine, &mut typed, engine.database, database)?;
    for option in query.split('&').filter(|option| !option.is_empty()) {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        let Some(name) = engine.options.iter().copied().find(|known| *known == name) else {
            // The question mark may belong to a password that stands before the @.
            let is_login = query.contains('@');
            let why = "behind ? stands no option; in a password, write %3F for ? and %40 for @";
            return Err(if is_login { engine.invalid(why) } else { engine.refused(unknown(name)) });
        };
        put(engine, &mut typed, name, value)?;
    }
    Ok(typed)
}

/// The host, without brackets, and the port.
fn split_port<'s>(engine: &Engine, server: &'s str) -> Result<(&'s str, &'s str)> {
    if server.contains(',') {
        return Err(several(engine));
    }
    if let Some(inside) = server.strip_prefix('[') {
        let Some((host, after)) = inside.split_once(']') else {
            return Err(engine.invalid("a bracket before the host is not closed"));
        };
        return match after.strip_prefix(':') {
            _ if !host.contains(':') => Err(engine.invalid("in brackets stands no IPv6 address")),
            Some(port) => Ok((host, port)),
            None if after.is_empty() => Ok((host, "")),
            None => Err(engine.invalid("behind the address in brackets stands no port")),
        };
    }
    let (host, port) = server.split_once(':').unwrap_or((server, ""));
    if port.contains(':') {
        return Err(engine
            .invalid("an IPv6 address stands in brackets, like [::1]; in a password, write %3A for : and %40 for @"));
    }
    Ok((host, port))
}

/// The error for more than one host.
pub(super) fn several(engine: &Engine) -> syncline_core::error::Error {
    engine.invalid("it names several hosts; a run must know which database it is working on, so name one of them")
}

fn put(engine: &Engine, typed: &mut Typed, name: &'static str, encoded: &str) -> Result<()> {
    if encoded.is_empty() {
        return Ok(());
    }
    let Some(bytes) = percent::decode(encoded) else {
        return Err(
            engine.invalid("`%` is followed by no character code; if it belongs to a password or a name, write %25")
        );
    };
    let text = String::from_utf8(bytes).map_err(|_| engine.invalid("a part of it is no UTF-8 text"))?;
    if text.contains('\0') {
        return Err(engine.invalid("a part of it holds a NUL character"));
    }
    match typed.insert(name, text) {
        None => Ok(()),
        Some(_) => Err(engine.refused(format!("the option {name:?} is given twice"))),
    }
}

/// Names an option that is not known, unless it could be something else.
fn unknown(name: &str) -> String {
    let is_word = name.len() <= 32 && name.bytes().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'_' | b'-'));
    if is_word && !name.is_empty() {
        format!("the option {name:?} is not allowed")
    } else {
        "an option is not allowed".to_owned()
    }
}
