//! The block `http_api`.

use std::time::Duration;

use super::{options_of, said_of};
use crate::config::{Report, read};
use crate::draft::Draft;
use crate::options::Port;

/// Why the options of a text without mistakes cannot be.
fn refusal_of(text: &str) -> String {
    let map = nats_conf::parse(text).expect("it follows the grammar");
    let (mut draft, mut report) = (Draft::default(), Report::default());
    read(&map, &mut draft, &mut report);
    assert_eq!(report.errors, [], "{text}");
    draft.finish().expect_err(text).to_string()
}

#[test]
fn the_api_is_what_its_block_says() {
    let text = r#"
        http_api {
            listen: "0.0.0.0:8080", allowed_origins: ["https://x.example"], hosts: [broker.example], request_timeout: "5s"
            max_streams: 10, max_streams_per_user: 2, query_credentials: true, on_monitor: false
            routes { "GET /api/orders/*": "orders.get.*" }
        }"#;
    let api = options_of(text).http_api.expect("there is one");
    assert_eq!((&*api.host, api.port), ("0.0.0.0", Port::Fixed(8080)));
    assert_eq!(
        (&api.config.guard.allowed_origins[..], &api.config.guard.hosts[..]),
        (&["https://x.example".to_owned()][..], &["broker.example".to_owned()][..])
    );
    assert_eq!(api.config.limits.request_timeout, Duration::from_secs(5));
    assert_eq!((api.config.max_streams, api.config.max_streams_per_user), (10, 2));
    assert!(api.config.query_credentials && api.config.routes.len() == 1);
    let api = options_of("http_api { port: -1 }").http_api.expect("there is one");
    assert_eq!(
        (&*api.host, api.port),
        ("127.0.0.1", Port::Random),
        "it is nobody else's unless that is said"
    );
    assert_eq!(options_of("http_api {}").http_api, None);
}

#[test]
fn what_cannot_be_is_told() {
    for (text, words) in [
        ("request_timeout: \"2m\"", "60s at most"),
        ("request_timeout: \"0s\"", "above zero"),
        ("request_timeout: 5", "string"),
        ("max_streams: 0", "max_streams has to be above zero"),
        ("max_streams_per_user: -1", "max_streams_per_user has to be above zero"),
        ("on_monitor: true", "on_monitor is not supported yet: the API has a port of its own"),
        ("tls { cert_file: a }", "tls is not supported yet: the API does not speak TLS"),
        ("allowed_origins: [1]", "error parsing allowed_origins"),
        ("routes { \"GET /v1/x\": a }", "route \"GET /v1/x\": /v1 is this server's own"),
        ("routes { \"GET /x\": 1 }", "string"),
        ("sample: 1", "unknown field \"sample\""),
    ] {
        let said = said_of(&format!("http_api {{ port: 1, {text} }}"));
        assert!(said.contains(words), "{text}: {said}");
    }
    assert!(said_of("http_api: 8080").contains("Expected http_api to be a map"));
    assert!(refusal_of("http_api { hosts: a }").contains("no port"));
    assert!(refusal_of("http_api { port: 70000 }").contains("port 70000"));
    assert!(refusal_of("http_api { port: 1, allowed_origins: \"*\" }").contains("which is none"));
}
