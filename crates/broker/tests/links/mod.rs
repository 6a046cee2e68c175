//! Leaf nodes and other servers of a test's server, as they speak.
#![allow(dead_code, reason = "each test binary uses its part")]

use std::time::Duration;

use cluster::{LeafConfig, LeafListener};

use crate::shards::{Conn, Shards};

pub(crate) fn leafs() -> LeafConfig {
    let listener = LeafListener {
        host: "127.0.0.1".into(),
        port: 7422,
        auth_timeout: Duration::from_secs(2),
        ..LeafListener::default()
    };
    LeafConfig {
        server_id: "NTEST".into(),
        server_name: "here".into(),
        cluster: "C".into(),
        listener: Some(listener),
        ..LeafConfig::default()
    }
}

pub(crate) fn cluster() -> cluster::Config {
    cluster::Config {
        server_id: "NTEST".into(),
        server_name: "here".into(),
        cluster: "C".into(),
        ..cluster::Config::default()
    }
}

/// A leaf node of that cluster, which says this beside who it is, and what it was told.
pub(crate) fn leaf_of(shards: &mut Shards, user: &str, cluster: &str, more: &str) -> (Conn, String) {
    let leaf = shards.accept_leaf();
    let first = heard(shards, leaf);
    assert!(first.starts_with("INFO ") && first.contains(r#""nonce":""#), "{first}");
    let connect = format!(
        r#"CONNECT {{"user":"{user}","pass":"x","name":"N{cluster}","cluster":"{cluster}","headers":true,"remote_account":"R"{more}}}"#
    );
    shards.feed(leaf, &format!("{connect}\r\n"));
    let told = heard(shards, leaf);
    let (info, told) = told.split_once("\r\n").unwrap();
    let account = user.to_uppercase();
    let bound = format!(r#""connect_info":true,"remote_account":"{account}""#);
    assert!(info.contains(&bound), "{info}");
    assert!(told.contains("LS+ $LDS."), "{told}");
    (leaf, told.to_owned())
}

/// A server of the cluster, of which nothing is known beside.
pub(crate) fn route(shards: &mut Shards, name: &str) -> Conn {
    let route = shards.accept_peer();
    let connect = format!(r#"CONNECT {{"name":"N{name}","cluster":"C","headers":true}}"#);
    let info = format!(
        r#"INFO {{"server_id":"N{name}","server_name":"{name}","headers":true,"cluster":"C","lnoc":true,"lnocu":true}}"#
    );
    say(shards, route, &format!("{connect}\r\n{info}\r\n"));
    route
}

/// What somebody was sent, once all shards have heard everything.
pub(crate) fn heard(shards: &mut Shards, conn: Conn) -> String {
    shards.settle();
    shards.output(conn)
}

pub(crate) fn say(shards: &mut Shards, conn: Conn, text: &str) -> String {
    shards.feed(conn, text);
    heard(shards, conn)
}

/// The lines in order of their text, without those that find loops.
pub(crate) fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().filter(|line| !line.contains("$LDS")).collect();
    lines.sort_unstable();
    lines
}
