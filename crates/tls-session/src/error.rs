//! What is wrong with a `tls` block.

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
