//! Client certificates: which are good, and what is said of the others, to the client and in the log.
//!
//! rustls finds out, and picks the alert by the error it gets. Go has fewer alerts, and its log says more than
//! that error has room for. So a [`Verifier`] stands between the two: it gives rustls the error whose alert is
//! Go's, and leaves the words where the session takes them, which called rustls on the same thread.

use std::cell::Cell;
use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::PublicKey;
use x509_parser::time::ASN1Time;

use crate::certificate::Certificate;

thread_local! {
    /// What is wrong with the certificate that was refused last.
    static REFUSAL: Cell<Option<String>> = const { Cell::new(None) };
}

/// Takes what is wrong with the certificate that this thread has just refused, in Go's words. `None` if none
/// was: it is the proof that the client has the key that is wrong.
pub(crate) fn take_refusal() -> Option<String> {
    REFUSAL.take()
}

/// Checks client certificates.
#[derive(Debug)]
pub(crate) struct Verifier {
    inner: Arc<dyn ClientCertVerifier>,
    judge: Judge,
}

/// Says what is wrong with certificates, by who may sign them.
#[derive(Debug)]
pub(crate) struct Judge {
    roots: Vec<Root>,
}

/// Someone who may sign, as the log names them.
#[derive(Debug)]
struct Root {
    /// The name as the certificates have it that it signs.
    subject: Vec<u8>,
    /// What Go says if it did not sign, and whom it means.
    mistake: &'static str,
    name: String,
}

impl Verifier {
    pub(crate) fn new<'a>(
        inner: Arc<dyn ClientCertVerifier>,
        roots: impl Iterator<Item = CertificateDer<'a>>,
    ) -> Self {
        Self { inner, judge: Judge::new(roots) }
    }
}

impl Judge {
    pub(crate) fn new<'a>(roots: impl Iterator<Item = CertificateDer<'a>>) -> Self {
        Self { roots: roots.filter_map(|der| Root::read(&der)).collect() }
    }

    /// Leaves what is wrong with a chain where the session takes it, and hands out the error whose alert is Go's.
    pub(crate) fn refuse<'a>(
        &self,
        error: Error,
        end_entity: &'a CertificateDer<'a>,
        intermediates: &'a [CertificateDer<'a>],
    ) -> Error {
        let Error::InvalidCertificate(reason) = error else { return error };
        let chain: Vec<_> = [end_entity].into_iter().chain(intermediates).collect();
        let (words, reason) = self.judge(reason, &chain);
        REFUSAL.set(Some(words + &owners(&chain)));
        Error::InvalidCertificate(reason)
    }

    /// Go's words for what is wrong, and the error whose alert is Go's.
    fn judge(&self, reason: CertificateError, chain: &[&CertificateDer<'_>]) -> (String, CertificateError) {
        const UNKNOWN: &str = "certificate signed by unknown authority";
        let reason = match reason {
            // Who may sign others is refused for that first, whoever vouches for it.
            CertificateError::Other(error) if error.0.to_string() == "CaUsedAsEndEntity" => {
                match self.candidate(chain) {
                    Some(_) => return ("certificate may sign others".into(), CertificateError::BadEncoding),
                    None => CertificateError::UnknownIssuer,
                }
            }
            CertificateError::Other(error) if error.0.to_string() == "UnsupportedCriticalExtension" => {
                CertificateError::UnhandledCriticalExtension
            }
            reason => reason,
        };
        match reason {
            CertificateError::UnknownIssuer => (UNKNOWN.into(), reason),
            CertificateError::BadSignature => {
                let hint = self.candidate(chain).map(Root::hint).unwrap_or_default();
                (format!("{UNKNOWN}{hint}"), CertificateError::UnknownIssuer)
            }
            CertificateError::ExpiredContext { time, not_after } => {
                (ill_timed(time, "after", not_after), reason)
            }
            CertificateError::NotValidYetContext { time, not_before } => {
                (ill_timed(time, "before", not_before), reason)
            }
            CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
                ("certificate specifies an incompatible key usage".into(), CertificateError::BadEncoding)
            }
            CertificateError::UnhandledCriticalExtension => ("unhandled critical extension".into(), reason),
            CertificateError::NotValidForNameContext { expected, presented } => {
                let words = of_others(&expected, &presented);
                (words, CertificateError::NotValidForName)
            }
            other => (other.to_string(), CertificateError::BadEncoding),
        }
    }

    /// The root that one of these says it was signed by.
    fn candidate(&self, chain: &[&CertificateDer<'_>]) -> Option<&Root> {
        chain.iter().find_map(|der| {
            let (_, parsed) = X509Certificate::from_der(der).ok()?;
            self.roots.iter().find(|root| root.subject == parsed.issuer().as_raw())
        })
    }
}

