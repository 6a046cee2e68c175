use std::time::Duration;

use super::*;
use crate::config::RouteUrl;
use crate::leaf_config::{LeafListener, LeafRemote};

const NOW: Duration = Duration::from_secs(1);

fn hub(amend: impl FnOnce(&mut LeafConfig)) -> Leafs<u32> {
    let listener = LeafListener {
        host: "127.0.0.1".into(),
        port: 7422,
        auth_timeout: Duration::from_secs(2),
        ..LeafListener::default()
    };
    let mut config = LeafConfig {
        server_id: "NA".into(),
        server_name: "A".into(),
        version: "2.14.5".into(),
        go: "none".into(),
        listener: Some(listener),
        ..LeafConfig::default()
    };
    amend(&mut config);
    Leafs::new(config, 1)
}

fn bound() -> Bound {
    Bound { account: "A".into(), ..Bound::default() }
}

/// What is done, in short.
fn done(leafs: &mut Leafs<u32>) -> Vec<String> {
    let mut done = Vec::new();
    while let Some(action) = leafs.next_action() {
        done.push(match action {
            LeafAction::Send(to, line) => format!("{to} {}", String::from_utf8(line).unwrap().trim_end()),
            LeafAction::Close(which, ending) => format!("{which} {ending:?}"),
            LeafAction::Identify(who, connect) => format!("{who} is {}?", connect.user),
            LeafAction::Introduce(to, remote, connect, nonce) => {
                format!("{to} introduce to {remote}: {} {} {nonce}", connect.user, connect.remote_account)
            }
            LeafAction::Dial(dial) => format!("dial {}:{}", dial.host, dial.port),
            LeafAction::Permit(which, allowed) => format!("{which} may send {:?}", allowed.export.allow),
            LeafAction::Open(which, leaf) => {
                format!("{which} open {} {} {:?}", leaf.server_name, leaf.cluster, leaf.side)
            }
        });
    }
    done
}

/// A leaf node dials and says this.
fn dial(leafs: &mut Leafs<u32>, connection: u32, connect: &str) -> Vec<String> {
    leafs.on_accepted(NOW, connection, "label", connection.into(), "NONCE");
    done(leafs);
    leafs.on_connect(connection, connect.as_bytes());
    let mut what = done(leafs);
    leafs.on_identified(connection, &bound());
    what.extend(done(leafs));
    what
}

