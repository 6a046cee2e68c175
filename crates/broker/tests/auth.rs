//! Who may do what, as a client sees it. The expected texts are nats-server's.

mod shards;

use std::sync::Arc;
use std::time::Duration;

use broker::{CloseReason, Settings};
use nats_auth::{
    AccountConfig, AccountLimits, Config, Destination, Directory, IdentityConfig, Mapping, Permissions,
    ResponsePermission, SubjectPermission, User,
};
use shards::{Conn, Shards};

const HASH_OF_BAR: &str = "$2b$04$lw4W5MsZdKmxrQPIBHko5uWOPVimzvkfnP1Qb9lr9DY14ITIJYLlG";
const REFUSED: &str = "-ERR 'Authorization Violation'\r\n";
const LATE: &str = "-ERR 'Authentication Timeout'\r\n";

fn user(name: &str, password: &str) -> User {
    let identity = IdentityConfig::Password { user: name.into(), password: password.into() };
    User { identity, permissions: None, allowed_connection_types: None }
}

fn with_permissions(name: &str, permissions: Permissions) -> User {
    User { permissions: Some(permissions), ..user(name, "x") }
}

fn list(allow: &[&str], deny: &[&str]) -> Option<SubjectPermission> {
    let own = |entries: &[&str]| entries.iter().map(|entry| (*entry).to_owned()).collect();
    Some(SubjectPermission { allow: own(allow), deny: own(deny) })
}

fn account(name: &str, users: &[User]) -> AccountConfig {
    AccountConfig { name: name.into(), users: users.to_vec(), ..AccountConfig::default() }
}

fn mapping(source: &str, destinations: &[(&str, u8)]) -> Mapping {
    let destinations = destinations.iter().map(|(subject, weight)| Destination {
        subject: (*subject).into(),
        weight: *weight,
        cluster: None,
    });
    Mapping { source: source.into(), destinations: destinations.collect() }
}

fn users(users: &[User]) -> Config {
    Config { users: users.to_vec(), has_authorization: true, ..Config::default() }
}

fn two_accounts() -> Config {
    let accounts = vec![account("A", &[user("a", "x"), user("a2", "x")]), account("B", &[user("b", "x")])];
    Config { accounts, ..Config::default() }
}

fn shards(count: usize, config: &Config) -> Shards {
    let directory = Directory::new(config).unwrap();
    Shards::with(count, |settings| settings.directory = directory)
}

fn reload(shards: &mut Shards, config: &Config) {
    let next = Directory::next(&shards.brokers[0].settings().directory, config).unwrap();
    shards.reconfigure(|settings: &mut Settings| settings.directory = next);
}

/// A connection of the user, whose password is `x`.
fn login(shards: &mut Shards, name: &str) -> Conn {
    shards.connect(&credentials(name, "x"))
}

fn credentials(name: &str, password: &str) -> String {
    format!(
        r#""verbose":false,"pedantic":false,"headers":true,"no_responders":true,"protocol":1,"user":"{name}","pass":"{password}""#
    )
}

fn assert_closed(shards: &mut Shards, conn: Conn, last_words: &str) {
    assert_eq!(shards.output(conn), last_words);
    assert!(shards.is_closed(conn));
}

// Who is it?

#[test]
fn nothing_counts_before_connect() {
    for input in ["PUB a 1\r\nx\r\n", "P", "PING\r\n", "\r\n", " CONNECT {}\r\n", "X"] {
        let mut shards = shards(1, &two_accounts());
        let conn = shards.accept();
        let greeting = shards.output(conn);
        assert!(greeting.contains("\"auth_required\":true"), "{greeting}");
        shards.feed(conn, input);
        assert_closed(&mut shards, conn, REFUSED);
    }
}

#[test]
fn a_connect_may_come_in_pieces_but_has_to_be_one() {
    let mut shards = shards(1, &two_accounts());
    let conn = shards.accept();
    shards.output(conn);
    assert_eq!(shards.say(conn, "CONN"), "");
    let rest = format!("ECT {{{}}}\r\nPING\r\n", credentials("a", "x"));
    let said = shards.say(conn, &rest);
    assert!(said.starts_with("PONG\r\nINFO {") && said.contains("\"remote_account\":\"A\""), "{said}");
    assert!(said.contains("\"auth_required\":true") && !said.contains("nonce"), "{said}");
}

#[test]
fn wrong_credentials_end_the_connection() {
    for options in [credentials("a", "y"), credentials("nobody", "x"), String::new()] {
        let mut shards = shards(1, &two_accounts());
        let conn = shards.accept();
        shards.output(conn);
        shards.feed(conn, &format!("CONNECT {{{options}}}\r\nPING\r\n"));
        assert_closed(&mut shards, conn, REFUSED);
    }
}

