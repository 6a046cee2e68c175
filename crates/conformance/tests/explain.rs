//! What the server says when it is asked what would become of a message or a subscription.

use serde_json::{Value, json};
use test_kit::{RawClient, Server, Setup, on_every_setup};

on_every_setup!(
    a_message_is_followed_to_those_who_get_it,
    who_imports_is_among_them_and_so_is_the_server,
    mappings_come_before_permissions,
    entries_of_permissions_are_named,
    what_is_subscribed_to_is_followed_abroad,
    what_is_no_subject_is_said_to_be_none,
);

const CONFIG: &str = r#"
accounts {
    SHOP {
        users: [
            { user: shop, password: x }
            { user: clerk, password: x, permissions: {
                publish: { allow: ["orders.>", "$BUSTER.>"], deny: "orders.secret.>" }
                subscribe: { allow: ["answers.>", "orders.>"], deny: "orders.secret.*" }
            } }
            { user: teller, password: x, permissions: {
                publish: "$BUSTER.>", allow_responses: { max: 2, expires: "1m" }
            } }
        ]
        mappings: {
            "old.*": "orders.$1"
            "dice": [ { destination: orders.one, weight: 30% }, { destination: dice, weight: 20% } ]
        }
        imports: [
            { service: { account: BANK, subject: "pay.*" }, to: "orders.pay.*" }
            { stream: { account: BANK, subject: "rates.>" }, prefix: bank }
        ]
    }
    BANK {
        users: [ { user: bank, password: x } ]
        exports: [ { service: "pay.*" }, { stream: "rates.>" } ]
        mappings: { "pay.now": "pay.today" }
    }
}
"#;

/// A client that listens to answers, and to what `lines` say.
fn connect(server: &Server, user: &str, lines: &str) -> RawClient {
    let mut client = RawClient::dial(server.addr());
    client.send(format!(
        "CONNECT {{\"verbose\":false,\"user\":\"{user}\",\"pass\":\"x\"}}\r\nSUB answers.1 1\r\n{lines}PING\r\n"
    ));
    client.read_to_pong();
    client
}

fn explained(client: &mut RawClient, what: &str, text: &str) -> Value {
    serde_json::from_str(&client.ask(&format!("$BUSTER.EXPLAIN.{what}"), text)).expect("JSON")
}

/// What was looked at: the check, the verdict and its reason.
fn steps(said: &Value) -> Vec<[&str; 3]> {
    let steps = said["steps"].as_array().expect("steps").iter();
    steps.map(|step| ["check", "verdict", "because"].map(|name| step[name].as_str().expect("text"))).collect()
}

const UNLIMITED: [&str; 3] = ["permission", "allowed", "the user has no permissions that limit it"];

fn a_message_is_followed_to_those_who_get_it(setup: Setup) {
    let server = Server::configured(setup, CONFIG);
    let mut shop = connect(&server, "shop", "SUB orders.> 2\r\nSUB orders.pay.* q 3\r\n");
    let _members = [(); 3].map(|()| connect(&server, "shop", "SUB orders.pay.now q 2\r\n"));
    let _bank = connect(&server, "bank", "SUB pay.today 2\r\nSUB pay.now 3\r\n");
    let said = explained(&mut shop, "PUBLISH", "orders.pay.now");
    assert_eq!(said["type"], "io.buster.explain.v1.publish");
    assert_eq!(
        (&said["user"], &said["account"], &said["is_allowed"]),
        (&json!("shop"), &json!("SHOP"), &json!(true))
    );
    let abroad =
        "the service `pay.*` of account BANK is imported as `orders.pay.*`: it goes there as `pay.now`";
    let mapped = "the mapping of `pay.now` leads to `pay.today`, 100 % of messages";
    assert_eq!(
        steps(&said),
        [UNLIMITED, ["service_import", "carried", abroad], ["mapping", "carried", mapped]]
    );
    let group = json!([{ "queue": "q", "members": 4 }]);
    let at_home = json!({
        "account": "SHOP", "subject": "orders.pay.now", "subscriptions": 1, "services": 0, "queue_groups": group
    });
    let there = json!({
        "account": "BANK", "subject": "pay.today", "subscriptions": 1, "services": 0, "queue_groups": []
    });
    assert_eq!(said["reaches"], json!([at_home, there]));
}

fn who_imports_is_among_them_and_so_is_the_server(setup: Setup) {
    let server = Server::configured(setup, CONFIG);
    let mut bank = connect(&server, "bank", "");
    let _shops = [(); 3].map(|()| connect(&server, "shop", "SUB bank.rates.* 2\r\n"));
    let reach = |said: Value| said["reaches"][0].clone();
    assert_eq!(reach(explained(&mut bank, "PUBLISH", "rates.x"))["subscriptions"], 3);
    let info = reach(explained(&mut bank, "PUBLISH", "$SYS.REQ.USER.INFO"));
    assert_eq!((&info["is_claimed"], &info["subscriptions"]), (&json!(true), &json!(0)));
}