/// But for what is longer with nats-server (`git_commit`, `api_lvl`) it is the INFO that was recorded.
#[test]
fn who_dials_is_told_of_the_server_and_then_of_itself() {
    let mut leafs = hub(|_| {});
    leafs.on_accepted(NOW, 7, "label", 7, "NONCE");
    let first = r#"{"server_id":"NA","server_name":"A","version":"2.14.5","proto":3,"go":"none","host":"127.0.0.1","port":7422,"headers":true,"auth_required":true,"max_payload":1048576,"ip":"127.0.0.1:7422","client_id":7"#;
    let last = r#""info_on_connect":true,"leafnode_urls":["127.0.0.1:7422"]}"#;
    assert_eq!(done(&mut leafs), [format!(r#"7 INFO {first},"nonce":"NONCE","compression":"off",{last}"#)]);
    leafs.on_connect(7, br#"{"user":"a","name":"B","server_id":"NB","cluster":"B","remote_account":"X"}"#);
    assert_eq!(done(&mut leafs), ["7 is a?"]);
    assert!(!leafs.may_say(7) && done(&mut leafs).is_empty(), "it is not known who it is");
    leafs.on_identified(7, &bound());
    let second = format!(r#"7 INFO {first},"connect_info":true,"remote_account":"A",{last}"#);
    assert_eq!(done(&mut leafs), [second.as_str(), "7 open B B Leaf"]);
    assert!(leafs.may_say(7));
    leafs.on_connect(7, b"{}");
    assert!(done(&mut leafs).is_empty());
}

#[test]
fn what_is_not_as_it_should_be_is_refused() {
    for (connect, words, ending) in [
        (r#"{"lang":"go"}"#, "attempted to connect to leaf node port", "WrongPort"),
        (
            r#"{"gateway":"X"}"#,
            r#"Rejecting connection from gateway "X" on the leafnode port"#,
            "WrongGateway",
        ),
        (r#"{"cluster":"C"}"#, "remote leafnode has same cluster name", "SameCluster"),
        (r#"{"cluster":"C D"}"#, "cluster name cannot contain spaces", "Violation"),
    ] {
        let mut leafs = hub(|config| config.cluster = "C".into());
        let told = dial(&mut leafs, 1, connect);
        assert_eq!(told[1..], [format!("1 -ERR '{words}'"), format!("1 {ending}")]);
    }
    let mut leafs = hub(|_| {});
    leafs.on_accepted(NOW, 1, "label", 1, "NONCE");
    done(&mut leafs);
    assert!(!leafs.may_say(1));
    assert_eq!(done(&mut leafs), ["1 -ERR 'Authorization Violation'", "1 Unauthorized"]);
}

#[test]
fn one_that_is_too_old_is_told_who_it_would_be_first() {
    let mut leafs = hub(|config| {
        config.listener.as_mut().unwrap().min_version = Some([2, 15, 0]);
    });
    let told = dial(&mut leafs, 1, r#"{"version":"2.14.5","name":"B"}"#);
    assert!(told[1].contains(r#""connect_info":true"#), "{told:?}");
    let words = r#"1 -ERR 'connection rejected since minimum version required is "2.15.0"'"#;
    assert_eq!(told[2..], [words, "1 TooOld"]);
}

#[test]
fn of_two_that_are_the_same_the_newer_one_stays() {
    let connect = r#"{"name":"B","cluster":"B","remote_account":"A"}"#;
    let mut leafs = hub(|_| {});
    dial(&mut leafs, 1, connect);
    let other = dial(&mut leafs, 2, &connect.replace(r#""remote_account":"A""#, r#""remote_account":"X""#));
    assert_eq!(other.len(), 3, "{other:?}");
    let again = dial(&mut leafs, 3, connect);
    assert_eq!(again[1..3], ["1 -ERR 'Duplicate Remote LeafNode Connection'", "1 Replaced"]);
    assert_eq!(again[4], "3 open B B Leaf");
    leafs.on_closed(NOW, 1);
    assert!(leafs.may_say(2) && leafs.may_say(3));
}

#[test]
fn who_says_nothing_is_closed_in_time() {
    let mut leafs = hub(|_| {});
    leafs.on_accepted(NOW, 1, "label", 1, "NONCE");
    done(&mut leafs);
    let due = leafs.next_deadline().unwrap();
    assert_eq!(due, NOW + Duration::from_secs(2));
    leafs.on_time(due - Duration::from_millis(1));
    assert!(done(&mut leafs).is_empty());
    leafs.on_time(due);
    assert_eq!(done(&mut leafs), ["1 -ERR 'Authentication Timeout'", "1 Late"]);
    assert_eq!(leafs.next_deadline(), None);
}

/// A server that dials such hubs.
fn spoke(remotes: Vec<LeafRemote>) -> Leafs<u32> {
    hub(|config| (config.listener, config.remotes) = (None, remotes))
}

fn remote(places: &[&str]) -> LeafRemote {
    let url = |place: &&str| RouteUrl::parse(&format!("nats-leaf://u:p@{place}")).unwrap();
    LeafRemote {
        urls: places.iter().map(url).collect(),
        account: "X".into(),
        keeps_order: true,
        ..LeafRemote::default()
    }
}

const HUB_INFO: &str = r#"{"server_id":"NH","server_name":"H","cluster":"C","headers":true,"client_id":7,"nonce":"N",
    "compression":"off","info_on_connect":true,"leafnode_urls":["a:1","b:2"]}"#;

const HUB_ANSWER: &str = r#"{"server_id":"NH","client_id":7,"connect_info":true,"remote_account":"A",
    "export":{"allow":["p"]},"leafnode_urls":["a:1","b:2"]}"#;

#[test]
fn who_dials_says_who_it_is_and_waits_for_the_answer() {
    let mut leafs = spoke(vec![remote(&["a:1"])]);
    leafs.on_time(NOW);
    assert_eq!(done(&mut leafs), ["dial a:1"]);
    leafs.on_dialed(NOW, LEAF_DIALS, 5, "label");
    leafs.on_info(NOW, 5, HUB_INFO.as_bytes());
    assert_eq!(done(&mut leafs), ["5 introduce to 0: u X N"]);
    leafs.on_info(NOW, 5, HUB_ANSWER.as_bytes());
    assert_eq!(done(&mut leafs), ["5 open H C Hub"]);
    leafs.on_info(NOW, 5, br#"{"export":{"allow":["q"]}}"#);
    assert_eq!(done(&mut leafs), [r#"5 may send ["q"]"#]);
    assert_eq!(leafs.next_deadline(), None);
    // What the hub told of is dialed as well, by the same user.
    leafs.on_closed(NOW, 5);
    let again = leafs.next_deadline().unwrap();
    assert_eq!(again, NOW + Duration::from_secs(1));
    leafs.on_time(again);
    assert_eq!(done(&mut leafs), ["dial b:2"]);
    leafs.on_dial_failed(again, LEAF_DIALS, "no");
    let third = leafs.next_deadline().unwrap();
    assert!((1..=2).contains(&(third - again).as_secs()));
    leafs.on_time(third);
    assert_eq!(done(&mut leafs), ["dial a:1"]);
}

#[test]
fn a_hub_that_is_none_or_says_nothing_is_left() {
    let silent = |leafs: &mut Leafs<u32>| {
        leafs.on_time(NOW);
        leafs.on_dialed(NOW, LEAF_DIALS, 5, "label");
        done(leafs);
    };
    let mut leafs = spoke(vec![remote(&["a:1"])]);
    silent(&mut leafs);
    leafs.on_info(NOW, 5, br#"{"server_id":"N","client_id":5}"#);
    assert_eq!(done(&mut leafs), ["5 WrongPort"]);
    let mut leafs = spoke(vec![remote(&["a:1"])]);
    silent(&mut leafs);
    leafs.on_time(NOW + Duration::from_secs(1));
    assert_eq!(done(&mut leafs), ["5 Silent"]);
    let mut leafs = spoke(vec![remote(&["a:1"])]);
    silent(&mut leafs);
    leafs.on_info(NOW, 5, HUB_INFO.as_bytes());
    done(&mut leafs);
    leafs.on_time(NOW + Duration::from_secs(2));
    assert_eq!(done(&mut leafs), ["5 -ERR 'Stale Leaf Node Connection - Closing'", "5 Stale"]);
}

#[test]
fn who_is_told_that_it_is_of_no_use_waits() {
    for (text, closes, seconds) in [
        ("Loop detected for leafnode account=\"A\". Delaying attempt to reconnect for 30s", true, 30),
        ("remote leafnode has same cluster name", false, 30),
        ("connection rejected since minimum version required is \"2.15.0\"", false, 5),
        ("Authorization Violation", false, 1),
    ] {
        let mut leafs = spoke(vec![remote(&["a:1"])]);
        leafs.on_time(NOW);
        leafs.on_dialed(NOW, LEAF_DIALS, 5, "label");
        assert_eq!(leafs.on_complaint(5, text), closes, "{text}");
        leafs.on_closed(NOW, 5);
        assert_eq!(leafs.next_deadline(), Some(NOW + Duration::from_secs(seconds)), "{text}");
    }
}

#[test]
fn who_does_what_it_may_not_is_not_dialed_again_soon() {
    let mut leafs = spoke(vec![LeafRemote { is_hub: true, ..remote(&["a:1"]) }]);
    leafs.on_time(NOW);
    leafs.on_dialed(NOW, LEAF_DIALS, 5, "label");
    leafs.on_violation(5);
    leafs.on_closed(NOW, 5);
    assert_eq!(leafs.next_deadline(), Some(NOW + Duration::from_secs(30)));
}

#[test]
fn a_cluster_that_is_a_leaf_of_the_account_is_no_hub_of_it() {
    let mut leafs =
        hub(|config| config.remotes = vec![LeafRemote { account: "A".into(), ..remote(&["a:1"]) }]);
    dial(&mut leafs, 1, r#"{"name":"B","cluster":"C"}"#);
    leafs.on_time(NOW);
    leafs.on_dialed(NOW, LEAF_DIALS, 5, "label");
    leafs.on_info(NOW, 5, HUB_INFO.as_bytes());
    done(&mut leafs);
    leafs.on_info(NOW, 5, HUB_ANSWER.as_bytes());
    let told = done(&mut leafs);
    assert!(told[0].contains("Loop detected for leafnode account=\"A\""), "{told:?}");
    leafs.on_closed(NOW, 5);
    assert_eq!(leafs.next_deadline(), Some(NOW + Duration::from_secs(30)));
}

#[test]
fn hubs_that_are_not_named_any_more_are_left_and_new_ones_dialed() {
    let mut leafs = spoke(vec![remote(&["a:1"]), remote(&["b:2"])]);
    leafs.on_time(NOW);
    assert_eq!(done(&mut leafs), ["dial a:1", "dial b:2"]);
    leafs.on_dialed(NOW, LEAF_DIALS, 5, "label");
    leafs.on_info(NOW, 5, HUB_INFO.as_bytes());
    leafs.on_info(NOW, 5, HUB_ANSWER.as_bytes());
    assert_eq!(done(&mut leafs), ["5 introduce to 0: u X N", "5 open H C Hub"]);
    assert_eq!(leafs.set_remotes(vec![remote(&["c:3"]), remote(&["a:1"])]), [2, 0]);
    assert_eq!(done(&mut leafs), Vec::<String>::new(), "one that stays is not disturbed");
    leafs.on_dialed(NOW, LEAF_DIALS + 1, 6, "label");
    assert_eq!(done(&mut leafs), ["6 Removed"], "it was on its way");
    leafs.on_closed(NOW, 6);
    leafs.on_time(NOW);
    assert_eq!(done(&mut leafs), ["dial c:3"]);
    leafs.on_dial_failed(NOW, LEAF_DIALS + 2, "no");
    assert_eq!(leafs.set_remotes(Vec::new()), Vec::<usize>::new());
    assert_eq!(done(&mut leafs), ["5 Removed"]);
    leafs.on_closed(NOW, 5);
    assert_eq!(leafs.next_deadline(), None);
    assert_eq!(leafs.set_remotes(vec![remote(&["a:1"])]), [3], "it comes anew");
}
