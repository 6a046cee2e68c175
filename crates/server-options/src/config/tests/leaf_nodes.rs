//! The block `leafnodes`.

use std::time::Duration;

use nats_proto::Compression;

use crate::config::{Report, read};
use crate::draft::Draft;
use crate::error::OptionsError;
use crate::leaf_nodes::LeafNodeOptions;
use crate::options::{Options, Port};

/// A seed of a user that nobody has.
const SEED: &str = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY";

/// What a file comes to. That something is not supported yet is passed over.
fn outcome(text: &str) -> (Result<Options, OptionsError>, Report) {
    let map =
        nats_conf::parse_text("f.conf", text, &nats_conf::Sources::NONE).expect("it follows the grammar");
    let (mut draft, mut report) = (Draft::default(), Report::default());
    read(&map, &mut draft, &mut report);
    report.errors.retain(|error| !error.to_string().contains(" is not supported yet: "));
    (draft.finish(), report)
}

fn leaf_nodes(text: &str) -> LeafNodeOptions {
    let (options, report) = outcome(text);
    assert_eq!(report.errors, [], "{text}");
    options.expect(text).leaf_nodes
}

fn refusal(text: &str) -> String {
    outcome(text).0.expect_err(text).to_string()
}

#[test]
fn a_listener_has_what_its_block_says() {
    let text = r#"
        leafnodes {
            listen: "h:7423", advertise: "a:1", no_advertise: true, min_version: "2.12.0", compression: off
            isolate: true, reconnect: "5s", dial_timeout: "2s", write_deadline: "3s"
            authorization { timeout: 1.5, users: [ { user: a, password: b, account: A }, { user: c } ] }
        }
        accounts { A {} }"#;
    let options = leaf_nodes(text);
    assert_eq!((options.reconnect, options.dial_timeout), (Duration::from_secs(5), Duration::from_secs(2)));
    let listener = options.listener.expect("it listens");
    assert_eq!((&*listener.host, listener.port), ("h", Port::Fixed(7423)));
    assert_eq!(listener.advertise.and_then(|address| address.port), Some(1));
    assert_eq!((listener.min_version, listener.compression), (Some([2, 12, 0]), Compression::Off));
    assert!(listener.no_advertise && listener.isolates);
    assert_eq!(listener.auth_timeout, Duration::from_millis(1500));
    let users: Vec<_> =
        listener.authorization.users.iter().map(|user| (&*user.user, user.account.as_deref())).collect();
    assert_eq!(users, [("a", Some("A")), ("c", None)]);
}

#[test]
fn a_hub_has_what_its_entry_says() {
    let text = format!(
        r#"leafnodes {{ remotes: [
            {{ urls: ["nats://u:p@a", "nats://b:1", "nats://[::1]"], account: A, nkey: {SEED}, hub: true, no_randomize: true
              deny_imports: "im.>", deny_exports: ["ex", "ey"], request_isolation: true, first_info_timeout: "3s"
              ignore_discovered_servers: true }}
            {{ url: "nats://u:p@a", credentials: "x.creds", compression: {{ mode: s2_auto, rtts: ["1ms"] }}, disabled: true }}
        ] }}
        accounts {{ A {{}} }}"#
    );
    let options = leaf_nodes(&text);
    assert_eq!(options.listener, None);
    let [first, second] = &options.remotes[..] else { panic!("there are two") };
    let addresses: Vec<_> = first.urls.iter().map(|url| url.address()).collect();
    assert_eq!(addresses, ["a:7422", "b:1", "[::1]:7422"]);
    assert_eq!((first.account.as_deref(), first.urls[0].user()), (Some("A"), Some(("u", "p"))));
    assert!(first.is_hub && first.keeps_order && first.asks_isolation && first.ignores_discovered);
    assert!(first.seed.is_some() && !format!("{first:?}").contains(SEED));
    assert_eq!(
        (&first.deny_imports[..], &first.deny_exports[..]),
        (&["im.>".to_owned()][..], &["ex".to_owned(), "ey".to_owned()][..])
    );
    assert_eq!((first.info_timeout, first.compression), (Duration::from_secs(3), Compression::S2Auto));
    assert_eq!(second.levels.level(Duration::from_millis(1)), Compression::S2Uncompressed);
    assert!(second.is_disabled && second.credentials.is_some() && second.account.is_none());
}

/// What nats-server 2.14.5 says at start.
#[test]
fn what_does_not_go_together_is_refused_in_its_words() {
    for (more, words) in [
        ("port: 99999", "Error listening on leafnode port: 99999 - listen tcp: address 99999: invalid port"),
        ("compression: zz", "unsupported compression mode \"zz\""),
        (
            "authorization { account: NOPE }",
            "cannot find local account \"NOPE\" specified in leafnode authorization",
        ),
        (
            "remotes: [ { url: \"nats://a\", account: NOPE } ]",
            "cannot find local account \"NOPE\" specified in leafnode remote",
        ),
        (
            "remotes: [ { urls: [\"nats://u:p@a\", \"ws://b\"] } ]",
            "remote leaf node configuration cannot have a mix of websocket and non-websocket urls: \
             [\"nats://u:xxxxx@a:7422\" \"ws://b:7422\"]",
        ),
    ] {
        assert_eq!(refusal(&format!("leafnodes {{ {more} }}")), words, "{more}");
    }
}

#[test]
fn a_seed_is_not_shown() {
    let said = super::said_of("leaf { remotes: [ { url: \"nats://a\", nkey: SUSECRET } ] }");
    assert_eq!(said, "f.conf:1:37: Remote leafnode nkey is not a valid seed");
}
