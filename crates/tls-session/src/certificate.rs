//! What is known of the other side once a connection is secured.

use aws_lc_rs::digest::{SHA256, digest};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::distinguished_name::DistinguishedName;
use crate::names::{CipherSuite, Pin, Version};

/// What a handshake came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secured {
    /// The version of TLS.
    pub version: Version,
    /// The cipher suite.
    pub cipher_suite: CipherSuite,
    /// The peer's certificate, if it was asked for one, then those it sent along. Verified.
    pub certificates: Vec<Certificate>,
}

/// A certificate, and who it speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The SHA-256 of its public key.
    pub spki_sha256: Pin,
    /// The SHA-256 of all of it.
    pub sha256: Pin,
    /// The subject.
    pub subject: DistinguishedName,
    /// Alternative names: email addresses, in the certificate's order.
    pub emails: Vec<String>,
    /// Alternative names: hosts.
    pub dns_names: Vec<String>,
    /// Alternative names: URIs.
    pub uris: Vec<String>,
}

impl Certificate {
    /// Reads a certificate in DER; `None` if it is none.
    pub(crate) fn read(der: &[u8]) -> Option<Self> {
        let (_, parsed) = X509Certificate::from_der(der).ok()?;
        let mut certificate = Self {
            spki_sha256: sha256(parsed.public_key().raw),
            sha256: sha256(der),
            subject: DistinguishedName::of(parsed.subject()),
            emails: Vec::new(),
            dns_names: Vec::new(),
            uris: Vec::new(),
        };
        let alternative = parsed.subject_alternative_name().ok().flatten();
        for name in alternative.iter().flat_map(|extension| &extension.value.general_names) {
            match name {
                GeneralName::RFC822Name(email) => certificate.emails.push((*email).to_owned()),
                GeneralName::DNSName(host) => certificate.dns_names.push((*host).to_owned()),
                GeneralName::URI(uri) => certificate.uris.push((*uri).to_owned()),
                _ => {}
            }
        }
        Some(certificate)
    }
}

fn sha256(bytes: &[u8]) -> Pin {
    Pin(digest(&SHA256, bytes).as_ref().try_into().expect("a SHA-256 has 32 bytes"))
}
