//! TLS for clients, as it is asked for.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

/// TLS for clients: file names and policies. Nothing is opened here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// `cert_file` and `key_file`, or `certs`. Which one is used depends on the name the client asks
    /// for; the first is for all others.
    pub certificates: Vec<CertificateFiles>,
    /// `ca_file`: who must have signed certificates of clients.
    pub ca_file: Option<PathBuf>,
    /// `verify` or `verify_and_map`: clients must show a certificate. Whether it also names the user
    /// is in [`nats_auth::Config::verify_and_map`].
    pub verify: bool,
    /// `timeout` of the handshake.
    pub timeout: Duration,
    /// `min_version`.
    pub min_version: TlsVersion,
    /// `cipher_suites` by their Go names, in order of preference; empty for the usual ones.
    pub cipher_suites: Vec<String>,
    /// `curve_preferences` by their Go names, in order of preference; empty for the usual ones.
    pub curve_preferences: Vec<String>,
    /// `handshake_first`.
    pub handshake_first: HandshakeFirst,
    /// `pinned_certs`: SHA-256 of the public keys (SubjectPublicKeyInfo, DER) that clients may have;
    /// empty is any.
    pub pinned_certs: BTreeSet<[u8; 32]>,
    /// `connection_rate_limit`: handshakes per second; `None` is no limit.
    pub connection_rate_limit: Option<u64>,
}

/// nats-server's time for a handshake.
pub const TLS_TIMEOUT: Duration = Duration::from_secs(2);

impl Default for Tls {
    fn default() -> Self {
        Self {
            certificates: Vec::new(),
            ca_file: None,
            verify: false,
            timeout: TLS_TIMEOUT,
            min_version: TlsVersion::Tls12,
            cipher_suites: Vec::new(),
            curve_preferences: Vec::new(),
            handshake_first: HandshakeFirst::No,
            pinned_certs: BTreeSet::new(),
            connection_rate_limit: None,
        }
    }
}

/// A certificate and its key, as PEM files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFiles {
    /// `cert_file`: the certificate, and those that lead to a known one.
    pub certificate: PathBuf,
    /// `key_file`.
    pub key: PathBuf,
}

/// The oldest TLS a client may speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsVersion {
    /// 1.2.
    Tls12,
    /// 1.3.
    Tls13,
}

/// Who speaks first on a connection with TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandshakeFirst {
    /// The server, with INFO in the clear.
    No,
    /// The client, with its handshake.
    Yes,
    /// The client, if it does so within this time; else the server with INFO in the clear.
    Within(Duration),
}