#[test]
fn time_to_say_who_it_is_runs_out() {
    let mut shards = shards(1, &Config { timeout: Some(Duration::from_millis(500)), ..two_accounts() });
    let (late, in_time) = (shards.accept(), login(&mut shards, "a"));
    shards.output(late);
    shards.pass(Duration::from_millis(499));
    assert!(!shards.is_closed(late));
    shards.pass(Duration::from_millis(1));
    assert_closed(&mut shards, late, LATE);
    assert!(!shards.is_closed(in_time));
}

#[test]
fn without_connect_a_client_is_the_no_auth_user() {
    let mut shards = shards(2, &Config { no_auth_user: Some("b".into()), ..two_accounts() });
    let conn = shards.accept();
    let greeting = shards.output(conn);
    assert!(!greeting.contains("auth_required"), "{greeting}");
    shards.feed(conn, "SUB foo 1\r\n");
    shards.settle();
    assert_eq!(shards.output(conn), "+OK\r\n");
    let (a, b) = (login(&mut shards, "a"), login(&mut shards, "b"));
    shards.feed(a, "PUB foo 1\r\na\r\n");
    shards.feed(b, "PUB foo 1\r\nb\r\n");
    shards.settle();
    assert_eq!(shards.output(conn), "MSG foo 1 1\r\nb\r\n");
}

#[test]
fn an_nkey_signs_the_nonce_of_its_connection() {
    let key = nkeys::KeyPair::new_user();
    let nkey = User { identity: IdentityConfig::Nkey(key.public_key()), ..user("", "") };
    let mut shards = shards(1, &users(&[nkey]));
    let nonce = |greeting: &str| {
        let start = greeting.find("\"nonce\":\"").expect("there is a nonce") + 9;
        greeting[start..start + 15].to_owned()
    };
    let connect = |nonce: &str| {
        let signature = data_encoding::BASE64URL_NOPAD.encode(&key.sign(nonce.as_bytes()).unwrap());
        format!("CONNECT {{\"verbose\":true,\"nkey\":\"{}\",\"sig\":\"{signature}\"}}\r\n", key.public_key())
    };
    let (one, two) = (shards.accept(), shards.accept());
    let (one_nonce, two_nonce) = (nonce(&shards.output(one)), nonce(&shards.output(two)));
    assert_eq!(shards.say(one, &connect(&one_nonce)), "+OK\r\n");
    assert_ne!(one_nonce, two_nonce);
    shards.feed(two, &connect(&one_nonce));
    assert_closed(&mut shards, two, REFUSED);
}

/// Runs what is to be checked, as another thread would.
fn check_passwords(shards: &mut Shards) -> usize {
    let now = shards.now;
    let mut checked = 0;
    for broker in &mut shards.brokers {
        for (id, check) in broker.take_password_checks() {
            checked += 1;
            broker.on_password_checked(now, id, check.run());
        }
    }
    checked
}

/// A client that waits for its password to be checked, with a PING behind its CONNECT.
fn waiting(shards: &mut Shards, password: &str) -> Conn {
    let conn = shards.accept();
    shards.output(conn);
    let connect = format!("CONNECT {{{}}}\r\nPING\r\n", credentials("h", password));
    assert_eq!(shards.say(conn, &connect), "");
    conn
}

/// A shard whose one user has a password that takes time to check.
fn hashed() -> Shards {
    shards(1, &users(&[user("h", HASH_OF_BAR)]))
}

#[test]
fn a_hashed_password_is_checked_while_little_is_read() {
    let mut shards = hashed();
    let conn = waiting(&mut shards, "bar");
    assert!(shards.brokers[0].wants_input(conn.id), "else nobody hears it hang up");
    assert_eq!(shards.say(conn, &"PING\r\n".repeat(100)), "");
    assert!(!shards.brokers[0].wants_input(conn.id));
    assert_eq!(check_passwords(&mut shards), 1);
    assert!(shards.output(conn).starts_with("PONG\r\n"));
    assert!(shards.brokers[0].wants_input(conn.id));
}

#[test]
fn a_wrong_password_refuses_however_late() {
    for wait in [Duration::ZERO, Duration::from_secs(3600)] {
        let mut shards = hashed();
        let wrong = waiting(&mut shards, "baz");
        shards.pass(wait);
        check_passwords(&mut shards);
        assert_closed(&mut shards, wrong, REFUSED);
    }
}

