//! The block `http_api`.

use std::time::Duration;

use super::{options_of, said_of};
use crate::config::{Report, read};
use crate::draft::Draft;
use crate::http_api::OnePort;
use crate::invocation::Invocation;
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
    assert_eq!((&*api.host, api.port), ("0.0.0.0", Some(Port::Fixed(8080))));
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
        ("127.0.0.1", Some(Port::Random)),
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

#[test]
fn one_port_is_that_of_clients_or_another() {
    let options = options_of("one_port: true");
    let port = options.one_port.expect("it is on");
    assert_eq!((port.place, port.wait), (None, Duration::from_millis(100)));
    assert_eq!(options.http_api.expect("it comes with it").port, None);
    let port =
        options_of("one_port { listen: \"0.0.0.0:8080\", wait: \"50ms\" }").one_port.expect("it is on");
    assert_eq!(
        (port.place, port.wait),
        (Some(("0.0.0.0".into(), Port::Fixed(8080))), Duration::from_millis(50))
    );
    let options = options_of("one_port: true\nhttp_api { hosts: x }");
    assert_eq!(options.http_api.expect("it is on").config.guard.hosts, ["x"]);
    assert_eq!(options_of("one_port: false").one_port, None);
    for (text, words) in [
        ("one_port: 8080", "true, false or a map"),
        ("one_port { wait: \"1h\" }", "0s to 5s"),
        ("one_port { tls { cert_file: a } }", "tls is not supported yet"),
        ("one_port { advertise: x }", "advertise is not supported yet"),
        ("one_port { mode: x }", "unknown field"),
    ] {
        let said = said_of(text);
        assert!(said.contains(words), "{text}: {said}");
    }
    assert!(refusal_of("one_port { port: 70000 }").contains("70000"));
}

#[test]
fn flags_say_where_all_come_in() {
    let options = |words: &[&str]| {
        let args = [&["buster-server"], words].concat().into_iter().map(Into::into);
        let Invocation::Run(line) = crate::parse(args)? else { panic!("it runs") };
        line.load(&nats_conf::Sources::NONE).map(|loaded| loaded.options)
    };
    let port =
        options(&["--one-port", "127.0.0.1:8080", "--one-port-wait", "50ms"]).expect("it is right").one_port;
    let place = Some(("127.0.0.1".to_owned(), Port::Fixed(8080)));
    assert_eq!(port, Some(OnePort { place, wait: Duration::from_millis(50) }));
    for words in [
        &["--one-port", "8080"][..],
        &["--one-port", "h:x"],
        &["--one-port-wait", "1h"],
        &["--one-port-wait", "1s"],
    ] {
        assert!(options(words).is_err(), "{words:?}");
    }
}
