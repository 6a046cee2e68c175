//! Who the server says it is.

use std::sync::Arc;

use broker::ToldUrls;
use cluster::NO_GO;
use nats_proto::ServerInfo;
use nkeys::KeyPair;
use server_options::Options;
use system::Sequence;

/// The nats-server version whose behaviour this server has. Clients switch features on it.
pub const COMPATIBLE_VERSION: &str = "2.14.5";

/// The version of this server itself.
pub const OWN_VERSION: &str = env!("CARGO_PKG_VERSION");

/// The level of nats-server's `$JS.API`, as its INFO states it.
const API_LEVEL: i64 = 4;

/// A name for a server that no other has: a public key, as nats-server's are.
pub(crate) fn new_server_id() -> String {
    KeyPair::new_server().public_key()
}

/// INFO as it is the same for all clients. `port` is where they connect.
pub(crate) fn server_info(options: &Options, server_id: &str, port: u16) -> ServerInfo {
    let advertised = options.client_advertise.as_ref();
    let tls = options.tls.as_ref().map(|tls| &tls.policy);
    ServerInfo {
        tls_required: tls.is_some_and(|policy| !policy.allow_non_tls),
        tls_available: tls.is_some_and(|policy| policy.allow_non_tls),
        tls_verify: tls.is_some_and(|policy| policy.verify),
        server_name: options.server_name.clone().unwrap_or_else(|| server_id.to_owned()),
        server_id: server_id.to_owned(),
        version: COMPATIBLE_VERSION.into(),
        proto: 1,
        go: NO_GO.into(),
        host: advertised.map_or(&options.host, |advertised| &advertised.host).clone(),
        port: advertised.and_then(|advertised| advertised.port).unwrap_or(port),
        headers: options.headers,
        jetstream: options.jetstream.is_on,
        domain: if options.jetstream.is_on {
            options.jetstream.service.domain.clone()
        } else {
            String::new()
        },
        max_payload: options.broker.limits.payload_bytes_max as i64,
        api_lvl: API_LEVEL,
        buster_version: Some(OWN_VERSION.into()),
        ..ServerInfo::default()
    }
}

/// What the system's answers say of the server, which go on in this sequence.
pub(crate) fn system_server(
    options: &Options,
    info: &ServerInfo,
    sequence: Sequence,
    told: Option<Arc<ToldUrls>>,
) -> Arc<system::ServerIdentity> {
    Arc::new(system::ServerIdentity {
        name: info.server_name.clone(),
        host: info.host.clone(),
        id: info.server_id.clone(),
        told,
        version: info.version.clone(),
        tags: options.server_tags.clone(),
        metadata: options.server_metadata.clone(),
        domain: options.jetstream.service.domain.clone(),
        jetstream: options.jetstream.is_on,
        sequence,
    })
}

#[cfg(test)]
mod tests {
    use server_options::Advertised;

    use super::*;

    #[test]
    fn the_id_is_a_server_key_and_names_the_server_by_default() {
        let info = server_info(&Options::default(), &new_server_id(), 4222);
        assert_eq!((info.server_id.len(), &info.server_id[..1]), (56, "N"));
        assert_eq!(info.server_name, info.server_id);
        let named = Options { server_name: Some("s1".into()), ..Options::default() };
        assert_eq!(server_info(&named, "N", 4222).server_name, "s1");
    }

    #[test]
    fn an_advertised_address_stands_in_place_of_the_bound_one() {
        let info = |port| {
            let client_advertise = Some(Advertised { host: "public".to_owned(), port });
            let options = Options { client_advertise, ..Options::default() };
            server_info(&options, "N", 4222)
        };
        assert_eq!((info(Some(5)).host.as_str(), info(Some(5)).port), ("public", 5));
        assert_eq!((info(None).host.as_str(), info(None).port), ("public", 4222));
    }
}
