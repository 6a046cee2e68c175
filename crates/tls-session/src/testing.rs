//! Certificates for tests, made while they run.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair as Key};

use crate::config::{Config, KeyPair, Policy, Roots};

/// Signs certificates.
pub(crate) struct Authority {
    issuer: Issuer<'static, Key>,
    pem: String,
}

impl Authority {
    pub(crate) fn new() -> Self {
        Self::named("authority")
    }

    pub(crate) fn named(name: &str) -> Self {
        let mut params = params(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = Key::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// Its own certificate.
    pub(crate) fn pem(&self) -> Vec<u8> {
        self.pem.clone().into()
    }

    /// A certificate as `params` say.
    pub(crate) fn sign(&self, params: &CertificateParams) -> KeyPair {
        let key = Key::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        KeyPair { certificates: certificate.pem().into(), key: key.serialize_pem().into() }
    }
}

/// A certificate for a host, which is also its common name.
pub(crate) fn params(host: &str) -> CertificateParams {
    let mut params = CertificateParams::new([host.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, host);
    params
}

/// A certificate for a host that nobody vouches for.
pub(crate) fn key_pair(host: &str) -> KeyPair {
    Authority::new().sign(&params(host))
}

/// These certificates, and all else as it is when nothing is said.
pub(crate) fn config<const N: usize>(key_pairs: [KeyPair; N]) -> Config {
    Config { key_pairs: key_pairs.into(), roots: Roots::System(Vec::new()), policy: Policy::default() }
}
