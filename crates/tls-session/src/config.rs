//! What an operator asks for.

use std::fmt;
use std::time::Duration;

use crate::names::{CipherSuite, Curve, Pin, Version};

/// How long a handshake may take unless `timeout` says otherwise.
pub const TLS_TIMEOUT: Duration = Duration::from_secs(2);

/// How long a client has to begin with TLS under `handshake_first: auto`.
const AUTO_DELAY: Duration = Duration::from_millis(50);

/// All of a `tls` block: its policies, and the contents of its files.
#[derive(Clone)]
pub struct Config {
    /// `cert_file` and `key_file`, or `certs`, in the order of the file. The first one is for clients that
    /// name no host that any of them is for.
    pub key_pairs: Vec<KeyPair>,
    /// Who signs client certificates; not needed without `verify`.
    pub roots: Roots,
    /// The rest.
    pub policy: Policy,
}

/// A certificate with its chain, and its key, as PEM text.
#[derive(Clone)]
pub struct KeyPair {
    /// The certificate, then those that lead to a root.
    pub certificates: Vec<u8>,
    /// The private key; PKCS #8, PKCS #1 or SEC 1.
    pub key: Vec<u8>,
}

// Keys stay out of logs.
impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyPair").field("certificates", &self.certificates.len()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config").field("key_pairs", &self.key_pairs).field("policy", &self.policy).finish()
    }
}

/// Who signs client certificates.
#[derive(Clone)]
pub enum Roots {
    /// `ca_file`: PEM text.
    Pem(Vec<u8>),
    /// The system's own, each as DER: what `verify` means without a `ca_file`.
    System(Vec<Vec<u8>>),
}

/// What a `tls` block says beside file names. Defaults are nats-server's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// `verify`, or `verify_and_map`, which also tells `nats-auth` to take the user from the certificate:
    /// clients have to show a certificate that leads to a root.
    pub verify: bool,
    /// `min_version`.
    pub min_version: Version,
    /// `cipher_suites` up to TLS 1.2; the ones of TLS 1.3 are always on offer. `None` is all. Which one is
    /// taken is up to the hardware, not to the order, as with nats-server.
    pub cipher_suites: Option<Vec<CipherSuite>>,
    /// `curve_preferences`, the best one first; `None` is all.
    pub curves: Option<Vec<Curve>>,
    /// `pinned_certs`: client certificates with other keys are refused. Empty is no restriction.
    pub pinned_certs: Vec<Pin>,
    /// `handshake_first`.
    pub handshake_first: HandshakeFirst,
    /// The file's top-level `allow_non_tls`: who does not begin with TLS goes on without. Has no effect
    /// with [`HandshakeFirst::Always`].
    pub allow_non_tls: bool,
    /// `timeout` of the handshake.
    pub timeout: Duration,
    /// `connection_rate_limit`: handshakes begun per second; `None` is no limit.
    pub rate_limit: Option<u64>,
    /// `insecure`: whoever is dialed is taken for who it should be. Says nothing of those who dial.
    pub insecure: bool,
    /// `ktls`: sessions give away their keys, see [`crate::Session::hand_over`].
    pub hand_over: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            verify: false,
            min_version: Version::Tls12,
            cipher_suites: None,
            curves: None,
            pinned_certs: Vec::new(),
            handshake_first: HandshakeFirst::Never,
            allow_non_tls: false,
            timeout: TLS_TIMEOUT,
            rate_limit: None,
            insecure: false,
            hand_over: false,
        }
    }
}

/// Whether the handshake comes before INFO.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HandshakeFirst {
    /// `false`: INFO first.
    #[default]
    Never,
    /// `true`: TLS from the first byte.
    Always,
    /// A duration: a client that sends nothing for so long gets INFO first.
    Wait(Duration),
}

impl HandshakeFirst {
    /// `auto`.
    pub const AUTO: Self = Self::Wait(AUTO_DELAY);
}
