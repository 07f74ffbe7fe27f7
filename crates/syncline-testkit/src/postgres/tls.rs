//! A server's certificate, and the authority it is from.

use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};

use super::programs::Programs;
use super::write_private;

/// The authority's certificate in the cluster's directory.
pub(super) const AUTHORITY: &str = "authority.crt";

const CERTIFICATE: &str = "server.crt";
const KEY: &str = "server.key";

/// Writes a new authority's certificate, and by it one for `names` with its key.
pub(super) fn write(programs: &Programs, directory: &Path, names: &[String]) {
    let (authority, issuer) = authority();
    let mut server = CertificateParams::new(names).unwrap();
    server.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate().unwrap();
    let certificate = server.signed_by(&key, &issuer).unwrap();
    let files = [(AUTHORITY, authority), (CERTIFICATE, certificate.pem()), (KEY, key.serialize_pem())];
    for (name, content) in files {
        write_private(programs, &directory.join(name), &content);
    }
}

/// The lines of `postgresql.conf` that put them to use.
pub(super) fn settings(directory: &Path) -> String {
    let directory = directory.display();
    format!("ssl = on\nssl_cert_file = '{directory}/{CERTIFICATE}'\nssl_key_file = '{directory}/{KEY}'")
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
