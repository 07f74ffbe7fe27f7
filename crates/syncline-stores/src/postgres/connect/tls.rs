//! How a server is told from an impostor.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use syncline_core::error::Result;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::settings::ConnectOptions;
use crate::server::{Roots, TlsMode, authorities, unusable};

/// What names a file of certificates.
const OPTION: &str = "sslrootcert=FILE";

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
        .map_err(|error| unusable(error.to_string(), OPTION))?
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
    let trusted = authorities(options.roots.as_ref(), OPTION)?;
    let named = match &options.roots {
        Some(Roots::File(_)) => trusted.clone(),
        Some(Roots::System) | None => Vec::new(),
    };
    let roots = Arc::new(roots(trusted));
    let inner = WebPkiServerVerifier::builder_with_provider(roots, provider)
        .build()
        .map_err(|error| unusable(error.to_string(), OPTION))?;
    Ok(Arc::new(Trusted { inner, named, checks }))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Checks {
    Authority,
    Name,
}

fn roots(named: Vec<CertificateDer<'static>>) -> RootCertStore {
    let mut store = RootCertStore::empty();
    let (added, _) = store.add_parsable_certificates(named);
    if added == 0 {
        store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    store
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

/// Trusts the servers that an authority vouches for.
#[derive(Debug)]
struct Trusted {
    inner: Arc<WebPkiServerVerifier>,
    /// What a person has named as authorities, which may be the very certificate of a server.
    named: Vec<CertificateDer<'static>>,
    checks: Checks,
}

impl ServerCertVerifier for Trusted {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Checked<ServerCertVerified> {
        let verified = self.inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match verified {
            // The name is what is looked at last, once everything else was found in order.
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if self.checks == Checks::Authority => Ok(ServerCertVerified::assertion()),
            // Certificates that sign themselves, made as PostgreSQL's manual shows, say that they are authorities. When that is
            // found, their time was in order.
            Err(rustls::Error::InvalidCertificate(CertificateError::Other(why)))
                if why.0.downcast_ref() == Some(&webpki::Error::CaUsedAsEndEntity)
                    && self.named.iter().any(|named| named == end_entity) =>
            {
                if self.checks == Checks::Name {
                    verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                }
                Ok(ServerCertVerified::assertion())
            }
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