// 200 clients of one user came back at once, and 16 got in: the time of the others ran out while they waited
// for us. A client that reads a PING where it expects its answer gives up, too.
#[test]
fn a_client_waits_for_its_check_as_long_as_it_takes_and_is_left_alone() {
    let mut shards = hashed();
    let conn = waiting(&mut shards, "bar");
    for _ in 0..1000 {
        shards.pass(Duration::from_secs(1));
        assert_eq!(shards.output(conn), "");
    }
    assert_eq!(check_passwords(&mut shards), 1);
    let said = shards.output(conn);
    assert!(said.starts_with("PONG\r\nINFO {") && !shards.is_closed(conn), "{said}");
    shards.pass(Duration::from_secs(2));
    assert_eq!(shards.output(conn), "PING\r\n", "from now on it is asked whether it is there");
}

#[test]
fn who_was_checked_late_is_heard_to_the_end_like_anybody() {
    let mut shards = hashed();
    let listener = login_hashed(&mut shards);
    shards.feed(listener, "SUB foo 1\r\n");
    let conn = waiting(&mut shards, "bar");
    shards.pass(Duration::from_secs(10));
    check_passwords(&mut shards);
    shards.output(conn);
    // It waits once more, and its first time is over.
    shards.feed(conn, &format!("CONNECT {{{}}}\r\nPUB foo 1\r\nx\r\n", credentials("h", "bar")));
    shards.brokers[0].on_hangup(conn.id, CloseReason::ClientClosed);
    check_passwords(&mut shards);
    assert!(shards.output(listener).contains("MSG foo 1 1\r\nx\r\n"));
}

#[test]
fn whose_check_there_is_no_room_for_is_to_come_again() {
    let mut shards = hashed();
    let unlucky = waiting(&mut shards, "bar");
    let (id, check) = shards.brokers[0].take_password_checks().pop().unwrap();
    shards.brokers[0].on_password_unchecked(id);
    assert_closed(&mut shards, unlucky, LATE);
    assert!(check.has_lapsed());
    shards.brokers[0].on_password_unchecked(id);

    let lucky = login_hashed(&mut shards);
    shards.brokers[0].on_password_unchecked(lucky.id);
    assert!(!shards.is_closed(lucky), "it is not being checked any more");
}

fn login_hashed(shards: &mut Shards) -> Conn {
    let conn = waiting(shards, "bar");
    check_passwords(shards);
    assert!(shards.output(conn).starts_with("PONG\r\n"));
    conn
}

// Who made connections and left them kept the threads that check passwords at work for nobody, and all
// others out.
#[test]
fn who_hung_up_does_not_wait_for_its_check_longer_than_it_may() {
    for hangs_up_first in [true, false] {
        let mut shards = hashed();
        let conn = waiting(&mut shards, "bar");
        let (id, check) = shards.brokers[0].take_password_checks().pop().unwrap();
        let hang_up = |shards: &mut Shards| shards.brokers[0].on_hangup(id, CloseReason::ClientClosed);
        if hangs_up_first {
            hang_up(&mut shards);
            assert!(!shards.is_closed(conn) && !check.has_lapsed());
        }
        shards.pass(Duration::from_secs(2));
        if !hangs_up_first {
            assert!(!shards.is_closed(conn) && !check.has_lapsed());
            hang_up(&mut shards);
        }
        assert!(shards.is_closed(conn));
        assert!(check.run().is_none(), "the password is right, but nobody waits for that");
    }
}

#[test]
fn what_a_client_sent_before_it_hung_up_counts_once_its_password_is_checked() {
    let mut shards = hashed();
    let listener = login_hashed(&mut shards);
    shards.feed(listener, "SUB foo 1\r\n");
    let conn = shards.accept();
    shards.feed(conn, &format!("CONNECT {{{}}}\r\nPUB foo 1\r\nx\r\n", credentials("h", "bar")));
    shards.brokers[0].on_hangup(conn.id, CloseReason::ClientClosed);
    check_passwords(&mut shards);
    assert!(shards.is_closed(conn));
    assert!(shards.output(listener).contains("MSG foo 1 1\r\nx\r\n"));
}

