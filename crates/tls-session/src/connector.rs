//! What all connections share that are dialed with one configuration.

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::client::{ResolvesClientCert, Resumption, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::sign::{CertifiedKey, SingleCertAndKey};

use crate::acceptor::{key_pairs, provider, root_store, versions};
use crate::config::{Config, Policy};
use crate::error::ConfigError;
use crate::server_verifier::ServerVerifier;
use crate::verifier::Judge;

/// Everything that [`crate::Session::dialing`] needs. Made once, shared by all.
#[derive(Debug)]
pub struct Connector {
    config: Arc<ClientConfig>,
    policy: Policy,
}

impl Connector {
    /// Checks a configuration and makes a connector of it. Without a key pair it shows no certificate.
    ///
    /// # Errors
    /// Something in it cannot be used.
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        let policy = &config.policy;
        let provider = Arc::new(provider(policy));
        let keys = match &*config.key_pairs {
            [] => None,
            // As nats-server, which shows the first.
            pairs => key_pairs(pairs, &provider)?.into_iter().next().map(|(key, _)| key),
        };
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(versions(policy))
            .map_err(|_| ConfigError::NoCipherSuite)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier(config, &provider)?));
        let mut client = match keys {
            Some(key) => builder.with_client_cert_resolver(shows(key)),
            None => builder.with_no_client_auth(),
        };
        // A server is dialed seldom, and its certificate is to be looked at each time.
        client.resumption = Resumption::disabled();
        Ok(Self { config: Arc::new(client), policy: policy.clone() })
    }

    /// What the configuration says beside files.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    pub(crate) fn client_config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.config)
    }
}

fn shows(key: Arc<CertifiedKey>) -> Arc<dyn ResolvesClientCert> {
    Arc::new(SingleCertAndKey::from(key))
}

fn verifier(config: &Config, provider: &Arc<CryptoProvider>) -> Result<ServerVerifier, ConfigError> {
    let schemes = provider.signature_verification_algorithms;
    if config.policy.insecure {
        return Ok(ServerVerifier::trusting(schemes));
    }
    let (store, roots) = root_store(&config.roots)?;
    let judge = Judge::new(roots.into_iter());
    // Without any root, which a system may lack, nobody is known.
    let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(store), Arc::clone(provider));
    Ok(ServerVerifier::new(builder.build().ok(), judge, schemes))
}
