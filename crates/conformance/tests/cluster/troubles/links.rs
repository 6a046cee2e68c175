//! Networks that stall, crawl and break.

use std::net::{Ipv4Addr, SocketAddr};
use std::thread;
use std::time::{Duration, Instant};

use test_kit::{ANSWER_DEADLINE, Link};

use super::{await_mesh, eventually_equal, known_of};
use crate::kit::{as_user, await_interest, eventually, ours, peers, texts};
use crate::node::{Kind, Node, Place, Setting};
use crate::{await_link, read};

fn link_to(place: &Place) -> Link {
    Link::to(SocketAddr::from((Ipv4Addr::LOCALHOST, place.route_port()))).expect("there is a port")
}

/// Lines of a block `cluster`: dialed through this link, and dialing through those.
fn linked(own: &Link, others: &[&Link], more: &str) -> String {
    let urls: Vec<String> =
        others.iter().map(|link| format!("\"nats://ruser:right@127.0.0.1:{}\"", link.port())).collect();
    format!("advertise: \"127.0.0.1:{}\"\nroutes: [{}]\n{more}", own.port(), urls.join(", "))
}

fn kinds() -> Vec<Kind> {
    let mut kinds = vec![ours(1)];
    kinds.extend(peers());
    kinds
}

/// Nothing passes between two servers any more, and nobody says so; a third one sees both. Requests are lost until that is
/// noticed, then refused at once; and the two find each other again, which those of nats-server's never do.
#[test]
fn f2_a_silent_cut_of_one_pair_is_noticed_and_heals() {
    const MORE: &str = "ping_interval: \"1s\"\nping_max: 2";
    let places = ["S", "A", "B"].map(Place::take);
    let [s, a, b] = &places;
    let (to_a, to_b) = (link_to(a), link_to(b));
    let quick = Setting { routes: MORE, ..Setting::default() };
    let s = Node::start_with(&ours(1), s, &[], quick);
    let both = [&to_a, &to_b].map(|link| format!("advertise: \"127.0.0.1:{}\"\n{MORE}", link.port()));
    let a = Node::start_with(&ours(2), a, &[&s.place], Setting { routes: &both[0], ..Setting::default() });
    let b = Node::start_with(&ours(1), b, &[&s.place], Setting { routes: &both[1], ..Setting::default() });
    await_mesh(&[&s, &a, &b]);
    let mut reader = b.connect();
    reader.subscribe("far", 1);
    let mut client = as_user(&a, "x");
    client.subscribe("answers.*", 1);
    await_interest(&mut reader, &mut a.connect(), "far");

    [&to_a, &to_b].into_iter().for_each(Link::stall);
    let until = Instant::now() + ANSWER_DEADLINE;
    loop {
        client.send("PUB far answers.1 1\r\nx\r\n");
        if client.flush().iter().any(test_kit::Message::is_no_responders) {
            break;
        }
        assert!(Instant::now() < until, "nobody notices:\n{}", a.log());
        thread::sleep(Duration::from_millis(50));
    }
    await_link(&s, &a);
    await_link(&s, &b);

    [&to_a, &to_b].into_iter().for_each(Link::go_on);
    await_mesh(&[&s, &a, &b]);
    await_link(&a, &b);
    await_link(&b, &a);
}

/// Two islands become one cluster by one setting of one server.
#[test]
fn f4_two_islands_become_one_by_one_link() {
    for kind in kinds() {
        let places = ["A", "B", "D", "E", "F"].map(Place::take);
        let [a, b, d, e, f] = &places;
        let a = Node::start(&ours(1), a, &[]);
        let b = Node::start(&kind, b, &[&a.place]);
        let quiet = Setting { routes: "# here", ..Setting::default() };
        let d = Node::start_with(&ours(2), d, &[&a.place], quiet);
        let e = Node::start(&ours(1), e, &[]);
        let f = Node::start(&ours(1), f, &[&e.place]);
        await_mesh(&[&a, &b, &d]);
        await_mesh(&[&e, &f]);
        let url = |place: &Place| format!("\"nats://ruser:right@127.0.0.1:{}\"", place.route_port());
        let known = url(&a.place);
        d.reload(&format!("routes: [{known}]"), &format!("routes: [{known}, {}]", url(&e.place)));
        let all = [&a, &b, &d, &e, &f];
        await_mesh(&all);
        for (from, to) in [(&b, &f), (&f, &b), (&a, &e)] {
            await_link(from, to);
        }
        for node in all.into_iter().filter(|node| node.place.name != "B") {
            let count = node.monitored_json("/routez")["num_routes"].as_u64().expect("a number");
            assert!((4..=8).contains(&count), "{} has {count} connections", node.place.name);
        }
    }
}