#[test]
fn a_server_that_stops_or_lets_connections_go_waits_for_no_check() {
    let ends: [fn(&mut Shards); 2] = [
        |shards| shards.brokers[0].on_shutdown(),
        |shards| {
            assert_eq!(shards.brokers[0].on_lame_duck(0).count, 1);
            assert_eq!(shards.brokers[0].shed(1, CloseReason::ServerShutdown), 1);
        },
    ];
    for end in ends {
        let mut shards = hashed();
        let conn = waiting(&mut shards, "bar");
        let (id, check) = shards.brokers[0].take_password_checks().pop().unwrap();
        let (identity, now) = (check.identity().user().map(str::to_owned), shards.now);
        end(&mut shards);
        assert!(check.has_lapsed());
        assert_closed(&mut shards, conn, "");
        shards.brokers[0].on_password_checked(now, id, check.settle(true));
        assert!(shards.is_closed(conn) && identity.as_deref() == Some("h"));
    }
}

#[test]
fn users_that_change_while_a_password_is_checked_count_as_they_are_then() {
    let other_hash = HASH_OF_BAR.replace("$04$", "$05$");
    for (config, is_let_in) in [
        (users(&[user("h", HASH_OF_BAR), user("new", "x")]), true),
        (users(&[user("h", &other_hash)]), false),
        (users(&[user("other", HASH_OF_BAR)]), false),
    ] {
        let mut shards = hashed();
        let conn = waiting(&mut shards, "bar");
        reload(&mut shards, &config);
        shards.pass(Duration::from_secs(60));
        check_passwords(&mut shards);
        if is_let_in {
            assert!(shards.output(conn).starts_with("PONG\r\n"));
        } else {
            assert_closed(&mut shards, conn, REFUSED);
        }
    }
}

// Accounts.

#[test]
fn accounts_do_not_see_each_other() {
    for count in [1, 2] {
        let mut shards = shards(count, &two_accounts());
        let (a, a2, b) = (login(&mut shards, "a"), login(&mut shards, "a2"), login(&mut shards, "b"));
        for conn in [a, a2, b] {
            shards.feed(conn, "SUB > 1\r\nSUB q g 2\r\n");
            shards.settle();
            shards.output(conn);
        }
        shards.feed(b, "PUB q 1\r\nb\r\n");
        shards.settle();
        assert_eq!(shards.output(b).matches("MSG ").count(), 2);
        assert_eq!(shards.output(a) + &shards.output(a2), "");
        shards.feed(a, "PUB x r 1\r\na\r\n");
        shards.settle();
        assert_eq!(shards.output(b), "");
        assert_eq!(shards.output(a2), "MSG x 1 r 1\r\na\r\n");
    }
}

#[test]
fn nobody_listens_if_only_another_account_does() {
    for count in [1, 2] {
        let mut shards = shards(count, &two_accounts());
        let (a, b) = (login(&mut shards, "a"), login(&mut shards, "b"));
        shards.feed(b, "SUB req 1\r\n");
        shards.feed(a, "SUB rep 1\r\n");
        shards.settle();
        shards.feed(a, "PUB req rep 1\r\nx\r\n");
        shards.settle();
        assert!(shards.output(a).contains("NATS/1.0 503\r\nNats-Subject: req\r\n"));
    }
}

#[test]
fn another_connect_enters_another_account() {
    let mut shards = shards(2, &two_accounts());
    let (roams, b) = (login(&mut shards, "a"), login(&mut shards, "b"));
    shards.feed(roams, "SUB foo 1\r\n");
    shards.settle();
    shards.feed(roams, &format!("CONNECT {{{}}}\r\nSUB foo 2\r\n", credentials("b", "x")));
    shards.settle();
    shards.feed(b, "PUB foo 1\r\nx\r\n");
    shards.settle();
    assert_eq!(shards.output(roams), "MSG foo 2 1\r\nx\r\n");
    shards.feed(roams, "CONNECT {\"verbose\":false}\r\nSUB foo 3\r\n");
    shards.settle();
    assert_eq!(shards.output(roams), "", "who it is it has shown before");
    shards.feed(roams, &format!("CONNECT {{{}}}\r\n", credentials("a", "y")));
    shards.settle();
    assert_closed(&mut shards, roams, REFUSED);
}

