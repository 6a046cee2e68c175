//! Leaf nodes, as they are heard and told on the wire.

mod links;
mod shards;
mod users;

use conns::CloseReason;
use links::{cluster, heard, leaf_of, leafs, route, say, sorted};
use nats_auth::Directory;
use shards::{Conn, Shards};
use users::{login, two_accounts};

/// A server in a cluster that leaf nodes may come to.
fn server(shards: usize) -> Shards {
    Shards::with_leafs(shards, Some(cluster()), Some(leafs()), |settings| {
        settings.directory = Directory::new(&two_accounts()).unwrap();
    })
}

/// A leaf node of that cluster in the account `A`, which was told what there was.
fn leaf(shards: &mut Shards, cluster: &str) -> Conn {
    leaf_that_says(shards, cluster, "")
}

fn leaf_that_says(shards: &mut Shards, cluster: &str, more: &str) -> Conn {
    leaf_of(shards, "a", cluster, more).0
}

#[test]
fn a_leaf_node_is_told_what_its_account_wants_and_what_changes() {
    for count in 1..4 {
        let mut shards = server(count);
        let clients: Vec<Conn> = (0..3).map(|_| login(&mut shards, "a")).collect();
        say(&mut shards, clients[0], "SUB foo 1\r\nSUB foo q 2\r\nSUB b.* 3\r\n");
        say(&mut shards, clients[1], "SUB foo 1\r\nSUB foo q 2\r\n");
        let other = login(&mut shards, "b");
        say(&mut shards, other, "SUB other 1\r\n");
        let leaf = shards.accept_leaf();
        heard(&mut shards, leaf);
        let told = say(&mut shards, leaf, "CONNECT {\"user\":\"a\",\"pass\":\"x\",\"name\":\"X\"}\r\n");
        let (_, told) = told.split_once("\r\n").unwrap();
        assert_eq!(sorted(told), ["LS+ b.*", "LS+ foo", "LS+ foo q 2"], "{count} shards");
        say(&mut shards, clients[2], "SUB foo q 1\r\n");
        assert_eq!(heard(&mut shards, leaf), "LS+ foo q 3\r\n");
        say(&mut shards, clients[1], "UNSUB 1\r\nUNSUB 2\r\n");
        assert_eq!(heard(&mut shards, leaf), "LS+ foo q 2\r\n");
        say(&mut shards, clients[0], "UNSUB 1\r\nUNSUB 3\r\n");
        assert_eq!(sorted(&heard(&mut shards, leaf)), ["LS- b.*", "LS- foo"]);
    }
}

#[test]
fn messages_go_both_ways_with_groups_replies_and_headers() {
    for count in 1..4 {
        let mut shards = server(count);
        let leaf = leaf(&mut shards, "L");
        say(&mut shards, leaf, "LS+ foo\r\nLS+ foo q 2\r\nLS+ foo z 1\r\n");
        for _ in 0..count {
            let client = login(&mut shards, "a");
            say(&mut shards, client, "PUB foo 2\r\nhi\r\n");
            assert_eq!(heard(&mut shards, leaf), "LMSG foo | q z 2\r\nhi\r\n", "{count} shards");
            say(&mut shards, client, "HPUB foo r.1 12 14\r\nNATS/1.0\r\n\r\nhi\r\n");
            assert_eq!(heard(&mut shards, leaf), "HMSG foo + r.1 q z 12 14\r\nNATS/1.0\r\n\r\nhi\r\n");
            say(&mut shards, client, "SUB bar.* 1\r\nSUB bar.> q 2\r\n");
            let both = say(&mut shards, leaf, "LMSG bar.x + r q 2\r\nhi\r\n");
            assert!(!both.contains("LMSG"), "it is not sent back: {both}");
            let got = heard(&mut shards, client);
            assert_eq!(sorted(&got), ["MSG bar.x 1 r 2", "MSG bar.x 2 r 2", "hi", "hi"]);
            say(&mut shards, leaf, "LMSG bar.x 2\r\nhi\r\n");
            assert_eq!(heard(&mut shards, client), "MSG bar.x 1 2\r\nhi\r\n", "no group is named");
            say(&mut shards, client, "UNSUB 1\r\nUNSUB 2\r\n");
            heard(&mut shards, leaf);
        }
        let stranger = login(&mut shards, "b");
        say(&mut shards, stranger, "PUB foo 2\r\nhi\r\n");
        assert_eq!(heard(&mut shards, leaf), "");
    }
}

