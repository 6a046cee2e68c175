//! What a handshake came to, in the words of the broker.

use broker::Security;
use monitor::{PeerCert, TlsFacts};
use nats_auth::{PeerAttribute, PeerFacts};
use tls_session::{Certificate, Secured};

/// What the broker is told. `first`: the handshake came before INFO.
pub(crate) fn security(secured: &Secured, first: bool) -> Security {
    let tls = TlsFacts {
        version: secured.version.as_str().into(),
        cipher_suite: secured.cipher_suite.as_str().into(),
        first,
        peer_certs: secured.certificates.iter().map(shown).collect(),
    };
    Security { tls, peer: secured.certificates.first().map(holder) }
}

fn shown(certificate: &Certificate) -> PeerCert {
    PeerCert {
        subject: certificate.subject.to_string(),
        spki_sha256: certificate.spki_sha256.to_string(),
        cert_sha256: certificate.sha256.to_string(),
    }
}

fn holder(certificate: &Certificate) -> PeerFacts {
    let attribute =
        |one: &tls_session::Attribute| PeerAttribute { name: one.short_name(), value: one.value.clone() };
    let subject = &certificate.subject;
    PeerFacts {
        emails: certificate.emails.clone(),
        dns_names: certificate.dns_names.clone(),
        uris: certificate.uris.clone(),
        printed: subject.common(),
        subject: subject.sets().iter().map(|set| set.iter().map(attribute).collect()).collect(),
    }
}
