//! Leaf nodes and their hubs as processes: ours with ours, and ours with nats-server, whoever is which.
//!
//! The nats-server is the one of the machine, and with `BUSTER_PEER_BIN` that one as well.

mod detours;
#[path = "../cluster/kit.rs"]
mod kit;
mod moving;
#[path = "../cluster/node.rs"]
#[allow(dead_code, reason = "the tests of clusters need more of it")]
mod node;
mod tracing;

use kit::{as_user as user, await_interest, eventually, ours, peers, texts};
use node::{Kind, Node, Place, Setting};
use test_kit::{Message, ReservedPort};

const USERS: &str =
    "accounts {\n A { users: [{ user: a, password: a }] }\n B { users: [{ user: b, password: b }] }\n}\n";

/// Who is the leaf node, and who is the hub.
fn pairs() -> Vec<(Kind, Kind)> {
    let mut pairs = pairs_with_hubs_of_ours();
    pairs.extend(peers().into_iter().map(|peer| (ours(2), peer)));
    pairs
}

fn pairs_with_hubs_of_ours() -> Vec<(Kind, Kind)> {
    let mut pairs = vec![(ours(1), ours(1)), (ours(2), ours(3))];
    pairs.extend(peers().into_iter().map(|peer| (peer, ours(2))));
    pairs
}

/// Those of one shard: members of a group on several weigh the same as those behind a leaf node.
fn pairs_of_one_shard() -> Vec<(Kind, Kind)> {
    let mut pairs = vec![(ours(1), ours(1))];
    pairs.extend(peers().into_iter().flat_map(|peer| [(peer.clone(), ours(1)), (ours(1), peer)]));
    pairs
}

/// A hub and a leaf node of it, in the account `A` of both.
struct Pair {
    hub: Node,
    leaf: Node,
}

impl Pair {
    fn start(kinds: &(Kind, Kind)) -> Self {
        let pair = Self::start_with(kinds, "", "H", "L", "a:a");
        pair.await_link();
        pair
    }

    /// The same with lines of the hub's block `leafnodes`, with these clusters, and another user.
    fn start_with((leaf, hub): &(Kind, Kind), more: &str, clusters: &str, of_leaf: &str, user: &str) -> Self {
        let port = ReservedPort::take().expect("there is a port");
        let at = port.number();
        let other = format!("leafnodes {{ listen: \"127.0.0.1:{at}\"\n{more}\n}}\n{USERS}");
        let setting = Setting { cluster: clusters, other: &other, ..Setting::default() };
        let hub = Node::start_with(hub, &Place::take("A"), &[], setting);
        let other = format!(
            "leafnodes {{ remotes: [{{ url: \"nats://{user}@127.0.0.1:{at}\", account: A }}] }}\n{USERS}"
        );
        let setting = Setting { cluster: of_leaf, other: &other, ..Setting::default() };
        let leaf = Node::start_with(leaf, &Place::take("B"), &[], setting);
        Self { hub, leaf }
    }

    fn await_link(&self) {
        for (from, to) in [(&self.hub, &self.leaf), (&self.leaf, &self.hub)] {
            let (mut reader, mut writer) = (user(to, "a"), user(from, "a"));
            reader.subscribe("link.probe", 1);
            await_interest(&mut reader, &mut writer, "link.probe");
        }
    }

    fn both(&self) -> [(&Node, &Node); 2] {
        [(&self.hub, &self.leaf), (&self.leaf, &self.hub)]
    }
}

#[test]
fn messages_cross_in_order_with_wildcards_and_headers_until_unsubscribed() {
    for kinds in pairs() {
        let pair = Pair::start(&kinds);
        for (here, there) in pair.both() {
            let (mut reader, mut writer) = (user(here, "a"), user(there, "a"));
            let mut stranger = user(here, "b");
            stranger.subscribe(">", 1);
            reader.subscribe("news.*.x", 1);
            await_interest(&mut reader, &mut writer, "news.probe.x");
            for number in 0..100 {
                writer.publish("news.a.x", number.to_string());
                writer.publish("news.a.y", "not wanted");
            }
            writer.send("HPUB news.h.x re.ply 18 20\r\nNATS/1.0\r\nA: b\r\n\r\nhi\r\n");
            let got: Vec<Message> = (0..101).map(|_| reader.next_message()).collect();
            assert_eq!(texts(&got[..100]), (0..100).map(|number| number.to_string()).collect::<Vec<_>>());
            let last = &got[100];
            assert_eq!(
                (last.reply.as_deref(), &*last.header),
                (Some("re.ply"), &b"NATS/1.0\r\nA: b\r\n\r\n"[..])
            );
            reader.send("UNSUB 1\r\n");
            reader.flush();
            reader.subscribe("news.end", 2);
            await_interest(&mut reader, &mut writer, "news.end");
            writer.publish("news.a.x", "too late");
            writer.publish("news.end", "end");
            assert_eq!(reader.next_message().text(), "end");
            assert_eq!(texts(&stranger.flush()), Vec::<String>::new(), "it is of another account");
        }
    }
}

