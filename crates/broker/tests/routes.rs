//! Other servers of the cluster, as they are heard and told on the wire.

mod shards;
mod users;

use std::time::Duration;

use nats_auth::Directory;
use shards::{Conn, Shards};
use users::{login, two_accounts};

fn cluster() -> cluster::Config {
    cluster::Config {
        server_id: "NTEST".into(),
        server_name: "here".into(),
        cluster: "C".into(),
        tells_urls: true,
        connect_urls: vec!["127.0.0.1:4222".into()],
        ..cluster::Config::default()
    }
}

fn server(shards: usize) -> Shards {
    Shards::in_cluster(shards, Some(cluster()), |settings| {
        settings.directory = Directory::new(&two_accounts()).unwrap();
    })
}

/// Another server of that name, of which nothing is known beside.
fn route(shards: &mut Shards, name: &str) -> Conn {
    let route = shards.accept_peer();
    let connect = format!(r#"CONNECT {{"name":"N{name}","cluster":"C","headers":true}}"#);
    let info =
        format!(r#"INFO {{"server_id":"N{name}","server_name":"{name}","headers":true,"cluster":"C"}}"#);
    shards.feed(route, &format!("{connect}\r\n{info}\r\n"));
    shards.settle();
    route
}

/// What a server or a client was sent, once all shards have heard everything.
fn heard(shards: &mut Shards, conn: Conn) -> String {
    shards.settle();
    shards.output(conn)
}

fn say(shards: &mut Shards, conn: Conn, text: &str) -> String {
    shards.feed(conn, text);
    heard(shards, conn)
}

/// The lines in order of their text: what changed on several shards comes in any.
fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines
}

#[test]
fn a_server_is_told_what_is_wanted_and_what_changes() {
    for count in 1..4 {
        let mut shards = server(count);
        let clients: Vec<Conn> = (0..3).map(|_| login(&mut shards, "a")).collect();
        say(&mut shards, clients[0], "SUB foo 1\r\nSUB foo q 2\r\nSUB b.* 3\r\n");
        say(&mut shards, clients[1], "SUB foo 1\r\nSUB foo q 2\r\n");
        let route = route(&mut shards, "F");
        let told = heard(&mut shards, route);
        assert_eq!(sorted(&told), ["RS+ A b.*", "RS+ A foo", "RS+ A foo q 2"], "{count} shards");
        say(&mut shards, clients[2], "SUB foo q 1\r\n");
        assert_eq!(heard(&mut shards, route), "RS+ A foo q 3\r\n");
        say(&mut shards, clients[0], "UNSUB 1\r\n");
        assert_eq!(heard(&mut shards, route), "");
        say(&mut shards, clients[1], "UNSUB 1\r\nUNSUB 2\r\n");
        assert_eq!(sorted(&heard(&mut shards, route)), ["RS+ A foo q 2", "RS- A foo"]);
        say(&mut shards, clients[0], "UNSUB 2\r\nUNSUB 3\r\n");
        say(&mut shards, clients[2], "UNSUB 1\r\n");
        let ended = heard(&mut shards, route);
        assert_eq!(sorted(&ended), ["RS+ A foo q 1", "RS- A b.*", "RS- A foo q"], "{count} shards");
    }
}

#[test]
fn one_that_unsubscribes_itself_is_ended_once() {
    let mut shards = server(2);
    let route = route(&mut shards, "F");
    let (here, there) = (login(&mut shards, "a"), login(&mut shards, "a"));
    for client in [here, there] {
        say(&mut shards, client, "SUB x 1\r\nUNSUB 1 1\r\n");
        assert_eq!(heard(&mut shards, route), "RS+ A x\r\n");
        assert_eq!(say(&mut shards, route, "RMSG A x 0\r\n\r\n"), "RS- A x\r\n");
        shards.output(client);
    }
}

#[test]
fn messages_go_out_once_to_each_server_with_the_groups_it_is_to_serve() {
    for count in 1..4 {
        let mut shards = server(count);
        let (one, other) = (route(&mut shards, "F1"), route(&mut shards, "F2"));
        say(&mut shards, one, "RS+ A foo\r\nRS+ A *\r\nRS+ A foo q 1\r\nRS+ A foo z 2\r\n");
        say(&mut shards, other, "RS+ A f* 1 0\r\nRS+ A bar\r\n");
        for _ in 0..count {
            let client = login(&mut shards, "a");
            say(&mut shards, client, "PUB foo 2\r\nhi\r\n");
            assert_eq!(heard(&mut shards, one), "RMSG A foo | q z 2\r\nhi\r\n", "{count} shards");
            say(&mut shards, client, "PUB foo r.1 2\r\nhi\r\n");
            assert_eq!(heard(&mut shards, one), "RMSG A foo + r.1 q z 2\r\nhi\r\n");
            say(&mut shards, client, "HPUB bar r 12 14\r\nNATS/1.0\r\n\r\nhi\r\n");
            let whole = "HMSG A bar r 12 14\r\nNATS/1.0\r\n\r\nhi\r\n";
            assert_eq!(heard(&mut shards, one), whole);
            assert_eq!(heard(&mut shards, other), whole);
        }
        let stranger = login(&mut shards, "b");
        say(&mut shards, stranger, "PUB foo 2\r\nhi\r\n");
        assert_eq!(heard(&mut shards, one), "");
    }
}

#[test]
fn headers_are_cut_for_a_server_that_takes_none() {
    let mut shards = server(1);
    let old = shards.accept_peer();
    let hello = concat!(
        "CONNECT {\"name\":\"NF\",\"cluster\":\"C\"}\r\n",
        "INFO {\"server_id\":\"NF\",\"server_name\":\"F\",\"headers\":true,\"cluster\":\"C\"}\r\nRS+ A foo\r\n",
    );
    say(&mut shards, old, hello);
    let client = login(&mut shards, "a");
    say(&mut shards, client, "HPUB foo r 12 14\r\nNATS/1.0\r\n\r\nhi\r\n");
    assert_eq!(heard(&mut shards, old), "RMSG A foo r 2\r\nhi\r\n");
}

#[test]
fn what_comes_from_a_server_goes_to_clients_and_not_to_servers() {
    for count in 1..4 {
        let mut shards = server(count);
        let (one, other) = (route(&mut shards, "F1"), route(&mut shards, "F2"));
        let clients: Vec<Conn> = (0..count).map(|_| login(&mut shards, "a")).collect();
        for client in &clients {
            say(&mut shards, *client, "SUB foo.* 1\r\nSUB foo.> q 2\r\n");
        }
        for route in [one, other] {
            say(&mut shards, route, "RS+ A foo.*\r\nRS+ A foo.> q 4\r\n");
            shards.output(route);
        }
        say(&mut shards, one, "RMSG A foo.a r 2\r\nhi\r\nHMSG A foo.b 12 14\r\nNATS/1.0\r\n\r\nhi\r\n");
        for client in &clients {
            let got = heard(&mut shards, *client);
            assert_eq!(got, "MSG foo.a 1 r 2\r\nhi\r\nHMSG foo.b 1 12 14\r\nNATS/1.0\r\n\r\nhi\r\n");
        }
        // Only groups that are named get it, one member of each.
        say(&mut shards, one, "RMSG A foo.a | q 0\r\n\r\nRMSG A foo.a + r other 0\r\n\r\n");
        let got: Vec<String> = clients.iter().map(|client| heard(&mut shards, *client)).collect();
        let of_group = got.iter().map(|got| got.matches(" 2 0\r\n").count()).sum::<usize>();
        assert_eq!(of_group, 1, "{got:?}");
        assert!(got.iter().all(|got| got.matches(" 1 ").count() == 2), "{got:?}");
        assert_eq!((heard(&mut shards, one), heard(&mut shards, other)), (String::new(), String::new()));
    }
}

#[test]
fn members_of_a_group_weigh_the_same_on_all_servers() {
    const MESSAGES: usize = 4000;
    for count in 1..4 {
        let mut shards = server(count);
        let route = route(&mut shards, "F");
        let (member, publisher) = (login(&mut shards, "a"), login(&mut shards, "a"));
        say(&mut shards, route, "RS+ A foo q 1\r\nRS+ A foo q 3\r\n");
        say(&mut shards, member, "SUB foo q 1\r\n");
        shards.output(route);
        for _ in 0..MESSAGES / 100 {
            say(&mut shards, publisher, &"PUB foo 0\r\n\r\n".repeat(100));
        }
        let here = heard(&mut shards, member).matches("MSG").count();
        let there = heard(&mut shards, route).matches("RMSG A foo | q 0").count();
        assert_eq!(here + there, MESSAGES);
        assert!((850..1150).contains(&here), "{here} of {MESSAGES} here, {count} shards");
    }
}

// As seen of nats-server, which saves messages this way whose last member left while they were under way.
#[test]
fn a_group_without_a_member_here_is_handed_on_even_back() {
    let mut shards = server(2);
    let (one, other) = (route(&mut shards, "F1"), route(&mut shards, "F2"));
    say(&mut shards, one, "RS+ A own rr 4\r\n");
    assert_eq!(say(&mut shards, one, "RMSG A own + r rr q 4\r\nback\r\n"), "RMSG A own + r rr 4\r\nback\r\n");
    say(&mut shards, one, "RS- A own rr\r\n");
    say(&mut shards, other, "RS+ A own rr 1\r\nRS+ A own\r\n");
    assert_eq!(say(&mut shards, one, "RMSG A own | rr 4\r\nback\r\n"), "");
    assert_eq!(heard(&mut shards, other), "RMSG A own | rr 4\r\nback\r\n");
    // With a member here it stays here, on whatever shard that is.
    for _ in 0..2 {
        let member = login(&mut shards, "a");
        say(&mut shards, member, "SUB own rr 1\r\n");
        say(&mut shards, one, "RMSG A own | rr 0\r\n\r\n");
        assert_eq!(heard(&mut shards, member), "MSG own 1 0\r\n\r\n");
        say(&mut shards, member, "UNSUB 1\r\n");
    }
    assert!(!heard(&mut shards, other).contains("RMSG"));
}

#[test]
fn a_member_that_may_run_out_elsewhere_is_asked_and_the_message_handed_on() {
    let mut shards = server(2);
    let route = route(&mut shards, "F");
    let (near, far) = (login(&mut shards, "a"), login(&mut shards, "a"));
    assert_eq!((near.shard, far.shard), (0, 1));
    say(&mut shards, route, "RS+ A x q 1\r\n");
    say(&mut shards, far, "SUB x q 1\r\nUNSUB 1 1\r\n");
    shards.output(route);
    let back = say(&mut shards, route, "RMSG A x | q 1\r\n1\r\nRMSG A x | q 1\r\n2\r\nPING\r\n");
    assert_eq!(heard(&mut shards, far), "MSG x 1 1\r\n1\r\n");
    assert_eq!(sorted(&back), ["2", "PONG", "RMSG A x | q 1", "RS- A x q"]);
}

#[test]
fn there_are_responders_as_long_as_a_server_wants_it() {
    for count in 1..3 {
        let mut shards = server(count);
        let route = route(&mut shards, "F");
        for _ in 0..count {
            let client = login(&mut shards, "a");
            say(&mut shards, client, "SUB in 1\r\n");
            let request = "PUB svc in 0\r\n\r\n";
            assert!(say(&mut shards, client, request).contains(" 503\r\n"));
            say(&mut shards, route, "RS+ A svc\r\n");
            assert_eq!(say(&mut shards, client, request), "");
            say(&mut shards, route, "RS- A svc\r\n");
            assert!(say(&mut shards, client, request).contains(" 503\r\n"));
            say(&mut shards, route, "RS+ A svc q 2\r\n");
            assert_eq!(say(&mut shards, client, request), "");
            say(&mut shards, route, "RS- A svc q\r\n");
            assert!(say(&mut shards, client, request).contains(" 503\r\n"));
        }
    }
}

#[test]
fn a_lost_server_takes_its_interest_along() {
    let mut shards = server(2);
    let lost = route(&mut shards, "F");
    let clients = [login(&mut shards, "a"), login(&mut shards, "a")];
    let many: String = (0..3000).map(|number| format!("RS+ A s.{number} q 3\r\n")).collect();
    say(&mut shards, lost, &many);
    for client in clients {
        assert_eq!(say(&mut shards, client, "SUB in 1\r\nPUB s.2999 in 0\r\n\r\n"), "");
    }
    let subscriptions = |shards: &mut Shards| -> u64 {
        shards.brokers.iter_mut().map(|broker| broker.totals().subscriptions).sum()
    };
    assert_eq!(subscriptions(&mut shards), 9002);
    shards.brokers[0].on_hangup(lost.id, conns::CloseReason::ClientClosed);
    assert!(shards.is_closed(lost));
    shards.settle();
    assert_eq!(subscriptions(&mut shards), 2);
    for client in clients {
        assert!(say(&mut shards, client, "PUB s.2999 in 0\r\n\r\n").contains(" 503\r\n"));
    }
    // It comes back.
    let back = route(&mut shards, "F");
    say(&mut shards, back, "RS+ A s.1\r\n");
    say(&mut shards, clients[1], "PUB s.1 0\r\n\r\n");
    assert!(heard(&mut shards, back).ends_with("RMSG A s.1 0\r\n\r\n"));
}

#[test]
fn what_follows_interest_waits_until_all_shards_know_of_it() {
    let mut shards = server(2);
    let route = route(&mut shards, "F");
    let (near, far) = (login(&mut shards, "a"), login(&mut shards, "a"));
    say(&mut shards, near, "SUB go 1\r\n");
    shards.output(route);
    shards.feed(route, "RS+ A foo\r\nRS+ A bar\r\nRMSG A go 0\r\n\r\nPING\r\n");
    assert_eq!((shards.output(near), shards.output(route)), (String::new(), String::new()));
    shards.settle();
    assert_eq!((&*shards.output(near), &*shards.output(route)), ("MSG go 1 0\r\n\r\n", "PONG\r\n"));
    say(&mut shards, far, "PUB foo 0\r\n\r\nPUB bar 0\r\n\r\n");
    assert_eq!(heard(&mut shards, route).matches("RMSG").count(), 2);
}

#[test]
fn deliveries_of_streams_show_their_own_subject() {
    let mut shards = server(2);
    let route = route(&mut shards, "F");
    let clients = [login(&mut shards, "a"), login(&mut shards, "a")];
    for client in clients {
        say(&mut shards, client, "SUB x.1 1\r\n");
    }
    say(&mut shards, route, "RMSG A x.1 $JS.ACK.S.D.1.1.1.1.1.0@dlv 2\r\nhi\r\nRMSG A x.1 a@b 0\r\n\r\n");
    for client in clients {
        let got = heard(&mut shards, client);
        assert_eq!(got, "MSG dlv 1 $JS.ACK.S.D.1.1.1.1.1.0 2\r\nhi\r\nMSG x.1 1 a@b 0\r\n\r\n");
    }
}

#[test]
fn order_of_one_publisher_is_kept_from_server_to_clients() {
    let mut shards = server(3);
    let route = route(&mut shards, "F");
    let clients: Vec<Conn> = (0..3).map(|_| login(&mut shards, "a")).collect();
    for client in &clients {
        say(&mut shards, *client, "SUB n 1\r\n");
    }
    let bodies: Vec<String> = (100..200).map(|number| number.to_string()).collect();
    let all: String = bodies.iter().map(|body| format!("RMSG A n 3\r\n{body}\r\n")).collect();
    for piece in all.as_bytes().chunks(7) {
        shards.feed_bytes(route, piece);
    }
    for client in &clients {
        let got = heard(&mut shards, *client);
        let got: Vec<&str> = got.lines().filter(|line| line.len() == 3).collect();
        assert_eq!(got, bodies);
    }
}

#[test]
fn what_is_wrong_ends_a_route_in_the_peers_words_and_harms_no_other() {
    let mut shards = server(1);
    let other = route(&mut shards, "O");
    for (said, words) in [
        ("PUB x 1\r\n1\r\n", "-ERR 'Unknown Protocol Operation'\r\n"),
        ("RMSG A x 1\r\n12\r\n", "-ERR 'Unknown Protocol Operation'\r\n"),
        ("RMSG A\r\n", ""),
        ("HMSG A x 9 1\r\n1\r\n", ""),
        ("INFO {\r\n", ""),
        ("-ERR 'x'\r\n", ""),
    ] {
        let bad = route(&mut shards, "F");
        shards.output(bad);
        assert_eq!(say(&mut shards, bad, said), words, "{said}");
        assert!(shards.is_closed(bad), "{said}");
    }
    let long = format!("RS+ A {}\r\n", "x".repeat(70_000));
    let bad = route(&mut shards, "F");
    assert_eq!(say(&mut shards, bad, &long), "-ERR 'maximum control line exceeded'\r\n");
    assert!(shards.is_closed(bad) && !shards.is_closed(other));
    shards.output(other);
    assert_eq!(say(&mut shards, other, "RS+ A x..y\r\nPING\r\n"), "-ERR 'Invalid Subscription'\r\nPONG\r\n");
}

#[test]
fn unknown_accounts_and_what_never_was_are_passed_over() {
    let mut shards = server(2);
    let route = route(&mut shards, "F");
    let said =
        "RS+ NOPE x\r\nRMSG NOPE x 0\r\n\r\nRS- A never\r\nRS- A never q\r\nSUB x 1\r\nUNSUB x y\r\nPING\r\n";
    assert_eq!(say(&mut shards, route, said), "PONG\r\n");
}

#[test]
fn servers_are_asked_for_a_sign_of_life_and_closed_without_one() {
    let mut shards = server(1);
    let route = route(&mut shards, "F");
    shards.output(route);
    shards.pass(Duration::from_millis(1300));
    assert_eq!(shards.output(route), "PING\r\n");
    shards.feed(route, "PONG\r\n");
    for words in ["PING\r\n", "PING\r\n", "-ERR 'Stale Connection'\r\n"] {
        assert!(!shards.is_closed(route));
        shards.pass(Duration::from_secs(31));
        assert_eq!(shards.output(route), words);
    }
    assert!(shards.is_closed(route));
}

#[test]
fn clients_are_told_where_else_to_go() {
    let mut shards = server(2);
    let clients = [1, 2].map(|_| {
        let client = login(&mut shards, "a");
        assert!(say(&mut shards, client, "PING\r\n").contains(r#""connect_urls":["127.0.0.1:4222"]"#));
        client
    });
    let quiet = login(&mut shards, "a");
    let route = shards.accept_peer();
    let hello = concat!(
        "CONNECT {\"name\":\"NF\",\"cluster\":\"C\"}\r\nINFO {\"server_id\":\"NF\",\"server_name\":\"F\",",
        "\"cluster\":\"C\",\"connect_urls\":[\"10.0.0.9:4222\"]}\r\n",
    );
    say(&mut shards, route, hello);
    for client in clients {
        let told = heard(&mut shards, client);
        assert!(told.contains(r#""connect_urls":["127.0.0.1:4222","10.0.0.9:4222"]"#), "{told}");
    }
    assert_eq!(heard(&mut shards, quiet), "", "it has not been answered a PING yet");
    shards.brokers[0].on_hangup(route.id, conns::CloseReason::ClientClosed);
    for client in clients {
        let told = heard(&mut shards, client);
        assert!(told.contains(r#""connect_urls":["127.0.0.1:4222"]"#), "{told}");
    }
}

#[test]
fn a_server_that_does_not_read_is_cut_off_and_nobody_else() {
    let mut shards = Shards::in_cluster(1, Some(cluster()), |settings| {
        settings.directory = Directory::new(&two_accounts()).unwrap();
        settings.options.max_pending = 100_000;
    });
    let (slow, other) = (route(&mut shards, "F"), route(&mut shards, "O"));
    for route in [slow, other] {
        say(&mut shards, route, "RS+ A x\r\n");
    }
    shards.limit_room(slow, 0);
    let client = login(&mut shards, "a");
    let big = format!("PUB x 20000\r\n{}\r\n", "x".repeat(20_000));
    for _ in 0..8 {
        shards.pass(Duration::from_millis(200));
        say(&mut shards, client, &big);
    }
    assert!(shards.is_closed(slow) && !shards.is_closed(other));
    assert_eq!(heard(&mut shards, other).matches("RMSG").count(), 8);
}

#[test]
fn a_server_that_goes_says_so_to_servers_and_names_others_to_clients() {
    let mut shards = server(1);
    let client = login(&mut shards, "a");
    say(&mut shards, client, "PING\r\n");
    let route = shards.accept_peer();
    let hello = concat!(
        "CONNECT {\"name\":\"NF\",\"cluster\":\"C\"}\r\nINFO {\"server_id\":\"NF\",\"server_name\":\"F\",",
        "\"cluster\":\"C\",\"connect_urls\":[\"10.0.0.9:4222\"]}\r\n",
    );
    say(&mut shards, route, hello);
    heard(&mut shards, client);
    shards.brokers[0].on_lame_duck(0);
    let told = heard(&mut shards, route);
    assert!(told.contains(r#""connect_urls":["127.0.0.1:4222"],"ldm":true"#), "{told}");
    let told = heard(&mut shards, client);
    assert!(told.contains(r#""connect_urls":["10.0.0.9:4222"],"ldm":true"#), "{told}");
    // One that goes is nowhere to send clients to.
    say(
        &mut shards,
        route,
        "INFO {\"server_id\":\"NF\",\"connect_urls\":[\"10.0.0.9:4222\"],\"ldm\":true}\r\n",
    );
    let told = heard(&mut shards, client);
    assert!(told.contains(r#""connect_urls":["127.0.0.1:4222"]"#), "{told}");
}

#[test]
fn what_is_wanted_of_an_account_that_comes_by_a_reload_is_heeded_then() {
    let mut shards = server(2);
    let route = route(&mut shards, "F");
    say(&mut shards, route, "RS+ C gone\r\nRS+ C x\r\nRS+ C g q 2\r\nRS- C gone\r\nRS+ D y\r\n");
    let mut config = two_accounts();
    config.accounts.push(users::account("C", &[users::user("c", "x")]));
    users::reload(&mut shards, &config);
    for _ in 0..2 {
        let client = login(&mut shards, "c");
        say(&mut shards, client, "PUB x 0\r\n\r\nPUB g 0\r\n\r\nPUB gone 0\r\n\r\nSUB in 1\r\n");
        let got = heard(&mut shards, route).replace("RS+ C in\r\n", "");
        assert_eq!(got, "RMSG C x 0\r\n\r\nRMSG C g | q 0\r\n\r\n");
    }
    say(&mut shards, route, "RS- C x\r\nRS- C g q\r\n");
    let client = login(&mut shards, "c");
    say(&mut shards, client, "PUB x 0\r\n\r\nPUB g 0\r\n\r\n");
    assert_eq!(heard(&mut shards, route), "");
}