fn mappings_come_before_permissions(setup: Setup) {
    let server = Server::configured(setup, CONFIG);
    let mut clerk = connect(&server, "clerk", "");
    let said = explained(&mut clerk, "PUBLISH", "old.x");
    let mapped = "the mapping of `old.*` leads to `orders.x`, 100 % of messages";
    assert_eq!(
        steps(&said),
        [["mapping", "carried", mapped], ["permission", "allowed", "`orders.>` of `allow`"]]
    );
    assert_eq!((&said["is_allowed"], &said["reaches"][0]["subject"]), (&json!(true), &json!("orders.x")));
    let said = explained(&mut clerk, "PUBLISH", "dice");
    let denied = "none of 2 entries of `allow` covers it";
    assert_eq!(
        steps(&said),
        [
            ["mapping", "dropped", "the mapping of `dice` drops 50 % of messages"],
            ["mapping", "carried", "the mapping of `dice` leads to `dice`, 20 % of messages"],
            ["mapping", "carried", "the mapping of `dice` leads to `orders.one`, 30 % of messages"],
            ["permission", "denied", denied],
            ["permission", "allowed", "`orders.>` of `allow`"],
        ]
    );
    assert_eq!(said["reaches"].as_array().map(Vec::len), Some(1), "{said}");
}

fn entries_of_permissions_are_named(setup: Setup) {
    let server = Server::configured(setup, CONFIG);
    let mut clerk = connect(&server, "clerk", "");
    for (what, text, expected) in [
        ("PUBLISH", "orders.secret.a", &[["permission", "denied", "`orders.secret.>` of `deny`"]][..]),
        ("PUBLISH", "stock", &[["permission", "denied", "none of 2 entries of `allow` covers it"]]),
        ("SUBSCRIBE", "orders.secret.*", &[["permission", "denied", "`orders.secret.*` of `deny`"]]),
        ("SUBSCRIBE", ">", &[["permission", "denied", "none of 2 entries of `allow` covers it"]]),
        (
            "SUBSCRIBE",
            "orders.>",
            &[
                ["permission", "allowed", "`orders.>` of `allow`"],
                ["permission", "denied", "messages within it are held back by `orders.secret.*` of `deny`"],
            ],
        ),
    ] {
        let said = explained(&mut clerk, what, text);
        assert_eq!(steps(&said), expected, "{what} {text}");
        let is_allowed = expected[0][1] == "allowed";
        assert_eq!((&said["is_allowed"], said["reaches"].is_null()), (&json!(is_allowed), true));
        // It is so.
        let line = match what {
            "PUBLISH" => format!("PUB {text} 0\r\n\r\nPING\r\n"),
            _ => format!("SUB {text} 9\r\nUNSUB 9\r\nPING\r\n"),
        };
        clerk.send(line);
        let is_refused = loop {
            match clerk.next_op() {
                test_kit::ServerOp::Err(words) if words.contains("Permissions Violation") => {
                    clerk.read_to_pong();
                    break true;
                }
                test_kit::ServerOp::Pong => break false,
                _ => {}
            }
        };
        assert_eq!(is_refused, !is_allowed, "{what} {text}");
    }
    let said = explained(&mut connect(&server, "teller", ""), "PUBLISH", "answers.9");
    let because = "none of 1 entries of `allow` covers it; as one of 2 answers to a message that had it as its \
                   reply subject, within 60s, it may be";
    assert_eq!(steps(&said), [["permission", "denied", because]]);
}

fn what_is_subscribed_to_is_followed_abroad(setup: Setup) {
    let server = Server::configured(setup, CONFIG);
    let said = explained(&mut connect(&server, "shop", ""), "SUBSCRIBE", "bank.rates.*  q");
    let abroad =
        "the stream `rates.>` of account BANK is imported as `bank.rates.>`: this is `rates.*` there";
    assert_eq!(steps(&said), [UNLIMITED, ["stream_import", "carried", abroad]]);
    assert_eq!((&said["queue"], &said["is_allowed"]), (&json!("q"), &json!(true)));
}

fn what_is_no_subject_is_said_to_be_none(setup: Setup) {
    let server = Server::configured(setup, CONFIG);
    let mut shop = connect(&server, "shop", "");
    for (what, text) in [("PUBLISH", "a..b"), ("PUBLISH", "a.*"), ("PUBLISH", ""), ("SUBSCRIBE", "a..>")] {
        let said = explained(&mut shop, what, text);
        assert_eq!(steps(&said)[0][..2], ["subject", "invalid"], "{what} {text}");
        assert_eq!(said["is_allowed"], false);
    }
}