#[test]
fn leaf_nodes_hear_of_each_other_unless_they_are_of_one_cluster_or_isolated() {
    let mut shards = server(2);
    let (one, other) = (leaf(&mut shards, "L"), leaf(&mut shards, "M"));
    let twin = leaf_that_says(&mut shards, "L", r#","name":"N2""#);
    let apart = leaf_that_says(&mut shards, "I", r#","isolate":true"#);
    heard(&mut shards, other);
    say(&mut shards, one, "LS+ foo\r\n");
    assert_eq!(heard(&mut shards, other), "LS+ foo\r\n");
    assert_eq!(heard(&mut shards, apart), "");
    assert_eq!(heard(&mut shards, twin), "");
    say(&mut shards, apart, "LS+ foo\r\n");
    assert_eq!(heard(&mut shards, other), "");
    assert_eq!(heard(&mut shards, one), "LS+ foo\r\n");
    assert_eq!(heard(&mut shards, twin), "LS+ foo\r\n");
    say(&mut shards, other, "LMSG foo 2\r\nhi\r\n");
    assert_eq!(heard(&mut shards, one), "LMSG foo 2\r\nhi\r\n");
    assert_eq!(heard(&mut shards, apart), "LMSG foo 2\r\nhi\r\n");
    assert_eq!(heard(&mut shards, other), "");
}

#[test]
fn routes_are_told_for_whom_and_leaf_nodes_what_servers_want() {
    for count in 1..4 {
        let mut shards = server(count);
        let (route, leaf) = (route(&mut shards, "F"), leaf(&mut shards, "L"));
        heard(&mut shards, route);
        say(&mut shards, leaf, "LS+ foo\r\nLS+ foo q 2\r\n");
        assert_eq!(sorted(&heard(&mut shards, route)), ["LS+ L A foo", "LS+ L A foo q 2"]);
        say(&mut shards, route, "RS+ A bar\r\nRS+ A bar q 3\r\nLS+ M A baz\r\nLS+ L A own\r\n");
        assert_eq!(sorted(&heard(&mut shards, leaf)), ["LS+ bar", "LS+ bar q 3", "LS+ baz"]);
        say(&mut shards, leaf, "LMSG bar + r q 2\r\nhi\r\nLMSG own 0\r\n\r\n");
        // That server knows that it comes from there.
        let got = heard(&mut shards, route);
        assert_eq!(got, "LMSG L A bar + r q 0 2\r\nhi\r\nLMSG L A own 0 0\r\n\r\n");
        say(
            &mut shards,
            route,
            "RMSG A foo 1\r\nx\r\nLMSG L A foo 0 1\r\ny\r\nLMSG M A foo | q 0 1\r\nz\r\n",
        );
        assert_eq!(heard(&mut shards, leaf), "LMSG foo 1\r\nx\r\nLMSG foo | q 1\r\nz\r\n");
        let client = login(&mut shards, "a");
        say(&mut shards, client, "PUB bar 1\r\nc\r\n");
        assert_eq!(heard(&mut shards, route), "RMSG A bar | q 1\r\nc\r\n");
        shards.brokers[0].on_hangup(leaf.id, CloseReason::ClientClosed);
        let ended = heard(&mut shards, route);
        assert_eq!(sorted(&ended), ["LS- L A foo", "LS- L A foo q"]);
    }
}

#[test]
fn leaf_nodes_are_told_where_else_they_may_come_in() {
    let mut shards = server(2);
    let before = leaf(&mut shards, "L");
    let route = shards.accept_peer();
    let info =
        r#"INFO {"server_id":"NF","server_name":"F","headers":true,"cluster":"C","leafnode_urls":["x:7"]}"#;
    say(&mut shards, route, &format!("CONNECT {{\"name\":\"NF\",\"cluster\":\"C\"}}\r\n{info}\r\n"));
    let told = heard(&mut shards, before);
    let both = r#""leafnode_urls":["127.0.0.1:7422","x:7"]"#;
    assert!(told.starts_with("INFO ") && told.contains(both) && told.lines().count() == 1, "{told}");
    let since = shards.accept_leaf();
    assert!(heard(&mut shards, since).contains(both));
    shards.brokers[0].on_hangup(route.id, CloseReason::ClientClosed);
    let told = heard(&mut shards, before);
    assert!(told.contains(r#""leafnode_urls":["127.0.0.1:7422"]"#), "{told}");
}

#[test]
fn a_group_has_its_message_near_by_if_it_can() {
    for count in 1..4 {
        let mut shards = server(count);
        let leaf = leaf(&mut shards, "L");
        say(&mut shards, leaf, "LS+ jobs q 5\r\n");
        let clients: Vec<Conn> = (0..count).map(|_| login(&mut shards, "a")).collect();
        for client in &clients {
            say(&mut shards, *client, "PUB jobs 0\r\n\r\n");
            assert_eq!(heard(&mut shards, leaf), "LMSG jobs | q 0\r\n\r\n", "{count} shards");
        }
        for near in &clients {
            say(&mut shards, *near, "SUB jobs q 1\r\n");
            heard(&mut shards, leaf);
            for client in &clients {
                shards.feed(*client, &"PUB jobs 0\r\n\r\n".repeat(20));
                shards.settle();
            }
            let got = heard(&mut shards, *near);
            assert_eq!(got.matches("MSG jobs 1 0").count(), 20 * count, "{count} shards");
            assert_eq!(heard(&mut shards, leaf), "", "{count} shards");
            say(&mut shards, *near, "UNSUB 1\r\n");
            heard(&mut shards, leaf);
        }
        say(&mut shards, clients[count - 1], "PUB jobs 0\r\n\r\n");
        assert_eq!(heard(&mut shards, leaf), "LMSG jobs | q 0\r\n\r\n", "{count} shards");
    }
}

#[test]
fn what_comes_back_is_a_loop() {
    let mut shards = server(2);
    let leaf = shards.accept_leaf();
    heard(&mut shards, leaf);
    let told = say(&mut shards, leaf, "CONNECT {\"user\":\"a\",\"pass\":\"x\",\"name\":\"X\"}\r\n");
    let lds = told.lines().find(|line| line.contains("$LDS.")).unwrap().to_owned();
    let ended = say(&mut shards, leaf, &format!("{lds}\r\n"));
    assert_eq!(
        ended,
        "-ERR 'Loop detected for leafnode account=\"A\". Delaying attempt to reconnect for 30s'\r\n"
    );
    assert!(shards.is_closed(leaf));
}

#[test]
fn who_may_not_come_in_is_told_so() {
    let mut shards = server(1);
    for text in ["CONNECT {\"user\":\"a\",\"pass\":\"y\"}\r\n", "PING\r\n"] {
        let leaf = shards.accept_leaf();
        heard(&mut shards, leaf);
        assert_eq!(say(&mut shards, leaf, text), users::REFUSED);
        assert!(shards.is_closed(leaf));
    }
}
