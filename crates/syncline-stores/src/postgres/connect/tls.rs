//! How a server is told from an impostor.

use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use syncline_core::error::{Code, Error, Result};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::settings::{ConnectOptions, Roots, TlsMode};

/// Where Debian and many others keep the authorities that the machine trusts; a company's own is there too.
const SYSTEM_BUNDLE: &str = "/etc/ssl/certs/ca-certificates.crt";

/// What rustls expects of those who look at certificates.
type Checked<T> = std::result::Result<T, rustls::Error>;

/// The way to encrypt a connection as the options ask for.
///
/// # Errors
/// `USAGE_INVALID` when the file of certificates cannot be used.
pub(super) fn connector(options: &ConnectOptions) -> Result<MakeRustlsConnect> {
    // Given explicitly: the default of the process belongs to the program that links this library.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(verifier(options, provider)?)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

fn verifier(options: &ConnectOptions, provider: Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>> {
    let checks = match options.tls {
        TlsMode::VerifyFull => Checks::Name,
        TlsMode::VerifyCa => Checks::Authority,
        // As PostgreSQL's own clients do: authorities that were named are asked.
        TlsMode::Require if options.roots.is_some() => Checks::Authority,
        TlsMode::Require | TlsMode::Prefer | TlsMode::Allow | TlsMode::Disable => {
            return Ok(Arc::new(AnyServer { provider }));
        }
    };
    let roots = Arc::new(roots(options.roots.as_ref())?);
    let inner = WebPkiServerVerifier::builder_with_provider(roots, provider)
        .build()
        .map_err(|error| unusable(error.to_string()))?;
    Ok(match checks {
        Checks::Name => inner,
        Checks::Authority => Arc::new(AnyName { inner }),
    })
}

enum Checks {
    Authority,
    Name,
}

fn roots(named: Option<&Roots>) -> Result<RootCertStore> {
    let mut store = RootCertStore::empty();
    match named {
        Some(Roots::File(path)) => add_file(&mut store, path)?,
        Some(Roots::System) | None => {
            let bundle = Path::new(SYSTEM_BUNDLE);
            if !bundle.exists() || add_file(&mut store, bundle).is_err() {
                store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
            }
        }
    }
    Ok(store)
}

/// # Errors
/// When the file cannot be read or holds no certificate that can be used.
fn add_file(store: &mut RootCertStore, path: &Path) -> Result<()> {
    let told = |why: String| unusable(format!("{}: {why}", path.display()));
    let mut found = Vec::new();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| told(error.to_string()))? {
        found.push(certificate.map_err(|error| told(error.to_string()))?);
    }
    let (added, _) = store.add_parsable_certificates(found);
    if added == 0 { Err(told("there is no certificate in it".to_owned())) } else { Ok(()) }
}

fn unusable(why: String) -> Error {
    Error::new(Code::UsageInvalid, "the certificates to check the server against cannot be used")
        .because(why)
        .leaving("nothing was changed")
        .next("sslrootcert=FILE", "names a file of PEM certificates of the authorities to trust")
}

/// Trusts any authority's server, under whatever name: the way is encrypted, to whoever is at its other end.
#[derive(Debug)]
struct AnyServer {
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Checked<ServerCertVerified> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Checked<HandshakeSignatureValid> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Checked<HandshakeSignatureValid> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Trusts the servers that an authority vouches for, under whatever name.
#[derive(Debug)]
struct AnyName {
    inner: Arc<WebPkiServerVerifier>,
}

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Checked<ServerCertVerified> {
        // The name is what is looked at last, once everything else was found in order.
        match self.inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            result => result,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Checked<HandshakeSignatureValid> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Checked<HandshakeSignatureValid> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
