//! Servers that end, stand still and come again.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use test_kit::ANSWER_DEADLINE;

use super::{await_mesh, eventually_equal, known_of, remotes};
use crate::await_link;
use crate::kit::{as_user, await_interest, eventually, ours, peers};
use crate::node::{Kind, Node, Place, Setting};

/// Long enough to see what comes again and again.
const A_WHILE: Duration = Duration::from_secs(4);

/// Ours, with one of nats-server's among them if there is one.
fn three_kinds() -> Vec<[Kind; 3]> {
    let mut all = vec![[ours(2), ours(1), ours(3)]];
    all.extend(peers().into_iter().map(|peer| [ours(1), peer, ours(2)]));
    all
}

/// The last two dial the first.
fn three(kinds: &[Kind; 3], setting: Setting<'_>) -> [Node; 3] {
    let places = ["A", "B", "D"].map(Place::take);
    let a = Node::start_with(&kinds[0], &places[0], &[], setting);
    let b = Node::start_with(&kinds[1], &places[1], &[&places[0]], setting);
    let d = Node::start_with(&kinds[2], &places[2], &[&places[0]], setting);
    await_mesh(&[&a, &b, &d]);
    [a, b, d]
}

/// One of three is killed under load: the clients of the others miss nothing and see no disorder, and what it knows when
/// it is back is what it knew.
#[test]
fn f1_a_killed_server_costs_the_others_nothing_and_comes_back_exact() {
    for kinds in three_kinds() {
        let [a, mut b, d] = three(&kinds, Setting::default());
        let mut wanting = a.connect();
        (0..50).for_each(|number| wanting.subscribe(&format!("wanted.{number}"), number));
        wanting.send("SUB wanted.group q 50\r\n");
        wanting.flush();
        let mut expected = known_of(&b, &a);
        expected.retain(|subject| !subject.starts_with("wanted.") && subject != "link.probe");
        expected.extend((0..50).map(|number| format!("wanted.{number}")));
        expected.insert("wanted.group".to_owned());
        eventually_equal(|| known_of(&b, &a), &expected);

        let (mut reader, mut prober) = (d.connect(), a.connect());
        reader.subscribe("load", 1);
        await_interest(&mut reader, &mut prober, "load");
        let is_over = AtomicBool::new(false);
        let b = thread::scope(|scope| {
            let (mut writer, is_over) = (a.connect(), &is_over);
            let sent = scope.spawn(move || {
                let mut sent = 0;
                while !is_over.load(Ordering::Relaxed) {
                    (0..100).for_each(|_| {
                        writer.publish("load", sent.to_string());
                        sent += 1;
                    });
                    writer.flush();
                }
                sent
            });
            let mut read = |from: u32, to: u32| {
                (from..to).for_each(|number| assert_eq!(reader.next_message().text(), number.to_string()));
            };
            read(0, 1_000);
            b.kill();
            read(1_000, 6_000);
            let b = b.restart();
            await_mesh(&[&a, &b, &d]);
            is_over.store(true, Ordering::Relaxed);
            let sent = sent.join().expect("it publishes");
            read(6_000, sent);
            b
        });
        eventually_equal(|| known_of(&b, &a), &expected);
    }
}

/// All others are known by the first alone; it goes, all restart, and it comes last.
#[test]
fn f3_a_mesh_forms_in_whatever_order_servers_come() {
    for kinds in three_kinds() {
        let [mut a, mut b, mut d] = three(&kinds, Setting::default());
        a.kill();
        d.kill();
        d = d.restart();
        b.kill();
        b = b.restart();
        a = a.restart();
        await_mesh(&[&a, &b, &d]);
        await_link(&b, &d);
        await_link(&d, &b);
    }
}

/// Servers that name each other start at the same time, again and again.
#[test]
fn f5_two_that_dial_each_other_at_once_have_one_connection() {
    let mut kinds = vec![(ours(1), ours(2))];
    kinds.extend(peers().into_iter().map(|peer| (ours(1), peer)));
    for (here, there) in kinds {
        let places = [Place::take("A"), Place::take("B")];
        let mut a = Node::start(&here, &places[0], &[&places[1]]);
        let mut b = Node::start(&there, &places[1], &[&places[0]]);
        for _ in 0..8 {
            await_mesh(&[&a, &b]);
            // A second one would have come by now.
            thread::sleep(Duration::from_millis(300));
            let routes = [&a, &b].map(|node| node.monitored_json("/routez")["num_routes"].clone());
            assert_eq!(routes, [1, 1]);
            [a, b] = Node::restart_together([a, b]);
        }
    }
}

