//! Who may connect, as a client sees it. The expected texts are nats-server's.

mod shards;
mod users;

use std::time::Duration;

use conns::CloseReason;
use nats_auth::{AccountConfig, AccountLimits, Config, IdentityConfig, User};
use shards::{Conn, Shards};
use users::{REFUSED, account, assert_closed, credentials, login, reload, shards, two_accounts, user, users};

const HASH_OF_BAR: &str = "$2b$04$lw4W5MsZdKmxrQPIBHko5uWOPVimzvkfnP1Qb9lr9DY14ITIJYLlG";
const LATE: &str = "-ERR 'Authentication Timeout'\r\n";

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