impl Root {
    fn read(der: &[u8]) -> Option<Self> {
        let (_, parsed) = X509Certificate::from_der(der).ok()?;
        let subject = parsed.subject();
        let mut names = subject.iter_common_name().chain(subject.iter_organization());
        let name = names.find_map(|name| name.as_str().ok()).map(str::to_owned);
        let mistake = match parsed.public_key().parsed() {
            Ok(PublicKey::RSA(_)) => "crypto/rsa: verification error",
            Ok(PublicKey::EC(_)) => "x509: ECDSA verification failure",
            _ => "x509: Ed25519 verification failure",
        };
        let serial = || format!("serial:{}", parsed.tbs_certificate.serial);
        Some(Self { subject: subject.as_raw().into(), mistake, name: name.unwrap_or_else(serial) })
    }

    fn hint(&self) -> String {
        let Self { mistake, name, .. } = self;
        format!(
            " (possibly because of {mistake:?} while trying to verify candidate authority certificate {name:?})"
        )
    }
}

/// What Go says of a certificate that is for other names than who was dialed.
fn of_others(expected: &ServerName<'_>, presented: &[String]) -> String {
    let wanted = expected.to_str();
    let is_address = matches!(expected, ServerName::IpAddress(_));
    let kind = if is_address { "IpAddress" } else { "DnsName" };
    let names: Vec<&str> = presented.iter().filter_map(|name| of_kind(name, kind)).collect();
    match (&*names, is_address) {
        ([], true) => {
            format!("cannot validate certificate for {wanted} because it doesn't contain any IP SANs")
        }
        ([], false) => {
            format!("certificate is not valid for any names, but wanted to match {wanted}")
        }
        (names, _) => format!("certificate is valid for {}, not {wanted}", names.join(", ")),
    }
}

/// A name that the library shows with its kind, if that is this one.
fn of_kind<'n>(name: &'n str, kind: &str) -> Option<&'n str> {
    let name = name.strip_prefix(kind)?.strip_prefix('(')?.strip_suffix(')')?;
    Some(name.trim_matches('"'))
}

/// Whose the certificates are, as the log has it.
fn owners(chain: &[&CertificateDer<'_>]) -> String {
    let owner = |certificate: Certificate| format!("{} SHA-256: {}", certificate.subject, certificate.sha256);
    let owners = chain.iter().filter_map(|der| Certificate::read(der).map(owner));
    format!(" ({})", owners.collect::<Vec<_>>().join("; "))
}

fn ill_timed(now: UnixTime, relation: &str, bound: UnixTime) -> String {
    let [now, bound] = [now, bound].map(in_words);
    format!("certificate has expired or is not yet valid: current time {now} is {relation} {bound}")
}

/// A time as RFC 3339 writes it.
fn in_words(time: UnixTime) -> String {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    let Ok(time) = ASN1Time::from_timestamp(seconds).map(|time| time.to_datetime()) else {
        return seconds.to_string();
    };
    let (year, month, day) = time.to_calendar_date();
    let (hour, minute, second) = time.to_hms();
    let month = u8::from(month);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

impl ClientCertVerifier for Verifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.inner.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self.inner.verify_client_cert(end_entity, intermediates, now);
        verified.map_err(|error| self.judge.refuse(error, end_entity, intermediates))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
