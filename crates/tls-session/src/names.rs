//! Versions, cipher suites, curves and pins, under the names that configuration files have for them.

use std::fmt;
use std::str::FromStr;

use rustls::crypto::SupportedKxGroup;
use rustls::crypto::aws_lc_rs::{cipher_suite, kx_group};
use rustls::{ProtocolVersion, SupportedCipherSuite};

use crate::handover::Cipher;

/// A name that cannot be used, in nats-server's words where it refuses it too.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// No such cipher suite.
    #[error("unrecognized cipher {0}")]
    UnknownCipher(String),
    /// A cipher suite that is broken, and that nats-server takes only with `allow_insecure_cipher_suites`.
    #[error("insecure cipher suites are not supported, remove {0}")]
    InsecureCipher(String),
    /// A cipher suite that nats-server has.
    #[error("cipher suites without authenticated encryption are not supported, remove {0}")]
    OldCipher(String),
    /// No such curve.
    #[error("unrecognized curve preference {0}")]
    UnknownCurve(String),
    /// A curve that nats-server has.
    #[error("curve preference {0} is not supported, remove it")]
    MissingCurve(String),
    /// No such version.
    #[error("unknown version: {0}")]
    UnknownVersion(String),
    /// A version that nobody should use.
    #[error("unsupported TLS version: TLS {0}")]
    OldVersion(String),
    /// Not the SHA-256 of a key.
    #[error(
        "'pinned_certs' key {0} does not look like hex-encoded sha256 of DER encoded SubjectPublicKeyInfo"
    )]
    NoPin(String),
}

/// A version of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// TLS 1.2.
    Tls12,
    /// TLS 1.3.
    Tls13,
}

impl Version {
    pub(crate) fn of(version: ProtocolVersion) -> Option<Self> {
        match version {
            ProtocolVersion::TLSv1_2 => Some(Self::Tls12),
            ProtocolVersion::TLSv1_3 => Some(Self::Tls13),
            _ => None,
        }
    }

