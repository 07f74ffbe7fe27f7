//! What a name holds, filled up from what surrounds it and understood.

use std::time::Duration;

use syncline_core::error::{Error, Result};
use syncline_core::limits;

use super::Engine;
use super::url::{self, Typed};

/// What was typed, and what is added where nothing was.
pub(in crate::database_name) struct Parts {
    pub(in crate::database_name) engine: &'static Engine,
    pub(in crate::database_name) typed: Typed,
    /// From files of options, which go before the environment.
    filed: Typed,
    ambient: Typed,
}

impl Parts {
    /// `filed` is what files of options say.
    pub(in crate::database_name) fn new(
        engine: &'static Engine,
        typed: Typed,
        filed: Typed,
        lookup: &dyn Fn(&str) -> Option<String>,
    ) -> Self {
        let mut ambient = Typed::new();
        for (option, variable) in engine.variables {
            let is_known = typed.contains_key(option) || filed.contains_key(option);
            let value = if is_known { None } else { lookup(variable) };
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                ambient.insert(option, value);
            }
        }
        Self { engine, typed, filed, ambient }
    }

    /// What an option is, wherever that was said.
    pub(in crate::database_name) fn get(&self, option: &str) -> Option<&str> {
        let found = self.typed.get(option).or_else(|| self.filed.get(option)).or_else(|| self.ambient.get(option));
        found.map(String::as_str)
    }

    /// The name or the address of a machine, where one is named.
    ///
    /// # Errors
    /// `URL_INVALID`, as all of these.
    pub(in crate::database_name) fn host(&self) -> Result<Option<&str>> {
        let Some(host) = self.get("host") else { return Ok(None) };
        if !host.starts_with('/') && host.contains(',') {
            return Err(self.placed("host", url::several(self.engine)));
        }
        if !host.starts_with('/')
            && host.contains(|c: char| c.is_control() || c.is_whitespace() || "/@?#[]".contains(c))
        {
            return Err(self.placed("host", self.engine.invalid("the host holds a character that no host has")));
        }
        Ok(Some(host))
    }

    /// The port, or the usual one.
    ///
    /// # Errors
    /// When it is none.
    pub(in crate::database_name) fn port(&self, usual: u16) -> Result<u16> {
        let Some(port) = self.get("port") else { return Ok(usual) };
        let number = port.parse::<u16>().ok().filter(|number| *number > 0);
        number.ok_or_else(|| {
            // Not repeated: with a character that should have been encoded, it is the beginning of a password.
            let why = "the port is no number from 1 to 65535; in a password, write %2F for /, %3F for ? and %40 for @";
            self.placed("port", self.engine.invalid(why))
        })
    }

    /// The user, who is that of the shell where none is named.
    ///
    /// # Errors
    /// When there is none.
    pub(in crate::database_name) fn user(&self, lookup: &dyn Fn(&str) -> Option<String>) -> Result<String> {
        let named = self.get("user").map(str::to_owned);
        let named = named.or_else(|| lookup("USER")).or_else(|| lookup("LOGNAME")).filter(|user| !user.is_empty());
        named.ok_or_else(|| {
            let own = self.engine.variables.iter().find(|(option, _)| *option == "user");
            let own = own.map(|(_, variable)| format!("{variable}, ")).unwrap_or_default();
            self.engine.invalid(format!("it names no user, and {own}USER and LOGNAME are not set"))
        })
    }

    /// How long to wait until the server has let us in.
    ///
    /// # Errors
    /// `URL_OPTION` when it is no number of seconds that is allowed.
    pub(in crate::database_name) fn connect_timeout(&self) -> Result<Duration> {
        let Some(seconds) = self.get("connect_timeout") else { return Ok(limits::CONNECT_TIMEOUT) };
        let asked = seconds.parse::<u64>().ok().map(Duration::from_secs);
        let most = limits::CONNECT_TIMEOUT_MAX;
        asked.filter(|asked| !asked.is_zero() && *asked <= most).ok_or_else(|| {
            let what = format!("connect_timeout is no number of seconds from 1 to {}", most.as_secs());
            self.placed("connect_timeout", self.engine.refused(what))
        })
    }

    /// Says where a value came from that is not what was typed.
    pub(in crate::database_name) fn placed(&self, option: &str, error: Error) -> Error {
        let variable = self.engine.variables.iter().find(|(known, _)| *known == option);
        match variable.filter(|_| self.ambient.contains_key(option)) {
            Some((_, variable)) => error.at(format!("the value of the variable {variable:?}")),
            None => error,
        }
    }
}