#[test]
fn requests_are_answered_on_the_other_side_or_by_nobody_at_once() {
    for kinds in pairs() {
        let pair = Pair::start(&kinds);
        for (here, there) in pair.both() {
            let (mut service, mut asker) = (user(here, "a"), user(there, "a"));
            service.subscribe("help", 1);
            asker.subscribe("inbox.>", 1);
            asker.flush();
            await_interest(&mut service, &mut asker, "help");
            for number in 0..20 {
                asker.send(format!("PUB help inbox.{number} 1\r\nx\r\n"));
                let request = service.next_message();
                service.publish(request.reply.as_deref().expect("it has one"), number.to_string());
                let answer = asker.next_message();
                assert_eq!(
                    (answer.subject.clone(), answer.text()),
                    (format!("inbox.{number}"), number.to_string())
                );
            }
            asker.send("PUB nobody inbox.n 1\r\nx\r\n");
            let answer = asker.next_message();
            assert!(answer.header.starts_with(b"NATS/1.0 503"), "{answer:?}");
        }
    }
}

#[test]
fn a_group_is_served_near_by_and_else_on_the_other_side() {
    for kinds in pairs_of_one_shard() {
        let pair = Pair::start(&kinds);
        for (here, there) in pair.both() {
            let (mut far, mut near, mut writer) = (user(here, "a"), user(there, "a"), user(there, "a"));
            far.send("SUB jobs q 1\r\n");
            await_interest(&mut far, &mut writer, "jobs");
            for number in 0..50 {
                writer.publish("jobs", number.to_string());
            }
            for number in 0..50 {
                assert_eq!(far.next_message().text(), number.to_string());
            }
            near.send("SUB jobs q 1\r\n");
            near.flush();
            for number in 0..50 {
                writer.publish("jobs", number.to_string());
            }
            let got = texts(&(0..50).map(|_| near.next_message()).collect::<Vec<_>>());
            assert_eq!(got, (0..50).map(|number| number.to_string()).collect::<Vec<_>>());
            assert_eq!(texts(&far.flush()), Vec::<String>::new());
        }
    }
}