#[test]
fn an_account_has_limits() {
    let limits = AccountLimits {
        connections: Some(2),
        subscriptions: Some(1),
        payload_bytes: Some(3),
        leafnodes: None,
    };
    let config = Config {
        accounts: vec![AccountConfig { limits, ..account("A", &[user("a", "x")]) }],
        ..Config::default()
    };
    let mut shards = shards(2, &config);
    let (one, two) = (login(&mut shards, "a"), login(&mut shards, "a"));
    let third = shards.accept();
    let greeting = shards.output(third);
    assert!(greeting.contains("\"max_payload\":1048576"), "{greeting}");
    shards.feed(third, &format!("CONNECT {{{}}}\r\n", credentials("a", "x")));
    assert_closed(&mut shards, third, "-ERR 'maximum account active connections exceeded'\r\n");

    shards.feed(one, "SUB x 1\r\nSUB y 2\r\nPING\r\n");
    shards.settle();
    let said = shards.output(one);
    assert!(said.starts_with("-ERR 'maximum subscriptions exceeded'\r\nPONG\r\n"), "{said}");
    assert!(said.contains("\"max_payload\":3,"), "{said}");
    assert_eq!(shards.say(one, "PUB y 3\r\nabc\r\nPUB y 3\r\nabc\r\n"), "");
    shards.feed(one, "PUB y 3\r\nabc\r\nPUB y 4\r\nabcd\r\n");
    shards.settle();
    assert_closed(&mut shards, one, "-ERR 'Maximum Payload Violation'\r\n");

    let fourth = login(&mut shards, "a");
    assert!(!shards.is_closed(fourth) && !shards.is_closed(two), "its place is free again");
}

// Permissions.

fn alice() -> Config {
    let publish = list(&["a.>", "_INBOX.>"], &["a.deny"]);
    let subscribe = list(&["a.>", "_INBOX.>", "q.* v1.*"], &["a.priv.*", "a.group bad"]);
    let alice = Permissions { publish, subscribe, responses: None };
    users(&[with_permissions("alice", alice), user("bob", "x")])
}

#[test]
fn publishing_what_is_denied_is_answered_and_goes_nowhere() {
    let mut shards = shards(1, &alice());
    let (alice, bob) = (login(&mut shards, "alice"), login(&mut shards, "bob"));
    shards.feed(bob, "SUB > 1\r\n");
    let said = shards.say(
        alice,
        "PUB a.x 1\r\n1\r\nPUB a.x 1\r\n2\r\nPUB b 1\r\n3\r\nPUB b 1\r\n4\r\nPUB a.deny 1\r\n5\r\n",
    );
    let denied = |subject: &str| format!("-ERR 'Permissions Violation for Publish to \"{subject}\"'\r\n");
    assert_eq!(said, denied("b").repeat(2) + &denied("a.deny"));
    assert_eq!(shards.output(bob), "MSG a.x 1 1\r\n1\r\nMSG a.x 1 1\r\n2\r\n");
    assert_eq!(shards.say(alice, "PUB a.x bad.reply 1\r\nx\r\n"), "");
}

#[test]
fn subscribing_to_what_is_denied_is_answered() {
    let mut shards = shards(1, &alice());
    let alice = login(&mut shards, "alice");
    let denied = |what: &str| format!("-ERR 'Permissions Violation for Subscription to {what}'\r\n");
    assert_eq!(shards.say(alice, "SUB b 1\r\n"), denied("\"b\""));
    assert_eq!(shards.say(alice, "SUB a.priv.x 1\r\n"), denied("\"a.priv.x\""));
    assert_eq!(shards.say(alice, "SUB > 1\r\n"), denied("\">\""));
    assert_eq!(shards.say(alice, "SUB q.x v2 1\r\n"), denied("\"q.x\" using queue \"v2\""));
    assert_eq!(shards.say(alice, "SUB q.x 1\r\n"), denied("\"q.x\""));
    assert_eq!(shards.say(alice, "SUB q.x v1.2 1\r\nSUB a.* 2\r\nSUB a.> g 3\r\n"), "");
}

#[test]
fn what_is_denied_is_kept_from_wider_subscriptions() {
    for count in [1, 2] {
        let mut shards = shards(count, &alice());
        let (alice, bob) = (login(&mut shards, "alice"), login(&mut shards, "bob"));
        shards.feed(alice, "SUB a.> 1\r\n");
        shards.settle();
        shards.feed(bob, "PUB a.priv.x 1\r\nn\r\nPUB a.priv.x 1\r\nn\r\nPUB a.y 1\r\ny\r\n");
        shards.settle();
        assert_eq!(shards.output(alice), "MSG a.y 1 1\r\ny\r\n");
    }
}

#[test]
fn a_request_that_is_kept_from_all_has_no_responders() {
    for count in [1, 2] {
        let mut shards = shards(count, &alice());
        let (alice, bob) = (login(&mut shards, "alice"), login(&mut shards, "bob"));
        shards.feed(alice, "SUB a.> 1\r\nSUB a.group bad 2\r\n");
        shards.feed(bob, "SUB r 1\r\n");
        shards.settle();
        shards.output(alice);
        shards.feed(bob, "PUB a.priv.x r 1\r\nn\r\n");
        shards.settle();
        assert!(shards.output(bob).contains("Nats-Subject: a.priv.x\r\n"), "{count} shards");
        shards.feed(bob, "PUB a.y r 1\r\nn\r\n");
        shards.settle();
        assert_eq!(shards.output(bob), "");
    }
}

