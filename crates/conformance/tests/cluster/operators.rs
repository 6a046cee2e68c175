//! What operators see of routes: `/routez`, `/varz`, `/metrics`, and the answers over the system account.

use serde_json::Value;

use crate::kit::{as_user, await_interest, eventually, ours};
use crate::node::{Kind, Node, Setting};
use crate::two_with;

/// Users without a password that name no account are in none of these.
const ACCOUNTS: &str = "\
    accounts {\n\
      SYS { users: [{ user: s, password: s }] }\n\
      X { users: [{ user: x, password: x }] }\n\
    }\n\
    system_account: SYS\n\
    no_auth_user: x\n";

/// One connection between two servers, as with ours.
const NO_POOL: &str = "pool_size: -1";

const SETTING: Setting<'static> =
    Setting { cluster: "C", password: "right", routes: NO_POOL, other: ACCOUNTS };

/// The fields of a route, in nats-server's order. Ours has no list of what is compressed.
const ROUTE_KEYS: &str = "rid remote_id remote_name did_solicit is_configured ip port start last_activity rtt uptime \
    idle pending_size in_msgs out_msgs in_bytes out_bytes subscriptions compression";

/// Pairs of which both show what 2.14 does.
fn pairs() -> Vec<(Kind, Kind)> {
    let mut pairs = vec![(ours(1), ours(2))];
    if let Some(path) = std::env::var_os("BUSTER_PEER_BIN").map(std::path::PathBuf::from) {
        let peer = Kind::Peer { path };
        pairs.extend([(ours(2), peer.clone()), (peer.clone(), ours(1)), (peer.clone(), peer)]);
    }
    pairs
}

/// The keys of the first route, in order.
fn route_keys(routez: &str) -> String {
    let route = routez.split_once("\"routes\": [").expect("there are routes").1;
    let lines = route.lines().filter(|line| line.starts_with("      \""));
    let keys = lines.filter_map(|line| line.trim_start().strip_prefix('"')?.split('"').next());
    keys.collect::<Vec<_>>().join(" ")
}

/// `b` dialed.
fn shows_its_route(node: &Node, remote: &Node, is_dialed: bool) -> Value {
    let text = eventually("no round trip was measured", || {
        let text = node.monitored("/routez");
        (!text.contains("\"rtt\": \"0s\"") && text.contains("\"rtt\"")).then_some(text)
    });
    assert_eq!(route_keys(&text), ROUTE_KEYS);
    let routez: Value = serde_json::from_str(&text).expect("it is JSON");
    assert_eq!((&routez["server_name"], &routez["num_routes"]), (&node.place.name.into(), &1.into()));
    let route = routez["routes"][0].clone();
    assert_eq!(route["remote_name"], remote.place.name);
    assert_eq!(route["remote_id"], remote.monitored_json("/varz")["server_id"]);
    assert_eq!((&route["did_solicit"], &route["is_configured"]), (&is_dialed.into(), &is_dialed.into()));
    assert_eq!(route["ip"], "127.0.0.1");
    // At most a PING.
    assert!(number(&route, "pending_size") <= 6, "{route}");
    route
}

fn number(value: &Value, key: &str) -> u64 {
    value[key].as_u64().unwrap_or_else(|| panic!("{key} in {value}"))
}

#[test]
fn routes_are_told_with_what_went_over_them() {
    const MESSAGES: u64 = 100;
    for pair in pairs() {
        let (a, b) = two_with(&pair, SETTING);
        let (mut reader, mut writer) = (a.connect(), b.connect());
        reader.send("SUB news 1\r\nSUB jobs workers 2\r\nSUB jobs workers 3\r\n");
        await_interest(&mut reader, &mut writer, "news");
        let [before_a, before_b] = [(&a, &b, false), (&b, &a, true)]
            .map(|(node, remote, is_dialed)| shows_its_route(node, remote, is_dialed));
        for _ in 0..MESSAGES {
            writer.publish("news", "twelve bytes");
        }
        for _ in 0..MESSAGES {
            reader.next_message();
        }
        let after_a = shows_its_route(&a, &b, false);
        let after_b = shows_its_route(&b, &a, true);
        // The servers tell each other how they are as well.
        let grew = |key, after: &Value, before: &Value| number(after, key) - number(before, key);
        for (msgs, bytes, after, before) in
            [("in_msgs", "in_bytes", &after_a, &before_a), ("out_msgs", "out_bytes", &after_b, &before_b)]
        {
            assert!((MESSAGES..MESSAGES + 20).contains(&grew(msgs, after, before)), "{after}");
            assert!(grew(bytes, after, before) >= MESSAGES * 12, "{after}");
        }
        let varz = b.monitored_json("/varz");
        assert_eq!((number(&varz, "routes"), number(&varz, "remotes")), (1, 1));
        assert!(number(&varz, "out_msgs") >= number(&varz, "out_client_msgs") + MESSAGES, "{varz}");
        let cluster = &varz["cluster"];
        assert_eq!((&cluster["name"], &cluster["pool_size"]), (&"C".into(), &(-1).into()));
        assert_eq!(cluster["urls"].as_array().map(Vec::len), Some(1), "{cluster}");
        let urls = varz["connect_urls"].as_array().cloned().unwrap_or_default();
        assert!(urls.contains(&a.addr().to_string().into()), "{urls:?}");
    }
}

