//! How a server is told from an impostor.

use mysql_async::SslOpts;
use syncline_core::error::Result;

use super::settings::ConnectOptions;
use crate::server::{TlsMode, authorities};

/// What the server is called where its name is not to be checked.
///
/// The driver lets an error about the name pass by its words, which are other ones by now; but they repeat the name that was
/// expected. Nobody has this name, and the authorities are asked before the name is.
const ANY_NAME: &str = "NotValidForName.invalid";

/// The way to encrypt a connection as the options ask for.
///
/// # Errors
/// `USAGE_INVALID` when the file of certificates cannot be used.
pub(super) fn encryption(options: &ConnectOptions) -> Result<SslOpts> {
    let ssl = SslOpts::default();
    let is_name_checked = match options.tls {
        TlsMode::VerifyFull => true,
        TlsMode::VerifyCa => false,
        // As with PostgreSQL: authorities that were named are asked.
        TlsMode::Require if options.roots.is_some() => false,
        TlsMode::Require | TlsMode::Prefer | TlsMode::Allow | TlsMode::Disable => {
            return Ok(ssl.with_danger_accept_invalid_certs(true));
        }
    };
    let roots = authorities(options.roots.as_ref(), "ssl-ca=FILE")?;
    let ssl = if is_name_checked { ssl } else { ssl.with_danger_tls_hostname_override(Some(ANY_NAME)) };
    Ok(ssl
        .with_disable_built_in_roots(!roots.is_empty())
        .with_root_certs(roots.into_iter().map(|root| root.to_vec().into()).collect())
        .with_danger_skip_domain_validation(!is_name_checked))
}