#[test]
fn a_queue_group_passes_over_members_that_may_not_have_the_message() {
    for count in [1, 2] {
        let mut shards = shards(count, &alice());
        let (alice, other, bob) =
            (login(&mut shards, "alice"), login(&mut shards, "bob"), login(&mut shards, "bob"));
        shards.feed(alice, "SUB a.> g 1\r\n");
        shards.feed(other, "SUB a.> g 1\r\n");
        shards.settle();
        for _ in 0..20 {
            shards.feed(bob, "PUB a.priv.x 1\r\nn\r\n");
            shards.settle();
        }
        assert_eq!(shards.output(alice), "");
        assert_eq!(shards.output(other).matches("MSG ").count(), 20, "{count} shards");
    }
}

#[test]
fn a_group_whose_only_member_may_not_have_a_message_is_asked_no_more_than_a_few_times() {
    let mut shards = shards(2, &alice());
    let (alice, bob) = (login(&mut shards, "alice"), login(&mut shards, "bob"));
    shards.feed(alice, "SUB a.> g 1\r\n");
    shards.feed(bob, "SUB r 1\r\n");
    shards.settle();
    shards.feed(bob, "PUB a.priv.x r 1\r\nn\r\nPUB a.y 1\r\ny\r\n");
    shards.settle(); // It would not end.
    assert!(shards.output(bob).contains("NATS/1.0 503"));
    assert_eq!(shards.output(alice), "MSG a.y 1 1\r\ny\r\n");
}

#[test]
fn a_maximum_holds_beside_screening() {
    let mut shards = shards(2, &alice());
    let (alice, bob) = (login(&mut shards, "alice"), login(&mut shards, "bob"));
    shards.feed(alice, "SUB a.> 1\r\nUNSUB 1 2\r\n");
    shards.settle();
    shards.feed(bob, "PUB a.priv.x 1\r\nn\r\nPUB a.y 1\r\n1\r\nPUB a.y 1\r\n2\r\nPUB a.y 1\r\n3\r\n");
    shards.settle();
    assert_eq!(shards.output(alice), "MSG a.y 1 1\r\n1\r\nMSG a.y 1 1\r\n2\r\n");
    shards.feed(alice, "SUB a.> 2\r\n");
    shards.settle();
    shards.feed(alice, "UNSUB 2 1\r\n");
    shards.settle();
    shards.feed(bob, "PUB a.y 1\r\n4\r\nPUB a.y 1\r\n5\r\n");
    shards.settle();
    assert_eq!(shards.output(alice), "MSG a.y 2 1\r\n4\r\n");
}

#[test]
fn a_service_may_answer_as_often_as_permitted_and_as_long() {
    let responses = Some(ResponsePermission { max: Some(2), expires: Some(Duration::from_secs(60)) });
    let svc = Permissions { subscribe: list(&["req.*"], &[]), publish: None, responses };
    for count in [1, 2] {
        let mut shards = shards(count, &users(&[with_permissions("svc", svc.clone()), user("bob", "x")]));
        let (svc, bob) = (login(&mut shards, "svc"), login(&mut shards, "bob"));
        shards.feed(svc, "SUB req.* 1\r\n");
        shards.feed(bob, "SUB rep.* 1\r\n");
        shards.settle();
        let denied = "-ERR 'Permissions Violation for Publish to \"rep.1\"'\r\n";
        assert_eq!(shards.say(svc, "PUB rep.1 1\r\n0\r\n"), denied);
        shards.feed(bob, "PUB req.1 rep.1 1\r\n?\r\n");
        shards.settle();
        shards.output(svc);
        let answers = "PUB rep.1 1\r\na\r\nPUB rep.1 1\r\nb\r\nPUB rep.1 1\r\nc\r\n";
        assert_eq!(shards.say(svc, answers), denied);
        shards.settle();
        assert_eq!(shards.output(bob), "MSG rep.1 1 1\r\na\r\nMSG rep.1 1 1\r\nb\r\n");
        shards.feed(bob, "PUB req.1 rep.1 1\r\n?\r\n");
        shards.settle();
        shards.output(svc);
        shards.pass(Duration::from_secs(61));
        shards.output(svc);
        assert!(shards.say(svc, "PUB rep.1 1\r\na\r\n").contains("Permissions Violation"));
    }
}

