//! Which of several certificates a client gets.

use std::sync::Arc;

use rustls::client::verify_server_name;
use rustls::pki_types::ServerName;
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert};
use rustls::sign::CertifiedKey;

/// The first that is for the host which the client names and whose key it can check; failing that the
/// first of all, as with nats-server.
#[derive(Debug)]
pub(crate) struct Resolver {
    keys: Vec<Arc<CertifiedKey>>,
}

impl Resolver {
    pub(crate) fn new(keys: Vec<Arc<CertifiedKey>>) -> Self {
        Self { keys }
    }
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let fits = |key: &&Arc<CertifiedKey>| {
            key.key.choose_scheme(hello.signature_schemes()).is_some()
                && hello.server_name().is_none_or(|name| is_for(key, name))
        };
        let found = if self.keys.len() == 1 { None } else { self.keys.iter().find(fits) };
        found.or(self.keys.first()).cloned()
    }
}

fn is_for(key: &CertifiedKey, name: &str) -> bool {
    let (Ok(name), Ok(certificate)) = (ServerName::try_from(name), key.end_entity_cert()) else {
        return false;
    };
    ParsedCertificate::try_from(certificate).is_ok_and(|parsed| verify_server_name(&parsed, &name).is_ok())
}