#[test]
fn operators_see_leaf_nodes() {
    for kinds in pairs_with_hubs_of_ours() {
        let pair = Pair::start(&kinds);
        let mut reader = user(&pair.leaf, "a");
        reader.subscribe("seen", 1);
        await_interest(&mut reader, &mut user(&pair.hub, "a"), "seen");
        let leafz = pair.hub.monitored_json("/leafz?subs=1");
        assert_eq!(leafz["leafnodes"], 1, "{leafz}");
        let leaf = &leafz["leafs"][0];
        assert_eq!(
            (&leaf["name"], &leaf["account"], &leaf["is_spoke"]),
            (&"B".into(), &"A".into(), &false.into())
        );
        assert!(leaf["out_msgs"].as_u64() > Some(0), "{leafz}");
        let subs = leaf["subscriptions_list"].as_array().expect("there are some");
        assert!(subs.contains(&"seen".into()), "{leafz}");
        assert_eq!(pair.hub.monitored_json("/leafz?acc=B")["leafnodes"], 0);
        let varz = pair.hub.monitored_json("/varz");
        assert_eq!((&varz["leafnodes"], &varz["leaf"]["host"]), (&1.into(), &"127.0.0.1".into()));
        eventually("the round trip is measured", || {
            let metrics = pair.hub.monitored("/metrics");
            let rtt = metrics.lines().any(|line| {
                line.starts_with("buster_leafnode_rtt_seconds") && line.contains(r#"remote="B",account="A""#)
            });
            (rtt && metrics.contains("buster_leafnodes{shard=\"0\"} 1")).then_some(())
        });
        let words = ["Leafnode connection created", "JetStream using domains: local \"\", remote \"\""];
        assert!(words.iter().all(|words| pair.hub.log().contains(words)), "{}", pair.hub.log());
    }
}

#[test]
fn who_may_not_come_is_told_why() {
    for kinds in pairs() {
        for (clusters, user, words) in [
            (("H", "L"), "a:wrong", "Authorization Violation"),
            (("H", "H"), "a:a", "remote leafnode has same cluster name"),
        ] {
            let pair = Pair::start_with(&kinds, "", clusters.0, clusters.1, user);
            eventually("the other side is told", || pair.leaf.log().contains(words).then_some(()));
            assert_eq!(pair.hub.monitored_json("/leafz")["leafnodes"], 0);
        }
    }
}

/// The hub's own users for leaf nodes go before those of clients.
#[test]
fn a_listener_may_have_users_of_its_own() {
    for kinds in pairs_with_hubs_of_ours() {
        let more = "authorization { users: [{ user: l, password: p, account: A }] }";
        let pair = Pair::start_with(&kinds, more, "H", "L", "l:p");
        pair.await_link();
        let pair = Pair::start_with(&kinds, more, "H", "L", "a:a");
        eventually("a client is none", || pair.leaf.log().contains("Authorization Violation").then_some(()));
    }
}

#[test]
fn what_is_denied_does_not_cross() {
    for kinds in pairs() {
        let port = ReservedPort::take().expect("there is a port");
        let other = format!("leafnodes {{ listen: \"127.0.0.1:{}\" }}\n{USERS}", port.number());
        let hub = Node::start_with(
            &kinds.1,
            &Place::take("A"),
            &[],
            Setting { cluster: "H", other: &other, ..Setting::default() },
        );
        let other = format!(
            "leafnodes {{ remotes: [{{ url: \"nats://a:a@127.0.0.1:{}\", account: A, deny_imports: im.no, \
             deny_exports: [ex.no] }}] }}\n{USERS}",
            port.number()
        );
        let leaf = Node::start_with(
            &kinds.0,
            &Place::take("B"),
            &[],
            Setting { cluster: "L", other: &other, ..Setting::default() },
        );
        let pair = Pair { hub, leaf };
        pair.await_link();
        for ((here, there), prefix) in pair.both().into_iter().zip(["ex", "im"]) {
            let (mut reader, mut writer) = (user(here, "a"), user(there, "a"));
            reader.subscribe(&format!("{prefix}.>"), 1);
            await_interest(&mut reader, &mut writer, &format!("{prefix}.ok"));
            writer.publish(&format!("{prefix}.no"), "no");
            writer.publish(&format!("{prefix}.ok"), "ok");
            assert_eq!(reader.next_message().text(), "ok");
        }
    }
}

/// The hub is away for a while, and its leaf node finds it again.
#[test]
fn a_leaf_node_comes_again_after_its_hub() {
    for kinds in pairs() {
        let mut pair = Pair::start(&kinds);
        pair.hub.kill();
        pair.hub = pair.hub.restart();
        pair.await_link();
    }
}

#[test]
fn what_goes_round_is_cut() {
    let ports = [(); 2].map(|()| ReservedPort::take().expect("there is a port"));
    let [a, b] = [0, 1].map(|at: usize| {
        let other = format!(
            "leafnodes {{ listen: \"127.0.0.1:{}\", remotes: [{{ url: \"nats://a:a@127.0.0.1:{}\", account: A }}] }}\n{USERS}",
            ports[at].number(),
            ports[1 - at].number()
        );
        let setting = Setting { cluster: ["H", "L"][at], other: &other, ..Setting::default() };
        Node::start_with(&ours(1 + at), &Place::take(["A", "B"][at]), &[], setting)
    });
    eventually("one of them finds it", || {
        let words = "Loop detected for leafnode account=\"A\". Delaying attempt to reconnect for 30s";
        (a.log().contains(words) && b.log().contains(words)).then_some(())
    });
    eventually("one of two is left", || {
        let left = [&a, &b].map(|node| node.monitored_json("/leafz")["leafnodes"].as_u64());
        (left == [Some(1), Some(1)]).then_some(())
    });
    let (mut reader, mut writer) = (user(&a, "a"), user(&b, "a"));
    reader.subscribe("once", 1);
    await_interest(&mut reader, &mut writer, "once");
    writer.publish("once", "x");
    assert_eq!(reader.next_message().text(), "x");
    assert_eq!(texts(&reader.flush()), Vec::<String>::new());
}
