//! What crosses the borders of accounts and servers at once: services, and the requests and events of the system account.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::Value;
use test_kit::RawClient;

use crate::kit::{as_user, await_interest, eventually, ours, peers};
use crate::node::{Kind, Node, Place, Setting};
use crate::{await_link_of, pairs, two_with};

const ACCOUNTS: &str = "\
    accounts {\n\
      SYS { users: [{ user: s, password: s }] }\n\
      X { users: [{ user: x, password: x }], exports: [{ service: \"svc.*\" }] }\n\
      Y { users: [{ user: y, password: y }], imports: [{ service: { account: X, subject: \"svc.*\" }, to: \"far.*\" }] }\n\
    }\n\
    system_account: SYS\n\
    no_auth_user: x\n";

const SETTING: Setting<'static> = Setting { cluster: "C", password: "right", routes: "", other: ACCOUNTS };

#[test]
fn a_service_is_answered_on_another_server_than_it_is_imported_on() {
    for pair in pairs() {
        let (a, b) = two_with(&pair, SETTING);
        for (here, there) in [(&a, &b), (&b, &a)] {
            let mut responder = as_user(there, "x");
            responder.send("SUB svc.add adders 1\r\nSUB ready 2\r\n");
            await_interest(&mut responder, &mut as_user(here, "x"), "ready");
            let mut requester = as_user(here, "y");
            requester.subscribe("inbox.*", 1);
            for number in 0..20 {
                requester.send(format!("PUB far.add inbox.{number} 1\r\n1\r\n"));
                let request = responder.next_message();
                assert_eq!((&*request.subject, request.text()), ("svc.add", "1".to_owned()));
                let reply = request.reply.expect("it asks for an answer");
                responder.publish(&reply, number.to_string());
                let answer = requester.next_message();
                assert_eq!(
                    (answer.subject.clone(), answer.text()),
                    (format!("inbox.{number}"), number.to_string())
                );
            }
        }
    }
}

/// Asks all servers, and reads so many answers.
fn ask_all(operator: &mut RawClient, subject: &str, count: usize) -> Vec<Value> {
    operator.send(format!("PUB {subject} all.answers 0\r\n\r\n"));
    let answers = (0..count).map(|_| operator.next_message());
    answers.map(|answer| serde_json::from_str(&answer.text()).expect("it is JSON")).collect()
}

fn names(answers: &[Value]) -> BTreeSet<&str> {
    answers.iter().filter_map(name).collect()
}

fn name(answer: &Value) -> Option<&str> {
    answer["server"]["name"].as_str().or_else(|| answer["name"].as_str())
}

#[test]
fn all_servers_answer_what_all_are_asked() {
    let mut third = vec![ours(2)];
    third.extend(peers());
    for third in third {
        let places = [Place::take("A"), Place::take("B"), Place::take("D")];
        let a = Node::start_with(&ours(1), &places[0], &[], SETTING);
        let b = Node::start_with(&ours(2), &places[1], &[&places[0]], SETTING);
        let d = Node::start_with(&third, &places[2], &[&places[0], &places[1]], SETTING);
        let all = [&a, &b, &d];
        for (from, to) in all.iter().flat_map(|from| all.iter().map(move |to| (*from, *to))) {
            if from.place.name != to.place.name {
                await_link_of(from, to, "s");
            }
        }
        for node in all {
            let mut operator = as_user(node, "s");
            operator.subscribe("all.answers", 1);
            operator.flush();
            std::thread::sleep(Duration::from_millis(200));
            for subject in ["$SYS.REQ.SERVER.PING", "$SYS.REQ.SERVER.PING.VARZ", "$SYS.REQ.SERVER.PING.SUBSZ"]
            {
                let answers = ask_all(&mut operator, subject, 3);
                assert_eq!(
                    names(&answers),
                    BTreeSet::from(["A", "B", "D"]),
                    "{subject} at {}",
                    node.place.name
                );
                assert!(operator.flush().is_empty(), "{subject}");
            }
            let statsz = ask_all(&mut operator, "$SYS.REQ.SERVER.PING.STATSZ", 3);
            for answer in &statsz {
                assert_eq!(answer["server"]["cluster"], "C", "{answer}");
                assert_eq!(answer["statsz"]["active_servers"], 3, "{answer}");
                let routes = answer["statsz"]["routes"].as_array().map_or(0, Vec::len);
                assert!(routes >= 2, "{answer}");
            }
            // One that is named answers alone, wherever it is asked.
            for other in all {
                let id = other.monitored_json("/varz")["server_id"].as_str().expect("an id").to_owned();
                let answers = ask_all(&mut operator, &format!("$SYS.REQ.SERVER.{id}.STATSZ"), 1);
                assert_eq!(names(&answers), BTreeSet::from([other.place.name]));
            }
            let accounts = ask_all(&mut operator, "$SYS.REQ.ACCOUNT.X.CONNZ", 3);
            assert_eq!(names(&accounts), BTreeSet::from(["A", "B", "D"]));
            assert!(operator.flush().is_empty());
        }
    }
}

#[test]
fn events_of_one_server_are_seen_at_another() {
    for pair in pairs() {
        let (mut a, b) = two_with(&pair, SETTING);
        await_link_of(&a, &b, "s");
        for (here, there) in [(&a, &b), (&b, &a)] {
            let mut operator = as_user(here, "s");
            operator
                .send("SUB $SYS.ACCOUNT.Y.CONNECT 1\r\nSUB $SYS.ACCOUNT.Y.DISCONNECT 2\r\nSUB seen 3\r\n");
            await_interest(&mut operator, &mut as_user(there, "s"), "seen");
            let client = as_user(there, "y");
            let came = operator.next_message();
            assert_eq!(came.subject, "$SYS.ACCOUNT.Y.CONNECT");
            let event: Value = serde_json::from_str(&came.text()).expect("it is JSON");
            assert_eq!(event["server"]["name"], there.place.name);
            drop(client);
            assert_eq!(operator.next_message().subject, "$SYS.ACCOUNT.Y.DISCONNECT");
        }
        let mut operator = as_user(&b, "s");
        operator.send("SUB $SYS.SERVER.*.SHUTDOWN 1\r\nSUB $SYS.SERVER.*.STATSZ 2\r\nSUB seen 3\r\n");
        await_interest(&mut operator, &mut as_user(&a, "s"), "seen");
        a.stop();
        let end = eventually("its end is not told", || {
            operator.flush().into_iter().find(|message| message.subject.ends_with(".SHUTDOWN"))
        });
        let server: Value = serde_json::from_str(&end.text()).expect("it is JSON");
        assert_eq!(server["name"], "A");
    }
}

#[test]
fn a_server_that_comes_is_told_how_the_others_are() {
    let mut kinds: Vec<Kind> = vec![ours(1)];
    kinds.extend(peers());
    for kind in kinds {
        let places = [Place::take("A"), Place::take("B")];
        let a = Node::start_with(&ours(2), &places[0], &[], SETTING);
        // So long that it tells seldom by now: next after sixteen seconds.
        std::thread::sleep(Duration::from_secs(9));
        let mut operator = as_user(&a, "s");
        operator.send("SUB $SYS.SERVER.*.STATSZ 1\r\n");
        operator.flush();
        let b = Node::start_with(&kind, &places[1], &[&places[0]], SETTING);
        let begun = Instant::now();
        eventually("it is not told", || {
            let told = operator.flush().into_iter().map(|message| message.text());
            let of_two =
                |text: &String| text.contains("\"name\":\"A\"") && text.contains("\"active_servers\":2");
            told.into_iter().find(of_two)
        });
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        drop(b);
    }
}
