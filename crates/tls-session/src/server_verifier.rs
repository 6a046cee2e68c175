//! Certificates of who was dialed, and what is said of those that are not good: see [`crate::verifier`].

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};

use crate::verifier::Judge;

/// Checks certificates of who was dialed.
#[derive(Debug)]
pub(crate) struct ServerVerifier {
    /// `None` takes whoever answers.
    checks: Option<Checks>,
    schemes: WebPkiSupportedAlgorithms,
}

#[derive(Debug)]
struct Checks {
    /// `None` if nobody is known who may sign.
    inner: Option<Arc<WebPkiServerVerifier>>,
    judge: Judge,
}

impl ServerVerifier {
    pub(crate) fn new(
        inner: Option<Arc<WebPkiServerVerifier>>,
        judge: Judge,
        schemes: WebPkiSupportedAlgorithms,
    ) -> Self {
        Self { checks: Some(Checks { inner, judge }), schemes }
    }

    /// One that takes whoever answers, as long as it has the key of the certificate that it shows.
    pub(crate) fn trusting(schemes: WebPkiSupportedAlgorithms) -> Self {
        Self { checks: None, schemes }
    }
}

impl ServerCertVerifier for ServerVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(Checks { inner, judge }) = &self.checks else { return Ok(ServerCertVerified::assertion()) };
        let verified = match inner {
            Some(inner) => {
                inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
            }
            None => Err(CertificateError::UnknownIssuer.into()),
        };
        verified.map_err(|error| {
            let error = name_first(error, end_entity, server_name);
            judge.refuse(error, end_entity, intermediates);
            // Who dials has one alert for all of that, in Go.
            CertificateError::BadEncoding.into()
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.schemes)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.schemes)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes.supported_schemes()
    }
}

/// Go looks whose a certificate is before it looks who signed it.
fn name_first(error: Error, end_entity: &CertificateDer<'_>, name: &ServerName<'_>) -> Error {
    let is_of_signer = matches!(
        error,
        Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature)
    );
    let wrong_name = || verify_server_name(&ParsedCertificate::try_from(end_entity).ok()?, name).err();
    if is_of_signer { wrong_name().unwrap_or(error) } else { error }
}
