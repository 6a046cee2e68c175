//! What is wrong with a `tls` block, and what can go wrong with a peer.

use rustls::{AlertDescription, ContentType, Error, InvalidMessage, PeerIncompatible};

use crate::names::Pin;
use crate::verifier::take_refusal;

/// Why no acceptor could be made, in nats-server's words where it refuses it too.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A `tls` block without a certificate.
    #[error("TLS needs a certificate: name it with 'cert_file' and 'key_file'")]
    NoCertificate,
    /// A certificate or key that cannot be used.
    #[error("error parsing X509 certificate/key pair{}: {reason}", of(*index, *count))]
    KeyPair {
        /// Which one, from 0.
        index: usize,
        /// Of how many.
        count: usize,
        /// What is wrong with it.
        reason: KeyPairError,
    },
    /// `ca_file` holds no certificate that can be used.
    #[error("failed to parse root ca certificate")]
    Roots,
    /// `verify` without anyone who could sign client certificates.
    #[error("'verify' needs certificates to verify by, name them with 'ca_file'")]
    NoRoots,
    /// Nothing that a client of these versions could agree on.
    #[error("no cipher suite of 'cipher_suites' is of the versions that are on offer")]
    NoCipherSuite,
}

/// What is wrong with a certificate or its key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyPairError {
    /// The certificate file has none.
    #[error("tls: failed to find any PEM data in certificate input")]
    NoCertificatePem,
    /// The certificate file has a key instead.
    #[error(
        "tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM \
         inputs may have been switched"
    )]
    Switched,
    /// The key file has none.
    #[error("tls: failed to find any PEM data in key input")]
    NoKeyPem,
    /// The key cannot be read; the reason never holds any of it.
    #[error("tls: failed to parse private key")]
    BadKey,
    /// The certificate cannot be read.
    #[error("tls: failed to parse certificate: {0}")]
    BadCertificate(String),
    /// They are not of each other.
    #[error("tls: private key does not match public key")]
    Mismatch,
}

fn of(index: usize, count: usize) -> String {
    if count == 1 { String::new() } else { format!(" {}/{count}", index + 1) }
}

/// Why a session came to its end, in nats-server's words where it has them.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SessionError {
    /// The peer does not speak TLS; it probes the port, or connects to the wrong one.
    #[error("tls: first record does not look like a TLS handshake")]
    NotTls,
    /// `verify`, and the peer showed no certificate.
    #[error("tls: client didn't provide a certificate")]
    NoCertificate,
    /// `verify`, and the peer's certificate does not lead to a root: why, and whose it is.
    #[error("tls: failed to verify certificate: x509: {0}")]
    Unverified(String),
    /// The peer has the certificate, but not its key.
    #[error("tls: invalid signature by the client certificate")]
    BadProof,
    /// `pinned_certs`, and the peer's is none of them.
    #[error("certificate not pinned{}", key.map(|key| format!(": its key is {key}")).unwrap_or_default())]
    NotPinned {
        /// Its key, if it showed a certificate.
        key: Option<Pin>,
    },
    /// There is nothing that both sides could do.
    #[error("tls: {0}")]
    Incompatible(String),
    /// The peer gave up and said why.
    #[error("remote error: tls: {0}")]
    Remote(String),
    /// A record that says it is longer than any.
    #[error("tls: oversized record received with length {0}")]
    Oversized(u16),
    /// Bytes that belong together and exceed what may wait.
    #[error("tls: handshake message too long")]
    TooLong,
    /// Nothing can be sent in this state.
    #[error("tls: the session is not open")]
    NotOpen,
    /// The peer broke the protocol.
    #[error("tls: {0}")]
    Protocol(Error),
}

impl SessionError {
    /// `has_begun`: something of the peer's made sense before. `length` is what the record in hand says of itself.
    pub(crate) fn of(error: Error, has_begun: bool, length: u16) -> Self {
        match error {
            Error::InvalidMessage(InvalidMessage::MessageTooLarge) => Self::Oversized(length),
            // Neither begins a conversation.
            Error::InappropriateMessage {
                got_type: ContentType::ApplicationData | ContentType::ChangeCipherSpec,
                ..
            } if !has_begun => Self::NotTls,
            Error::InvalidMessage(
                InvalidMessage::InvalidContentType
                | InvalidMessage::UnknownProtocolVersion
                | InvalidMessage::InvalidEmptyPayload,
            ) if !has_begun => Self::NotTls,
            Error::NoCertificatesPresented => Self::NoCertificate,
            Error::InvalidCertificate(_) => take_refusal().map_or(Self::BadProof, Self::Unverified),
            Error::PeerIncompatible(reason) => Self::Incompatible(incompatible(&reason)),
            Error::AlertReceived(alert) => Self::Remote(alert_text(alert)),
            error => Self::Protocol(error),
        }
    }
}

fn incompatible(reason: &PeerIncompatible) -> String {
    match reason {
        PeerIncompatible::NoCipherSuitesInCommon => {
            "no cipher suite supported by both client and server".to_owned()
        }
        PeerIncompatible::Tls12NotOffered
        | PeerIncompatible::Tls12NotOfferedOrEnabled
        | PeerIncompatible::Tls13RequiredForQuic
        | PeerIncompatible::SupportedVersionsExtensionRequired
        // Those of TLS 1.1 and before have none.
        | PeerIncompatible::SignatureAlgorithmsExtensionRequired => {
            "client offered only unsupported versions".to_owned()
        }
        PeerIncompatible::NoKxGroupsInCommon => {
            "no key exchanges supported by both client and server".to_owned()
        }
        PeerIncompatible::NoSignatureSchemesInCommon => {
            "peer doesn't support any of the certificate's signature algorithms".to_owned()
        }
        other => format!("{other:?}"),
    }
}

/// Alerts as Go calls them.
fn alert_text(alert: AlertDescription) -> String {
    let text = match alert {
        AlertDescription::UnexpectedMessage => "unexpected message",
        AlertDescription::BadRecordMac => "bad record MAC",
        AlertDescription::HandshakeFailure => "handshake failure",
        AlertDescription::BadCertificate => "bad certificate",
        AlertDescription::UnsupportedCertificate => "unsupported certificate",
        AlertDescription::CertificateRevoked => "revoked certificate",
        AlertDescription::CertificateExpired => "expired certificate",
        AlertDescription::CertificateUnknown => "unknown certificate",
        AlertDescription::IllegalParameter => "illegal parameter",
        AlertDescription::UnknownCA => "unknown certificate authority",
        AlertDescription::AccessDenied => "access denied",
        AlertDescription::DecodeError => "error decoding message",
        AlertDescription::DecryptError => "error decrypting message",
        AlertDescription::ProtocolVersion => "protocol version not supported",
        AlertDescription::InsufficientSecurity => "insufficient security level",
        AlertDescription::InternalError => "internal error",
        AlertDescription::UserCanceled => "user canceled",
        AlertDescription::UnrecognisedName => "unrecognized name",
        AlertDescription::CertificateRequired => "certificate required",
        AlertDescription::NoApplicationProtocol => "no application protocol",
        other => return format!("alert({})", u8::from(other)),
    };
    text.to_owned()
}
