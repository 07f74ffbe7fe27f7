//! A server's certificate, and the authority it is from.

use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};

use super::Programs;

/// The authority's certificate in the server's directory.
pub(super) const AUTHORITY: &str = "authority.crt";

/// The server's certificate there.
pub(crate) const CERTIFICATE: &str = "server.crt";

/// Its key.
pub(crate) const KEY: &str = "server.key";

/// Writes a new authority's certificate, and by it one for `names` with its key.
pub(crate) fn write(programs: &Programs, directory: &Path, names: &[String]) {
    let (authority, issuer) = authority();
    let mut server = CertificateParams::new(names).unwrap();
    server.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate().unwrap();
    let certificate = server.signed_by(&key, &issuer).unwrap();
    let files = [(AUTHORITY, authority), (CERTIFICATE, certificate.pem()), (KEY, key.serialize_pem())];
    for (name, content) in files {
        programs.write_private(&directory.join(name), &content);
    }
}

fn authority() -> (String, Issuer<'static, KeyPair>) {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "authority of a test");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    (certificate.pem(), Issuer::new(params, key))
}