/// A server stands still, for less and for longer than others bear it: nothing comes twice, and members weigh what they
/// weighed.
#[test]
fn f9_a_server_that_stood_still_goes_on_as_before() {
    let setting = Setting { routes: "ping_interval: \"1s\"\nping_max: 2", ..Setting::default() };
    let [a, b, d] = three(&[ours(2), ours(1), ours(1)], setting);
    let mut members = [b.connect(), b.connect(), d.connect()];
    for member in &mut members {
        member.send("SUB work q 1\r\n");
        member.flush();
    }
    let mut writer = a.connect();
    let knows_group = || [&b, &d].iter().all(|other| known_of(&a, other).contains("work"));
    for still in [Duration::from_millis(500), A_WHILE] {
        eventually("A does not know the group", || knows_group().then_some(()));
        b.signal(Signal::STOP);
        thread::sleep(still);
        b.signal(Signal::CONT);
        await_mesh(&[&a, &b, &d]);
        eventually("A does not know the group again", || knows_group().then_some(()));
        let mut counts = [0; 3];
        for number in 0..600 {
            writer.publish("work", number.to_string());
        }
        writer.flush();
        eventually("messages are missing", || {
            for (count, member) in counts.iter_mut().zip(&mut members) {
                *count += member.flush().len();
            }
            (counts.iter().sum::<usize>() >= 600).then_some(())
        });
        assert_eq!(counts.iter().sum::<usize>(), 600, "{counts:?}");
        // Each is drawn a third of the time: 200, give or take six times what is usual. A member less would make it 300.
        assert!(counts.iter().all(|count| (131..=269).contains(count)), "{counts:?}");
    }
}

/// Each in turn is another kind of server from now on.
#[test]
fn f12_a_cluster_is_exchanged_server_by_server() {
    for peer in peers() {
        let places = ["A", "B", "D"].map(Place::take);
        let start = |at: usize, kind: &Kind| {
            let others: Vec<&Place> =
                (0..3).filter(|other| *other != at).map(|other| &places[other]).collect();
            Node::start(kind, &places[at], &others)
        };
        let mut nodes: Vec<Node> = (0..3).map(|at| start(at, &peer)).collect();
        await_mesh(&nodes.iter().collect::<Vec<_>>());
        for kind in [ours(2), peer.clone()] {
            for at in 0..3 {
                nodes[at].stop();
                let up: Vec<&Node> = (0..3).filter(|other| *other != at).map(|other| &nodes[other]).collect();
                requests_work(&up);
                let fresh = start(at, &kind);
                nodes[at] = fresh;
                await_mesh(&nodes.iter().collect::<Vec<_>>());
                requests_work(&nodes.iter().collect::<Vec<_>>());
            }
        }
    }
}

/// Between all of them, both ways.
fn requests_work(nodes: &[&Node]) {
    for responder_at in nodes {
        let mut responder = responder_at.connect();
        responder.subscribe("ask", 1);
        responder.flush();
        for node in nodes {
            let mut client = as_user(node, "x");
            client.subscribe("answers.*", 1);
            let until = Instant::now() + ANSWER_DEADLINE;
            loop {
                client.send("PUB ask answers.1 1\r\nx\r\n");
                client.flush();
                if let Some(question) = responder.flush().first() {
                    responder.publish(question.reply.as_deref().expect("where to answer"), "yes");
                    responder.flush();
                    break;
                }
                assert!(
                    Instant::now() < until,
                    "{} does not reach {}",
                    node.place.name,
                    responder_at.place.name
                );
                thread::sleep(Duration::from_millis(20));
            }
            while client.next_message().text() != "yes" {}
        }
    }
}

/// One with a wrong password is out alone. It comes less and less often, and so do lines of the log.
#[test]
fn f13_a_server_that_is_refused_keeps_nobody_busy() {
    let places = ["A", "B", "D"].map(Place::take);
    let a = Node::start(&ours(2), &places[0], &[]);
    let b = Node::start(&ours(1), &places[1], &[&places[0]]);
    let wrong = Setting { password: "wrong", ..Setting::default() };
    let d = Node::start_with(&ours(1), &places[2], &[&places[0]], wrong);
    await_mesh(&[&a, &b]);
    thread::sleep(A_WHILE);
    let refusals = a.log().matches("authentication error").count();
    assert!((1..=3).contains(&refusals), "{refusals} in four seconds:\n{}", a.log());
    assert_eq!((remotes(&a), remotes(&d)), (1, 0));
    assert!(is_answered_across(&a, &b));
}

fn is_answered_across(a: &Node, b: &Node) -> bool {
    let (mut responder, mut client) = (b.connect(), as_user(a, "x"));
    responder.subscribe("ask", 1);
    client.subscribe("answers.*", 1);
    await_interest(&mut responder, &mut a.connect(), "ask");
    let mut answering = || {
        client.send("PUB ask answers.1 1\r\nx\r\n");
        let question = responder.next_message();
        responder.publish(question.reply.as_deref().expect("where to answer"), "yes");
        client.next_message().text() == "yes"
    };
    answering()
}
