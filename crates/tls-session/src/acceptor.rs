//! What all connections of one configuration share.

use std::sync::{Arc, Mutex, PoisonError};

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{InconsistentKeys, RootCertStore, ServerConfig, SupportedProtocolVersion, version};
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::config::{Config, HandshakeFirst, KeyPair, Policy, Roots};
use crate::distinguished_name::DistinguishedName;
use crate::error::{ConfigError, KeyPairError};
use crate::names::{CIPHER_SUITES, CURVES, CipherSuite, Version};
use crate::rate_limit::{Admission, RateLimit};
use crate::resolver::Resolver;
use crate::verifier::Verifier;

/// Tickets for a client that wants to come back: it needs one.
const TICKETS: usize = 1;

/// Everything a new [`crate::Session`] needs. Made once, shared by all.
#[derive(Debug)]
pub struct Acceptor {
    config: Arc<ServerConfig>,
    policy: Policy,
    expiries: Vec<Expiry>,
    rate: Mutex<RateLimit>,
}

/// Until when a certificate is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expiry {
    /// Whose it is.
    pub subject: String,
    /// The last second, since 1970.
    pub not_after: i64,
}

impl Acceptor {
    /// Checks a configuration and makes an acceptor of it.
    ///
    /// # Errors
    /// Something in it cannot be used. An expired certificate is no error: see [`Self::expired`].
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        let policy = &config.policy;
        let provider = Arc::new(provider(policy));
        let (keys, expiries) = key_pairs(&config.key_pairs, &provider)?.into_iter().unzip();
        let verifier = if policy.verify {
            verifier(&config.roots, &provider)?
        } else {
            WebPkiClientVerifier::no_client_auth()
        };
        let mut server = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(versions(policy))
            .map_err(|_| ConfigError::NoCipherSuite)?
            .with_client_cert_verifier(verifier)
            .with_cert_resolver(Arc::new(Resolver::new(keys)));
        server.ignore_client_order = true;
        server.enable_secret_extraction = policy.hand_over;
        // Clients that come back skip the signature, but then also the check of their certificate.
        server.session_storage = Arc::new(NoServerSessionStorage {});
        server.send_tls13_tickets = 0;
        if !policy.verify
            && let Ok(ticketer) = aws_lc_rs::Ticketer::new()
        {
            server.ticketer = ticketer;
            server.send_tls13_tickets = TICKETS;
        }
        let rate = Mutex::default();
        Ok(Self { config: Arc::new(server), policy: policy.clone(), expiries, rate })
    }

    /// Certificates of ours that are not good at a time, in seconds since 1970: clients will refuse them.
    /// With the index of the key pair that each is of.
    pub fn expired(&self, now: i64) -> impl Iterator<Item = (usize, &Expiry)> {
        self.expiries.iter().enumerate().filter(move |(_, expiry)| expiry.not_after < now)
    }

    /// The last second, since 1970, of the first of our certificates.
    pub fn not_after(&self) -> Option<i64> {
        self.expiries.first().map(|expiry| expiry.not_after)
    }

    /// What the configuration says beside files.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Whether one more handshake may begin now, in nanoseconds from any start: all shards ask.
    pub fn admit(&self, now: u64) -> Admission {
        let Some(limit) = self.policy.rate_limit else {
            return Admission { granted: true, refused_before: 0 };
        };
        // Counts cannot be left half-way.
        self.rate.lock().unwrap_or_else(PoisonError::into_inner).admit(now, limit)
    }

    /// Whether every connection has to be secured.
    pub fn is_required(&self) -> bool {
        !self.policy.allow_non_tls || self.policy.handshake_first == HandshakeFirst::Always
    }

    /// The configuration as rustls has it, for listeners that other crates secure. Pins are not in it.
    pub fn server_config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }
}

static VERSIONS: [&SupportedProtocolVersion; 2] = [&version::TLS13, &version::TLS12];

pub(crate) fn versions(policy: &Policy) -> &'static [&'static SupportedProtocolVersion] {
    match policy.min_version {
        Version::Tls12 => &VERSIONS,
        Version::Tls13 => &VERSIONS[..1],
    }
}

pub(crate) fn provider(policy: &Policy) -> CryptoProvider {
    let is_wanted = |suite: &CipherSuite| {
        suite.is_tls13() || policy.cipher_suites.as_ref().is_none_or(|wanted| wanted.contains(suite))
    };
    let mut suites: Vec<_> = CIPHER_SUITES.into_iter().filter(is_wanted).collect();
    if !has_aes_hardware() {
        suites.sort_by_key(|suite| !suite.as_str().contains("CHACHA20"));
    }
    let curves = policy.curves.as_deref().unwrap_or(&CURVES);
    CryptoProvider {
        cipher_suites: suites.into_iter().map(CipherSuite::suite).collect(),
        kx_groups: curves.iter().map(|curve| curve.group()).collect(),
        ..aws_lc_rs::default_provider()
    }
}

