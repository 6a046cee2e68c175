//! An acceptor with a certificate of its own, made while it runs.

use std::sync::Arc;

use tls_session::{Acceptor, Config, KeyPair, Policy, Roots};

/// One that follows a policy, and its certificate.
pub(crate) fn acceptor(policy: Policy) -> (Arc<Acceptor>, Vec<u8>) {
    let signed = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a key can be made");
    let (certificates, key) = (signed.cert.pem(), signed.signing_key.serialize_pem());
    let key_pairs = vec![KeyPair { certificates: certificates.into(), key: key.into() }];
    let config = Config { key_pairs, roots: Roots::System(Vec::new()), policy };
    let acceptor = Acceptor::new(&config).expect("they belong together");
    (Arc::new(acceptor), signed.cert.der().to_vec())
}