#[test]
fn subjects_of_subscriptions_may_be_limited_in_tokens() {
    let mut shards = Shards::with(1, |settings| settings.max_sub_tokens = Some(4));
    let conn = shards.quiet();
    assert_eq!(shards.say(conn, "SUB a.b.c.d 1\r\n"), "");
    let expected = "-ERR 'Permissions Violation for Subscription to \"a.b.c.d.e\", too many tokens'\r\n";
    assert_eq!(shards.say(conn, "SUB a.b.c.d.e 2\r\nSUB a.b.c.d.e q 3\r\n"), expected.repeat(2));
}

// Mappings.

#[test]
fn messages_go_where_their_account_maps_them() {
    let mappings = vec![
        mapping("in.one", &[("out.one", 100)]),
        mapping("in.*.x", &[("out.{{wildcard(1)}}.y", 100)]),
        mapping("gone", &[("gone", 0)]),
    ];
    for count in [1, 2] {
        let mut config = two_accounts();
        config.accounts[0].mappings = mappings.clone();
        let mut shards = shards(count, &config);
        let (a, listener, b) = (login(&mut shards, "a"), login(&mut shards, "a2"), login(&mut shards, "b"));
        shards.feed(listener, "SUB > 1\r\n");
        shards.feed(b, "SUB > 1\r\n");
        shards.settle();
        shards.feed(a, "PUB in.one 1\r\n1\r\nPUB in.one 1\r\n2\r\nPUB in.q.x 1\r\n3\r\nPUB gone 1\r\n4\r\nPUB other 1\r\n5\r\n");
        shards.settle();
        let expected =
            "MSG out.one 1 1\r\n1\r\nMSG out.one 1 1\r\n2\r\nMSG out.q.y 1 1\r\n3\r\nMSG other 1 1\r\n5\r\n";
        assert_eq!(shards.output(listener), expected);
        shards.feed(b, "PUB in.one 1\r\n1\r\n");
        shards.settle();
        assert_eq!(shards.output(b), "MSG in.one 1 1\r\n1\r\n");
    }
}

#[test]
fn permissions_are_for_where_a_message_goes() {
    let mut config = alice();
    config.mappings = vec![mapping("b", &[("a.b", 100)]), mapping("a.c", &[("c", 100)])];
    let mut shards = shards(1, &config);
    let alice = login(&mut shards, "alice");
    let denied = "-ERR 'Permissions Violation for Publish to \"c\"'\r\n";
    assert_eq!(shards.say(alice, "PUB b 1\r\nx\r\nPUB a.c 1\r\nx\r\n"), denied);
}

#[test]
fn weights_share_messages_out() {
    let config = Config { mappings: vec![mapping("x", &[("y", 25)])], ..Config::default() };
    let mut shards = shards(1, &config);
    let conn = shards.quiet();
    shards.say(conn, "SUB x 1\r\nSUB y 2\r\n");
    let said = shards.say(conn, &"PUB x 0\r\n\r\n".repeat(1000));
    let mapped = said.matches("MSG y 2").count();
    assert_eq!(said.matches("MSG ").count(), 1000);
    assert!((150..350).contains(&mapped), "{mapped} of 1000");
}

// Reload.

#[test]
fn connections_of_users_that_changed_are_closed() {
    let mut shards = shards(2, &two_accounts());
    let (a, a2, b) = (login(&mut shards, "a"), login(&mut shards, "a2"), login(&mut shards, "b"));
    shards.feed(b, "SUB x 1\r\n");
    shards.settle();
    let mut config = two_accounts();
    config.accounts[0].users = vec![user("a", "new")];
    reload(&mut shards, &config);
    shards.settle();
    assert_closed(&mut shards, a, REFUSED);
    assert_closed(&mut shards, a2, "");
    assert!(!shards.is_closed(b));
    shards.feed(b, "PUB x 1\r\n.\r\n");
    assert_eq!(shards.output(b), "MSG x 1 1\r\n.\r\n");
    config.accounts.remove(1);
    reload(&mut shards, &config);
    shards.settle();
    assert_closed(&mut shards, b, "");
}

