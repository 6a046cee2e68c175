//! Troubles of processes and of the network between servers: what holds meanwhile, and that all is as before afterwards.

mod links;
mod restarts;

use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, Instant};

use test_kit::ANSWER_DEADLINE;

use crate::kit::eventually;
use crate::node::Node;

/// Servers that a node is connected to.
fn remotes(node: &Node) -> u64 {
    node.monitored_json("/varz")["remotes"].as_u64().expect("a number")
}

/// Every server is connected to each of the others.
fn await_mesh(nodes: &[&Node]) {
    let others = nodes.len() as u64 - 1;
    for node in nodes {
        eventually("there is no full mesh", || (remotes(node) == others).then_some(()));
    }
}

/// What is known becomes what is expected.
fn eventually_equal(mut known: impl FnMut() -> BTreeSet<String>, expected: &BTreeSet<String>) {
    let until = Instant::now() + ANSWER_DEADLINE;
    while Instant::now() < until && known() != *expected {
        thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(known(), *expected);
}

/// What `node` knows that the other wants.
fn known_of(node: &Node, other: &Node) -> BTreeSet<String> {
    let id = other.monitored_json("/varz")["server_id"].clone();
    let routez = node.monitored_json("/routez?subs=1");
    let routes = routez["routes"].as_array().cloned().unwrap_or_default();
    let of_it = routes.iter().filter(|route| route["remote_id"] == id);
    let lists = of_it.filter_map(|route| route["subscriptions_list"].as_array());
    lists.flatten().filter_map(|subject| subject.as_str().map(str::to_owned)).collect()
}