#[cfg(target_arch = "x86_64")]
fn has_aes_hardware() -> bool {
    std::arch::is_x86_feature_detected!("aes") && std::arch::is_x86_feature_detected!("pclmulqdq")
}

#[cfg(target_arch = "aarch64")]
fn has_aes_hardware() -> bool {
    std::arch::is_aarch64_feature_detected!("aes") && std::arch::is_aarch64_feature_detected!("pmull")
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn has_aes_hardware() -> bool {
    false
}

/// Key pairs as rustls has them, and until when they are good.
pub(crate) fn key_pairs(
    pairs: &[KeyPair],
    provider: &CryptoProvider,
) -> Result<Vec<(Arc<CertifiedKey>, Expiry)>, ConfigError> {
    if pairs.is_empty() {
        return Err(ConfigError::NoCertificate);
    }
    let count = pairs.len();
    let load = |(index, pair)| {
        key_pair(pair, provider).map_err(|reason| ConfigError::KeyPair { index, count, reason })
    };
    pairs.iter().enumerate().map(load).collect()
}

fn key_pair(pair: &KeyPair, provider: &CryptoProvider) -> Result<(Arc<CertifiedKey>, Expiry), KeyPairError> {
    let certificates: Vec<CertificateDer<'static>> =
        CertificateDer::pem_slice_iter(&pair.certificates).collect::<Result<_, _>>().map_err(bad_pem)?;
    let Some(first) = certificates.first() else {
        let is_key = PrivateKeyDer::from_pem_slice(&pair.certificates).is_ok();
        return Err(if is_key { KeyPairError::Switched } else { KeyPairError::NoCertificatePem });
    };
    let expiry = expiry(first)?;
    let key = PrivateKeyDer::from_pem_slice(&pair.key).map_err(|error| match error {
        pem::Error::NoItemsFound => KeyPairError::NoKeyPem,
        _ => KeyPairError::BadKey,
    })?;
    let key = provider.key_provider.load_private_key(key).map_err(|_| KeyPairError::BadKey)?;
    let certified = CertifiedKey::new(certificates, key);
    match certified.keys_match() {
        Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => {
            Ok((Arc::new(certified), expiry))
        }
        Err(rustls::Error::InconsistentKeys(_)) => Err(KeyPairError::Mismatch),
        Err(error) => Err(KeyPairError::BadCertificate(error.to_string())),
    }
}

/// The library shows the lines in question as rows of numbers.
fn bad_pem(error: pem::Error) -> KeyPairError {
    KeyPairError::BadCertificate(match error {
        pem::Error::MissingSectionEnd { .. } => "the END line is missing".to_owned(),
        pem::Error::IllegalSectionStart { .. } => "the BEGIN line is broken".to_owned(),
        other => other.to_string(),
    })
}

fn expiry(certificate: &CertificateDer<'_>) -> Result<Expiry, KeyPairError> {
    let (_, parsed) = X509Certificate::from_der(certificate)
        .map_err(|error| KeyPairError::BadCertificate(error.to_string()))?;
    Ok(Expiry {
        subject: DistinguishedName::of(parsed.subject()).to_string(),
        not_after: parsed.validity().not_after.timestamp(),
    })
}

fn verifier(
    roots: &Roots,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, ConfigError> {
    let (store, roots) = root_store(roots)?;
    let inner = WebPkiClientVerifier::builder_with_provider(Arc::new(store), Arc::clone(provider))
        .build()
        .map_err(|_| ConfigError::NoRoots)?;
    Ok(Arc::new(Verifier::new(inner, roots.into_iter())))
}

/// Who signs certificates, as rustls has it, and each of them.
pub(crate) fn root_store(roots: &Roots) -> Result<(RootCertStore, Vec<CertificateDer<'_>>), ConfigError> {
    let is_pem = matches!(roots, Roots::Pem(_));
    let mut store = RootCertStore::empty();
    // As nats-server does: what is no certificate is passed over.
    let roots: Vec<CertificateDer<'_>> = match roots {
        Roots::Pem(text) => CertificateDer::pem_slice_iter(text).flatten().collect(),
        Roots::System(certificates) => certificates.iter().map(|der| der.as_slice().into()).collect(),
    };
    let (added, _) = store.add_parsable_certificates(roots.iter().map(|root| root.clone().into_owned()));
    if added == 0 && is_pem {
        return Err(ConfigError::Roots);
    }
    Ok((store, roots))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::testing::{Authority, config, key_pair, params};
    use crate::verifier::take_refusal;

    fn error(config: &Config) -> String {
        Acceptor::new(config).unwrap_err().to_string()
    }

    #[test]
    fn keys_and_certificates_have_to_fit() {
        let (good, other) = (key_pair("a.example"), key_pair("b.example"));
        assert!(Acceptor::new(&config([good.clone()])).is_ok());
        let mixed = KeyPair { certificates: good.certificates.clone(), key: other.key };
        assert_eq!(
            error(&config([mixed.clone()])),
            "error parsing X509 certificate/key pair: tls: private key does not match public key"
        );
        assert_eq!(
            error(&config([good.clone(), mixed])),
            "error parsing X509 certificate/key pair 2/2: tls: private key does not match public key"
        );
        let no_key = KeyPair { key: good.certificates.clone(), ..good.clone() };
        assert!(error(&config([no_key])).ends_with("tls: failed to find any PEM data in key input"));
        let half = KeyPair { certificates: good.certificates[..100].to_vec(), ..good.clone() };
        assert!(
            error(&config([half])).ends_with("tls: failed to parse certificate: the END line is missing")
        );
        let switched = KeyPair { certificates: good.key.clone(), key: good.certificates.clone() };
        assert!(error(&config([switched])).ends_with("PEM inputs may have been switched"));
        let nothing = KeyPair { certificates: b"nothing".to_vec(), ..good };
        assert!(error(&config([nothing])).ends_with("tls: failed to find any PEM data in certificate input"));
        assert_eq!(Acceptor::new(&config([])).unwrap_err(), ConfigError::NoCertificate);
    }

    #[test]
    fn verifying_needs_roots() {
        let verify = |roots| Config {
            roots,
            policy: Policy { verify: true, ..Policy::default() },
            ..config([key_pair("a.example")])
        };
        assert!(Acceptor::new(&verify(Roots::Pem(Authority::new().pem()))).is_ok());
        assert_eq!(error(&verify(Roots::Pem(b"nothing".to_vec()))), "failed to parse root ca certificate");
        assert_eq!(Acceptor::new(&verify(Roots::System(Vec::new()))).unwrap_err(), ConfigError::NoRoots);
    }

    /// Clients of rustls' do not even load such a certificate.
    #[test]
    fn what_has_to_be_understood_of_a_certificate_and_is_not_is_refused() {
        let authority = Authority::new();
        let mut params = params("c.example");
        let mut extension = rcgen::CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5, 0]);
        extension.set_criticality(true);
        params.custom_extensions.push(extension);
        let der = CertificateDer::from_pem_slice(&authority.sign(&params).certificates).unwrap();
        let provider = Arc::new(provider(&Policy::default()));
        let verifier = verifier(&Roots::Pem(authority.pem()), &provider).unwrap();
        let now = rustls::pki_types::UnixTime::since_unix_epoch(Duration::from_secs(1_800_000_000));
        let error = verifier.verify_client_cert(&der, &[], now).unwrap_err();
        let reason = rustls::CertificateError::UnhandledCriticalExtension;
        assert_eq!(error, rustls::Error::InvalidCertificate(reason));
        let words = take_refusal().unwrap();
        assert!(words.starts_with("unhandled critical extension (CN=c.example SHA-256: "), "{words}");
        assert_eq!(take_refusal(), None);
    }

    #[test]
    fn suites_of_old_versions_only_are_not_enough_for_new_ones() {
        let policy = Policy { cipher_suites: Some(Vec::new()), ..Policy::default() };
        let old_only = |min_version| Config {
            policy: Policy { min_version, ..policy.clone() },
            ..config([key_pair("a.example")])
        };
        assert!(Acceptor::new(&old_only(Version::Tls13)).is_ok(), "those of TLS 1.3 are always there");
        assert!(Acceptor::new(&old_only(Version::Tls12)).is_ok());
    }

    #[test]
    fn an_expired_certificate_is_told_of() {
        let acceptor = Acceptor::new(&config([key_pair("a.example")])).unwrap();
        let not_after = acceptor.not_after().unwrap();
        assert_eq!(acceptor.expired(not_after).count(), 0);
        let expired: Vec<_> = acceptor.expired(not_after + 1).collect();
        let [(0, expired)] = expired[..] else { panic!("{expired:?}") };
        assert_eq!(expired.subject, "CN=a.example");
    }
}
