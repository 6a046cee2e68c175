//! Settings of a cluster that change while it runs, and those that bound how servers are dialed.

use std::time::Duration;

use serde_json::json;

use crate::kit::{await_interest, eventually, ours, peers, texts};
use crate::node::{Kind, Node, Place, Setting};
use crate::{await_link, read};

fn kinds() -> Vec<Kind> {
    let mut kinds = vec![ours(1)];
    kinds.extend(peers());
    kinds
}

fn routes(node: &Node) -> u64 {
    node.monitored_json("/varz")["remotes"].as_u64().expect("a number")
}

#[test]
fn routes_come_and_go_with_a_reload() {
    for other in kinds() {
        let places = [Place::take("A"), Place::take("B")];
        let a =
            Node::start_with(&ours(2), &places[0], &[], Setting { routes: "# here", ..Setting::default() });
        let b = Node::start(&other, &places[1], &[]);
        assert_eq!((routes(&a), routes(&b)), (0, 0));
        let url = format!("\"nats://ruser:right@127.0.0.1:{}\"", places[1].route_port());
        a.reload("routes: []", &format!("routes: [{url}]"));
        await_link(&a, &b);
        await_link(&b, &a);
        assert!(a.log().contains("Reloaded: cluster routes"), "{}", a.log());
        a.reload(&format!("routes: [{url}]"), "routes: []");
        for node in [&a, &b] {
            eventually("the route stays", || (routes(node) == 0).then_some(()));
        }
        assert!(a.log().contains("Route Removed"), "{}", a.log());
        // A real one may dial back.
        if matches!(other, Kind::Ours { .. }) {
            std::thread::sleep(Duration::from_millis(1500));
            assert_eq!((routes(&a), routes(&b)), (0, 0), "it is dialed no more");
        }
    }
}

#[test]
fn a_new_password_counts_for_those_who_come_from_then_on() {
    for other in kinds() {
        let places = [Place::take("A"), Place::take("B")];
        let a = Node::start(&ours(1), &places[0], &[]);
        let mut b = Node::start(&other, &places[1], &[&places[0]]);
        await_link(&b, &a);
        a.reload("password: right", "password: other");
        eventually("it is not in force", || a.log().contains("Reloaded: cluster\n").then_some(()));
        await_link(&b, &a);
        b.kill();
        let b = b.restart();
        eventually("it is not refused", || a.log().contains("authentication error").then_some(()));
        assert_eq!(routes(&a), 0);
        drop(b);
    }
}

/// The second is told of the third by the first.
#[test]
fn servers_that_others_told_of_are_dialed_as_often_as_is_set() {
    for (setting, attempts) in [("connect_retries: 1", 2..=2), ("", 3..=6)] {
        let setting = Setting { routes: setting, ..Setting::default() };
        let places = [Place::take("A"), Place::take("B"), Place::take("D")];
        let a = Node::start_with(&ours(1), &places[0], &[], setting);
        let b = Node::start_with(&ours(1), &places[1], &[&places[0]], setting);
        await_link(&b, &a);
        let mut d = Node::start_with(&ours(1), &places[2], &[&places[0]], setting);
        await_link(&b, &d);
        d.kill();
        std::thread::sleep(Duration::from_secs(6));
        let made = |node: &Node| node.log().matches("Error trying to connect to route").count();
        assert!(attempts.contains(&made(&b)), "{} attempts:\n{}", made(&b), b.log());
        assert_eq!(made(&a), 0, "{}", a.log());
    }
}

#[test]
fn permissions_bound_what_crosses_either_way() {
    const ALLOWED: [&str; 3] = ["foo.>", "link.>", "ready"];
    let list = ALLOWED.map(|subject| format!("\"{subject}\"")).join(", ");
    let permissions = format!("permissions {{ import: [{list}], export: [{list}] }}");
    for other in kinds() {
        let places = [Place::take("A"), Place::take("B")];
        let setting = Setting { routes: &permissions, ..Setting::default() };
        let a = Node::start_with(&ours(2), &places[0], &[], setting);
        let b = Node::start(&other, &places[1], &[&places[0]]);
        await_link(&a, &b);
        await_link(&b, &a);
        for (here, there) in [(&a, &b), (&b, &a)] {
            let (mut reader, mut writer) = (here.connect(), there.connect());
            reader.send("SUB foo.> 1\r\nSUB bar.> 2\r\nSUB ready 3\r\n");
            await_interest(&mut reader, &mut writer, "ready");
            writer.publish("bar.x", "it may not");
            writer.publish("foo.x", "it may");
            assert_eq!(texts(&read(&mut reader, 1)), ["it may"]);
        }
        let (own, others) = (a.monitored_json("/routez"), b.monitored_json("/routez"));
        for of in [&own, &others["routes"][0]] {
            assert_eq!(
                (&of["import"]["allow"], &of["export"]["allow"]),
                (&json!(ALLOWED), &json!(ALLOWED)),
                "{of}"
            );
        }
    }
}

#[test]
fn what_is_not_there_is_refused_by_name() {
    for (setting, said) in [
        ("pool_size: 3", "pool_size is not supported yet"),
        ("pool_size: 5", "pool_size is not supported yet"),
    ] {
        let place = Place::take("A");
        let refused = Node::refused(&ours(1), &place, Setting { routes: setting, ..Setting::default() });
        assert!(refused.contains(said), "{refused}");
    }
    let place = Place::take("A");
    let node =
        Node::start_with(&ours(1), &place, &[], Setting { routes: "pool_size: -1", ..Setting::default() });
    assert_eq!(routes(&node), 0);
}
