//! The authorities that may vouch for a server.

use std::path::Path;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use syncline_core::error::{Code, Error, Result};

use super::Roots;

/// Where Debian and many others keep the authorities that the machine trusts; a company's own is there too.
pub(crate) const SYSTEM_BUNDLE: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Those that are named, or that the machine trusts; none where the machine has no list of them. `option` is what names a
/// file of them.
///
/// # Errors
/// `USAGE_INVALID` when the file that is named cannot be read or holds no certificate that can be used.
pub(crate) fn authorities(roots: Option<&Roots>, option: &str) -> Result<Vec<CertificateDer<'static>>> {
    let file = match roots {
        Some(Roots::File(path)) => path,
        // What cannot be read there is nobody's wish.
        Some(Roots::System) | None => return Ok(usable(read(Path::new(SYSTEM_BUNDLE), option).unwrap_or_default())),
    };
    let found = usable(read(file, option)?);
    if found.is_empty() {
        return Err(unusable(format!("{}: there is no certificate in it", file.display()), option));
    }
    Ok(found)
}

/// The error for certificates that nobody can be checked against.
pub(crate) fn unusable(why: String, option: &str) -> Error {
    Error::new(Code::UsageInvalid, "the certificates to check the server against cannot be used")
        .because(why)
        .leaving("nothing was changed")
        .next(option, "names a file of PEM certificates of the authorities to trust")
}

fn read(path: &Path, option: &str) -> Result<Vec<CertificateDer<'static>>> {
    let told = |why: String| unusable(format!("{}: {why}", path.display()), option);
    let certificates = CertificateDer::pem_file_iter(path).map_err(|error| told(error.to_string()))?;
    certificates.map(|certificate| certificate.map_err(|error| told(error.to_string()))).collect()
}

/// Without those that are no certificates of authorities to whoever checks.
fn usable(mut certificates: Vec<CertificateDer<'static>>) -> Vec<CertificateDer<'static>> {
    certificates.retain(|certificate| RootCertStore::empty().add(certificate.clone()).is_ok());
    certificates
}