/// One server is behind a link that crawls, and gets more than passes. Memory is bounded, a server beside it gets all
/// there is, and once there is room messages come through again.
#[test]
fn f6_a_link_that_crawls_bounds_memory_and_slows_nobody_else() {
    const PAYLOAD_BYTES: usize = 64 << 10;
    const MESSAGES: usize = 3_000;
    let places = ["A", "B", "D"].map(Place::take);
    let [a, b, d] = &places;
    let to_a = link_to(a);
    let small = Setting { other: "max_pending: 8388608", ..Setting::default() };
    let a = Node::start_with(&ours(1), a, &[], small);
    let through = linked(&link_to(b), &[&to_a], "no_advertise: true");
    let b = Node::start_with(&ours(1), b, &[], Setting { routes: &through, ..small });
    let d = Node::start_with(&ours(1), d, &[&a.place], small);
    for node in [&b, &d] {
        await_link(&a, node);
    }
    let (mut slow, mut fast) = (b.connect(), d.connect());
    slow.subscribe("slow", 1);
    fast.subscribe("fast", 1);
    await_interest(&mut slow, &mut a.connect(), "slow");
    await_interest(&mut fast, &mut a.connect(), "fast");
    let before = a.rss_kib();

    to_a.limit(64 << 10);
    let mut flood = a.connect();
    thread::scope(|scope| {
        scope.spawn(move || {
            flood.stream().set_write_timeout(Some(Duration::from_secs(2))).expect("a deadline");
            let payload = vec![b'x'; PAYLOAD_BYTES];
            let message = [format!("PUB slow {PAYLOAD_BYTES}\r\n").as_bytes(), &payload, b"\r\n"].concat();
            // Whoever floods is held back, or goes on and on.
            let _ = (0..MESSAGES).try_for_each(|_| flood.try_send(&message));
        });
        let mut writer = a.connect();
        for round in 0..20 {
            (0..500).for_each(|_| writer.publish("fast", round.to_string()));
            writer.flush();
            (0..500).for_each(|_| assert_eq!(fast.next_message().text(), round.to_string()));
            let grown = a.rss_kib().saturating_sub(before);
            assert!(grown < 64 << 10, "{grown} KiB for a link that crawls");
        }
    });
    to_a.limit(0);
    await_link(&a, &b);
}

/// A server behind a link on which nothing passes any more is given up after its deadline, dialed again, and told anew.
#[test]
fn f7_a_server_that_reads_no_more_is_cut_and_told_anew() {
    let places = ["A", "B"].map(Place::take);
    let [a, b] = &places;
    let to_a = link_to(a);
    let quick = Setting {
        other: "write_deadline: \"1s\"\nmax_pending: 4194304",
        routes: "ping_interval: \"1s\"\nping_max: 2",
        ..Setting::default()
    };
    let a = Node::start_with(&ours(1), a, &[], quick);
    let through = linked(&link_to(b), &[&to_a], quick.routes);
    let b = Node::start_with(&ours(2), b, &[], Setting { routes: &through, ..quick });
    await_link(&a, &b);
    let mut wanting = a.connect();
    wanting.subscribe("wanted", 1);
    wanting.flush();
    let mut reader = b.connect();
    reader.subscribe("news", 1);
    await_interest(&mut reader, &mut a.connect(), "news");

    to_a.stall();
    let before = to_a.accepted();
    let (mut writer, payload) = (a.connect(), vec![b'x'; 64 << 10]);
    writer.stream().set_write_timeout(Some(Duration::from_millis(100))).expect("a deadline");
    let message = [format!("PUB news {}\r\n", payload.len()).as_bytes(), &payload, b"\r\n"].concat();
    eventually("it is not given up", || {
        // It is held back, or closed with the server it waits for.
        let _ = writer.try_send(&message);
        (super::remotes(&a) == 0).then_some(())
    });
    to_a.go_on();
    await_link(&a, &b);
    assert!(to_a.accepted() > before);
    eventually("it is not told anew", || known_of(&b, &a).contains("wanted").then_some(()));
}

/// Clients come and go, subscribe and unsubscribe while the connection of two servers breaks again and again: in the end
/// each knows what the other wants, no more and no less.
#[test]
fn f8_f10_interest_is_exact_after_a_storm_on_a_route_that_flaps() {
    for kind in kinds() {
        let places = ["A", "B"].map(Place::take);
        let [a, b] = &places;
        let to_a = link_to(a);
        let a = Node::start(&ours(2), a, &[]);
        let through = linked(&link_to(b), &[&to_a], "");
        let b = Node::start_with(&kind, b, &[], Setting { routes: &through, ..Setting::default() });
        await_link(&a, &b);
        let plain = known_of(&b, &a);

        let mut clients: Vec<_> = (0..20).map(|_| a.connect()).collect();
        for round in 0..60 {
            if round % 10 == 5 {
                to_a.cut();
            }
            for (index, client) in clients.iter_mut().enumerate() {
                let (subject, sid) = (format!("storm.{}", (round + index) % 7), round % 3);
                match (round + index) % 4 {
                    0 => client.send(format!("SUB {subject} group {sid}\r\nUNSUB {}\r\n", (sid + 1) % 3)),
                    1 => client.send(format!("UNSUB {sid}\r\n")),
                    _ => client.send(format!("UNSUB {sid}\r\nSUB {subject} {sid}\r\n")),
                }
            }
            if round % 9 == 4 {
                clients[round % 20] = a.connect();
            }
            thread::sleep(Duration::from_millis(20));
        }
        for client in &mut clients {
            client.send("UNSUB 0\r\nUNSUB 1\r\nUNSUB 2\r\nSUB last.* 9\r\n");
            client.flush();
        }
        await_link(&b, &a);
        let mut expected = plain.clone();
        expected.insert("last.*".to_owned());
        eventually_equal(|| known_of(&b, &a), &expected);
        drop(clients);
        eventually_equal(|| known_of(&b, &a), &plain);

        let (mut reader, mut writer) = (a.connect(), b.connect());
        reader.subscribe("once", 1);
        await_interest(&mut reader, &mut writer, "once");
        writer.publish("once", "1");
        writer.flush();
        assert_eq!(texts(&read(&mut reader, 1)), ["1"]);
    }
}
