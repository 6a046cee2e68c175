//! How the connections of a run begin.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use tls_session::{Acceptor, Config, KeyPair, Policy, Roots};
use transport::WebPolicy;
use ws_frame::UpgradePolicy;

/// How long a server with TLS waits for a client to show whether it has TLS. Some of the clients are faster.
const PATIENCE: Duration = Duration::from_micros(20);

/// What a message may have, compressed or not.
const PAYLOAD_BYTES_MAX: usize = 1 << 20;

/// TLS that is on offer, and that no client here makes use of: each turns out to be plain by its first byte, or by
/// saying nothing for a while.
pub(crate) fn acceptor() -> Arc<Acceptor> {
    static ACCEPTOR: LazyLock<Arc<Acceptor>> = LazyLock::new(|| {
        let signed = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a key can be made");
        let (certificates, key) = (signed.cert.pem(), signed.signing_key.serialize_pem());
        let key_pairs = vec![KeyPair { certificates: certificates.into(), key: key.into() }];
        let policy = Policy { allow_non_tls: true, timeout: PATIENCE, ..Policy::default() };
        let config = Config { key_pairs, roots: Roots::System(Vec::new()), policy };
        Arc::new(Acceptor::new(&config).expect("they belong together"))
    });
    Arc::clone(&ACCEPTOR)
}

/// WebSockets in the clear, compressed for those who ask for it.
pub(crate) fn web_policy() -> Arc<WebPolicy> {
    let upgrade = UpgradePolicy { compression: true, ..UpgradePolicy::default() };
    Arc::new(WebPolicy { upgrade, payload_bytes_max: PAYLOAD_BYTES_MAX, ..WebPolicy::default() })
}