#[test]
fn what_other_servers_want_is_listed_once_for_each_group() {
    for pair in pairs() {
        let (a, b) = two_with(&pair, SETTING);
        let (mut reader, mut writer) = (a.connect(), b.connect());
        reader.send("SUB news.> 1\r\nSUB jobs workers 2\r\nSUB jobs workers 3\r\nSUB ready 4\r\n");
        await_interest(&mut reader, &mut writer, "ready");
        let detail = b.monitored_json("/routez?subs=detail");
        let rows = detail["routes"][0]["subscriptions_list_detail"].as_array().cloned().expect("a list");
        let mut own: Vec<(&str, &str)> = rows
            .iter()
            .filter(|row| row["sid"].as_str().is_some_and(|sid| sid.starts_with("R X ")))
            .filter_map(|row| Some((row["sid"].as_str()?, row["qgroup"].as_str().unwrap_or_default())))
            .filter(|(sid, _)| !sid.contains("link.probe"))
            .collect();
        own.sort_unstable();
        assert_eq!(own, [("R X jobs workers", "workers"), ("R X news.>", ""), ("R X ready", "")]);
        let list = b.monitored_json("/routez?subs=1");
        let subjects = list["routes"][0]["subscriptions_list"].as_array().cloned().expect("a list");
        assert!(subjects.contains(&"news.>".into()), "{subjects:?}");
        assert_eq!(subjects.len() as u64, number(&list["routes"][0], "subscriptions"));
    }
}

#[test]
fn routes_are_told_over_the_system_account() {
    for pair in pairs() {
        let (a, b) = two_with(&pair, SETTING);
        let id = b.monitored_json("/varz")["server_id"].as_str().expect("an id").to_owned();
        let mut operator = as_user(&b, "s");
        operator.subscribe("inbox", 1);
        operator.send(format!("PUB $SYS.REQ.SERVER.{id}.ROUTEZ inbox 0\r\n\r\n"));
        let answer: Value = serde_json::from_str(&operator.next_message().text()).expect("it is JSON");
        assert_eq!(answer["server"]["name"], "B");
        let route = &answer["data"]["routes"][0];
        assert_eq!((&answer["data"]["num_routes"], &route["remote_name"]), (&1.into(), &"A".into()));
        drop(a);
    }
}

#[test]
fn metrics_have_series_of_routes_and_count_those_that_come_again() {
    let (mut a, b) = two_with(&(ours(1), ours(2)), SETTING);
    let of = |name: &str, text: &str| -> f64 {
        let lines = text.lines().filter(|line| line.starts_with(&format!("{name}{{")));
        lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    };
    let text = eventually("no round trip was measured", || {
        let text = b.monitored("/metrics");
        text.contains("buster_route_rtt_seconds{").then_some(text)
    });
    assert!(text.contains("remote=\"A\""), "{text}");
    let counts = |text: &str| {
        ["buster_routes", "buster_routes_connected_total", "buster_route_pending_bytes"]
            .map(|name| of(name, text))
    };
    assert_eq!(counts(&text), [1.0, 1.0, 0.0]);
    assert!(of("buster_route_sent_messages_total", &text) > 0.0, "{text}");
    assert!(of("buster_route_received_bytes_total", &text) > 0.0, "{text}");
    a.kill();
    eventually("the route is not gone", || {
        (of("buster_routes", &b.monitored("/metrics")) == 0.0).then_some(())
    });
    let a = a.restart();
    eventually("the route is not back", || {
        (counts(&b.monitored("/metrics")) == [1.0, 2.0, 0.0]).then_some(())
    });
    drop(a);
}
