//! What becomes of leaf nodes while their hub changes: its users, its cluster, its end.

use rustix::process::Signal;
use test_kit::ReservedPort;

use crate::kit::{as_user as user, await_interest, eventually, ours, peers};
use crate::node::{Kind, Node, Place, Setting};
use crate::{Pair, USERS, pairs_with_hubs_of_ours};

/// Two hubs of a cluster, and a leaf node that knows only the first.
fn start(hubs: [&Kind; 2], leaf: &Kind) -> ([Node; 2], Node) {
    let ports = [(); 2].map(|()| ReservedPort::take().expect("there is a port"));
    let places = ["A", "B"].map(Place::take);
    let hub = |at: usize, others: &[&Place]| {
        let other = format!("leafnodes {{ listen: \"127.0.0.1:{}\" }}\n{USERS}", ports[at].number());
        let setting = Setting { cluster: "H", other: &other, ..Setting::default() };
        Node::start_with(hubs[at], &places[at], others, setting)
    };
    let first = hub(0, &[]);
    let nodes = [first, hub(1, &[&places[0]])];
    let remote = format!("{{ url: \"nats://a:a@127.0.0.1:{}\", account: A }}", ports[0].number());
    let other = format!("leafnodes {{ remotes: [{remote}] }}\n{USERS}");
    let setting = Setting { cluster: "L", other: &other, ..Setting::default() };
    let leaf = Node::start_with(leaf, &Place::take("D"), &[], setting);
    (nodes, leaf)
}

fn meet(node: &Node, leaf: &Node) {
    let (mut reader, mut writer) = (user(node, "a"), user(leaf, "a"));
    reader.subscribe("link.probe", 1);
    await_interest(&mut reader, &mut writer, "link.probe");
}

#[test]
fn a_leaf_node_goes_to_another_server_of_the_cluster() {
    let mut sets = vec![([ours(2), ours(1)], ours(1))];
    for peer in peers() {
        sets.push(([ours(2), peer.clone()], ours(1)));
        sets.push(([peer.clone(), ours(2)], ours(1)));
        sets.push(([ours(1), ours(2)], peer));
    }
    for ([one, other], leaf) in &sets {
        let ([mut first, second], leaf) = start([one, other], leaf);
        meet(&first, &leaf);
        meet(&second, &leaf);
        first.kill();
        meet(&second, &leaf);
        assert_eq!(second.monitored_json("/leafz")["leafnodes"], 1);
    }
}

#[test]
fn a_reload_ends_the_leaf_node_of_a_user_that_is_gone_and_lets_it_in_again() {
    for kinds in pairs_with_hubs_of_ours() {
        let pair = Pair::start(&kinds);
        let (before, after) = ("{ user: a, password: a }", "{ user: x, password: x }");
        pair.hub.reload(before, after);
        eventually("it is told", || pair.leaf.log().contains("Authorization Violation").then_some(()));
        pair.hub.reload(after, before);
        eventually("the user is there again", || {
            (pair.hub.log().matches("Reloaded server configuration").count() == 2).then_some(())
        });
        pair.await_link();
    }
}

/// As with nats-server: clients are told to go, and leaf nodes stay until the end.
#[test]
fn a_hub_in_lame_duck_mode_keeps_its_leaf_nodes() {
    for kinds in pairs_with_hubs_of_ours() {
        let pair = Pair::start(&kinds);
        let (mut reader, mut writer) = (user(&pair.hub, "a"), user(&pair.leaf, "a"));
        reader.subscribe("to.the.end", 1);
        await_interest(&mut reader, &mut writer, "to.the.end");
        pair.hub.signal(Signal::USR2);
        let words = "Entering lame duck mode, stop accepting new clients";
        eventually("it goes", || pair.hub.log().contains(words).then_some(()));
        writer.publish("to.the.end", "x");
        assert_eq!(reader.next_message().text(), "x");
        assert_eq!(pair.hub.monitored_json("/leafz")["leafnodes"], 1);
    }
}

#[test]
fn a_reload_dials_other_hubs_and_leaves_those_that_are_named_no_more() {
    let port = ReservedPort::take().expect("there is a port");
    let other = format!("leafnodes {{ listen: \"127.0.0.1:{}\" }}\n{USERS}", port.number());
    let setting = Setting { cluster: "M", other: &other, ..Setting::default() };
    let second = Node::start_with(&ours(2), &Place::take("C"), &[], setting);
    let pair = Pair::start(&(ours(2), ours(1)));
    let text = pair.leaf.config();
    let first = text.split("a:a@127.0.0.1:").nth(1).and_then(|rest| rest.split('"').next()).expect("a port");
    pair.leaf.reload(&format!("a:a@127.0.0.1:{first}"), &format!("a:a@127.0.0.1:{}", port.number()));
    meet(&second, &pair.leaf);
    eventually("the first is left", || (pair.hub.monitored_json("/leafz")["leafnodes"] == 0).then_some(()));
    let words = ["removed", "added"].map(|what| format!("account=\"A\" {what}"));
    assert!(words.iter().all(|words| pair.leaf.log().contains(words)), "{}", pair.leaf.log());
}