    /// As configuration files and `/connz` have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tls12 => "1.2",
            Self::Tls13 => "1.3",
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Version {
    type Err = NameError;

    fn from_str(name: &str) -> Result<Self, NameError> {
        match name {
            "1.2" => Ok(Self::Tls12),
            "1.3" => Ok(Self::Tls13),
            "1.0" | "1.1" => Err(NameError::OldVersion(name.to_owned())),
            _ => Err(NameError::UnknownVersion(name.to_owned())),
        }
    }
}

/// A cipher suite by its name in the registry, which is also Go's.
#[derive(Clone, Copy, PartialEq)]
pub struct CipherSuite {
    name: &'static str,
    suite: SupportedCipherSuite,
}

/// In the order of preference where the hardware does AES.
pub(crate) const CIPHER_SUITES: [CipherSuite; 9] = [
    CipherSuite { name: "TLS_AES_128_GCM_SHA256", suite: cipher_suite::TLS13_AES_128_GCM_SHA256 },
    CipherSuite { name: "TLS_AES_256_GCM_SHA384", suite: cipher_suite::TLS13_AES_256_GCM_SHA384 },
    CipherSuite { name: "TLS_CHACHA20_POLY1305_SHA256", suite: cipher_suite::TLS13_CHACHA20_POLY1305_SHA256 },
    CipherSuite {
        name: "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        suite: cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    },
    CipherSuite {
        name: "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        suite: cipher_suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    },
    CipherSuite {
        name: "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        suite: cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    },
    CipherSuite {
        name: "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        suite: cipher_suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    },
    CipherSuite {
        name: "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        suite: cipher_suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    },
    CipherSuite {
        name: "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        suite: cipher_suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    },
];

/// Names that Go had for two of them before the registry did.
const ALIASES: [(&str, &str); 2] = [
    ("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"),
    ("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305", "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"),
];

/// Go has them on its list of secure ones, and rustls does not have them.
const OLD_CIPHER_SUITES: [&str; 4] = [
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
];

/// Go's list of insecure ones.
const INSECURE_CIPHER_SUITES: [&str; 12] = [
    "TLS_RSA_WITH_RC4_128_SHA",
    "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA",
    "TLS_RSA_WITH_AES_256_CBC_SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA",
    "TLS_ECDHE_RSA_WITH_RC4_128_SHA",
    "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
];

impl CipherSuite {
    /// All there are.
    pub fn all() -> impl Iterator<Item = Self> {
        CIPHER_SUITES.into_iter()
    }

    /// The name.
    pub fn as_str(self) -> &'static str {
        self.name
    }

    pub(crate) fn suite(self) -> SupportedCipherSuite {
        self.suite
    }

    pub(crate) fn of(suite: SupportedCipherSuite) -> Option<Self> {
        CIPHER_SUITES.into_iter().find(|row| row.suite == suite)
    }

    /// What encrypts under it.
    pub fn cipher(self) -> Cipher {
        if self.name.contains("CHACHA20") {
            Cipher::ChaCha20Poly1305
        } else if self.name.contains("AES_128") {
            Cipher::Aes128Gcm
        } else {
            Cipher::Aes256Gcm
        }
    }

    pub(crate) fn is_tls13(self) -> bool {
        self.suite.tls13().is_some()
    }
}

impl Eq for CipherSuite {}

impl fmt::Debug for CipherSuite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl FromStr for CipherSuite {
    type Err = NameError;

    fn from_str(name: &str) -> Result<Self, NameError> {
        let registered = ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, name)| name);
        let found = CIPHER_SUITES.into_iter().find(|row| row.name == registered);
        found.ok_or_else(|| {
            let kind = if OLD_CIPHER_SUITES.contains(&name) {
                NameError::OldCipher
            } else if INSECURE_CIPHER_SUITES.contains(&name) {
                NameError::InsecureCipher
            } else {
                NameError::UnknownCipher
            };
            kind(name.to_owned())
        })
    }
}

/// A way to agree on keys, by the name that configuration files have for it.
#[derive(Clone, Copy)]
pub struct Curve {
    name: &'static str,
    group: &'static dyn SupportedKxGroup,
}

/// In nats-server's order of preference.
pub(crate) const CURVES: [Curve; 4] = [
    Curve { name: "X25519MLKEM768", group: kx_group::X25519MLKEM768 },
    Curve { name: "X25519", group: kx_group::X25519 },
    Curve { name: "CurveP256", group: kx_group::SECP256R1 },
    Curve { name: "CurveP384", group: kx_group::SECP384R1 },
];

impl Curve {
    /// All there are, the best one first.
    pub fn all() -> impl Iterator<Item = Self> {
        CURVES.into_iter()
    }

    /// The name.
    pub fn as_str(self) -> &'static str {
        self.name
    }

    pub(crate) fn group(self) -> &'static dyn SupportedKxGroup {
        self.group
    }
}

impl PartialEq for Curve {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Curve {}

impl fmt::Debug for Curve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl FromStr for Curve {
    type Err = NameError;

    fn from_str(name: &str) -> Result<Self, NameError> {
        let found = CURVES.into_iter().find(|row| row.name == name);
        found.ok_or_else(|| match name {
            "CurveP521" => NameError::MissingCurve(name.to_owned()),
            _ => NameError::UnknownCurve(name.to_owned()),
        })
    }
}

/// The SHA-256 of a certificate's public key, as SubjectPublicKeyInfo in DER.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pin(pub [u8; 32]);

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Pin {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let no_pin = || NameError::NoPin(text.to_lowercase());
        let digits = text.chars().map(|c| c.to_digit(16)).collect::<Option<Vec<u32>>>().ok_or_else(no_pin)?;
        let bytes: Vec<u8> =
            digits.chunks(2).map(|pair| pair.iter().fold(0, |high, low| high << 4 | *low as u8)).collect();
        if digits.len() == 64 { bytes.try_into().map(Self).map_err(|_| no_pin()) } else { Err(no_pin()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_to_what_they_name() {
        for suite in CipherSuite::all() {
            assert_eq!(suite.as_str().parse(), Ok(suite));
            let theirs = format!("{:?}", suite.suite().suite()).replace("TLS13_", "TLS_");
            assert_eq!(theirs, suite.as_str());
            assert_eq!(CipherSuite::of(suite.suite()), Some(suite));
        }
        for curve in Curve::all() {
            assert_eq!(curve.as_str().parse(), Ok(curve));
        }
        assert_eq!("1.3".parse(), Ok(Version::Tls13));
        for (alias, name) in ALIASES {
            assert_eq!(alias.parse::<CipherSuite>(), name.parse());
        }
    }

    #[test]
    fn what_cannot_be_had_is_named() {
        let cipher = |name: &str| name.parse::<CipherSuite>().unwrap_err().to_string();
        assert_eq!(cipher("TLS_FOO"), "unrecognized cipher TLS_FOO");
        assert!(cipher(OLD_CIPHER_SUITES[0]).contains(OLD_CIPHER_SUITES[0]));
        assert!(cipher(INSECURE_CIPHER_SUITES[0]).starts_with("insecure"));
        let curve = |name: &str| name.parse::<Curve>().unwrap_err().to_string();
        assert_eq!(curve("Foo"), "unrecognized curve preference Foo");
        assert!(curve("CurveP521").contains("CurveP521 is not supported"));
        assert_eq!("1.1".parse::<Version>().unwrap_err().to_string(), "unsupported TLS version: TLS 1.1");
        assert_eq!("2".parse::<Version>().unwrap_err().to_string(), "unknown version: 2");
    }

    #[test]
    fn a_pin_is_64_digits_of_either_case() {
        let text = "7F83b1657ff1fc53b92dc18148a1d65dfc2d4b1fa3d677284addd200126d9069";
        assert_eq!(text.parse::<Pin>().unwrap().to_string(), text.to_lowercase());
        for wrong in ["", &text[1..], &format!("{text}0"), &text.replace('7', "g")] {
            assert!(wrong.parse::<Pin>().is_err(), "{wrong}");
        }
    }
}