#[test]
fn subscriptions_that_are_not_permitted_any_more_end() {
    let permissions = |allow: &[&str], deny: &[&str]| {
        let permissions = Permissions { subscribe: list(allow, deny), ..Permissions::default() };
        users(&[with_permissions("alice", permissions), user("bob", "x")])
    };
    for count in [1, 2] {
        let mut shards = shards(count, &permissions(&["foo", "bar", "baz.>"], &[]));
        let (alice, bob) = (login(&mut shards, "alice"), login(&mut shards, "bob"));
        shards.feed(alice, "SUB foo 1\r\nSUB bar q 2\r\nSUB baz.* 3\r\n");
        shards.settle();
        reload(&mut shards, &permissions(&["foo", "baz.>"], &["baz.x"]));
        shards.settle();
        let expected =
            "-ERR 'Permissions Violation for Subscription to \"bar\" using queue \"q\" (sid \"2\")'\r\n";
        assert_eq!(shards.output(alice), expected);
        shards.feed(bob, "PUB foo 1\r\n1\r\nPUB bar 1\r\n2\r\nPUB baz.x 1\r\n3\r\nPUB baz.y 1\r\n4\r\n");
        shards.settle();
        assert_eq!(shards.output(alice), "MSG foo 1 1\r\n1\r\nMSG baz.y 3 1\r\n4\r\n");
        reload(&mut shards, &permissions(&["baz.>"], &[]));
        shards.settle();
        assert_eq!(
            shards.output(alice),
            "-ERR 'Permissions Violation for Subscription to \"foo\" (sid \"1\")'\r\n"
        );
        shards.feed(bob, "PUB baz.x 1\r\n3\r\n");
        shards.settle();
        assert_eq!(shards.output(alice), "MSG baz.x 3 1\r\n3\r\n");
    }
}

#[test]
fn a_shard_may_hear_of_an_account_before_it_is_reloaded() {
    let mut shards =
        shards(2, &Config { accounts: vec![account("A", &[user("a", "x")])], ..Config::default() });
    let before = Arc::clone(&shards.brokers[0].settings().directory);
    let next = Directory::next(&before, &two_accounts()).unwrap();
    let settings = Arc::new(Settings { directory: next, ..shards.brokers[0].settings().clone() });
    shards::reconfigure(&mut shards.brokers[0], Arc::clone(&settings));
    let b = login(&mut shards, "b");
    assert_eq!(b.shard, 0);
    shards.feed(b, "SUB x 1\r\nSUB y.* g 2\r\n");
    shards.settle();
    shards::reconfigure(&mut shards.brokers[1], settings);
    let far = login(&mut shards, "b");
    assert_eq!(far.shard, 1);
    shards.feed(far, "PUB x 1\r\n1\r\nPUB y.z 1\r\n2\r\n");
    shards.settle();
    assert_eq!(shards.output(b), "MSG x 1 1\r\n1\r\nMSG y.z 2 1\r\n2\r\n");
}

/// It went over all subscriptions of all connections in one turn.
#[test]
fn a_reload_goes_over_subscriptions_in_parts_and_new_rights_hold_at_once() {
    const SECRETS: usize = 3000;
    let mut shards = shards(1, &users(&[user("a", "x"), user("b", "x")]));
    let (a, b) = (login(&mut shards, "a"), login(&mut shards, "b"));
    let subs: String = (0..SECRETS).map(|number| format!("SUB secret.{number} {number}\r\n")).collect();
    shards.feed(a, &(subs + "SUB open open\r\nPING\r\n"));
    shards.output(a);
    let rights = Permissions { subscribe: list(&[], &["secret.>"]), ..Permissions::default() };
    let config = users(&[with_permissions("a", rights), user("b", "x")]);
    let directory = Directory::next(&shards.brokers[0].settings().directory, &config).unwrap();
    let settings = Settings { directory, ..shards.brokers[0].settings().clone() };
    let broker = &mut shards.brokers[0];
    broker.reconfigure(Arc::new(settings));
    assert_eq!(broker.follow_settings(0).next, None);

    shards.feed(b, "PUB secret.7 1\r\nx\r\nPUB open 1\r\nx\r\n");
    assert_eq!(shards.output(a), "MSG open open 1\r\nx\r\n");
    let (mut parts, mut looked_at, mut from) = (0, 0, Some(0));
    while let Some(at) = from {
        let part = shards.brokers[0].recheck_subscriptions(at);
        (parts, looked_at, from) = (parts + 1, looked_at + part.count, part.next);
    }
    assert!(parts > 2, "{parts}");
    assert_eq!(looked_at, SECRETS + 1);
    assert_eq!(shards.brokers[0].end_rechecks(0).count, 2);
    let said = shards.output(a);
    assert_eq!(said.matches("-ERR 'Permissions Violation for Subscription to \"secret.").count(), SECRETS);
    shards.feed(b, "PUB secret.7 1\r\nx\r\nPUB open 1\r\nx\r\n");
    assert_eq!(shards.output(a), "MSG open open 1\r\nx\r\n");
}
